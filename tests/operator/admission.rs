//! What the API server refuses and in which words; and what only bizops can refuse, the language of a query.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::scenes::{Stage, collection};
use crate::support::{alone, bed};

/// What the API server adds when a schema is broken so early that rules were not looked at.
const UNCHECKED: &str = "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

/// One manifest that must be refused.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    base: String,
    change: BTreeMap<String, Value>,
    says: String,
}

fn cases() -> Vec<Case> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/admission/cases.yaml");
    serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn mapping(name: &str) -> Value {
    json!({
        "name": name,
        "demand": {"query": "sum(demand)", "unit": "requests/s"},
        "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "capacity": {"perReplica": 100},
        "bounds": {"min": 1, "max": 10}
    })
}

/// A manifest with nothing wrong.
fn good(base: &str) -> Value {
    let (kind, spec) = match base {
        "objective" => (
            "Objective",
            json!({
                "indicator": {"query": "sum(orders)", "unit": "orders/h"},
                "goal": {"atLeast": 100},
                "mappings": [mapping("web")]
            }),
        ),
        "source" => ("MetricSource", json!({"prometheus": {"url": "http://prometheus:9090"}})),
        other => panic!("no good manifest named {other}"),
    };
    json!({
        "apiVersion": "bizops.dev/v1alpha1", "kind": kind,
        "metadata": {"name": "case", "namespace": "default"}, "spec": spec
    })
}

/// A value as the table writes it: some are too long to be written out.
fn value(written: &Value) -> Value {
    let Some(words) = written.as_str().and_then(|text| text.strip_prefix("REPEAT ")) else {
        return written.clone();
    };
    let words: Vec<&str> = words.split(' ').collect();
    let count: usize = words[1].parse().unwrap();
    match words[..] {
        ["mapping", _] => (0..count).map(|index| mapping(&format!("web-{index}"))).collect(),
        ["mapping", _, "alike"] => (0..count).map(|_| mapping("web")).collect(),
        [letter, _] => json!(letter.repeat(count)),
        _ => panic!("REPEAT {words:?} is not understood"),
    }
}

/// Sets the field at `spec.mappings[0].bounds.min`, or takes it away.
fn change(object: &mut Value, path: &str, new: &Value) {
    let pointer = format!("/{}", path.replace("].", "/").replace('[', "/").replace(['.', ']'], "/"));
    let pointer = pointer.trim_end_matches('/');
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let mut at = &mut *object;
    for step in parent.split('/').skip(1) {
        at = match step.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[step],
        };
    }
    match (at, new) {
        (Value::Object(fields), Value::Null) => drop(fields.remove(field)),
        (at, new) => at[field] = value(new),
    }
}

/// What the API server says to a manifest, without creating it; nothing when it is accepted.
fn refusal(object: &Value) -> Option<String> {
    let path = format!("{}?dryRun=All&fieldValidation=Strict", collection(object));
    let error = bed().testbed.api().post(&path, object).err()?.to_string();
    let words = ["is invalid: ", "strict decoding error: "].iter().find_map(|start| error.split_once(start));
    Some(words.map_or(error.clone(), |(_, words)| words.to_owned()))
}

/// Whether the API server says exactly this, besides the note that rules were left out.
fn is_exactly(said: &str, wanted: &str) -> bool {
    let bare = said.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(said);
    let bare = bare.replace(UNCHECKED, "");
    bare.trim_start_matches(", ").trim_end_matches(", ") == wanted
}

#[test]
fn bad_manifests_are_refused_in_words_that_say_what_to_write() {
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    for base in ["objective", "source"] {
        assert_eq!(refusal(&good(base)), None, "the good {base} is refused");
    }
    let mut wrong = vec![];
    for case in &cases {
        let mut object = good(&case.base);
        for (path, new) in &case.change {
            change(&mut object, path, new);
        }
        match refusal(&object) {
            None => wrong.push(format!("{}: accepted", case.name)),
            Some(said) if is_exactly(&said, &case.says) => {}
            Some(said) => wrong.push(format!("{}\n  says   {said}\n  wanted {}", case.name, case.says)),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    eprintln!("{} bad manifests refused with exactly the words expected", cases.len());
}

#[test]
fn a_fault_in_a_query_is_told_with_line_and_column() {
    let _turn = alone();
    let bed = bed();
    let stage = Stage { bed, ns: bed.namespace("promql") };
    let operator = bed.operator("promql", &[]);
    let faulty = [
        ("indicator", "/indicator/query", "sum(rate(orders[5m])", "spec.indicator.query: line 1, column "),
        (
            "second-line",
            "/indicator/query",
            "sum(\n  rate(orders[5m]) +\n)",
            "spec.indicator.query: line 3, column ",
        ),
        (
            "range",
            "/indicator/query",
            "orders[5m]",
            "spec.indicator.query: line 1, column 1: a range of samples is not one number",
        ),
        (
            "demand",
            "/mappings/0/demand/query",
            "sum by app (x)",
            "spec.mappings[0].demand.query: line 1, column ",
        ),
    ];
    for (name, field, query, _) in faulty {
        stage.deployment(name, 4);
        stage.create(&stage.objective(name).with(&[(field, json!(query))]).0);
    }
    for (name, _, _, words) in faulty {
        let said = stage.until_condition(name, ["Ready", "False", "InvalidSpec"]);
        assert!(said.starts_with(words), "{name}: {said}");
        stage.until_condition(name, ["Stalled", "True", "InvalidSpec"]);
        assert_eq!(stage.replicas(name), 4);
        eprintln!("{name}: {said}");
    }
    stage.until("four events", || stage.events("InvalidSpec").len(), |count| *count == 4);
    stage.demand("indicator", 700.0);
    let sound = stage.objective("indicator").0["spec"]["indicator"].clone();
    stage.change("indicator", &json!({"indicator": sound}));
    stage.until_replicas("indicator", 7);
    stage.until_condition("indicator", ["Ready", "True", "Reconciled"]);
    assert_eq!(stage.condition("indicator", "Stalled"), ["", "", ""]);
    operator.stop(Duration::from_secs(10)).unwrap();
}
