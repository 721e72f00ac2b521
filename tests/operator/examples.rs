//! The examples work: applied as they are, with the workloads they name and numbers under the names they ask for.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::counters::{Counter, until_rate, while_growing};
use crate::gate;
use crate::rights::release;
use crate::scenes::Stage;
use crate::support::{SYSTEM, alone, bed};

const TOKEN: &str = "token-of-the-tenant";

/// The files in the order in which they are applied.
fn files() -> Vec<(String, String)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"));
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            (path.file_name().unwrap().display().to_string(), std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The shop's metrics as the examples ask for them.
const SHOP: [Counter<'_>; 7] = [
    ("shop_orders_total", &[], 30.0),
    ("shop_requests_total", &[("app", "web")], 900.0),
    ("shop_requests_total", &[("app", "payment")], 160.0),
    ("shop_requests_total", &[("app", "search")], 30.0),
    ("shop_request_duration_seconds_bucket", &[("app", "payment"), ("le", "0.1")], 150.0),
    ("shop_request_duration_seconds_bucket", &[("app", "payment"), ("le", "0.5")], 159.0),
    ("shop_request_duration_seconds_bucket", &[("app", "payment"), ("le", "+Inf")], 160.0),
];

/// Applies every file. Only addresses are replaced: those of the examples are not here.
fn apply(stage: &Stage, tenant: &str) -> Vec<String> {
    let bed = stage.bed;
    let mut objectives = vec![];
    for (name, text) in files() {
        let text = text
            .replace("http://prometheus.monitoring:9090", &bed.testbed.prometheus_url())
            .replace("https://mimir.example.com/prometheus", tenant);
        let strict = ["apply", "--server-side", "--validate=strict", "-f", "-"];
        let said = bed.testbed.kubectl_with(&text, &strict).unwrap_or_else(|error| panic!("{name}: {error}"));
        let words = said.lines().filter_map(|line| line.strip_prefix("objective.bizops.dev/"));
        objectives.extend(words.filter_map(|line| line.split(' ').next()).map(str::to_owned));
    }
    objectives
}

/// What the examples take for granted in the namespace `shop`.
fn furnish(stage: &Stage, authority: &str) {
    let bed = stage.bed;
    bed.kubectl(&["create", "namespace", "shop"]);
    for app in ["web", "payment", "search", "worker"] {
        stage.deployment(app, 2);
    }
    stage.create(&stage.workload("StatefulSet", "mail", 1));
    stage.autoscaler("search", 1, 20);
    let secret = |name: &str, key: &str, value: &str| {
        stage.create(&json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": stage.ns}, "stringData": {key: value}
        }));
    };
    secret("mimir-token", "token", TOKEN);
    secret("mimir-ca", "ca.crt", authority);
    let secrets = json!([{"namespace": "shop", "names": ["mimir-token", "mimir-ca"]}]);
    release(bed, "bizops", SYSTEM, &json!({"secrets": secrets}));
}

#[test]
fn every_example_is_accepted_and_reconciled() {
    let _turn = alone();
    let bed = bed();
    let stage = Stage { bed, ns: "shop".to_owned() };
    let (authority, certificate) = gate::certified();
    let needed = [format!("Authorization: Bearer {TOKEN}"), "X-Scope-OrgID: shop".to_owned()];
    let listener = bed.testbed.listen().unwrap();
    let gate = gate::open(listener, &bed.testbed.prometheus_url(), &needed, Some(certificate));
    bed.dial.set("shop_queue_depth", &[], 150.0);
    while_growing(&bed.dial, &SHOP, || {
        furnish(&stage, &authority);
        until_rate(&bed.testbed, "shop_requests_total{app=\"web\"}", 900.0);
        let operator = bed.operator("examples", &[]);
        let objectives = apply(&stage, &format!("https://{gate}"));
        assert!(objectives.len() >= 6, "{objectives:?}");
        for name in &objectives {
            stage.until_condition(name, ["Ready", "True", "Reconciled"]);
            // The shop is too young for an average over four weeks.
            if name != "growth" {
                stage.until_condition(name, ["MetricsAvailable", "True", "AllPresent"]);
            }
        }
        carried_as_their_comments_say(&stage);
        operator.stop(Duration::from_secs(10)).unwrap();
    });
    // The shop's numbers stand still from now on; nobody else is to be bothered with its objectives.
    bed.kubectl(&["delete", "objectives,metricsources", "--all", "-n", "shop"]);
}

/// What the comments of the examples promise.
fn carried_as_their_comments_say(stage: &Stage) {
    stage.until_replicas("worker", 3);
    stage.until_condition("orders", ["Met", "True", "GoalMet"]);
    stage.until_condition("orders", ["ScalingActive", "False", "NoMappings"]);
    stage.until_condition("growth", ["Met", "Unknown", "MeasuringBaseline"]);
    stage.until_condition("checkout-latency", ["Met", "True", "GoalMet"]);
    // Ten carry 1,000 requests/s, and a fifth is kept above: about eleven for 900.
    let web = || stage.replicas("web");
    stage.until("about 11 replicas of web", web, |now| (10..=12).contains(now));
    // 360 searches/s of 50 each and a fifth above; the ceiling stays.
    let floor = || {
        let hpa = stage.get("autoscaling/v2", "horizontalpodautoscalers/search");
        (hpa["spec"]["minReplicas"].as_u64().unwrap(), hpa["spec"]["maxReplicas"].as_u64().unwrap())
    };
    stage.until("a floor of about 9 for search", floor, |now| (8..=10).contains(&now.0) && now.1 == 20);
    // Both claim five or six for 160 payments/s; the mail service grows less than in proportion.
    stage.until("about 5 replicas of payment", || stage.replicas("payment"), |now| (4..=6).contains(now));
    let mail = || stage.get("apps/v1", "statefulsets/mail")["spec"]["replicas"].as_u64().unwrap();
    stage.until("about 5 replicas of mail", mail, |now| (4..=5).contains(now));
    let source =
        || crate::support::condition(&stage.get("bizops.dev/v1alpha1", "metricsources/tenant"), "Ready");
    stage.until("the tenant's source to answer", source, |now| now[0] == "True");
}
