//! One status written to the API server, by server-side apply of exactly what bizops owns.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde_json::json;

use crate::api::names::STATUS_MANAGER;
use crate::model::ObjectId;

/// How long one write may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// The object a status or an event is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Its name.
    pub id: ObjectId,
    /// Its uid: a status never lands on another object of the same name.
    pub uid: Option<String>,
    /// Its kind.
    pub resource: ApiResource,
}

impl Subject {
    /// An object of one of bizops' own kinds.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        let id = ObjectId { namespace: object.namespace().unwrap_or_default(), name: object.name_any() };
        Self { id, uid: object.uid(), resource: ApiResource::erase::<K>(&()) }
    }

    /// As events name it.
    pub fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(self.resource.api_version.clone()),
            kind: Some(self.resource.kind.clone()),
            name: Some(self.id.name.clone()),
            namespace: (!self.id.namespace.is_empty()).then(|| self.id.namespace.clone()),
            uid: self.uid.clone(),
            ..ObjectReference::default()
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It was stored.
    Done,
    /// The object is gone, or is another one of the same name.
    Gone,
    /// It could not be stored; the API server's words.
    Failed(String),
}

/// Writes a status.
pub async fn status<S: Serialize + Debug>(client: &Client, subject: &Subject, status: &S) -> Written {
    let api: Api<DynamicObject> = if subject.id.namespace.is_empty() {
        Api::all_with(client.clone(), &subject.resource)
    } else {
        Api::namespaced_with(client.clone(), &subject.id.namespace, &subject.resource)
    };
    let patch = json!({
        "apiVersion": subject.resource.api_version,
        "kind": subject.resource.kind,
        "metadata": {"name": subject.id.name, "uid": subject.uid},
        "status": status,
    });
    let params = PatchParams::apply(STATUS_MANAGER).force();
    let patch = Patch::Apply(patch);
    let written = api.patch_status(&subject.id.name, &params, &patch);
    match tokio::time::timeout(WRITE_TIMEOUT, written).await {
        Ok(Ok(_)) => Written::Done,
        Ok(Err(kube::Error::Api(answer))) if matches!(answer.code, 404 | 409) => Written::Gone,
        Ok(Err(kube::Error::Api(answer))) => Written::Failed(answer.message.clone()),
        Ok(Err(error)) => Written::Failed(error.to_string()),
        Err(_) => Written::Failed(format!("no answer within {}s", WRITE_TIMEOUT.as_secs())),
    }
}
