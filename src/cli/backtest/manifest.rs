//! The objectives of a back-test: from files, with fields set otherwise.

use std::path::Path;

use serde::Deserialize as _;
use serde_yaml::Value;

use crate::api::v1alpha1::{Objective, intent};
use crate::model::Intent;

/// The first objective in a file, with these fields set, e.g. `spec.mappings[0].unserved=1%`.
///
/// # Errors
/// What is wrong with the file or a field, and what to do.
pub(super) fn load(path: &Path, sets: &[String]) -> Result<Intent, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: cannot be read: {error}; check the name", path.display()))?;
    parse(&text, sets).map_err(|words| format!("{}: {words}", path.display()))
}

fn parse(text: &str, sets: &[String]) -> Result<Intent, String> {
    for document in serde_yaml::Deserializer::from_str(text) {
        let mut value = Value::deserialize(document).map_err(|error| format!("is not YAML: {error}"))?;
        if value["kind"].as_str() != Some("Objective") {
            continue;
        }
        for set in sets {
            apply(&mut value, set)?;
        }
        if let Some((path, number)) = fraction(&value, "") {
            return Err(format!("{path} is {number}: write it in quotes, as \"{number}\""));
        }
        let object: Objective =
            serde_yaml::from_value(value).map_err(|error| format!("is not an Objective: {error}"))?;
        return intent(&object).map_err(|issues| issues.to_string());
    }
    Err("there is no Objective in it: write kind: Objective".to_owned())
}

/// The first number with a point: the schema has whole numbers, and quantities in quotes.
fn fraction(value: &Value, path: &str) -> Option<(String, f64)> {
    match value {
        Value::Number(number) if number.is_f64() => Some((path.to_owned(), number.as_f64()?)),
        Value::Mapping(map) => map.iter().find_map(|(name, value)| {
            let name = name.as_str().unwrap_or_default();
            fraction(value, &if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") })
        }),
        Value::Sequence(list) => {
            list.iter().enumerate().find_map(|(index, value)| fraction(value, &format!("{path}[{index}]")))
        }
        _ => None,
    }
}

/// Sets one field.
fn apply(object: &mut Value, set: &str) -> Result<(), String> {
    let wrong = |why: &str| format!("--set {set}: {why}; write a field such as spec.mappings[0].unserved=1%");
    let (path, text) = set.split_once('=').ok_or_else(|| wrong("there is no value"))?;
    let value: Value = serde_yaml::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    // Quotes are the shell's business: 0.25 is the quantity "0.25".
    let value = if value.is_f64() { Value::from(text) } else { value };
    let mut at = object;
    for part in path.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => {
                let index = rest.strip_suffix(']').and_then(|index| index.parse::<usize>().ok());
                (name, Some(index.ok_or_else(|| wrong("an index is a number in brackets"))?))
            }
            None => (part, None),
        };
        if name.is_empty() {
            return Err(wrong("a name is empty"));
        }
        if at.is_null() {
            *at = Value::Mapping(serde_yaml::Mapping::new());
        }
        let Value::Mapping(map) = at else { return Err(wrong(&format!("{name} has no parent with fields"))) };
        at = map.entry(Value::from(name)).or_insert(Value::Null);
        if let Some(index) = index {
            at = at.get_mut(index).ok_or_else(|| wrong(&format!("there is no {name}[{index}]")))?;
        }
    }
    *at = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reserve;

    const TEXT: &str = "kind: MetricSource\n---\napiVersion: bizops.dev/v1alpha1\nkind: Objective\nmetadata: {name: a, namespace: shop}\n\
        spec:\n  indicator: {query: up, unit: orders/h}\n  goal: {atLeast: 1}\n  mappings:\n  - name: web\n    demand: {query: up, unit: r/s}\n    \
        target: {apiVersion: apps/v1, kind: Deployment, name: web}\n    capacity: {perReplica: 100}\n    bounds: {min: 1, max: 9}\n";

    #[test]
    fn fields_are_set_as_if_they_were_written() {
        let set = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            parse(TEXT, &fields)
        };
        assert_eq!(set(&[]).unwrap().mappings[0].reserve, Reserve::Headroom(0.0));
        let ahead = set(&["spec.mappings[0].unserved=1%", "spec.policy.forecast.mode=Disabled"]).unwrap();
        assert_eq!(ahead.mappings[0].reserve, Reserve::Unserved(0.01));
        assert!(!ahead.policy.forecast.auto);
        let carries =
            set(&["spec.mappings[0].capacity.perReplica=0.25"]).unwrap().mappings[0].capacity.clone();
        assert_eq!(carries, crate::model::CapacityModel::PerReplica(0.25));
        assert_eq!(set(&["spec.mappings[0].bounds.max=20"]).unwrap().mappings[0].bounds.max.0, 20);
    }

    #[test]
    fn a_field_that_cannot_be_set_says_why() {
        for (field, words) in [
            ("spec.suspend", "there is no value"),
            ("spec.mappings[7].unserved=1%", "there is no mappings[7]"),
            ("spec.mappings[x].unserved=1%", "an index is a number"),
            ("spec..suspend=true", "a name is empty"),
            ("spec.mappings[0].unserved=90%", "spec.mappings[0].unserved"),
            ("kind.more=1", "has no parent"),
        ] {
            let said = parse(TEXT, &[field.to_owned()]).unwrap_err();
            assert!(said.contains(words), "{field}: {said}");
        }
        let fraction = TEXT.replace("perReplica: 100", "perReplica: 0.25");
        let said = parse(&fraction, &[]).unwrap_err();
        assert_eq!(said, "spec.mappings[0].capacity.perReplica is 0.25: write it in quotes, as \"0.25\"");
        assert!(parse("kind: Deployment\n", &[]).unwrap_err().contains("write kind: Objective"));
    }
}
