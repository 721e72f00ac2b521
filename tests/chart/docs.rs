//! What the docs show and say is what the repository holds.

use std::path::{Path, PathBuf};

use serde_yaml::Value;

use crate::helm::{at, read, root};

/// Where manifests and values shown in docs come from.
const SHOWN_FROM: [&str; 3] = ["examples", "tests/chart/values", "tests/chart/gitops"];

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn pages() -> Vec<PathBuf> {
    let mut pages = files(&root().join("docs"), "md");
    // Generated from the code, and compared with it elsewhere.
    pages.retain(|page| !page.starts_with(root().join("docs/reference")));
    pages.extend(["README.md", "charts/bizops/README.md"].map(|page| root().join(page)));
    pages.retain(|page| page.exists());
    pages
}

/// The fenced blocks of a language, each without its indentation.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut open: Option<(usize, String)> = None;
    for line in text.lines() {
        let bare = line.trim_start();
        match &mut open {
            None if bare == format!("```{language}") => open = Some((line.len() - bare.len(), String::new())),
            Some(_) if bare.starts_with("```") => blocks.extend(open.take().map(|(_, block)| block)),
            Some((indent, block)) => {
                block.push_str(line.get(*indent..).unwrap_or_default());
                block.push('\n');
            }
            None => {}
        }
    }
    blocks
}

#[test]
fn every_yaml_shown_is_part_of_a_file_that_is_tested() {
    let sources: Vec<String> = SHOWN_FROM
        .iter()
        .flat_map(|folder| files(&root().join(folder), "yaml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let mut shown = 0;
    for page in pages() {
        for block in blocks(&std::fs::read_to_string(&page).unwrap(), "yaml") {
            shown += 1;
            assert!(
                sources.iter().any(|source| source.contains(&block)),
                "{}: this block is in no file of {SHOWN_FROM:?}; show a part of one:\n{block}",
                page.display()
            );
        }
    }
    assert!(shown > 0, "no page shows any YAML");
}

#[test]
fn every_link_between_the_pages_leads_to_a_file() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for (start, _) in text.match_indices("](") {
            let link = text[start + 2..].split(')').next().unwrap_or_default();
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let path = page.parent().unwrap().join(target);
            assert!(path.exists(), "{}: the link {link} leads nowhere", page.display());
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let reasons = read("docs/design/dependencies.md");
    let manifest = read("Cargo.toml");
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if matches!(section, "[dependencies]" | "[dev-dependencies]") {
            let Some((name, _)) = line.split_once(" = ") else { continue };
            let row = format!("`{name}`");
            let told = reasons.lines().any(|line| line.starts_with('|') && line.contains(&row));
            assert!(told, "docs/design/dependencies.md does not say why {name} is here");
        }
    }
}

#[test]
fn every_permission_has_its_reason() {
    let reasons = read("docs/design/permissions.md");
    let rules: Value = serde_yaml::from_str(&read("charts/bizops/files/permissions.yaml")).unwrap();
    for part in ["watched", "cluster", "own"] {
        for rule in at(&rules, &[part]).as_sequence().unwrap() {
            let verbs: Vec<_> =
                at(rule, &["verbs"]).as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
            for resource in at(rule, &["resources"]).as_sequence().unwrap().iter().filter_map(Value::as_str) {
                let row = |line: &&str| line.starts_with('|') && line.contains(&format!("`{resource}`"));
                let told = reasons
                    .lines()
                    .filter(row)
                    .any(|line| line.contains(&format!("| {} |", verbs.join(", "))));
                assert!(told, "docs/design/permissions.md does not say why {verbs:?} on {resource}");
            }
        }
    }
}
