//! The `HorizontalPodAutoscaler`s of the cluster, by the workload they scale.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use futures::stream::{SelectAll, StreamExt};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};

use super::lists::Lists;
use super::managers::changed_by;
use super::pace::Pace;
use super::workloads::fault_of;
use crate::model::{HpaState, ObjectId, Replicas, TargetFault, TargetRef};

/// What is kept of one autoscaler.
#[derive(Debug, Clone)]
struct Kept {
    target: TargetRef,
    state: HpaState,
}

#[derive(Debug, Default)]
struct Inner {
    kept: BTreeMap<ObjectId, Kept>,
    lists: Lists,
}

/// A mirror of every autoscaler that may be read, kept up to date by watches.
#[derive(Debug)]
pub(super) struct Autoscalers {
    inner: RwLock<Inner>,
    manager: &'static str,
}

impl Autoscalers {
    /// An empty mirror; `manager` is the field manager bizops writes floors as.
    pub(super) fn new(manager: &'static str, namespaces: &[String]) -> Arc<Self> {
        let inner = Inner { lists: Lists::of(namespaces), ..Inner::default() };
        Arc::new(Self { inner: RwLock::new(inner), manager })
    }

    /// The autoscaler that scales a workload; of several, the first by name.
    ///
    /// # Errors
    /// When the autoscalers are not known, so that nobody can say whether one owns the workload.
    pub(super) fn of(&self, namespace: &str, target: &TargetRef) -> Result<Option<HpaState>, TargetFault> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.lists.state(namespace).unwrap_or_else(|| {
            let detail = "the HorizontalPodAutoscalers are not listed yet".to_owned();
            Err(TargetFault::Unavailable { detail })
        })?;
        let scales = |kept: &&Kept| {
            kept.target.kind == target.kind
                && kept.target.name == target.name
                && kept.target.group() == target.group()
        };
        let first = ObjectId { namespace: namespace.to_owned(), name: String::new() };
        let own = inner.kept.range(first..).take_while(|(id, _)| id.namespace == namespace);
        Ok(own.map(|(_, kept)| kept).find(scales).map(|kept| kept.state.clone()))
    }

    fn put(&self, hpa: &HorizontalPodAutoscaler) {
        let id = id_of(hpa);
        let reference = &hpa.spec.as_ref();
        let Some(spec) = reference else { return };
        let count = |number: i32| Replicas(u32::try_from(number).unwrap_or(0));
        let kept = Kept {
            target: TargetRef {
                api_version: spec.scale_target_ref.api_version.clone().unwrap_or_default(),
                kind: spec.scale_target_ref.kind.clone(),
                name: spec.scale_target_ref.name.clone(),
            },
            state: HpaState {
                name: id.name.clone(),
                min: count(spec.min_replicas.unwrap_or(1)),
                max: count(spec.max_replicas),
                version: hpa.resource_version().unwrap_or_default(),
                changed_by: changed_by(hpa.managed_fields(), "minReplicas", self.manager),
            },
        };
        self.inner.write().unwrap_or_else(PoisonError::into_inner).kept.insert(id, kept);
    }

    /// Takes up the floor bizops itself has just written, before the watch tells of it.
    pub(super) fn wrote(&self, namespace: &str, name: &str, min: Replicas, version: &str) {
        let id = ObjectId { namespace: namespace.to_owned(), name: name.to_owned() };
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = inner.kept.get_mut(&id) {
            kept.state.min = min;
            version.clone_into(&mut kept.state.version);
            kept.state.changed_by = None;
        }
    }

    /// Reads one autoscaler anew, after a write found it changed.
    pub(super) async fn reread(&self, client: &Client, namespace: &str, name: &str) {
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), namespace);
        let read = tokio::time::timeout(super::workloads::READ_TIMEOUT, api.get(name)).await;
        if let Ok(Ok(hpa)) = read {
            self.put(&hpa);
        }
    }

    /// Watches, in all namespaces or in those named. Runs until it is dropped.
    pub(super) async fn watch(self: Arc<Self>, client: Client, namespaces: Vec<String>) {
        let apis: Vec<Api<HorizontalPodAutoscaler>> = if namespaces.is_empty() {
            vec![Api::all(client)]
        } else {
            namespaces.iter().map(|name| Api::namespaced(client.clone(), name)).collect()
        };
        let mut listed: Vec<Option<Vec<ObjectId>>> = vec![None; apis.len()];
        let mut streams = SelectAll::new();
        for (index, api) in apis.into_iter().enumerate() {
            let events = watcher(api, watcher::Config::default()).backoff(Pace::default());
            streams.push(events.map(move |event| (index, event)).boxed());
        }
        while let Some((index, event)) = streams.next().await {
            match event {
                Ok(Event::Init) => listed[index] = Some(vec![]),
                Ok(Event::InitApply(hpa)) => {
                    listed[index].get_or_insert_default().push(id_of(&hpa));
                    self.put(&hpa);
                }
                Ok(Event::InitDone) => {
                    let names = listed[index].take().unwrap_or_default();
                    self.listed(namespaces.get(index).map(String::as_str), &names);
                }
                Ok(Event::Apply(hpa)) => self.put(&hpa),
                Ok(Event::Delete(hpa)) => {
                    self.inner.write().unwrap_or_else(PoisonError::into_inner).kept.remove(&id_of(&hpa));
                }
                Err(error) => {
                    tracing::debug!(%error, "the watch of HorizontalPodAutoscalers failed; it is tried again");
                    let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
                    inner.lists.failed(namespaces.get(index).map(String::as_str), watch_fault(&error));
                }
            }
        }
    }

    /// A list came in: what it lacks is gone.
    fn listed(&self, namespace: Option<&str>, names: &[ObjectId]) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.kept.retain(|id, _| {
            namespace.is_some_and(|namespace| id.namespace != namespace) || names.contains(id)
        });
        inner.lists.came(namespace);
    }
}

fn id_of(hpa: &HorizontalPodAutoscaler) -> ObjectId {
    ObjectId { namespace: hpa.namespace().unwrap_or_default(), name: hpa.name_any() }
}

/// Why a watch failed, as a fault of the targets it would tell of.
pub(super) fn watch_fault(error: &watcher::Error) -> TargetFault {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => fault_of(error),
        watcher::Error::WatchError(status) if status.code == 403 => {
            TargetFault::Forbidden { detail: status.message.clone() }
        }
        other => TargetFault::Unavailable { detail: other.to_string() },
    }
}
