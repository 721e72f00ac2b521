//! Replicas, through the scale subresource of any kind.

use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;

use crate::model::Step;

/// Writes the replicas and returns the object's version afterwards. The version the decision was made on goes
/// with the patch, so that a change in between is a conflict and not an overwrite.
pub(super) async fn write(
    client: &Client,
    step: &Step,
    resource: &ApiResource,
    manager: &str,
) -> Result<String, kube::Error> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &step.namespace, resource);
    let patch = json!({"metadata": {"resourceVersion": step.version}, "spec": {"replicas": step.to.0}});
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let scale = api.patch_scale(&step.target.name, &params, &Patch::Merge(patch)).await?;
    Ok(scale.metadata.resource_version.unwrap_or_default())
}
