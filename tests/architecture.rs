//! The walls of the house: which room may name which, and what the pure rooms may be built from.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Room → the rooms of this crate it may name, and the external crates it may not.
const ROOMS: [(&str, &[&str], &[&str]); 10] = [
    ("model", &["model"], &["kube", "k8s_openapi", "tokio", "reqwest", "tracing", "serde_json"]),
    ("api", &["api", "model"], &["tokio", "reqwest", "tracing", "hyper", "prometheus_client"]),
    (
        "engine",
        &["engine", "model"],
        &["kube", "k8s_openapi", "tokio", "reqwest", "tracing", "prometheus_client", "serde_json"],
    ),
    (
        "backtest",
        &["backtest", "engine", "model"],
        &["kube", "k8s_openapi", "tokio", "reqwest", "tracing", "prometheus_client", "serde_json"],
    ),
    ("observe", &["observe", "model"], &["axum", "prometheus_client", "clap"]),
    ("act", &["act", "model"], &["reqwest", "axum", "prometheus_client", "clap", "prometheus_http_query"]),
    ("report", &["report", "model", "api"], &["axum", "clap", "prometheus_http_query"]),
    ("control", &["control", "model", "api", "engine", "observe", "act", "report"], &["axum", "clap"]),
    ("web", &["web", "model", "report"], &["kube", "k8s_openapi", "clap", "reqwest"]),
    (
        "cli",
        &[
            "cli",
            "model",
            "api",
            "engine",
            "backtest",
            "observe",
            "act",
            "report",
            "control",
            "web",
            "telemetry",
        ],
        &[],
    ),
];

/// What the pure rooms must not have in their dependency graph.
const IMPURE: [&str; 6] = ["tokio", "hyper", "reqwest", "kube-client", "kube-runtime", "rustls"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    files
}

/// The code of a file without comments and without its test module.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    body.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// Every `crate::room` a text names.
fn rooms_named(code: &str) -> BTreeSet<String> {
    code.match_indices("crate::")
        .map(|(at, found)| {
            code[at + found.len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect::<String>()
        })
        .filter(|room| !room.is_empty())
        .collect()
}

#[test]
fn rooms_name_only_the_rooms_they_may() {
    let mut checked = 0;
    for (room, allowed, forbidden) in ROOMS {
        let mut files = rust_files(&root().join("src").join(room));
        files.extend([root().join(format!("src/{room}.rs"))].into_iter().filter(|path| path.exists()));
        for file in files.iter().filter(|file| {
            !file.ends_with("tests.rs") && !file.ends_with("scenario.rs") && !file.ends_with("properties.rs")
        }) {
            checked += 1;
            let code = code(file);
            assert!(!code.contains("use crate::{"), "{}: one `use crate::room::…` per room", file.display());
            for named in rooms_named(&code) {
                assert!(
                    allowed.contains(&named.as_str()),
                    "{} names crate::{named}; {room} may name {allowed:?}",
                    file.display()
                );
            }
            for name in forbidden {
                let used = code.contains(&format!("{name}::"));
                assert!(!used, "{} uses {name}, which {room} may not", file.display());
            }
        }
    }
    assert!(checked > 30, "only {checked} files were found: the test looks in the wrong place");
}

#[test]
fn pure_rooms_read_no_clock_and_no_environment() {
    for room in ["model", "api", "engine", "backtest"] {
        for file in rust_files(&root().join("src").join(room)) {
            let code = code(&file);
            for word in [
                "Timestamp::now",
                "Instant::now",
                "SystemTime",
                "std::env",
                "std::fs",
                "std::net",
                "async fn",
            ] {
                assert!(!code.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn pure_rooms_build_without_runtime_or_client() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "bizops",
            "--no-default-features",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--locked",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("kube-core"), "the graph could not be read: {tree}");
    for name in IMPURE {
        let found = tree.lines().any(|line| line.split(' ').next() == Some(name));
        assert!(!found, "{name} is in the dependency graph of the pure rooms");
    }
}

#[test]
fn files_are_small() {
    for file in rust_files(&root().join("src")) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines; split it by idea", file.display());
    }
}
