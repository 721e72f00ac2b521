//! What the chart renders for every file of `values/` is what `golden/` holds.
//!
//! `make golden` writes the stored files anew; the difference is then for a reviewer to read. Definitions of kinds
//! are stored as one line: what they hold is generated and compared elsewhere.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::helm::{helm, parse, root, template, title};

const UPDATE: &str = "BIZOPS_UPDATE_GOLDEN";

/// Whether stored output is to be written instead of compared.
pub fn updating() -> bool {
    std::env::var_os(UPDATE).is_some_and(|value| value == "1")
}

/// Compares with a stored file, or writes it.
pub fn compare(path: &str, actual: &str) {
    let path = root().join(path);
    if updating() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    if stored == actual {
        return;
    }
    let line = stored.lines().zip(actual.lines()).take_while(|(before, after)| before == after).count();
    panic!(
        "{} differs from line {} on: stored {:?}, now {:?}. If this is meant, run `make golden` and review the difference.",
        path.display(),
        line + 1,
        stored.lines().nth(line).unwrap_or("the end"),
        actual.lines().nth(line).unwrap_or("the end"),
    );
}

/// The files of values, in the order of their names.
pub fn values() -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(root().join("tests/chart/values"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there are no files of values");
    files
}

/// A rendered stream with every definition of a kind as one line.
fn shortened(stream: &str) -> String {
    let mut short = String::new();
    for document in stream.split("\n---\n").map(|document| document.trim_start_matches("---\n").trim_end()) {
        match parse(document).first() {
            None => {}
            Some(object) if title(object).starts_with("CustomResourceDefinition/") => {
                let _ = writeln!(short, "---\n# {}", title(object));
            }
            Some(_) => {
                let _ = writeln!(short, "---\n{document}");
            }
        }
    }
    short
}

#[test]
fn golden_every_file_of_values_renders_what_is_stored() {
    for file in values() {
        let rendered = template(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        compare(&format!("tests/chart/golden/{name}"), &shortened(&rendered));
    }
}

#[test]
fn golden_files_all_have_their_values() {
    for entry in std::fs::read_dir(root().join("tests/chart/golden")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(
            root().join("tests/chart/values").join(&name).exists(),
            "tests/chart/golden/{} has no file of values any more; delete it",
            name.display()
        );
    }
}

#[test]
fn helm_finds_no_fault_with_any_file_of_values() {
    for file in values() {
        let (chart, file) = (crate::helm::chart().display().to_string(), file.display().to_string());
        if let Err(error) = helm(&["lint", "--strict", &chart, "-f", &file, "--kube-version", "1.37.0"]) {
            panic!("helm lint --strict -f {file}: {error}");
        }
    }
}

#[test]
fn a_cluster_that_is_too_old_is_refused() {
    let (chart, values) = (crate::helm::chart(), crate::helm::values_file("defaults"));
    let (chart, values) = (chart.display().to_string(), values.display().to_string());
    let error = helm(&["template", "bizops", &chart, "-f", &values, "--kube-version", "1.32.9"]).unwrap_err();
    assert!(error.contains("requires kubeVersion: >=1.33.0-0"), "{error}");
}
