//! The shop's manifests and the examples, as the demo applies them: the same objects, made for a day that is
//! played some hundred times faster than it was.
//!
//! What is changed, and nothing else:
//! - the shop starts in a second, and its replicas serve less (web 40/s, payment 6/s), so that a laptop shows
//!   many of them;
//! - objectives are looked at every second, rates are taken over five seconds instead of minutes, the scale-down
//!   window is ten seconds, and the goals and capacities fit the smaller shop.

use serde_json::{Map, Value, json};
use testbed::{Error, Testbed};

use super::day::root;

/// Requests per second that one replica of web serves.
pub(super) const WEB: u32 = 40;
/// Payments per second that one replica of payment takes.
pub(super) const PAYMENT: u32 = 6;
/// The share kept above the demand by the objectives of web and payment.
pub(super) const HEADROOM: (f64, f64) = (0.20, 0.25);
/// The share by which the demand may exceed what runs before replicas are added: the objectives' default.
pub(super) const TOLERANCE: f64 = 0.05;
/// The fewest replicas of web and of payment.
pub(super) const FEWEST: u32 = 2;
/// The scale-down window of the demo's objectives, in seconds.
pub(super) const WINDOW: u32 = 10;

/// The shop, without its visitors.
pub(super) fn shop(testbed: &Testbed) -> Result<Vec<Value>, Error> {
    let mut objects = read(testbed, "tests/testbed/shop/deploy/shop.yaml")?;
    for object in &mut objects {
        let app = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let Some(env) = object.pointer_mut("/spec/template/spec/containers/0/env") else { continue };
        if app != "queue" {
            set_env(env, "SHOP_STARTUP", "1s");
        }
        match app.as_str() {
            "web" => set_env(env, "SHOP_CAPACITY", &WEB.to_string()),
            "payment" => set_env(env, "SHOP_CAPACITY", &PAYMENT.to_string()),
            _ => {}
        }
        merge(
            object,
            &json!({"spec": {"template": {"metadata": {"annotations": {"testbed/startup": "2s"}}}}}),
        );
    }
    Ok(objects)
}

/// The visitors, who play the day as soon as their pod runs.
pub(super) fn visitors(testbed: &Testbed, speed: f64, peak: f64) -> Result<Vec<Value>, Error> {
    let mut objects = read(testbed, "tests/testbed/shop/deploy/load.yaml")?;
    for object in &mut objects {
        if let Some(env) = object.pointer_mut("/spec/template/spec/containers/0/env") {
            set_env(env, "SHOP_TRACE", "/trace/day.csv");
            set_env(env, "SHOP_SPEED", &speed.to_string());
            set_env(env, "SHOP_PEAK", &peak.to_string());
        }
    }
    let path = super::day::trace();
    let day = std::fs::read_to_string(&path)
        .map_err(|source| Error::Io { doing: format!("reading {}", path.display()), source })?;
    let name = json!({"name": "trace", "namespace": "shop"});
    objects.insert(
        0,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": name, "data": {"day.csv": day}}),
    );
    Ok(objects)
}

/// The examples that fit a demo, and where their metrics come from.
pub(super) fn examples(testbed: &Testbed, prometheus: &str) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for (file, change) in changes(prometheus) {
        for mut object in read(testbed, &format!("examples/{file}.yaml"))? {
            if object["kind"] == "Objective" {
                shorten(&mut object);
                merge(&mut object, &json!({"spec": {"interval": "1s"}}));
            }
            merge(&mut object, &change);
            all.push(object);
        }
    }
    Ok(all)
}

fn changes(prometheus: &str) -> [(&'static str, Value); 7] {
    let quick = json!({"scaleDown": {"window": format!("{WINDOW}s"), "maxStep": "50%"}});
    [
        ("00-source", json!({"spec": {"prometheus": {"url": prometheus}}})),
        ("01-orders-per-hour", json!({})),
        (
            "02-web-proportional",
            json!({"spec": {"goal": {"atLeast": 20}, "policy": quick, "mappings": {"0": {
                "capacity": {"proportional": {"demand": WEB * 10, "replicas": 10}, "startup": "3s"},
                "bounds": {"max": 30},
            }}}}),
        ),
        (
            "03-checkout-latency",
            json!({"spec": {"policy": quick, "mappings": {"0": {
                "capacity": {"perReplica": PAYMENT, "startup": "3s"},
            }}}}),
        ),
        ("05-hpa-floor", json!({"spec": {"policy": quick}})),
        (
            "06-several-targets",
            json!({"spec": {"policy": {"scaleDown": quick["scaleDown"], "freeze": null}, "mappings": {"0": {
                "capacity": {"proportional": {"demand": PAYMENT * 5, "replicas": 5}},
            }}}}),
        ),
        ("07-worker-queue", json!({"spec": {"policy": quick}})),
    ]
}

/// The objects of a file, read by kubectl: what people write is what it understands.
fn read(testbed: &Testbed, file: &str) -> Result<Vec<Value>, Error> {
    let path = root().join(file).display().to_string();
    let text = testbed.kubectl(&["create", "--dry-run=client", "--output=json", "--filename", &path])?;
    let wrong = |error: serde_json::Error| Error::NotHere(format!("{path} as JSON: {error}"));
    let read: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
    let mut objects = Vec::new();
    for mut object in read.map_err(wrong)? {
        match object.get_mut("items").and_then(Value::as_array_mut) {
            Some(items) => objects.append(items),
            None => objects.push(object),
        }
    }
    Ok(objects)
}

/// Applies objects.
pub(super) fn apply(testbed: &Testbed, objects: &[Value]) -> Result<(), Error> {
    testbed.apply(&json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()).map(|_| ())
}

fn set_env(env: &mut Value, name: &str, value: &str) {
    let Some(list) = env.as_array_mut() else { return };
    match list.iter_mut().find(|variable| variable["name"] == name) {
        Some(variable) => variable["value"] = json!(value),
        None => list.push(json!({"name": name, "value": value})),
    }
}

/// Every rate over minutes becomes one over five seconds.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("rate(") => {
            *text = text.replace("[1m]", "[5s]").replace("[5m]", "[5s]");
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

/// A JSON merge patch; in a list the names of fields are places: `{"0": {…}}` changes the first.
fn merge(into: &mut Value, change: &Value) {
    let Value::Object(fields) = change else {
        *into = change.clone();
        return;
    };
    for (name, change) in fields {
        if let Value::Array(items) = into {
            if let Some(item) = name.parse().ok().and_then(|place: usize| items.get_mut(place)) {
                merge(item, change);
            }
            continue;
        }
        if !into.is_object() {
            *into = Value::Object(Map::new());
        }
        if change.is_null() {
            into.as_object_mut().map(|fields| fields.remove(name));
        } else {
            merge(&mut into[name.as_str()], change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_into_lists_and_takes_fields_away() {
        let mut object = json!({"spec": {"mappings": [{"a": 1, "b": {"c": 2}}], "freeze": [], "kept": true}});
        merge(
            &mut object,
            &json!({"spec": {"mappings": {"0": {"b": {"d": 3}}}, "freeze": null, "policy": {"x": 1}}}),
        );
        assert_eq!(
            object,
            json!({"spec": {"mappings": [{"a": 1, "b": {"c": 2, "d": 3}}], "kept": true, "policy": {"x": 1}}})
        );
    }

    #[test]
    fn rates_over_minutes_become_rates_over_seconds() {
        let mut object = json!({"query": ["sum(rate(orders[5m])) * 3600", "sum(depth)"], "interval": "[1m]"});
        shorten(&mut object);
        assert_eq!(
            object,
            json!({"query": ["sum(rate(orders[5s])) * 3600", "sum(depth)"], "interval": "[1m]"})
        );
    }

    #[test]
    fn every_example_that_is_changed_is_there() {
        for (file, _) in changes("http://localhost") {
            assert!(root().join(format!("examples/{file}.yaml")).exists(), "{file}");
        }
    }
}
