//! How many replicas one object asks for, how many exist, and how many are ready to serve.
//!
//! The scale subresource of any kind has the first two. How many are ready it never says; of the kinds of `apps` the
//! object itself does, so those are read instead: one request either way.

use k8s_openapi::api::autoscaling::v1::Scale;
use kube::api::{ApiResource, DynamicObject, GetParams, Request};
use kube::{Api, Client, Resource};
use serde::Deserialize;

use crate::model::{ObjectId, Replicas};

/// The counts of one object as last read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scaled {
    pub(super) version: String,
    pub(super) replicas: Replicas,
    pub(super) existing: Replicas,
    pub(super) ready: Option<Replicas>,
    pub(super) changed_by: Option<String>,
}

/// Reads the counts of an object.
pub(super) async fn read(client: &Client, kind: &ApiResource, id: &ObjectId) -> Result<Scaled, kube::Error> {
    if says_ready(kind) {
        let path = DynamicObject::url_path(kind, Some(&id.namespace));
        let request =
            Request::new(path).get(&id.name, &GetParams::default()).map_err(kube::Error::BuildRequest)?;
        return Ok(client.request::<Object>(request).await?.into());
    }
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &id.namespace, kind);
    Ok(api.get_scale(&id.name).await?.into())
}

/// Whether objects of a kind say how many of their replicas are ready.
fn says_ready(kind: &ApiResource) -> bool {
    kind.group == "apps" && ["Deployment", "StatefulSet", "ReplicaSet"].contains(&kind.kind.as_str())
}

/// What is looked at of an object.
#[derive(Deserialize)]
struct Object {
    metadata: Meta,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    resource_version: String,
}

#[derive(Deserialize, Default)]
struct Spec {
    replicas: Option<i32>,
}

/// A count of 0 is left out.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Status {
    replicas: Option<i32>,
    ready_replicas: Option<i32>,
}

impl From<Object> for Scaled {
    fn from(object: Object) -> Self {
        Self {
            version: object.metadata.resource_version,
            replicas: count(object.spec.replicas),
            existing: count(object.status.replicas),
            ready: Some(count(object.status.ready_replicas)),
            changed_by: None,
        }
    }
}

impl From<Scale> for Scaled {
    fn from(scale: Scale) -> Self {
        Self {
            version: scale.metadata.resource_version.unwrap_or_default(),
            replicas: count(scale.spec.and_then(|spec| spec.replicas)),
            existing: count(scale.status.map(|status| status.replicas)),
            ready: None,
            changed_by: None,
        }
    }
}

fn count(number: Option<i32>) -> Replicas {
    Replicas(number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_says_how_many_are_ready_and_a_count_left_out_is_none() {
        let object = |text: &str| Scaled::from(serde_json::from_str::<Object>(text).unwrap());
        let scaling = object(
            r#"{"metadata":{"resourceVersion":"7"},"spec":{"replicas":5,"paused":false},
                "status":{"replicas":4,"readyReplicas":3}}"#,
        );
        assert_eq!(
            (scaling.replicas, scaling.existing, scaling.ready, scaling.version.as_str()),
            (Replicas(5), Replicas(4), Some(Replicas(3)), "7")
        );
        let young = object(r#"{"metadata":{"resourceVersion":"1"},"spec":{"replicas":5}}"#);
        assert_eq!((young.existing, young.ready), (Replicas(0), Some(Replicas(0))));
    }

    #[test]
    fn only_kinds_whose_status_is_known_say_it() {
        let kind = |group: &str, kind: &str| {
            says_ready(&ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(group, "v1", kind)))
        };
        assert!(kind("apps", "Deployment") && kind("apps", "StatefulSet"));
        assert!(!kind("example.com", "Deployment") && !kind("apps", "Widget"));
    }
}
