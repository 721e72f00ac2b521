//! The examples are contracts: each is read, understood and consistent with the schema, without any cluster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bizops::api::v1alpha1::{ClusterMetricSource, MetricSource, Objective, intent, source_request};
use bizops::observe::check;
use serde::Deserialize as _;
use serde_json::Value;

fn documents() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let mut documents = vec![];
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with('#'), "{} does not begin by saying what it shows", path.display());
        for document in serde_yaml::Deserializer::from_str(&text) {
            let name = path.file_name().unwrap().display().to_string();
            documents.push((name, Value::deserialize(document).unwrap()));
        }
    }
    documents
}

/// Every field of a manifest as a path, lists without their index.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, inner)| fields(inner, &format!("{path}.{name}"), found));
        }
        Value::Array(list) => list.iter().for_each(|inner| fields(inner, path, found)),
        _ => drop(found.insert(path.to_owned())),
    }
}

/// Nothing of a manifest is lost when it is read and written again: no field is misspelt.
fn keeps_every_field(file: &str, written: &Value, read: &impl serde::Serialize) {
    let [mut before, mut after] = [BTreeSet::new(), BTreeSet::new()];
    fields(&written["spec"], "spec", &mut before);
    fields(&serde_json::to_value(read).unwrap()["spec"], "spec", &mut after);
    let lost: Vec<_> = before.difference(&after).collect();
    assert!(lost.is_empty(), "{file}: {lost:?} are fields nobody knows");
}

#[test]
fn every_example_is_understood() {
    let mut objectives = 0;
    for (file, document) in documents() {
        match document["kind"].as_str().unwrap() {
            "Objective" => {
                objectives += 1;
                let object: Objective = serde_json::from_value(document.clone()).unwrap();
                keeps_every_field(&file, &document, &object);
                let meant = intent(&object).unwrap_or_else(|issues| panic!("{file}: {issues}"));
                let demands = meant.mappings.iter().map(|mapping| &mapping.demand.query);
                for query in demands.chain([&meant.indicator.query]) {
                    check(query).unwrap_or_else(|issue| panic!("{file}: {query}: {issue}"));
                }
                let people = &object.spec;
                assert!(!people.description.is_empty() && !people.owner.is_empty(), "{file} is nobody's");
            }
            "MetricSource" => {
                let object: MetricSource = serde_json::from_value(document.clone()).unwrap();
                keeps_every_field(&file, &document, &object);
                source_request(&object.spec.prometheus, object.spec.limits).unwrap();
            }
            "ClusterMetricSource" => {
                let object: ClusterMetricSource = serde_json::from_value(document.clone()).unwrap();
                keeps_every_field(&file, &document, &object);
                source_request(&object.spec.prometheus, object.spec.limits).unwrap();
            }
            other => panic!("{file} holds a {other}"),
        }
    }
    assert!(objectives >= 6, "only {objectives} objectives are shown");
}

#[test]
fn a_misspelt_field_would_be_found() {
    let (_, mut document) = documents().into_iter().find(|(_, one)| one["kind"] == "Objective").unwrap();
    document["spec"]["goal"]["atLast"] = Value::from(1);
    let object: Objective = serde_json::from_value(document.clone()).unwrap();
    let caught = std::panic::catch_unwind(|| keeps_every_field("this file", &document, &object));
    assert!(caught.is_err());
}
