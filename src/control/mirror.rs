//! A mirror of one kind: what the API server holds, kept up to date by watches, broken objects included.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::stream::{SelectAll, StreamExt};
use kube::api::ObjectMeta;
use kube::core::{DeserializeGuard, NamespaceResourceScope};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::model::ObjectId;
use crate::observe::Pace;

/// One object of the mirrored kind.
#[derive(Debug)]
pub enum Seen<K> {
    /// It has the shape this version knows.
    Sound(Arc<K>),
    /// A newer or broken schema let something through that cannot be read.
    Broken {
        /// Its metadata.
        meta: Box<ObjectMeta>,
        /// What cannot be read.
        detail: String,
    },
}

impl<K> Clone for Seen<K> {
    fn clone(&self) -> Self {
        match self {
            Self::Sound(object) => Self::Sound(object.clone()),
            Self::Broken { meta, detail } => Self::Broken { meta: meta.clone(), detail: detail.clone() },
        }
    }
}

/// The objects of one kind, and which of them changed since last asked.
///
/// Both are bounded by the number of objects.
#[derive(Debug)]
pub struct Mirror<K> {
    objects: RwLock<BTreeMap<ObjectId, Seen<K>>>,
    changed: Mutex<BTreeSet<ObjectId>>,
    synced: AtomicBool,
    wake: Arc<Notify>,
}

impl<K: Resource> Mirror<K> {
    /// An empty mirror that wakes `wake` whenever something changed.
    pub fn new(wake: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            objects: RwLock::default(),
            changed: Mutex::default(),
            synced: AtomicBool::new(false),
            wake,
        })
    }

    /// Whether the first list has come in from every watch.
    pub fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Acquire)
    }

    /// One object, if it exists.
    pub fn get(&self, id: &ObjectId) -> Option<Seen<K>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Every object, in the order of their names.
    pub fn all(&self) -> Vec<(ObjectId, Seen<K>)> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.iter().map(|(id, seen)| (id.clone(), seen.clone())).collect()
    }

    /// The objects that came, changed or went since the last call.
    pub fn take_changed(&self) -> BTreeSet<ObjectId> {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, id: ObjectId, seen: Seen<K>) {
        self.objects.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), seen);
        self.note(id);
    }

    fn drop_one(&self, id: ObjectId) {
        self.objects.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
        self.note(id);
    }

    fn note(&self, id: ObjectId) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        self.wake.notify_one();
    }

    /// Takes note that only these watches have not listed yet.
    fn note_synced(&self, waiting: &BTreeSet<usize>) {
        if waiting.is_empty() {
            self.synced.store(true, Ordering::Release);
            self.wake.notify_one();
        }
    }

    /// Forgets the objects of one watch that a new list no longer holds.
    fn keep_only(&self, namespace: Option<&str>, listed: &BTreeSet<ObjectId>) {
        let gone: Vec<ObjectId> = self
            .objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .filter(|id| namespace.is_none_or(|namespace| id.namespace == namespace) && !listed.contains(id))
            .cloned()
            .collect();
        for id in gone {
            self.drop_one(id);
        }
    }
}

/// Mirrors a namespaced kind, from all namespaces or from those named. Runs until it is dropped.
///
/// `slim` takes from an object what nobody reads from the mirror.
pub async fn mirror_namespaced<K>(
    client: Client,
    namespaces: Vec<String>,
    into: Arc<Mirror<K>>,
    slim: fn(&mut K),
) where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let apis: Vec<(Option<String>, Api<DeserializeGuard<K>>)> = if namespaces.is_empty() {
        vec![(None, Api::all(client))]
    } else {
        namespaces.iter().map(|name| (Some(name.clone()), Api::namespaced(client.clone(), name))).collect()
    };
    mirror(apis, into, slim).await;
}

/// Mirrors a cluster-scoped kind. Runs until it is dropped.
pub async fn mirror_cluster<K>(client: Client, into: Arc<Mirror<K>>, slim: fn(&mut K))
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    mirror(vec![(None, Api::all(client))], into, slim).await;
}

/// One watch per API; a failing one neither stops nor slows the others. A kind whose CRD is not installed, or
/// that may not be read, is tried again and again at its own pace ([`Pace`]). A named namespace that may not be
/// read counts as empty until it may: it must not keep the others waiting.
async fn mirror<K>(
    apis: Vec<(Option<String>, Api<DeserializeGuard<K>>)>,
    into: Arc<Mirror<K>>,
    slim: fn(&mut K),
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let mut waiting: BTreeSet<usize> = (0..apis.len()).collect();
    let mut listed: Vec<BTreeSet<ObjectId>> = vec![BTreeSet::new(); apis.len()];
    let mut troubled: BTreeSet<usize> = BTreeSet::new();
    let mut streams = SelectAll::new();
    let mut names: Vec<Option<String>> = Vec::with_capacity(apis.len());
    for (index, (namespace, api)) in apis.into_iter().enumerate() {
        names.push(namespace);
        let events = watcher(api, watcher::Config::default()).backoff(Pace::default());
        streams.push(events.map(move |event| (index, event)).boxed());
    }
    while let Some((index, event)) = streams.next().await {
        match event {
            Ok(Event::Init) => listed[index].clear(),
            Ok(Event::InitApply(object)) => {
                listed[index].insert(id_of(&object));
                into.put(id_of(&object), seen(object, slim));
            }
            Ok(Event::InitDone) => {
                into.keep_only(names[index].as_deref(), &std::mem::take(&mut listed[index]));
                waiting.remove(&index);
                troubled.remove(&index);
                into.note_synced(&waiting);
            }
            Ok(Event::Apply(object)) => into.put(id_of(&object), seen(object, slim)),
            Ok(Event::Delete(object)) => into.drop_one(id_of(&object)),
            Err(error) => {
                let (kind, namespace) = (K::kind(&()), names[index].as_deref());
                tracing::debug!(%kind, namespace, %error, "watch failed; it is tried again");
                let code = status_code(&error);
                if code != Some(EXPIRED) && troubled.insert(index) {
                    warn(&kind, namespace, code, &error);
                }
                if code == Some(REFUSED) && namespace.is_some() && waiting.remove(&index) {
                    into.note_synced(&waiting);
                }
            }
        }
    }
}

const REFUSED: u16 = 403;
const MISSING: u16 = 404;
/// A watch that lagged behind is begun anew: the API server's ordinary course.
const EXPIRED: u16 = 410;

/// The status the API server failed a watch with, if it answered.
fn status_code(error: &watcher::Error) -> Option<u16> {
    use watcher::Error as E;
    match error {
        E::InitialListFailed(kube::Error::Api(status))
        | E::WatchStartFailed(kube::Error::Api(status))
        | E::WatchFailed(kube::Error::Api(status))
        | E::WatchError(status) => Some(status.code),
        _ => None,
    }
}

/// Said once, until it works again.
fn warn(kind: &str, namespace: Option<&str>, code: Option<u16>, error: &watcher::Error) {
    match (code, namespace) {
        (Some(REFUSED), Some(namespace)) => tracing::warn!(
            kind,
            namespace,
            "bizops may not read this namespace; give it the chart's Role there, or take the namespace out of \
             watchNamespaces; the other namespaces are served"
        ),
        (Some(REFUSED), None) => tracing::warn!(
            kind,
            "bizops may not read this kind in the whole cluster; give it the chart's ClusterRole, or name the \
             namespaces to serve in watchNamespaces"
        ),
        (Some(MISSING), _) => tracing::warn!(
            kind,
            "the cluster does not know this kind; install the definitions (`bizops manifests | kubectl apply --server-side -f -`)"
        ),
        _ => {
            tracing::warn!(kind, namespace, %error, "cannot be watched; what is known stands, and it is tried again");
        }
    }
}

fn id_of<K: Resource<DynamicType = ()>>(object: &DeserializeGuard<K>) -> ObjectId {
    ObjectId { namespace: object.namespace().unwrap_or_default(), name: object.name_any() }
}

/// Trims what nobody here reads: managed fields and the copy `kubectl apply` leaves in an annotation.
fn trim(meta: &mut ObjectMeta) {
    meta.managed_fields = None;
    if let Some(annotations) = &mut meta.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

fn seen<K: Resource<DynamicType = ()>>(object: DeserializeGuard<K>, slim: fn(&mut K)) -> Seen<K> {
    match object.0 {
        Ok(mut object) => {
            trim(object.meta_mut());
            slim(&mut object);
            Seen::Sound(Arc::new(object))
        }
        Err(invalid) => {
            let mut meta = invalid.metadata;
            trim(&mut meta);
            Seen::Broken { meta: Box::new(meta), detail: invalid.error }
        }
    }
}
