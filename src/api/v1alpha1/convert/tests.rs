//! Tests of the file above.

use super::*;
use crate::model::{CapacityModel, Reserve};

fn objective(spec: &str) -> Objective {
    let mut object: Objective = serde_json::from_value(serde_json::json!({
        "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
        "metadata": {"name": "checkout", "namespace": "shop", "generation": 3},
        "spec": {"indicator": {"query": "up", "unit": "orders/h"}, "goal": {"atLeast": 1000}},
    }))
    .unwrap();
    let patch: serde_json::Value = serde_json::from_str(spec).unwrap();
    let mut whole = serde_json::to_value(&object.spec).unwrap();
    for (key, value) in patch.as_object().unwrap() {
        whole[key] = value.clone();
    }
    object.spec = serde_json::from_value(whole).unwrap();
    object
}

fn web(capacity: &str, rest: &str) -> String {
    format!(
        r#"{{"mappings": [{{"name": "web", "demand": {{"query": "up", "unit": "requests/s"}},
        "target": {{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
        "capacity": {capacity}, "bounds": {{"min": 2, "max": 60}}}}]{rest}}}"#
    )
}

#[test]
fn a_plain_objective_gets_the_documented_defaults() {
    let intent = intent(&objective(&web(r#"{"perReplica": 120}"#, ""))).unwrap();
    assert_eq!(intent.id.to_string(), "shop/checkout");
    assert_eq!(intent.interval, SignedDuration::from_secs(5));
    assert_eq!(intent.goal, Goal::AtLeast(1000.0));
    assert_eq!(intent.mappings[0].capacity, CapacityModel::PerReplica(120.0));
    assert_eq!(intent.mappings[0].reserve, Reserve::Headroom(0.0));
    assert_eq!(intent.policy.down_window, None);
    assert!((intent.policy.up_tolerance - 0.05).abs() < f64::EPSILON);
    assert_eq!(
        intent.policy.metric_loss,
        MetricLoss { hold: SignedDuration::from_mins(15), then: WhenLost::Hold }
    );
    assert_eq!(intent.policy, Policy::default());
}

#[test]
fn what_a_schema_cannot_say_is_an_issue_with_its_field_path() {
    for (name, spec, path) in [
        (
            "steps not from zero",
            web(r#"{"steps": [{"demand": 5, "replicas": 1}]}"#, ""),
            "spec.mappings[0].capacity.steps",
        ),
        (
            "steps not ascending",
            web(r#"{"steps": [{"demand": 0, "replicas": 1}, {"demand": 0, "replicas": 2}]}"#, ""),
            "spec.mappings[0].capacity.steps[1]",
        ),
        (
            "elasticity above three",
            web(r#"{"proportional": {"demand": 10, "replicas": 1, "elasticity": 4}}"#, ""),
            "spec.mappings[0].capacity.proportional.elasticity",
        ),
        ("two models", web(r#"{"perReplica": 1, "steps": []}"#, ""), "spec.mappings[0].capacity"),
        (
            "window too long",
            web(r#"{"perReplica": 1}"#, r#","policy": {"scaleDown": {"window": "2d"}}"#),
            "spec.policy.scaleDown.window",
        ),
        (
            "step of nothing",
            web(r#"{"perReplica": 1}"#, r#","policy": {"scaleDown": {"maxStep": "0%"}}"#),
            "spec.policy.scaleDown.maxStep",
        ),
        (
            "range upside down",
            r#"{"goal": {"between": {"min": 5, "max": 4}}}"#.to_owned(),
            "spec.goal.between",
        ),
        ("interval in words", r#"{"interval": "soon"}"#.to_owned(), "spec.interval"),
    ] {
        let issues = intent(&objective(&spec)).unwrap_err();
        assert!(issues.0.iter().any(|issue| issue.path == path), "{name}: {issues}");
    }
}

#[test]
fn all_issues_are_told_at_once() {
    let spec = r#"{"interval": "soon", "goal": {}, "policy": {"scaleUp": {"tolerance": "x"}}}"#;
    let issues = intent(&objective(spec)).unwrap_err();
    let paths: Vec<&str> = issues.0.iter().map(|issue| issue.path.as_str()).collect();
    assert!(paths.contains(&"spec.goal") && paths.contains(&"spec.interval"), "{paths:?}");
    assert!(paths.contains(&"spec.policy.scaleUp.tolerance"), "{paths:?}");
}
