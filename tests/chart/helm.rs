//! Calls Helm, and reads what it renders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::Deserialize;
use serde_yaml::Value;
use testbed::{Options, Testbed};

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The chart.
pub fn chart() -> PathBuf {
    root().join("charts/bizops")
}

/// A file of the repository.
pub fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
}

/// One control plane for all tests of this binary; it ends with the process.
pub fn testbed() -> &'static Testbed {
    static SHARED: OnceLock<Testbed> = OnceLock::new();
    SHARED.get_or_init(|| {
        Testbed::start(Options::control_plane()).unwrap_or_else(|error| panic!("no control plane: {error}"))
    })
}

/// Helm with these arguments: what it wrote, or why it failed.
pub fn helm(arguments: &[&str]) -> Result<String, String> {
    testbed().helm(arguments).map_err(|error| error.to_string())
}

/// What the chart renders with a file of values, installed as `bizops` into namespace `bizops`. Each file once.
pub fn template(values: &Path) -> Result<String, String> {
    static RENDERED: Mutex<BTreeMap<PathBuf, Result<String, String>>> = Mutex::new(BTreeMap::new());
    let known = RENDERED.lock().unwrap_or_else(PoisonError::into_inner).get(values).cloned();
    known.unwrap_or_else(|| {
        let chart = chart().display().to_string();
        let file = values.display().to_string();
        let rendered =
            helm(&["template", "bizops", &chart, "-n", "bizops", "--kube-version", "1.37.0", "-f", &file]);
        RENDERED.lock().unwrap_or_else(PoisonError::into_inner).insert(values.to_owned(), rendered.clone());
        rendered
    })
}

/// What the chart renders with these values, as objects.
pub fn objects(name: &str) -> Vec<Value> {
    parse(&template(&values_file(name)).unwrap())
}

/// A file of values of the tests.
pub fn values_file(name: &str) -> PathBuf {
    root().join(format!("tests/chart/values/{name}.yaml"))
}

/// The objects of a YAML stream.
pub fn parse(stream: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(stream)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|value| !value.is_null())
        .collect()
}

/// `kind/name` of an object.
pub fn title(object: &Value) -> String {
    format!("{}/{}", text(object, &["kind"]), text(object, &["metadata", "name"]))
}

/// The value at a path, or null.
pub fn at<'a>(object: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(object, |value, key| value.get(key).unwrap_or(&Value::Null))
}

/// The text at a path, or nothing.
pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).as_str().unwrap_or_default()
}

/// The one object of this title.
pub fn find<'a>(objects: &'a [Value], wanted: &str) -> &'a Value {
    objects.iter().find(|object| title(object) == wanted).unwrap_or_else(|| {
        panic!("{wanted} is not among {:?}", objects.iter().map(title).collect::<Vec<_>>());
    })
}
