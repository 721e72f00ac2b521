//! The floor of a `HorizontalPodAutoscaler`: its `minReplicas`, and nothing else of it.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::model::Step;

/// Writes the floor and returns the autoscaler's version afterwards.
pub(super) async fn write(client: &Client, step: &Step, manager: &str) -> Result<String, kube::Error> {
    let api: Api<HorizontalPodAutoscaler> = Api::namespaced(client.clone(), &step.namespace);
    let name = step.hpa.as_deref().unwrap_or(&step.target.name);
    let patch = json!({"metadata": {"resourceVersion": step.version}, "spec": {"minReplicas": step.to.0}});
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let written = api.patch(name, &params, &Patch::Merge(patch)).await?;
    Ok(written.resource_version().unwrap_or_default())
}
