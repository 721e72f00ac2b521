//! Generated files are what the code generates, and there is one version.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bizops::cli::manifests;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first line that differs, for people to read.
fn difference(stored: &str, generated: &str) -> String {
    let lines = stored.lines().zip(generated.lines()).enumerate();
    let first = lines.map(|(at, (old, new))| (at + 1, old, new)).find(|(_, old, new)| old != new);
    match first {
        Some((at, old, new)) => format!("line {at} is\n  {old}\nand should be\n  {new}"),
        None => format!("{} bytes are stored, {} should be", stored.len(), generated.len()),
    }
}

#[test]
fn every_generated_file_is_as_the_code_generates_it() {
    let files = manifests::all().unwrap();
    assert!(files.len() >= 13, "only {} files are generated", files.len());
    for file in files {
        let stored = read(&file.path);
        assert!(
            stored == file.content,
            "{} has drifted; run `cargo run -- manifests --write .`\n{}",
            file.path,
            difference(&stored, &file.content)
        );
    }
}

#[test]
fn folders_of_generated_files_hold_nothing_else() {
    let mut generated: BTreeSet<PathBuf> =
        manifests::all().unwrap().into_iter().map(|file| root().join(file.path)).collect();
    // Measured, not generated: `make bench-decisions` writes it.
    generated.insert(root().join("docs/reference/decisions.md"));
    for folder in ["crds", "charts/bizops/files", "charts/bizops/files/crds", "docs/reference"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let known = path.is_dir() || generated.contains(&path);
            assert!(known, "{} is not generated any more; remove it", path.display());
        }
    }
}

#[test]
fn the_chart_has_the_version_of_the_program() {
    let chart: serde_yaml::Value = serde_yaml::from_str(&read("charts/bizops/Chart.yaml")).unwrap();
    for field in ["version", "appVersion"] {
        assert_eq!(chart[field], env!("CARGO_PKG_VERSION"), "{field} of charts/bizops/Chart.yaml");
    }
}

#[test]
fn the_program_prints_the_definitions_it_was_built_with() {
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_bizops")).arg("manifests").output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert_eq!(printed, manifests::stream().unwrap());
    assert_eq!(printed.matches("kind: CustomResourceDefinition").count(), 3, "{printed}");
}

#[test]
fn every_metric_family_and_every_word_has_its_line_in_the_reference() {
    let metrics = read("docs/reference/metrics.md");
    for family in bizops::report::metrics::FAMILIES {
        assert!(
            metrics.contains(&format!("| `{}` | {}", family.name, family.kind.as_str())),
            "{}",
            family.name
        );
    }
    let conditions = read("docs/reference/conditions.md");
    for reason in bizops::model::ConditionReason::ALL {
        assert!(conditions.contains(&format!("| `{reason}` | ")), "{reason}");
    }
}
