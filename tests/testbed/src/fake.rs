//! Nodes that only say they run pods: kwok plays them.

use serde_json::json;

use crate::api::Api;
use crate::process::{Part, Recipe};
use crate::site::Site;
use crate::{Error, folders};

const STAGES: &str = include_str!("stages.yaml");

/// The player of the nodes.
pub(crate) fn kwok(site: &Site) -> Result<Recipe, Error> {
    let stages = site.file("stages.yaml");
    folders::write(&stages, STAGES.as_bytes())?;
    let arguments = [
        format!("--kubeconfig={}", site.config("admin").display()),
        format!("--config={}", stages.display()),
        "--manage-all-nodes=true".to_owned(),
        format!("--server-address=127.0.0.1:{}", site.ports.kwok),
    ];
    site.recipe(Part::Kwok, "kwok", &arguments)
}

/// Creates the nodes.
pub(crate) fn nodes(api: &Api, count: usize) -> Result<(), Error> {
    for number in 0..count {
        let name = format!("fake-{number}");
        let node = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                "type": "kwok",
            }},
        });
        api.post("/api/v1/nodes", &node)?;
    }
    Ok(())
}
