//! Under the chart's permissions and no others: what is not allowed is said, with what to change, and not tried
//! without end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::{Spawned, wait_until};

use crate::gate;
use crate::scenes::{Stage, collection};
use crate::support::{Bed, SOON, SYSTEM, alone, bed};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/bizops");
/// A watch that was refused is tried again after at most this long.
const AGAIN: Duration = Duration::from_mins(1);

/// Installs or upgrades a release of the chart with these values and no others.
pub fn release(bed: &Bed, name: &str, namespace: &str, values: &Value) {
    let file = bed.testbed.folder().join(format!("values-{name}.json"));
    std::fs::write(&file, values.to_string()).unwrap();
    let file = file.display().to_string();
    let upgrade =
        ["upgrade", "--install", name, CHART, "--namespace", namespace, "--create-namespace", "-f", &file];
    bed.testbed.helm(&upgrade).unwrap_or_else(|error| panic!("{error}"));
}

fn source(name: &str, ns: &str, prometheus: &Value, default: bool) -> Value {
    json!({
        "apiVersion": "bizops.dev/v1alpha1", "kind": "MetricSource",
        "metadata": {"name": name, "namespace": ns},
        "spec": {"default": default, "prometheus": prometheus}
    })
}

/// An operator of the release `team`, which serves these namespaces only.
fn team(bed: &Bed, name: &str, namespaces: &str) -> Spawned {
    let kubeconfig = bed.testbed.kubeconfig_for_service_account("team-system", "team-bizops").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bizops"));
    command
        .args(["run", "--namespace", "team-system", "--lease-name", "team-bizops", "--identity", name])
        .args(["--watch-namespaces", namespaces, "--log-level", "info"])
        .args(["--metrics-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
        .env("KUBECONFIG", kubeconfig);
    bed.testbed.spawn(name, command).unwrap()
}

/// The lines of a log that worry somebody.
fn worries(operator: &Spawned) -> Vec<String> {
    let log = operator.log();
    let lines = log.lines().filter(|line| line.contains(" WARN ") || line.contains("ERROR"));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_namespaced_install_serves_its_namespace_and_touches_no_other() {
    let _turn = alone();
    let bed = bed();
    let [own, other] = ["team-own", "team-other"].map(|purpose| Stage { bed, ns: bed.namespace(purpose) });
    let values = json!({"crds": {"install": false}, "watchNamespaces": [own.ns]});
    release(bed, "team", "team-system", &values);
    for stage in [&own, &other] {
        stage.create(&source("default", &stage.ns, &json!({"url": bed.testbed.prometheus_url()}), true));
        stage.carried("web", 4, 600.0);
    }
    let cluster_wide = json!({"kind": "ClusterMetricSource", "name": "default"});
    let mut named = own.objective("web").with(&[("/sourceRef", cluster_wide), ("/mappings", Value::Null)]).0;
    named["metadata"]["name"] = json!("cluster-wide");
    own.create(&named);
    let operator = team(bed, "team", &own.ns);
    own.until_replicas("web", 6);
    own.until_condition("web", ["Ready", "True", "Reconciled"]);
    let words = own.until_condition("cluster-wide", ["Ready", "False", "SourceNotFound"]);
    assert!(words.contains("bizops is installed for named namespaces only; use a MetricSource"), "{words}");
    let quiet = Instant::now();
    let lines = operator.log().lines().count();
    other.stays("4 replicas in the namespace of others", || other.replicas("web"), &4);
    assert_eq!(
        bed.objective(&other.ns, "web")["status"],
        json!({"conditions": [], "observedGeneration": -1})
    );
    let more = operator.log().lines().count() - lines;
    assert!(more < 10, "{more} lines of log within {:?} at rest:\n{}", quiet.elapsed(), operator.log());
    assert_eq!(worries(&operator), Vec::<String>::new());
    operator.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_namespace_without_permission_is_named_and_stops_none_of_the_others() {
    let _turn = alone();
    let bed = bed();
    let [own, other] = ["role-own", "role-less"].map(|purpose| Stage { bed, ns: bed.namespace(purpose) });
    let values = json!({"crds": {"install": false}, "watchNamespaces": [own.ns]});
    release(bed, "team", "team-system", &values);
    for stage in [&own, &other] {
        stage.create(&source("default", &stage.ns, &json!({"url": bed.testbed.prometheus_url()}), true));
        stage.carried("web", 4, 600.0);
    }
    let begin = Instant::now();
    let operator = team(bed, "role-less", &format!("{},{}", own.ns, other.ns));
    own.until_replicas("web", 6);
    own.until_condition("web", ["Ready", "True", "Reconciled"]);
    own.demand("web", 800.0);
    own.until_replicas("web", 8);
    let told = wait_until("the namespace to be named", SOON, || {
        let worries = worries(&operator);
        let named = worries.iter().find(|line| line.contains(&other.ns) && line.contains("watchNamespaces"));
        named.cloned().ok_or_else(|| operator.log())
    });
    eprintln!("{}", told.unwrap_or_else(|error| panic!("{error}")).trim());
    std::thread::sleep(Duration::from_secs(20));
    let worries = worries(&operator);
    let after = begin.elapsed().as_secs();
    assert!(worries.len() <= 20, "{} worries within {after} s:\n{}", worries.len(), worries.join("\n"));
    eprintln!("{} lines of warning within {after} s", worries.len());
    assert_eq!(other.replicas("web"), 4);
    // With a Role it is taken up without a restart.
    release(
        bed,
        "team",
        "team-system",
        &json!({"crds": {"install": false}, "watchNamespaces": [own.ns, other.ns]}),
    );
    let taken_up = wait_until("the namespace to be taken up", AGAIN, || match other.replicas("web") {
        6 => Ok(()),
        now => Err(format!("{now} replicas")),
    });
    taken_up.unwrap_or_else(|error| panic!("{error}\n{}", operator.log()));
    operator.stop(Duration::from_secs(10)).unwrap();
}

/// A kind of the test's own that can be scaled.
fn widgets(bed: &Bed) {
    bed.apply(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.dev}\nspec:\n  \
         group: example.dev\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets, singular: widget}\n  versions:\n  \
         - name: v1\n    served: true\n    storage: true\n    subresources:\n      status: {}\n      \
         scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}\n    schema:\n      \
         openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}\n",
    );
    bed.kubectl(&["wait", "--for=condition=Established", "crd/widgets.example.dev", "--timeout=30s"]);
}

/// The page of metrics of a running operator, found by what its log says.
fn metrics(operator: &Spawned) -> String {
    let log = operator.log();
    let address = log.split("metrics=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

#[test]
fn kinds_and_secrets_that_are_not_listed_are_named_with_what_to_change() {
    const TOKEN: &str = "b1z0ps-5ecret-t0ken-0f-th1s-test";
    let _turn = alone();
    let bed = bed();
    let stage = Stage { bed, ns: bed.namespace("listed") };
    let needed = [format!("Authorization: Bearer {TOKEN}")];
    let gate = gate::open(bed.testbed.listen().unwrap(), &bed.testbed.prometheus_url(), &needed, None);
    release(bed, "bizops", SYSTEM, &json!({}));
    widgets(bed);
    stage.create(&json!({
        "apiVersion": "example.dev/v1", "kind": "Widget",
        "metadata": {"name": "press", "namespace": stage.ns}, "spec": {"replicas": 1}
    }));
    stage.create(&json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "gate", "namespace": stage.ns}, "stringData": {"token": TOKEN}
    }));
    let prometheus =
        json!({"url": format!("http://{gate}"), "auth": {"bearerToken": {"name": "gate", "key": "token"}}});
    stage.create(&source("gated", &stage.ns, &prometheus, false));
    let target = json!({"apiVersion": "example.dev/v1", "kind": "Widget", "name": "press"});
    stage.demand("press", 500.0);
    stage.create(&stage.objective("press").with(&[("/mappings/0/target", target)]).0);
    stage.demand("web", 700.0);
    stage.deployment("web", 4);
    let gated = json!({"kind": "MetricSource", "name": "gated"});
    stage.create(&stage.objective("web").with(&[("/sourceRef", gated)]).0);

    let operator = bed.operator("listed", &[]);
    let words = stage.until_condition("press", ["Ready", "False", "TargetForbidden"]);
    assert!(words.contains("Widget press may not be read or scaled by bizops"), "{words}");
    assert!(words.contains("add its kind to scale.kinds of the chart"), "{words}");
    stage.until_condition("press", ["ScalingActive", "False", "TargetForbidden"]);
    let unlisted = format!(
        "Secret {}/gate may not be read by bizops; list it under `secrets` in the chart's values",
        stage.ns
    );
    let words = stage.until_condition("web", ["MetricsAvailable", "False", "SourceMisconfigured"]);
    assert!(words.contains(&unlisted), "{words}");
    let of_source =
        || crate::support::condition(&stage.get("bizops.dev/v1alpha1", "metricsources/gated"), "Ready");
    let seen = stage.until("the source to say so", of_source, |now| now[1] == "SourceMisconfigured");
    assert!(seen[2].contains(&unlisted), "{seen:?}");
    assert_eq!(stage.replicas("web"), 4);
    let before = operator.log().lines().count();
    std::thread::sleep(Duration::from_secs(10));
    let more = operator.log().lines().count() - before;
    assert!(more < 40, "{more} lines of log within 10 s, at the level debug:\n{}", operator.log());

    let kinds = ["deployments", "statefulsets"].map(|name| json!({"group": "apps", "resource": name}));
    let kinds = [&kinds[..], &[json!({"group": "example.dev", "resource": "widgets"})]].concat();
    let secrets = json!([{"namespace": stage.ns, "names": ["gate"]}]);
    release(bed, "bizops", SYSTEM, &json!({"scale": {"kinds": kinds}, "secrets": secrets}));
    let begin = Instant::now();
    stage.until_replicas("web", 7);
    stage.until("the source to answer", of_source, |now| now[0] == "True");
    let pressed = || stage.get("example.dev/v1", "widgets/press")["spec"]["replicas"].clone();
    let scaled = wait_until("5 replicas of a custom resource", AGAIN, || {
        let now = pressed();
        if now == 5 { Ok(()) } else { Err(now.to_string()) }
    });
    scaled.unwrap_or_else(|error| panic!("{error}\n{}", stage.told()));
    eprintln!(
        "a kind that was allowed later was scaled {:.1} s after the upgrade at most",
        begin.elapsed().as_secs_f64()
    );
    stage.until_condition("press", ["Ready", "True", "Reconciled"]);

    let stored = bed.kubectl(&["get", "objectives,metricsources,events.events.k8s.io", "-A", "-o", "yaml"]);
    for (place, text) in [("log", operator.log()), ("objects", stored), ("metrics", metrics(&operator))] {
        assert!(text.len() > 1000, "the {place} were not read: {text}");
        assert!(!text.contains(TOKEN), "the secret stands in the {place}");
    }
    let path = format!(
        "{}/press",
        collection(
            &json!({"apiVersion": "bizops.dev/v1alpha1", "kind": "Objective", "metadata": {"namespace": stage.ns}})
        )
    );
    bed.testbed.api().delete(&path).unwrap();
    operator.stop(Duration::from_secs(10)).unwrap();
}
