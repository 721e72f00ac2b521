//! What the docs say to Argo CD and Flux.

use std::fmt::Write as _;
use std::process::Command;

use serde_yaml::Value;

use crate::helm::{at, read, text};

fn manifest(name: &str) -> Value {
    serde_yaml::from_str(&read(&format!("tests/chart/gitops/{name}.yaml"))).unwrap()
}

/// A value as a Lua table.
fn lua(value: &Value) -> String {
    match value {
        Value::Mapping(map) => {
            let mut table = "{".to_owned();
            for (key, value) in map {
                let _ = write!(table, "[{}]={},", lua(key), lua(value));
            }
            table + "}"
        }
        Value::Sequence(list) => format!("{{{}}}", list.iter().map(lua).collect::<Vec<_>>().join(",")),
        Value::String(text) => format!("{text:?}"),
        Value::Null => "nil".to_owned(),
        other => serde_yaml::to_string(other).unwrap().trim().to_owned(),
    }
}

/// An objective at generation 2 → the health Argo CD shows.
const HEALTH: [(&str, &str, &str); 8] = [
    ("nobody has looked at it", "{}", "Progressing"),
    (
        "an old generation was looked at",
        "status: {observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]}",
        "Progressing",
    ),
    (
        "accepted and reconciled",
        "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'True', message: fine}]}",
        "Healthy",
    ),
    (
        "accepted, and the goal is missed",
        "status: {observedGeneration: 2, conditions: [{type: Met, status: 'False'}, {type: Ready, status: 'True'}]}",
        "Healthy",
    ),
    (
        "taken up",
        "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'False'}, {type: Reconciling, status: 'True'}]}",
        "Progressing",
    ),
    (
        "its spec is wrong",
        "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'False'}, {type: Stalled, status: 'True', message: fix it}]}",
        "Degraded",
    ),
    (
        "its source is missing",
        "status: {observedGeneration: 2, conditions: [{type: Ready, status: 'False', message: no source}]}",
        "Degraded",
    ),
    ("suspended", "spec: {suspend: true}", "Suspended"),
];

#[test]
fn argo_cd_reads_the_health_of_an_objective_from_its_conditions() {
    let Some(interpreter) = ["lua5.1", "luajit", "lua"]
        .into_iter()
        .find(|name| Command::new(name).arg("-v").output().is_ok_and(|output| output.status.success()))
    else {
        eprintln!(
            "DID NOT RUN: Argo CD's health script was not tried, lua5.1 is missing; install it with: apt-get install lua5.1"
        );
        return;
    };
    let config = manifest("argo-cd-health");
    let script = text(&config, &["data", "resource.customizations.health.bizops.dev_Objective"]);
    for (case, object, expected) in HEALTH {
        let mut object: Value = serde_yaml::from_str(object).unwrap();
        object["metadata"]["generation"] = Value::from(2);
        let program = format!(
            "local obj = {}\nlocal function health()\n{script}end\nlocal found = health()\n\
             assert(type(found.message) == 'string' or found.message == nil)\nio.write(found.status)",
            lua(&object)
        );
        let output = Command::new(interpreter).args(["-e", &program]).output().unwrap();
        assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{case}");
    }
}

#[test]
fn git_ops_tools_are_told_the_field_managers_the_operator_uses() {
    let names = read("src/api/names.rs");
    let application = manifest("argo-cd-application");
    let managers = at(&at(&application, &["spec", "ignoreDifferences"])[0], &["managedFieldsManagers"]);
    let managers: Vec<_> = managers.as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(managers, ["bizops-scale", "bizops-hpa-floor"]);
    for manager in managers {
        assert!(names.contains(&format!("\"{manager}\"")), "src/api/names.rs has no field manager {manager}");
    }
    let release = manifest("flux-helm-release");
    let rule = &at(&release, &["spec", "driftDetection", "ignore"])[0];
    assert_eq!(at(rule, &["paths"]), &Value::from(vec!["/spec/replicas"]));
}
