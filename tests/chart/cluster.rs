//! The chart's life on a real control plane: installed, upgraded, rolled back, removed, installed again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use testbed::wait_until;

use crate::golden::values;
use crate::helm::{at, chart, helm, parse, root, template, testbed, text, values_file};

/// How long the API server and the controllers may take for what usually takes milliseconds.
const SOON: Duration = Duration::from_secs(30);

fn kubectl(arguments: &[&str]) -> String {
    testbed().kubectl(arguments).unwrap_or_else(|error| panic!("{error}"))
}

fn release(arguments: &[&str]) -> String {
    helm(&[arguments, &["--namespace", "bizops"]].concat()).unwrap_or_else(|error| panic!("{error}"))
}

/// Whether an account may do something; `what` as `kubectl auth can-i` wants it.
fn may(account: &str, what: &str) -> bool {
    let words: Vec<_> = ["auth", "can-i", "--as", account].into_iter().chain(what.split(' ')).collect();
    match testbed().kubectl(&words) {
        Ok(answer) => answer.trim() == "yes",
        Err(error) if error.to_string().trim_end().ends_with("no") => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

/// Every object of the chart's kinds → its identity and spec.
fn objects() -> BTreeMap<String, (Value, Value)> {
    let list = kubectl(&["get", "objectives,metricsources,clustermetricsources", "-A", "-o", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let object = |object: &Value| {
        let name = format!("{} {}", object["kind"], object["metadata"]["name"]);
        (name, (object["metadata"]["uid"].clone(), object["spec"].clone()))
    };
    list["items"].as_array().unwrap().iter().map(object).collect()
}

/// A later version of the chart: Objective has gained a field.
fn later_chart() -> PathBuf {
    let copy = testbed().folder().join("later-chart");
    copy_folder(&chart(), &copy);
    let file = copy.join("files/crds/objectives.yaml");
    let mut definition: Value = serde_yaml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    schema["properties"]["spec"]["properties"]["ticket"] = serde_json::json!({"type": "string"});
    std::fs::write(&file, serde_yaml::to_string(&definition).unwrap()).unwrap();
    let file = copy.join("Chart.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let version = format!("version: {}", env!("CARGO_PKG_VERSION"));
    std::fs::write(&file, text.replacen(&version, "version: 99.0.0", 1)).unwrap();
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What the API server stores of a field that only the later definition has.
fn ticket() -> String {
    kubectl(&["get", "objective", "orders", "-n", "shop", "-o", "jsonpath={.spec.ticket}"])
}

#[test]
fn a_release_comes_grows_goes_back_and_goes_and_no_object_is_lost() {
    kubectl(&["create", "namespace", "bizops"]);
    kubectl(&["label", "namespace", "bizops", "pod-security.kubernetes.io/enforce=restricted"]);
    kubectl(&["create", "namespace", "shop"]);
    kubectl(&["create", "namespace", "billing"]);

    let chart = chart().display().to_string();
    release(&["install", "bizops", &chart]);
    the_restricted_profile_admits_the_pod();
    the_api_server_accepts_what_every_file_of_values_renders();
    let examples = root().join("examples").display().to_string();
    kubectl(&["apply", "--server-side", "-f", &examples]);
    let before = objects();
    assert!(before.len() >= 8, "{:?}", before.keys());
    the_account_may_do_what_it_needs_and_no_more();
    editors_and_viewers_of_a_namespace_may_do_the_same_with_its_objectives();

    let later = later_chart().display().to_string();
    release(&["upgrade", "bizops", &later]);
    assert_eq!(objects(), before, "the upgrade changed objects");
    let patch = [
        "patch",
        "objective",
        "orders",
        "-n",
        "shop",
        "--type=merge",
        "-p",
        r#"{"spec":{"ticket":"OPS-1"}}"#,
    ];
    let kept = || match (kubectl(&patch), ticket()) {
        (_, ticket) if ticket == "OPS-1" => Ok(()),
        (_, ticket) => Err(format!("ticket is {ticket:?}")),
    };
    wait_until("the new field to be kept", SOON, kept).unwrap();

    release(&["rollback", "bizops", "1"]);
    let dropped = || if ticket().is_empty() { Ok(()) } else { Err(ticket()) };
    wait_until("the new field to be gone", SOON, dropped).unwrap();
    assert_eq!(objects(), before, "the rollback changed objects");

    release(&["uninstall", "bizops"]);
    assert_eq!(objects(), before, "removing the release removed objects");
    nothing_of_the_release_is_left_but_the_definitions();

    release(&["install", "bizops", &chart]);
    assert_eq!(objects(), before, "installing again changed objects");
    release(&["uninstall", "bizops"]);

    let values = values_file("namespaced").display().to_string();
    release(&["install", "team", &chart, "-f", &values]);
    a_namespaced_account_reaches_its_namespaces_and_no_other();
    release(&["uninstall", "team"]);
    assert_eq!(objects(), before);
}

fn the_restricted_profile_admits_the_pod() {
    let pods = || {
        let names =
            kubectl(&["get", "pods", "-n", "bizops", "-l", "app.kubernetes.io/name=bizops", "-o", "name"]);
        if names.is_empty() { Err(kubectl(&["get", "events", "-n", "bizops"])) } else { Ok(()) }
    };
    wait_until("the pod to be admitted", SOON, pods).unwrap();
}

/// As a dry run: every object as it is, and the pod of every Deployment as the restricted namespace admits it.
fn the_api_server_accepts_what_every_file_of_values_renders() {
    kubectl(&["create", "serviceaccount", "capacity-operator", "-n", "bizops"]);
    let accept = |file: &Path, manifest: &str| {
        let arguments = [
            "apply",
            "--dry-run=server",
            "--server-side",
            "--force-conflicts",
            "--validate=strict",
            "-f",
            "-",
        ];
        if let Err(error) = testbed().kubectl_with(manifest, &arguments) {
            panic!("{}: {error}", file.display());
        }
    };
    for file in values() {
        let mut stream = String::new();
        for object in parse(&template(&file).unwrap()) {
            // Kinds of the Prometheus operator are not here.
            if text(&object, &["apiVersion"]).starts_with("monitoring.coreos.com/") {
                continue;
            }
            let _ = write!(stream, "---\n{}", serde_yaml::to_string(&object).unwrap());
            if text(&object, &["kind"]) == "Deployment" {
                let mut pod = at(&object, &["spec", "template"]).clone();
                pod["apiVersion"] = "v1".into();
                pod["kind"] = "Pod".into();
                pod["metadata"]["name"] = "trial".into();
                pod["metadata"]["namespace"] = "bizops".into();
                let _ = write!(stream, "---\n{}", serde_yaml::to_string(&pod).unwrap());
            }
        }
        accept(&file, &stream);
    }
}

fn the_account_may_do_what_it_needs_and_no_more() {
    let account = "system:serviceaccount:bizops:bizops";
    for what in [
        "watch objectives.bizops.dev -A",
        "patch objectives.bizops.dev --subresource=status -n shop",
        "patch clustermetricsources.bizops.dev --subresource=status",
        "watch deployments.apps -A",
        "patch deployments.apps --subresource=scale -n shop",
        "patch statefulsets.apps --subresource=scale -n billing",
        "patch horizontalpodautoscalers.autoscaling -n shop",
        "create events.events.k8s.io -n shop",
        "update leases.coordination.k8s.io/bizops -n bizops",
        "create leases.coordination.k8s.io -n bizops",
    ] {
        assert!(may(account, what), "bizops may not {what}");
    }
    for what in [
        "patch objectives.bizops.dev -n shop",
        "delete objectives.bizops.dev -n shop",
        "patch deployments.apps -n shop",
        "patch replicasets.apps --subresource=scale -n shop",
        "get secrets -n shop",
        "list secrets -n bizops",
        "get leases.coordination.k8s.io/other -n bizops",
        "update leases.coordination.k8s.io/bizops -n shop",
        "create pods -n bizops",
        "get configmaps -n bizops",
        "patch customresourcedefinitions.apiextensions.k8s.io",
    ] {
        assert!(!may(account, what), "bizops may {what}");
    }
}

fn editors_and_viewers_of_a_namespace_may_do_the_same_with_its_objectives() {
    kubectl(&["create", "rolebinding", "ed", "-n", "shop", "--clusterrole=edit", "--user=ed"]);
    kubectl(&["create", "rolebinding", "vi", "-n", "shop", "--clusterrole=view", "--user=vi"]);
    let aggregated = || {
        if may("ed", "create objectives.bizops.dev -n shop") { Ok(()) } else { Err("not yet") }
    };
    wait_until("editors to be allowed", SOON, aggregated).unwrap();
    assert!(may("vi", "get objectives.bizops.dev -n shop"));
    assert!(!may("vi", "patch objectives.bizops.dev -n shop"));
    assert!(!may("ed", "create objectives.bizops.dev -n billing"));
    assert!(!may("ed", "create clustermetricsources.bizops.dev"));
}

fn nothing_of_the_release_is_left_but_the_definitions() {
    let kinds =
        "deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,crds";
    let label = "app.kubernetes.io/instance=bizops";
    let left = || {
        let left = kubectl(&["get", kinds, "-A", "-l", label, "-o", "name", "--ignore-not-found"]);
        if left.lines().all(|name| name.starts_with("customresourcedefinition")) {
            Ok(left)
        } else {
            Err(left)
        }
    };
    let left = wait_until("the release to be gone", SOON, left).unwrap();
    assert_eq!(left.lines().count(), 3, "{left}");
}

fn a_namespaced_account_reaches_its_namespaces_and_no_other() {
    let account = "system:serviceaccount:bizops:team-bizops";
    for namespace in ["shop", "billing"] {
        assert!(may(account, &format!("watch objectives.bizops.dev -n {namespace}")), "{namespace}");
        assert!(
            may(account, &format!("patch deployments.apps --subresource=scale -n {namespace}")),
            "{namespace}"
        );
    }
    assert!(may(account, "get secrets/mimir-token -n shop"));
    assert!(may(account, "update leases.coordination.k8s.io/team-bizops -n bizops"));
    for what in [
        "watch objectives.bizops.dev -A",
        "get objectives.bizops.dev -n bizops",
        "get objectives.bizops.dev -n default",
        "patch deployments.apps --subresource=scale -n default",
        "get clustermetricsources.bizops.dev",
        "get secrets/other -n shop",
        "get secrets/mimir-token -n billing",
    ] {
        assert!(!may(account, what), "the namespaced install may {what}");
    }
}

#[test]
fn replicas_left_out_of_git_stay_what_bizops_set_if_it_set_them_before() {
    let workload = |name: &str, replicas: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: gitops}}\nspec:\n  {replicas}\n  \
             selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
             spec: {{containers: [{{name: web, image: web}}]}}\n"
        )
    };
    let apply = |manifest: &str| {
        let arguments = ["apply", "--server-side", "--field-manager=kustomize-controller", "-f", "-"];
        testbed().kubectl_with(manifest, &arguments).unwrap_or_else(|error| panic!("{error}"))
    };
    let replicas =
        |name: &str| kubectl(&["get", "deployment", name, "-n", "gitops", "-o", "jsonpath={.spec.replicas}"]);
    kubectl(&["create", "namespace", "gitops"]);

    apply(&workload("scaled", "replicas: 2"));
    kubectl(&[
        "patch",
        "deployment",
        "scaled",
        "-n",
        "gitops",
        "--subresource=scale",
        "--type=merge",
        "--field-manager=bizops-scale",
        "-p",
        r#"{"spec":{"replicas":7}}"#,
    ]);
    apply(&workload("scaled", ""));
    assert_eq!(replicas("scaled"), "7");

    apply(&workload("untouched", "replicas: 2"));
    apply(&workload("untouched", ""));
    assert_eq!(replicas("untouched"), "1", "the docs warn of this");
}
