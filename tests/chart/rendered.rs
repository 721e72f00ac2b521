//! What rendered objects must hold, whatever else changes in them.

use serde_yaml::Value;

use crate::golden::values;
use crate::helm::{at, find, objects, parse, read, template, text, title};

#[test]
fn chart_and_operator_have_the_version_of_cargo_toml() {
    let chart: Value = serde_yaml::from_str(&read("charts/bizops/Chart.yaml")).unwrap();
    assert_eq!(text(&chart, &["version"]), env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&chart, &["appVersion"]), env!("CARGO_PKG_VERSION"));
}

#[test]
fn definitions_are_those_of_the_code_and_stay_when_the_release_goes() {
    let rendered = objects("defaults");
    for plural in ["objectives", "metricsources", "clustermetricsources"] {
        let mut file: Value =
            serde_yaml::from_str(&read(&format!("charts/bizops/files/crds/{plural}.yaml"))).unwrap();
        let definition = find(&rendered, &format!("CustomResourceDefinition/{plural}.bizops.dev"));
        assert_eq!(
            text(definition, &["metadata", "annotations", "helm.sh/resource-policy"]),
            "keep",
            "{plural}"
        );
        file.as_mapping_mut().unwrap().remove("metadata");
        let mut definition = definition.clone();
        definition.as_mapping_mut().unwrap().remove("metadata");
        assert_eq!(
            difference(&file, &definition, plural),
            None,
            "Helm renders something else than the file has"
        );
    }
}

/// Where two values differ first; 1 and 1.0 are the same number.
fn difference(one: &Value, other: &Value, path: &str) -> Option<String> {
    match (one, other) {
        (Value::Mapping(one), Value::Mapping(other)) => {
            let keys = one.keys().chain(other.keys());
            keys.filter_map(Value::as_str).find_map(|key| {
                let (one, other) =
                    (one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null));
                difference(one, other, &format!("{path}.{key}"))
            })
        }
        (Value::Sequence(one), Value::Sequence(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(index, (one, other))| difference(one, other, &format!("{path}[{index}]")))
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        _ => (one != other).then(|| format!("{path}: {one:?}, {other:?}")),
    }
}

#[test]
fn no_definition_is_rendered_when_they_are_switched_off() {
    let kinds: Vec<_> = objects("namespaced").iter().map(title).collect();
    assert!(!kinds.iter().any(|title| title.starts_with("CustomResourceDefinition/")), "{kinds:?}");
}

#[test]
fn every_object_but_cluster_wide_ones_names_its_namespace() {
    const CLUSTER_WIDE: [&str; 3] = ["CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"];
    for file in values() {
        for object in parse(&template(&file).unwrap()) {
            let namespaced = !CLUSTER_WIDE.contains(&text(&object, &["kind"]));
            let named = !text(&object, &["metadata", "namespace"]).is_empty();
            assert_eq!(named, namespaced, "{}: {}", file.display(), title(&object));
        }
    }
}

#[test]
fn every_object_carries_the_labels_it_is_found_by() {
    for file in values() {
        for object in parse(&template(&file).unwrap()) {
            let labels = at(&object, &["metadata", "labels"]);
            assert_eq!(text(labels, &["app.kubernetes.io/name"]), "bizops", "{}", title(&object));
            assert_eq!(text(labels, &["app.kubernetes.io/instance"]), "bizops", "{}", title(&object));
        }
    }
}

#[test]
fn one_replica_needs_no_disruption_budget_and_two_are_spread() {
    let one = objects("defaults");
    assert!(!one.iter().any(|object| title(object).starts_with("PodDisruptionBudget/")));
    let pod = at(find(&one, "Deployment/bizops"), &["spec", "template", "spec"]);
    assert!(at(pod, &["affinity"]).is_null());

    let two = objects("high-availability");
    let budget = find(&two, "PodDisruptionBudget/bizops");
    assert_eq!(at(budget, &["spec", "maxUnavailable"]), &Value::from(1));
    let pod = at(find(&two, "Deployment/bizops"), &["spec", "template", "spec"]);
    assert!(!at(pod, &["affinity", "podAntiAffinity"]).is_null());
    assert!(!at(pod, &["topologySpreadConstraints"]).is_null());
}

#[test]
fn a_certificate_for_the_metrics_reaches_operator_and_scraper() {
    let rendered = objects("locked-down");
    let pod = at(find(&rendered, "Deployment/bizops"), &["spec", "template", "spec"]);
    let container = &at(pod, &["containers"])[0];
    let arguments: Vec<_> =
        at(container, &["args"]).as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(arguments.contains(&"--tls-certificate=/tls/tls.crt"), "{arguments:?}");
    assert!(arguments.contains(&"--tls-key=/tls/tls.key"), "{arguments:?}");
    assert_eq!(text(&at(pod, &["volumes"])[0], &["secret", "secretName"]), "bizops-metrics-tls");
    let monitor = find(&rendered, "ServiceMonitor/bizops");
    assert_eq!(text(&at(monitor, &["spec", "endpoints"])[0], &["scheme"]), "https");
}

#[test]
fn the_next_steps_name_a_source_of_the_right_kind() {
    // Notes are rendered by install and upgrade only; a dry run on the client needs no cluster.
    let notes = |values: &str| {
        let (chart, values) = (crate::helm::chart(), crate::helm::values_file(values));
        let (chart, values) = (chart.display().to_string(), values.display().to_string());
        crate::helm::helm(&["install", "bizops", &chart, "-n", "bizops", "-f", &values, "--dry-run=client"])
            .unwrap()
    };
    let whole = notes("defaults");
    let whole = whole.split("NOTES:").nth(1).unwrap();
    assert!(
        whole.contains("kind: ClusterMetricSource") && whole.contains("get clustermetricsource default"),
        "{whole}"
    );
    let named = notes("namespaced");
    let named = named.split("NOTES:").nth(1).unwrap();
    assert!(
        named.contains("kind: MetricSource") && named.contains("--namespace shop get metricsource"),
        "{named}"
    );
    assert!(!named.contains("ClusterMetricSource"), "{named}");
    assert!(notes("measure-only").contains("scale.kinds is empty"));
}
