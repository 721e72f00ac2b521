//! What runs in the cluster: any kind with a scale subresource, found by discovery.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;

use super::autoscalers::Autoscalers;
use super::workloads::{READ_TIMEOUT, Workloads, fault_of};
use crate::model::{ObjectId, Replicas, TargetFault, TargetRef, TargetState, Workload};

/// A kind that could not be found is looked for again after this long: often enough that a new CRD is found
/// within one or two passes, seldom enough that a misspelt kind costs next to nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The field managers bizops writes as, so that its own writes are told from everybody else's.
#[derive(Debug, Clone, Copy)]
pub struct Managers {
    /// Of replicas.
    pub scale: &'static str,
    /// Of an autoscaler's floor.
    pub hpa_floor: &'static str,
}

/// A kind, or why it is not to be had.
#[derive(Debug, Clone)]
enum Kind {
    Known(Arc<Workloads>),
    Missing(TargetFault, Instant),
}

/// The targets of objectives, kept up to date by watches. Kinds are watched from their first use on.
pub struct Cluster {
    client: Client,
    namespaces: Vec<String>,
    managers: Managers,
    kinds: tokio::sync::Mutex<HashMap<(String, String), Kind>>,
    hpas: Arc<Autoscalers>,
    tasks: Mutex<tokio::task::JoinSet<()>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("namespaces", &self.namespaces).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Begins to watch autoscalers, in all namespaces or in those named.
    pub fn new(client: Client, namespaces: Vec<String>, managers: Managers) -> Self {
        let hpas = Autoscalers::new(managers.hpa_floor, &namespaces);
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(hpas.clone().watch(client.clone(), namespaces.clone()));
        Self {
            client,
            namespaces,
            managers,
            kinds: tokio::sync::Mutex::default(),
            hpas,
            tasks: Mutex::new(tasks),
        }
    }

    /// What runs of a target. Never fails: what could not be had is itself a fact.
    pub async fn state(&self, namespace: &str, target: &TargetRef) -> TargetState {
        match self.workload(namespace, target).await {
            Ok(workload) => TargetState::Known(workload),
            Err(fault) => TargetState::Unknown(fault),
        }
    }

    async fn workload(&self, namespace: &str, target: &TargetRef) -> Result<Workload, TargetFault> {
        let kind = self.kind(target).await?;
        let scaled = kind.scale(&id(namespace, &target.name)).await?;
        let hpa = self.hpas.of(namespace, target)?;
        Ok(Workload {
            replicas: scaled.replicas,
            existing: scaled.existing,
            ready: scaled.ready,
            version: scaled.version,
            changed_by: scaled.changed_by,
            hpa,
        })
    }

    /// How the API server names a target's kind, for a write.
    ///
    /// # Errors
    /// Why the kind cannot be scaled.
    pub async fn resource(&self, target: &TargetRef) -> Result<ApiResource, TargetFault> {
        Ok(self.kind(target).await?.resource.clone())
    }

    /// Takes up a scale that has just been written.
    pub async fn wrote_scale(&self, namespace: &str, target: &TargetRef, replicas: Replicas, version: &str) {
        if let Ok(kind) = self.kind(target).await {
            kind.wrote(&id(namespace, &target.name), replicas, version);
        }
    }

    /// Takes up a floor that has just been written.
    pub fn wrote_floor(&self, namespace: &str, hpa: &str, min: Replicas, version: &str) {
        self.hpas.wrote(namespace, hpa, min, version);
    }

    /// Reads a target anew, after a write found it changed.
    pub async fn reread(&self, namespace: &str, target: &TargetRef, hpa: Option<&str>) {
        if let Some(hpa) = hpa {
            self.hpas.reread(&self.client, namespace, hpa).await;
        } else if let Ok(kind) = self.kind(target).await {
            kind.reread(&id(namespace, &target.name)).await;
        }
    }

    /// A kind, discovered at its first use.
    async fn kind(&self, target: &TargetRef) -> Result<Arc<Workloads>, TargetFault> {
        let key = (target.api_version.clone(), target.kind.clone());
        let mut kinds = self.kinds.lock().await;
        match kinds.get(&key) {
            Some(Kind::Known(kind)) => return Ok(kind.clone()),
            Some(Kind::Missing(fault, since)) if since.elapsed() < LOOK_AGAIN => return Err(fault.clone()),
            _ => {}
        }
        let found = self.discover(target).await;
        let kind = match &found {
            Ok(kind) => Kind::Known(kind.clone()),
            Err(fault) => Kind::Missing(fault.clone(), Instant::now()),
        };
        kinds.insert(key, kind);
        found
    }

    async fn discover(&self, target: &TargetRef) -> Result<Arc<Workloads>, TargetFault> {
        let version = target.api_version.rsplit('/').next().unwrap_or_default();
        let gvk = GroupVersionKind::gvk(target.group(), version, &target.kind);
        let asked = kube::discovery::pinned_kind(&self.client, &gvk);
        let (resource, capabilities) = match tokio::time::timeout(READ_TIMEOUT, asked).await {
            Ok(Ok(found)) => found,
            Ok(Err(kube::Error::Discovery(_))) => return Err(TargetFault::NoSuchKind),
            Ok(Err(error)) => {
                return Err(match fault_of(&error) {
                    TargetFault::NotFound => TargetFault::NoSuchKind,
                    other => other,
                });
            }
            Err(_) => {
                let detail = format!("discovery gave no answer within {}s", READ_TIMEOUT.as_secs());
                return Err(TargetFault::Unavailable { detail });
            }
        };
        let scalable = capabilities.subresources.iter().any(|(sub, _)| sub.plural == "scale");
        if !scalable || capabilities.scope != kube::discovery::Scope::Namespaced {
            return Err(TargetFault::NotScalable);
        }
        let kind = Workloads::new(self.client.clone(), resource, self.managers.scale, &self.namespaces);
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(kind.clone().watch(self.namespaces.clone()));
        Ok(kind)
    }
}

fn id(namespace: &str, name: &str) -> ObjectId {
    ObjectId { namespace: namespace.to_owned(), name: name.to_owned() }
}
