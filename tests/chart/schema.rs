//! What the chart refuses, and how it says so.

use std::path::Path;

use serde_json::Value;

use crate::helm::{read, template};

/// Values as one YAML document → what the refusal must say.
const REFUSED: [(&str, &[&str]); 22] = [
    ("replica: 2", &["additional properties 'replica' not allowed"]),
    ("image: {registry: a}", &["/image", "additional properties 'registry' not allowed"]),
    ("replicas: 0", &["/replicas", "minimum", "got 0, want 1"]),
    ("replicas: 6", &["/replicas", "maximum", "got 6, want 5"]),
    ("replicas: two", &["/replicas", "got string, want integer"]),
    ("watchNamespaces: shop", &["/watchNamespaces", "got string, want array"]),
    ("watchNamespaces: [Shop]", &["/watchNamespaces/0", "'Shop' does not match pattern"]),
    ("watchNamespaces: [shop, shop]", &["/watchNamespaces", "items at 0 and 1 are equal"]),
    ("scale: {kinds: [{resource: deployments}]}", &["/scale/kinds/0", "missing property 'group'"]),
    (
        "scale: {kinds: [{group: '*', resource: deployments}]}",
        &["/scale/kinds/0/group", "does not match pattern"],
    ),
    (
        "scale: {kinds: [{group: apps, resource: '*'}]}",
        &["/scale/kinds/0/resource", "does not match pattern"],
    ),
    ("scale: {kinds: [{group: apps, resource: deployments/scale}]}", &["/scale/kinds/0/resource", "pattern"]),
    ("secrets: [{namespace: shop}]", &["/secrets/0", "missing property 'names'"]),
    ("secrets: [{namespace: shop, names: []}]", &["/secrets/0/names", "minItems"]),
    ("log: {level: loud}", &["/log/level", "'loud' does not match pattern '^([a-z_:]+=)?(off|error|warn|"]),
    ("log: {format: xml}", &["/log/format", "'text', 'json'"]),
    ("metrics: {port: 80}", &["/metrics/port", "got 80, want 1,024"]),
    ("image: {digest: latest}", &["/image/digest", "does not match pattern"]),
    (
        "{watchNamespaces: [shop], secrets: [{namespace: bank, names: [a]}]}",
        &["namespace \"bank\" is not among watchNamespaces"],
    ),
    (
        "secrets: [{namespace: shop, names: [a]}, {namespace: shop, names: [b]}]",
        &["namespace \"shop\" is listed twice; write all its names in one entry"],
    ),
    (
        "metrics: {service: {enabled: false}, serviceMonitor: {enabled: true}}",
        &["metrics.serviceMonitor needs metrics.service.enabled=true"],
    ),
    ("metrics: {port: 8081}", &["metrics.port and health.port are both 8081"]),
];

#[test]
fn bad_values_are_refused_with_their_place_and_what_is_wrong() {
    for (index, (values, expected)) in REFUSED.iter().enumerate() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bad-values-{index}.yaml"));
        std::fs::write(&file, values).unwrap();
        let error = template(&file).err().unwrap_or_else(|| panic!("{values}: was not refused"));
        for part in *expected {
            assert!(error.contains(part), "{values}: {part:?} is not in {error}");
        }
    }
}

/// Every property of a schema, with its path.
pub fn properties(schema: &Value, path: &str) -> Vec<(String, Value)> {
    let mut found = vec![];
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        found.push((path.clone(), property.clone()));
        found.extend(properties(property, &path));
        found.extend(properties(&property["items"], &format!("{path}[]")));
    }
    found
}

/// The schema of the values.
pub fn schema() -> Value {
    serde_json::from_str(&read("charts/bizops/values.schema.json")).unwrap()
}

#[test]
fn every_value_is_described_and_no_unknown_one_is_let_in() {
    for (path, property) in properties(&schema(), "") {
        assert!(
            property["description"].as_str().is_some_and(|text| text.ends_with('.')),
            "{path}: no description"
        );
        if property["properties"].is_object() {
            assert_eq!(
                property["additionalProperties"],
                Value::Bool(false),
                "{path}: lets unknown values in"
            );
        }
    }
}

#[test]
fn every_value_has_a_default_and_every_default_is_a_value_of_the_schema() {
    let defaults: Value = serde_yaml::from_str(&read("charts/bizops/values.yaml")).unwrap();
    let known = properties(&schema(), "");
    for (path, property) in &known {
        if path == "global" || path.contains("[]") || property["properties"].is_object() {
            continue;
        }
        let pointer = format!("/{}", path.replace('.', "/"));
        assert!(defaults.pointer(&pointer).is_some(), "{path}: values.yaml has no default");
    }
    let paths: Vec<_> = known.iter().map(|(path, _)| path.as_str()).collect();
    for name in defaults.as_object().unwrap().keys() {
        assert!(paths.contains(&name.as_str()), "{name}: values.yaml has it, the schema has not");
    }
}
