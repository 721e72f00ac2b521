//! Which source an objective asks, following references between objects.

use std::sync::Arc;

use kube::Resource;

use super::mirror::{Mirror, Seen};
use crate::api::v1alpha1::{ClusterMetricSource, Issues, MetricSource, SourceRequest, source_request};
use crate::model::{ObjectId, SourceRef};

/// The mirrors a reference may point into.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Sources of single namespaces.
    pub namespaced: Arc<Mirror<MetricSource>>,
    /// Sources of the whole cluster; absent in an installation that watches named namespaces only.
    pub cluster: Option<Arc<Mirror<ClusterMetricSource>>>,
}

/// One source, found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which; the namespace is empty for a cluster source.
    pub id: ObjectId,
    /// Its uid and version: the same pair is the same source.
    pub version: (String, String),
    /// Everything but the secrets, or what is wrong with it.
    pub request: Result<SourceRequest, Issues>,
}

/// Why no source was found, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound(pub String);

impl Sources {
    /// The source an objective of this namespace asks: the one it names, else its namespace's default, else the
    /// cluster's default. Of several defaults the first by name.
    ///
    /// # Errors
    /// A sentence that says what to create or write.
    pub fn resolve(&self, namespace: &str, named: Option<&SourceRef>) -> Result<Found, NotFound> {
        match named {
            Some(SourceRef::Namespaced(name)) => {
                let id = ObjectId { namespace: namespace.to_owned(), name: name.clone() };
                self.namespaced.get(&id).map(|seen| of_namespace(id, &seen)).ok_or_else(|| {
                    NotFound(format!("MetricSource {name} does not exist in namespace {namespace}; create it or correct spec.sourceRef"))
                })
            }
            Some(SourceRef::Cluster(name)) => {
                let id = ObjectId { namespace: String::new(), name: name.clone() };
                let Some(cluster) = &self.cluster else {
                    return Err(NotFound(format!(
                        "ClusterMetricSource {name} cannot be read: bizops is installed for named namespaces only; use a MetricSource"
                    )));
                };
                cluster.get(&id).map(|seen| of_cluster(id, &seen)).ok_or_else(|| {
                    NotFound(format!("ClusterMetricSource {name} does not exist; create it or correct spec.sourceRef"))
                })
            }
            None => self.default_for(namespace).ok_or_else(|| {
                NotFound(format!(
                    "no default metric source for namespace {namespace}; create a MetricSource or ClusterMetricSource \
                     with default: true, or name one in spec.sourceRef"
                ))
            }),
        }
    }

    fn default_for(&self, namespace: &str) -> Option<Found> {
        let own = self.namespaced.all().into_iter().find(|(id, seen)| {
            id.namespace == namespace && matches!(seen, Seen::Sound(source) if source.spec.default)
        });
        if let Some((id, seen)) = own {
            return Some(of_namespace(id, &seen));
        }
        let cluster = self.cluster.as_ref()?;
        let (id, seen) = cluster
            .all()
            .into_iter()
            .find(|(_, seen)| matches!(seen, Seen::Sound(source) if source.spec.default))?;
        Some(of_cluster(id, &seen))
    }
}

/// A namespaced source as found.
pub fn of_namespace(id: ObjectId, seen: &Seen<MetricSource>) -> Found {
    found(id, seen, |source| source_request(&source.spec.prometheus, source.spec.limits))
}

/// A cluster source as found.
pub fn of_cluster(id: ObjectId, seen: &Seen<ClusterMetricSource>) -> Found {
    found(id, seen, |source| source_request(&source.spec.prometheus, source.spec.limits))
}

fn found<K: Resource>(
    id: ObjectId,
    seen: &Seen<K>,
    request: impl Fn(&K) -> Result<SourceRequest, Issues>,
) -> Found {
    let (meta, request) = match seen {
        Seen::Sound(source) => (source.meta(), request(source)),
        Seen::Broken { meta, detail } => {
            let mut issues = Issues::default();
            issues.add("spec", format!("cannot be read by this version of bizops: {detail}"));
            (&**meta, Err(issues))
        }
    };
    let generation = meta.generation.unwrap_or(0).to_string();
    Found { id, version: (meta.uid.clone().unwrap_or_default(), generation), request }
}
