//! What every pass needs: clients, mirrors, sources, and whom to tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kube::Client;

use super::books::Books;
use super::lease::Leadership;
use super::mirror::Mirror;
use super::recall::Recall;
use super::resolve::Sources;
use crate::act::WriteAs;
use crate::api::names::{HPA_FLOOR_MANAGER, SCALE_MANAGER};
use crate::api::v1alpha1::Objective;
use crate::observe::{Asker, Cluster, Managers};
use crate::report::herald::Herald;
use crate::report::metrics::Metrics;

/// The field managers of the actuators.
pub const WRITE_AS: WriteAs = WriteAs { scale: SCALE_MANAGER, hpa_floor: HPA_FLOOR_MANAGER };

/// The field managers bizops knows its own writes by.
pub const MANAGERS: Managers = Managers { scale: SCALE_MANAGER, hpa_floor: HPA_FLOOR_MANAGER };

/// Shared by all passes.
#[derive(Clone)]
pub struct Context {
    /// The API server.
    pub client: Client,
    /// Asked before every write.
    pub leadership: Leadership,
    /// The objectives as last seen.
    pub objectives: Arc<Mirror<Objective>>,
    /// The sources as last seen.
    pub sources: Sources,
    /// The sources' secrets.
    pub books: Arc<Books>,
    /// Metric sources.
    pub asker: Arc<Asker>,
    /// The past of metrics.
    pub recall: Arc<Recall>,
    /// Workloads.
    pub cluster: Arc<Cluster>,
    /// Events.
    pub herald: Herald,
    /// The operator's own metrics.
    pub metrics: Arc<Metrics>,
    /// How many passes were left out because the one before was still running.
    pub left_out: Arc<AtomicU64>,
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("left_out", &self.left_out.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
