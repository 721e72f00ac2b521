//! The operator's own metrics: what was observed, needed, wanted and done, in the names of [`FAMILIES`].
//!
//! Figures of objectives are made of the [`Board`] at the moment of the scrape, so that those of a deleted
//! objective are gone with it. Labels are names and words of closed lists, never messages and never pods.

mod families;
mod page;
mod process;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;

pub use families::{FAMILIES, Family, FamilyKind};

use crate::model::Outcome;
use crate::report::board::Board;
use crate::report::publish::Written;

/// The content type of [`Metrics::page`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What became of one write to the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It was carried out.
    Done,
    /// Somebody else wrote the object first.
    Conflict,
    /// It failed.
    Failed,
}

impl WriteOutcome {
    const ALL: [Self; 3] = [Self::Done, Self::Conflict, Self::Failed];

    /// The word as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

impl From<&Outcome> for WriteOutcome {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done { .. } => Self::Done,
            Outcome::Superseded => Self::Conflict,
            Outcome::Failed { .. } => Self::Failed,
        }
    }
}

impl From<&Written> for WriteOutcome {
    fn from(written: &Written) -> Self {
        match written {
            Written::Done => Self::Done,
            Written::Gone => Self::Conflict,
            Written::Failed(_) => Self::Failed,
        }
    }
}

/// Writes counted by outcome.
#[derive(Debug, Default)]
pub struct Writes([AtomicU64; WriteOutcome::ALL.len()]);

impl Writes {
    /// Counts one.
    pub fn count(&self, outcome: WriteOutcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self, outcome: WriteOutcome) -> u64 {
        self.0[outcome as usize].load(Ordering::Relaxed)
    }
}

/// Queries since the process started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryCounts {
    /// Queries that went out.
    pub sent: u64,
    /// Questions answered by a query already sent.
    pub shared: u64,
    /// Queries sent that gave no usable number.
    pub lost: u64,
}

/// Everything the metrics page shows. Shared by the loops, which count, and the page, which reads.
#[derive(Debug)]
pub struct Metrics {
    /// The last verdict on every objective.
    pub board: Board,
    /// Writes of status.
    pub status_writes: Writes,
    /// Writes of replicas or floors.
    pub scale_writes: Writes,
    /// Events sent.
    pub events: Writes,
    version: &'static str,
    leads: AtomicBool,
    queries: Mutex<QueryCounts>,
    pass_duration: Histogram,
    pass_lag: Histogram,
}

/// Bounds of the histograms' buckets in seconds: passes take milliseconds beside a source's answer, and must end
/// within an interval (5 s by default, 1 s at least).
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

impl Metrics {
    /// Nothing counted yet, by this version of the operator.
    pub fn new(version: &'static str) -> Arc<Self> {
        Arc::new(Self {
            board: Board::default(),
            status_writes: Writes::default(),
            scale_writes: Writes::default(),
            events: Writes::default(),
            version,
            leads: AtomicBool::new(false),
            queries: Mutex::default(),
            pass_duration: Histogram::new(BUCKETS),
            pass_lag: Histogram::new(BUCKETS),
        })
    }

    /// Whether this process leads. One that does not shows no objectives: the one that does shows them.
    pub fn set_leads(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
        if !leads {
            self.board.clear();
        }
    }

    /// The queries so far.
    pub fn set_queries(&self, counts: QueryCounts) {
        *self.queries.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// A pass that started so late and took so long.
    pub fn passed(&self, lag: Duration, took: Duration) {
        self.pass_lag.observe(lag.as_secs_f64());
        self.pass_duration.observe(took.as_secs_f64());
    }

    /// The page in the `OpenMetrics` text format (see [`CONTENT_TYPE`]). Ages are as of `now`.
    pub fn page(self: &Arc<Self>, now: Timestamp) -> String {
        page::page(self, now)
    }
}
