//! The chart's README lists every value, with its default, as the schema and `values.yaml` have them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::golden::compare;
use crate::helm::read;
use crate::schema::{properties, schema};

const README: &str = "charts/bizops/README.md";
const MARK: &str = "do not edit below. -->\n";

/// A default as it is written in a table.
fn written(default: &Value) -> String {
    match default {
        Value::Object(map) if map.is_empty() => "`{}`".to_owned(),
        Value::Object(_) => "see values.yaml".to_owned(),
        other => format!("`{other}`"),
    }
}

fn table() -> String {
    let defaults: Value = serde_yaml::from_str(&read("charts/bizops/values.yaml")).unwrap();
    let mut table = "\n| value | default | what it does |\n|---|---|---|\n".to_owned();
    for (path, property) in properties(&schema(), "") {
        let leaf = !property["properties"].is_object();
        let text = property["description"].as_str().unwrap_or_default().replace('|', "\\|");
        let default = if path.contains("[]") {
            String::new()
        } else {
            defaults.pointer(&format!("/{}", path.replace('.', "/"))).map_or(String::new(), written)
        };
        if leaf && path != "global" {
            let _ = writeln!(table, "| `{path}` | {default} | {text} |");
        }
    }
    table
}

#[test]
fn golden_readme_lists_every_value_with_its_default() {
    let readme = read(README);
    let (head, _) = readme.split_once(MARK).unwrap_or_else(|| panic!("{README} has lost its mark: {MARK}"));
    compare(README, &format!("{head}{MARK}{}", table()));
}
