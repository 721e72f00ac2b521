//! The shop's manifests fit the program, the restricted profile and the examples.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde::Deserialize as _;
use serde_yaml::Value;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap()).collect()
}

fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    path.iter().fold(value, |value, key| &value[*key]).as_str().unwrap_or("")
}

fn manifests() -> Vec<Value> {
    let mut all = documents(&folder().join("deploy/shop.yaml"));
    all.extend(documents(&folder().join("deploy/load.yaml")));
    all
}

fn workloads() -> Vec<Value> {
    let all: Vec<_> =
        manifests().into_iter().filter(|object| !object["spec"]["template"].is_null()).collect();
    assert_eq!(all.len(), 7, "web, payment, search, mail, queue, worker, load");
    all
}

#[test]
fn every_setting_of_a_pod_is_one_its_role_knows() {
    for object in workloads() {
        let container = &object["spec"]["template"]["spec"]["containers"][0];
        let role = container["args"][0].as_str().unwrap();
        let help = Command::new(env!("CARGO_BIN_EXE_shop")).args([role, "--help"]).output().unwrap();
        // Help is wrapped at the width of the terminal: a name may stand on the next line.
        let help = String::from_utf8(help.stdout).unwrap();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for variable in container["env"].as_sequence().unwrap() {
            let name = text(variable, &["name"]);
            assert!(help.contains(&format!("[env: {name}=")), "{role} does not know {name}");
        }
        let version = text(container, &["image"]).rsplit(':').next().unwrap();
        assert_eq!(version, env!("CARGO_PKG_VERSION"), "the image of {role}");
    }
}

#[test]
fn every_pod_meets_the_restricted_profile_and_is_probed_scraped_and_limited() {
    for object in workloads() {
        let template = &object["spec"]["template"];
        let (pod, container) = (&template["spec"], &template["spec"]["containers"][0]);
        let name = text(&object, &["metadata", "name"]);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
        assert_eq!(text(pod, &["securityContext", "seccompProfile", "type"]), "RuntimeDefault", "{name}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL", "{name}");
        assert_eq!(text(container, &["imagePullPolicy"]), "Never", "{name}");
        assert_eq!(text(container, &["readinessProbe", "httpGet", "path"]), "/readyz", "{name}");
        assert_eq!(text(container, &["livenessProbe", "httpGet", "path"]), "/livez", "{name}");
        for kind in ["requests", "limits"] {
            for resource in ["cpu", "memory"] {
                assert!(
                    !text(container, &["resources", kind, resource]).is_empty(),
                    "{name} {kind} {resource}"
                );
            }
        }
        assert_eq!(text(template, &["metadata", "annotations", "prometheus.io/scrape"]), "true", "{name}");
        assert_eq!(text(template, &["metadata", "labels", "app"]), name);
        assert_eq!(object["spec"]["selector"]["matchLabels"], template["metadata"]["labels"], "{name}");
    }
}

#[test]
fn a_pod_on_a_fake_node_starts_as_long_as_one_on_a_real_node() {
    for object in workloads() {
        let template = &object["spec"]["template"];
        let env = template["spec"]["containers"][0]["env"].as_sequence().unwrap();
        let startup = env.iter().find(|variable| text(variable, &["name"]) == "SHOP_STARTUP").unwrap();
        assert_eq!(
            text(startup, &["value"]),
            text(template, &["metadata", "annotations", "testbed/startup"])
        );
    }
}

#[test]
fn every_url_leads_to_a_service_of_the_shop() {
    let services: BTreeSet<String> = manifests()
        .iter()
        .filter(|object| text(object, &["kind"]) == "Service")
        .map(|object| format!("http://{}:8080/", text(object, &["metadata", "name"])))
        .collect();
    for object in workloads() {
        for variable in object["spec"]["template"]["spec"]["containers"][0]["env"].as_sequence().unwrap() {
            let url = text(variable, &["value"]);
            assert!(!url.starts_with("http") || services.contains(url), "{url} is none of {services:?}");
        }
    }
}

#[test]
fn every_target_of_the_examples_is_a_workload_of_the_shop_and_an_hpa_floor_has_its_hpa() {
    let known: BTreeSet<(String, String)> = manifests()
        .iter()
        .map(|object| (text(object, &["kind"]).to_owned(), text(object, &["metadata", "name"]).to_owned()))
        .collect();
    let mut targets = 0;
    for entry in std::fs::read_dir(folder().join("../../../examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        for object in documents(&path) {
            for mapping in object["spec"]["mappings"].as_sequence().into_iter().flatten() {
                targets += 1;
                let target = &mapping["target"];
                let (kind, name) = (text(target, &["kind"]).to_owned(), text(target, &["name"]).to_owned());
                assert!(known.contains(&(kind.clone(), name.clone())), "{}: {kind} {name}", path.display());
                let hpa = known.contains(&("HorizontalPodAutoscaler".to_owned(), name.clone()));
                assert_eq!(hpa, text(mapping, &["actuator"]) == "HpaFloor", "{}: {name}", path.display());
            }
        }
    }
    assert!(targets >= 6, "only {targets} targets found: are the examples where they were?");
}
