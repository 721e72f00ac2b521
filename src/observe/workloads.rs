//! One kind of target: who is there, of which version, and how many replicas.
//!
//! A metadata watch tells that an object changed and who changed its replicas; the numbers themselves are read once
//! per version. At rest nothing is asked of the API server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures::stream::{SelectAll, StreamExt};
use kube::api::{ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;

use super::autoscalers::watch_fault;
use super::counts::{self, Scaled};
use super::lists::Lists;
use super::managers::changed_by;
use super::pace::Pace;
use crate::model::{ObjectId, Replicas, TargetFault};

/// How long one read of the API server may take: less than the default interval of 5 s, so that a slow API
/// server costs a pass and never two.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// What is known of one object without asking for its scale.
#[derive(Debug, Clone)]
struct Entry {
    version: String,
    changed_by: Option<Arc<str>>,
}

/// One kind of target.
pub(super) struct Workloads {
    pub(super) resource: ApiResource,
    client: Client,
    manager: &'static str,
    entries: RwLock<HashMap<ObjectId, Entry>>,
    scales: Mutex<HashMap<ObjectId, Scaled>>,
    lists: watch::Sender<Lists>,
}

impl std::fmt::Debug for Workloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workloads").field("resource", &self.resource).finish_non_exhaustive()
    }
}

impl Workloads {
    pub(super) fn new(
        client: Client,
        resource: ApiResource,
        manager: &'static str,
        namespaces: &[String],
    ) -> Arc<Self> {
        Arc::new(Self {
            resource,
            client,
            manager,
            entries: RwLock::default(),
            scales: Mutex::default(),
            lists: watch::Sender::new(Lists::of(namespaces)),
        })
    }

    /// The scale of one object.
    pub(super) async fn scale(&self, id: &ObjectId) -> Result<Scaled, TargetFault> {
        self.wait_for_list(&id.namespace).await?;
        let entry = self.entries.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        let Some(entry) = entry else {
            self.scales.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            return Err(TargetFault::NotFound);
        };
        let known = self.scales.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(known) = known.filter(|known| known.version == entry.version) {
            return Ok(known);
        }
        let reading = counts::read(&self.client, &self.resource, id);
        let mut read = match tokio::time::timeout(READ_TIMEOUT, reading).await {
            Ok(Ok(scaled)) => scaled,
            Ok(Err(error)) => return Err(fault_of(&error)),
            Err(_) => return Err(slow()),
        };
        read.changed_by = entry.changed_by.as_deref().map(str::to_owned);
        self.scales.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), read.clone());
        Ok(read)
    }

    /// Takes up what bizops itself has just written, before the watch tells of it.
    pub(super) fn wrote(&self, id: &ObjectId, replicas: Replicas, version: &str) {
        let mut scales = self.scales.lock().unwrap_or_else(PoisonError::into_inner);
        let (existing, ready) =
            scales.get(id).map_or((replicas, None), |scaled| (scaled.existing, scaled.ready));
        let written = Scaled { version: version.to_owned(), replicas, existing, ready, changed_by: None };
        scales.insert(id.clone(), written);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        entries.insert(id.clone(), Entry { version: version.to_owned(), changed_by: None });
    }

    /// Reads one object's metadata anew, after a write found it changed.
    pub(super) async fn reread(&self, id: &ObjectId) {
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &id.namespace, &self.resource);
        let read = tokio::time::timeout(READ_TIMEOUT, api.get_metadata(&id.name)).await;
        if let Ok(Ok(object)) = read {
            self.put(&object);
        }
    }

    /// Waits for the first list of a namespace, or for the reason there is none.
    async fn wait_for_list(&self, namespace: &str) -> Result<(), TargetFault> {
        let mut lists = self.lists.subscribe();
        let told = lists.wait_for(|lists| lists.state(namespace).is_some());
        match tokio::time::timeout(READ_TIMEOUT, told).await {
            Ok(Ok(lists)) => lists.state(namespace).unwrap_or_else(|| Err(slow())),
            Ok(Err(_)) | Err(_) => Err(slow()),
        }
    }

    fn put(&self, object: &PartialObjectMeta<DynamicObject>) -> ObjectId {
        let id = id_of(object);
        let entry = Entry {
            version: object.resource_version().unwrap_or_default(),
            changed_by: changed_by(object.managed_fields(), "replicas", self.manager).map(Arc::from),
        };
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), entry);
        id
    }

    fn forget(&self, id: &ObjectId) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.scales.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Watches the kind, in all namespaces or in those named. Runs until it is dropped.
    ///
    /// A watch that fails after its first list leaves what is known standing: a write names the version it was
    /// decided on, so that old knowledge can delay a change and never make a wrong one.
    pub(super) async fn watch(self: Arc<Self>, namespaces: Vec<String>) {
        let client = &self.client;
        let apis: Vec<Api<PartialObjectMeta<DynamicObject>>> = if namespaces.is_empty() {
            vec![Api::all_with(client.clone(), &self.resource)]
        } else {
            namespaces.iter().map(|name| Api::namespaced_with(client.clone(), name, &self.resource)).collect()
        };
        let mut listed: Vec<Vec<ObjectId>> = vec![vec![]; apis.len()];
        let mut streams = SelectAll::new();
        for (index, api) in apis.into_iter().enumerate() {
            let events = watcher(api, watcher::Config::default()).backoff(Pace::default());
            streams.push(events.map(move |event| (index, event)).boxed());
        }
        while let Some((index, event)) = streams.next().await {
            match event {
                Ok(Event::Init) => listed[index].clear(),
                Ok(Event::InitApply(object)) => listed[index].push(self.put(&object)),
                Ok(Event::InitDone) => {
                    let names: std::collections::HashSet<_> = listed[index].drain(..).collect();
                    let namespace = namespaces.get(index).map(String::as_str);
                    self.keep_only(namespace, &names);
                    self.lists.send_modify(|lists| lists.came(namespace));
                }
                Ok(Event::Apply(object)) => {
                    self.put(&object);
                }
                Ok(Event::Delete(object)) => self.forget(&id_of(&object)),
                Err(error) => {
                    let kind = &self.resource.kind;
                    tracing::debug!(%kind, %error, "the watch of a target kind failed; it is tried again");
                    let namespace = namespaces.get(index).map(String::as_str);
                    self.lists.send_modify(|lists| lists.failed(namespace, watch_fault(&error)));
                }
            }
        }
    }

    /// A list came in: what it lacks is gone.
    fn keep_only(&self, namespace: Option<&str>, names: &std::collections::HashSet<ObjectId>) {
        let stays = |id: &ObjectId| {
            namespace.is_some_and(|namespace| id.namespace != namespace) || names.contains(id)
        };
        self.entries.write().unwrap_or_else(PoisonError::into_inner).retain(|id, _| stays(id));
        self.scales.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| stays(id));
    }
}

fn id_of(object: &PartialObjectMeta<DynamicObject>) -> ObjectId {
    ObjectId { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

fn slow() -> TargetFault {
    TargetFault::Unavailable { detail: format!("no answer within {}s", READ_TIMEOUT.as_secs()) }
}

/// What an error of the API server means for a target.
pub(super) fn fault_of(error: &kube::Error) -> TargetFault {
    match error {
        kube::Error::Api(status) if status.code == 404 => TargetFault::NotFound,
        kube::Error::Api(status) if status.code == 403 => {
            TargetFault::Forbidden { detail: status.message.clone() }
        }
        kube::Error::Api(status) => TargetFault::Unavailable { detail: status.message.clone() },
        other => TargetFault::Unavailable { detail: other.to_string() },
    }
}
