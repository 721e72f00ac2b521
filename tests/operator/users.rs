//! What people do with the tools they have: kubectl and helm find in an objective what they look for.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scenes::{Scene, Stage, play, scenes};

#[test]
fn kubectl_and_helm_find_what_they_look_for() {
    let all: &[Scene] = scenes![
        kubectl_waits_for_ready_and_for_met,
        kubectl_explains_a_field_as_the_reference_does,
        kubectl_lists_what_is_asked_at_three_in_the_morning,
        kubectl_shows_no_difference_where_there_is_none,
        another_manager_of_another_field_fights_nobody,
        a_fine_objective_has_no_condition_that_worries_a_tool,
        helm_waits_until_an_objective_is_ready,
        helm_fails_in_time_when_a_spec_is_invalid,
    ];
    play("users", all);
}

/// kubectl in the scene's namespace.
fn kubectl(stage: &Stage, arguments: &[&str]) -> String {
    stage.bed.kubectl(&[&["-n", &stage.ns], arguments].concat())
}

fn kubectl_waits_for_ready_and_for_met(stage: &Stage) {
    stage.carried("web", 4, 400.0);
    for condition in ["Ready", "Met"] {
        let wait = format!("--for=condition={condition}");
        let said = kubectl(stage, &["wait", &wait, "objective/web", "--timeout=30s"]);
        assert_eq!(said.trim(), "objective.bizops.dev/web condition met");
    }
    stage.demand("web", 10.0);
    kubectl(stage, &["wait", "--for=condition=Met=False", "obj/web", "--timeout=30s"]);
    let waited = ["-n", &stage.ns, "wait", "--for=condition=Met", "obj/web", "--timeout=1s"];
    let error = stage.bed.testbed.kubectl(&waited).unwrap_err().to_string();
    assert!(error.contains("timed out waiting for the condition"), "{error}");
}

fn kubectl_explains_a_field_as_the_reference_does(stage: &Stage) {
    let explained = || stage.bed.testbed.kubectl(&["explain", "objective.spec.mappings.capacity"]);
    let is_there =
        |text: &Result<String, testbed::Error>| text.as_ref().is_ok_and(|text| text.contains("perReplica"));
    let text = stage.until("the explanation", explained, is_there).unwrap();
    for words in ["KIND:       Objective", "perReplica", "proportional", "steps", "headroom", "startup"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let deep = kubectl(stage, &["explain", "obj.spec.policy.onMetricLoss.then"]);
    assert!(deep.contains("ENUM:") && deep.contains("Baseline") && deep.contains("DESCRIPTION:"), "{deep}");
    // Every field of the spec says what it is for.
    let all = kubectl(stage, &["explain", "objective.spec", "--recursive"]);
    assert!(all.lines().count() > 60, "{all}");
    assert!(!kubectl(stage, &["explain", "objective.spec.mappings"]).contains("<no description>"));
}

fn kubectl_lists_what_is_asked_at_three_in_the_morning(stage: &Stage) {
    stage.carried("web", 4, 400.0);
    stage.until_condition("web", ["Met", "True", "GoalMet"]);
    let list = kubectl(stage, &["get", "obj"]);
    let lines: Vec<&str> = list.lines().collect();
    let columns: Vec<&str> = lines[0].split_whitespace().collect();
    let wanted = ["NAME", "INDICATOR", "GOAL", "ATTAINMENT", "MET", "REPLICAS", "READY", "AGE"];
    assert_eq!(columns, wanted, "{list}");
    for words in ["web", "400 orders/h", "≥ 100 orders/h", "400%", "True", "4"] {
        assert!(lines[1].contains(words), "{words} is not in\n{list}");
    }
    let wide = kubectl(stage, &["get", "obj", "web", "-o", "wide"]);
    assert!(wide.contains("400 orders/h of the 100 wanted; web runs 4 replicas."), "{wide}");
    assert!(kubectl(stage, &["get", "bizops"]).contains("web"), "the category lists every kind");
}

fn kubectl_shows_no_difference_where_there_is_none(stage: &Stage) {
    let objective = stage.objective("web");
    stage.demand("web", 400.0);
    stage.deployment("web", 4);
    stage.bed.apply(&objective.yaml());
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    let diff = |yaml: &str, more: &[&str]| {
        stage.bed.testbed.kubectl_with(yaml, &[&["diff", "-f", "-"], more].concat())
    };
    assert_eq!(diff(&objective.yaml(), &[]).unwrap(), "", "a status is no difference");
    let mut gitops = stage.objective("web");
    gitops.0["metadata"]["name"] = json!("gitops");
    let apply = ["apply", "--server-side", "--field-manager=flux", "-f", "-"];
    stage.bed.testbed.kubectl_with(&gitops.yaml(), &apply).unwrap_or_else(|error| panic!("{error}"));
    stage.until_condition("gitops", ["Ready", "True", "Reconciled"]);
    assert_eq!(diff(&gitops.yaml(), &["--server-side", "--field-manager=flux"]).unwrap(), "");
    let other = objective.with(&[("/goal/atLeast", json!(200))]).yaml();
    let error = diff(&other, &[]).unwrap_err().to_string();
    assert!(error.contains("exit status: 1"), "{error}");
    let changed: Vec<&str> = error
        .lines()
        .filter(|line| line.starts_with("+ ") || line.starts_with("- "))
        .map(str::trim_end)
        .collect();
    let goals: Vec<&&str> = changed.iter().filter(|line| !line.contains("generation:")).collect();
    assert_eq!(goals, [&"-    atLeast: 100", &"+    atLeast: 200"], "{error}");
}

fn another_manager_of_another_field_fights_nobody(stage: &Stage) {
    stage.carried("web", 4, 400.0);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    let part = json!({
        "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
        "metadata": {"name": "web", "namespace": stage.ns, "labels": {"team": "sales"}},
        "spec": {"owner": "sales"}
    });
    let apply = ["apply", "--server-side", "--field-manager=argocd", "-f", "-"];
    stage.bed.testbed.kubectl_with(&part.to_string(), &apply).unwrap_or_else(|error| panic!("{error}"));
    let caught_up = || {
        let object = stage.bed.objective(&stage.ns, "web");
        (object["metadata"]["generation"].clone(), object["status"]["observedGeneration"].clone())
    };
    stage.until("the new generation", caught_up, |(wanted, seen)| wanted == seen && *wanted == 2);
    // The same again, after bizops wrote: no conflict, no new generation.
    stage.demand("web", 700.0);
    stage.until_replicas("web", 7);
    stage.bed.testbed.kubectl_with(&part.to_string(), &apply).unwrap_or_else(|error| panic!("{error}"));
    let object = stage.bed.objective(&stage.ns, "web");
    assert_eq!(object["metadata"]["generation"], 2);
    assert_eq!(object["spec"]["owner"], "sales");
    let managers = object["metadata"]["managedFields"].as_array().unwrap();
    let ours: Vec<&Value> = managers.iter().filter(|one| one["manager"] == "bizops-status").collect();
    assert_eq!(ours.len(), 1, "{managers:#?}");
    let fields: Vec<&str> = ours[0]["fieldsV1"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["f:status"], "{:#}", ours[0]);
    assert_eq!(ours[0]["operation"], "Apply", "{:#}", ours[0]);
}

fn a_fine_objective_has_no_condition_that_worries_a_tool(stage: &Stage) {
    stage.carried("web", 4, 400.0);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    let object = stage.bed.objective(&stage.ns, "web");
    assert_eq!(object["status"]["observedGeneration"], object["metadata"]["generation"]);
    let conditions = object["status"]["conditions"].as_array().unwrap();
    let kinds: Vec<&str> = conditions.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "Ready").count(), 1, "{kinds:?}");
    assert!(!kinds.contains(&"Reconciling") && !kinds.contains(&"Stalled"), "{kinds:?}");
    for one in conditions {
        assert_eq!(one["observedGeneration"], object["metadata"]["generation"], "{one:#}");
        assert!(one["message"].as_str().is_some_and(|words| !words.is_empty()), "{one:#}");
    }
}

/// A chart of a team: a Deployment and the objective that carries it.
fn chart(stage: &Stage, query: &str) -> PathBuf {
    let chart = stage.bed.testbed.folder().join(format!("chart-{}", stage.ns));
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(chart.join(file), text).unwrap();
    write("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    let mut objective = stage.objective("web").0;
    objective["spec"]["indicator"]["query"] = json!(query);
    write("templates/web.yaml", &serde_yaml::to_string(&stage.workload("Deployment", "web", 1)).unwrap());
    write("templates/objective.yaml", &serde_yaml::to_string(&objective).unwrap());
    chart
}

fn helm_waits_until_an_objective_is_ready(stage: &Stage) {
    stage.demand("web", 500.0);
    let chart = chart(stage, "sum(demand)").display().to_string();
    let install = ["install", "shop", &chart, "-n", &stage.ns, "--wait", "--timeout", "60s"];
    let begin = Instant::now();
    let said = stage.bed.testbed.helm(&install).unwrap_or_else(|error| panic!("{error}\n{}", stage.told()));
    let took = begin.elapsed();
    assert!(said.contains("STATUS: deployed"), "{said}");
    assert_eq!(stage.condition("web", "Ready")[..2], ["True", "Reconciled"], "helm came back too early");
    eprintln!("helm install --wait of a chart with an objective came back after {:.1} s", took.as_secs_f64());
}

fn helm_fails_in_time_when_a_spec_is_invalid(stage: &Stage) {
    stage.demand("web", 500.0);
    let chart = chart(stage, "sum(demand").display().to_string();
    let install = ["install", "shop", &chart, "-n", &stage.ns, "--wait", "--timeout", "20s"];
    let begin = Instant::now();
    let error = stage.bed.testbed.helm(&install).unwrap_err().to_string();
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(50), "helm took {took:?}: {error}");
    assert!(error.contains("bjective") && error.contains("web"), "{error}");
    assert_eq!(stage.condition("web", "Stalled")[..2], ["True", "InvalidSpec"]);
    eprintln!(
        "helm install --wait of an invalid objective failed after {:.1} s: {error}",
        took.as_secs_f64()
    );
}
