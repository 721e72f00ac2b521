//! What the operator may do: as little as it needs, and nothing cluster-wide when it serves namespaces.

use std::collections::BTreeSet;

use serde_yaml::Value;

use crate::golden::values;
use crate::helm::{at, find, objects, parse, read, template, text, title};

fn fixed(part: &str) -> Vec<Value> {
    let file: Value = serde_yaml::from_str(&read("charts/bizops/files/permissions.yaml")).unwrap();
    at(&file, &[part]).as_sequence().unwrap_or_else(|| panic!("permissions.yaml has no list {part}")).clone()
}

fn rules(object: &Value) -> Vec<Value> {
    at(object, &["rules"]).as_sequence().cloned().unwrap_or_default()
}

/// A rule as the set of `verb resource.group[ name]` it allows.
fn allowed(rules: &[Value]) -> BTreeSet<String> {
    let list = |rule: &Value, key: &str| -> Vec<String> {
        at(rule, &[key])
            .as_sequence()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let mut allowed = BTreeSet::new();
    for rule in rules {
        let mut names: Vec<_> =
            list(rule, "resourceNames").into_iter().map(|name| format!(" {name}")).collect();
        if names.is_empty() {
            names.push(String::new());
        }
        for group in list(rule, "apiGroups") {
            for resource in list(rule, "resources") {
                for verb in list(rule, "verbs") {
                    allowed.extend(names.iter().map(|name| format!("{verb} {resource}.{group}{name}")));
                }
            }
        }
    }
    allowed
}

fn scaling(kinds: &[&str]) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for kind in kinds {
        let (resource, group) = kind.split_once('.').unwrap();
        allowed.extend(["get", "list", "watch"].map(|verb| format!("{verb} {kind}")));
        allowed.extend(["get", "patch"].map(|verb| format!("{verb} {resource}/scale.{group}")));
    }
    allowed
}

#[test]
fn the_whole_cluster_is_served_by_exactly_the_permissions_of_the_code() {
    let rendered = objects("defaults");
    let mut expected = allowed(&[fixed("watched"), fixed("cluster")].concat());
    expected.extend(scaling(&["deployments.apps", "statefulsets.apps"]));
    assert_eq!(allowed(&rules(find(&rendered, "ClusterRole/bizops"))), expected);
}

#[test]
fn the_lease_is_the_only_one_it_may_touch() {
    let own = allowed(&rules(find(&objects("own-platform"), "Role/capacity-own")));
    let leases: Vec<_> = own.iter().filter(|rule| rule.contains("leases")).map(String::as_str).collect();
    assert_eq!(
        leases,
        [
            "create leases.coordination.k8s.io",
            "get leases.coordination.k8s.io capacity",
            "update leases.coordination.k8s.io capacity"
        ]
    );
    let rendered = objects("own-platform");
    let pod = at(find(&rendered, "Deployment/capacity"), &["spec", "template", "spec"]);
    let arguments = at(&at(pod, &["containers"])[0], &["args"]).as_sequence().unwrap();
    assert!(arguments.contains(&Value::from("--lease-name=capacity")), "{arguments:?}");
}

#[test]
fn kinds_to_scale_are_those_listed_and_no_other() {
    let listed = allowed(&rules(find(&objects("other-kinds"), "ClusterRole/bizops")));
    let mut expected = allowed(&[fixed("watched"), fixed("cluster")].concat());
    expected.extend(scaling(&["deployments.apps", "rollouts.argoproj.io"]));
    assert_eq!(listed, expected);

    let none = allowed(&rules(find(&objects("measure-only"), "ClusterRole/bizops")));
    assert!(!none.iter().any(|rule| rule.contains("/scale")), "{none:?}");
}

#[test]
fn a_namespaced_install_has_a_role_in_each_namespace_and_nothing_cluster_wide() {
    let rendered = objects("namespaced");
    let titles: BTreeSet<_> = rendered.iter().map(title).collect();
    assert!(!titles.iter().any(|title| title.starts_with("Cluster")), "{titles:?}");

    let mut expected = allowed(&fixed("watched"));
    expected.extend(scaling(&["deployments.apps", "statefulsets.apps"]));
    for namespace in ["shop", "billing"] {
        let role = rendered
            .iter()
            .find(|object| {
                title(object) == "Role/bizops-watched"
                    && text(object, &["metadata", "namespace"]) == namespace
            })
            .unwrap_or_else(|| panic!("no role in {namespace}"));
        assert_eq!(allowed(&rules(role)), expected, "{namespace}");
    }
    let outside = rendered
        .iter()
        .filter(|object| !["shop", "billing", "bizops"].contains(&text(object, &["metadata", "namespace"])));
    assert_eq!(outside.map(title).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn secrets_are_read_one_by_one_by_their_names() {
    let rendered = objects("private-source");
    let roles: Vec<_> = rendered.iter().filter(|object| title(object) == "Role/bizops-secrets").collect();
    let by_namespace: Vec<_> =
        roles.iter().map(|role| (text(role, &["metadata", "namespace"]), allowed(&rules(role)))).collect();
    let names =
        |names: &[&str]| names.iter().map(|name| format!("get secrets. {name}")).collect::<BTreeSet<_>>();
    let expected = [("shop", names(&["mimir-token", "mimir-ca"])), ("bizops", names(&["prometheus-login"]))];
    assert_eq!(by_namespace.len(), expected.len());
    for pair in expected {
        assert!(by_namespace.contains(&pair), "{by_namespace:?} lacks {pair:?}");
    }
}

#[test]
fn nothing_is_ever_allowed_by_a_star_and_no_secret_without_its_name() {
    for file in values() {
        for object in parse(&template(&file).unwrap()) {
            for rule in allowed(&rules(&object)) {
                assert!(!rule.contains('*'), "{}: {} allows {rule}", file.display(), title(&object));
                let secret = rule.contains(" secrets.");
                let named = rule.starts_with("get ") && rule.split(' ').count() == 3;
                assert!(!secret || named, "{}: {} allows {rule}", file.display(), title(&object));
            }
        }
    }
}
