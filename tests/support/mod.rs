//! A cluster with bizops installed by its chart, and the operator run as a process under the chart's
//! service account: quick to start, and killed at will.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod audit;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Dial, Options, Spawned, Testbed, wait_until};

/// How long something may take that usually takes a second: the machine may be compiling beside.
pub const SOON: Duration = Duration::from_secs(30);
/// The namespace bizops is installed in.
pub const SYSTEM: &str = "bizops-system";

/// What the tests of one binary share.
pub struct Bed {
    pub testbed: Testbed,
    pub dial: Dial,
}

/// The one cluster of this test binary: fake nodes, Prometheus, the chart installed without a pod of its own.
pub fn bed() -> &'static Bed {
    static BED: LazyLock<Bed> = LazyLock::new(|| {
        let bed = Bed::start(Options::fake());
        bed.cluster_source("default", &bed.testbed.prometheus_url());
        bed
    });
    &BED
}

/// Tests that kill parts or lead elections have the cluster to themselves.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Acts at every beat for as long as `play` goes on; no longer when the play breaks off.
pub fn meanwhile<T>(beat: Duration, mut act: impl FnMut() + Send, play: impl FnOnce() -> T) -> T {
    let ends = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                act();
                std::thread::sleep(beat);
            }
        });
        let _end = End(&ends);
        play()
    })
}

/// Ends what goes on meanwhile.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Bed {
    pub fn start(options: Options) -> Self {
        let testbed = Testbed::start(options).unwrap_or_else(|error| panic!("{error}"));
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/bizops");
        let install = ["install", "bizops", chart, "--namespace", SYSTEM, "--create-namespace"];
        // Its pod lands on a fake node and does nothing; the tests run the operator as a process.
        testbed.helm(&install).unwrap_or_else(|error| panic!("{error}"));
        let dial = testbed.dial().unwrap_or_else(|error| panic!("{error}"));
        Self { testbed, dial }
    }

    /// A cluster-wide default source.
    pub fn cluster_source(&self, name: &str, url: &str) {
        self.apply(&format!(
            "apiVersion: bizops.dev/v1alpha1\nkind: ClusterMetricSource\nmetadata: {{name: {name}}}\n\
             spec:\n  default: true\n  prometheus: {{url: '{url}'}}\n"
        ));
    }

    /// The default source of one namespace.
    pub fn own_source(&self, namespace: &str) {
        self.apply(
            &json!({
                "apiVersion": "bizops.dev/v1alpha1", "kind": "MetricSource",
                "metadata": {"name": "own", "namespace": namespace},
                "spec": {"default": true, "prometheus": {"url": self.testbed.prometheus_url()}},
            })
            .to_string(),
        );
    }

    /// Gives the gauge of an app a past, and the query that goes on with what is scraped of it.
    pub fn past(&self, gauge: &str, app: &str, samples: impl Iterator<Item = (i64, f64)>) -> String {
        let series = format!("{gauge}{{app=\"{app}\"}}");
        let lines: Vec<String> = samples.map(|(at, value)| format!("{series} {value} {at}\n")).collect();
        self.testbed.backfill(&format!("# TYPE {gauge} gauge\n{}# EOF\n", lines.concat())).unwrap();
        // A number from a file and one from a scrape are two series; the scraped one has a job.
        let scraped = series.replace('}', ",job!=\"\"}");
        format!("max({scraped}) or max({series})")
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.testbed.kubectl(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn apply(&self, yaml: &str) -> String {
        self.testbed.apply(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
    }

    /// A new namespace of its own for one test.
    pub fn namespace(&self, purpose: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{purpose}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&["create", "namespace", &name]);
        name
    }

    /// The operator as a process, under the chart's service account.
    pub fn operator(&self, name: &str, more: &[&str]) -> Spawned {
        let kubeconfig = self.testbed.kubeconfig_for_service_account(SYSTEM, "bizops").unwrap();
        self.operator_as(name, &kubeconfig, more)
    }

    /// The operator as a process, with another kubeconfig.
    pub fn operator_as(&self, name: &str, kubeconfig: &std::path::Path, more: &[&str]) -> Spawned {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bizops"));
        command
            .args(["run", "--namespace", SYSTEM, "--identity", name])
            .args(["--metrics-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
            .args(more)
            .env("BIZOPS_LOG_LEVEL", "info,bizops=debug")
            .env("KUBECONFIG", kubeconfig);
        self.testbed.spawn(name, command).unwrap()
    }

    /// A Deployment whose pods are ready after a second.
    pub fn deployment(&self, namespace: &str, name: &str, replicas: u32) {
        self.apply(&format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             spec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    \
             metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers: [{{name: c, image: c}}]\n"
        ));
    }

    /// The replicas a Deployment asks for.
    pub fn replicas(&self, namespace: &str, name: &str) -> u32 {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
        let object = self.testbed.api().get(&path).unwrap();
        u32::try_from(object["spec"]["replicas"].as_u64().unwrap()).unwrap()
    }

    /// Waits until a Deployment asks for so many replicas.
    pub fn await_replicas(&self, namespace: &str, name: &str, wanted: u32, limit: Duration) {
        let seen = wait_until(&format!("{name} at {wanted} replicas"), limit, || {
            let now = self.replicas(namespace, name);
            if now == wanted { Ok(()) } else { Err(format!("{now} replicas")) }
        });
        seen.unwrap_or_else(|error| panic!("{error}\n{}", self.explain(namespace)));
    }

    /// The objective as it stands.
    pub fn objective(&self, namespace: &str, name: &str) -> Value {
        let path = format!("/apis/bizops.dev/v1alpha1/namespaces/{namespace}/objectives/{name}");
        self.testbed.api().get(&path).unwrap()
    }

    /// One condition: status, reason, message; empty words while it is not there.
    pub fn condition(&self, namespace: &str, name: &str, kind: &str) -> [String; 3] {
        condition(&self.objective(namespace, name), kind)
    }

    /// Waits until a condition has this status and reason.
    pub fn await_condition(&self, namespace: &str, name: &str, wanted: [&str; 3], limit: Duration) -> String {
        let [kind, status, reason] = wanted;
        let seen = wait_until(&format!("{name}: {kind}={status} {reason}"), limit, || {
            let now = self.condition(namespace, name, kind);
            if now[0] == status && now[1] == reason { Ok(now[2].clone()) } else { Err(now.join(" ")) }
        });
        seen.unwrap_or_else(|error| panic!("{error}\n{}", self.explain(namespace)))
    }

    /// What to look at when a test fails: objectives, their events, the ends of the logs.
    pub fn explain(&self, namespace: &str) -> String {
        let objectives = self.testbed.kubectl(&["get", "objectives", "-n", namespace, "-o", "yaml"]);
        format!("{}\n{}", objectives.unwrap_or_default(), self.testbed.dump())
    }
}

/// One condition of an object: status, reason, message.
pub fn condition(object: &Value, kind: &str) -> [String; 3] {
    let all = object["status"]["conditions"].as_array();
    let one = all.into_iter().flatten().find(|one| one["type"] == kind).cloned().unwrap_or_default();
    ["status", "reason", "message"].map(|field| one[field].as_str().unwrap_or_default().to_owned())
}

/// An objective with one mapping; fields are changed with [`Objective::with`].
#[derive(Clone)]
pub struct Objective(pub Value);

impl Objective {
    /// 100 of `demand{app=...}` per replica of the Deployment `app`, 1 to 100 replicas, no headroom.
    pub fn new(namespace: &str, app: &str) -> Self {
        let query = format!("sum(demand{{app=\"{namespace}-{app}\"}})");
        Self(json!({
            "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
            "metadata": {"name": app, "namespace": namespace},
            "spec": {
                "indicator": {"query": query, "unit": "orders/h"},
                "goal": {"atLeast": 100},
                "mappings": [{
                    "name": app,
                    "demand": {"query": query, "unit": "requests/s"},
                    "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
                    "capacity": {"perReplica": 100},
                    "bounds": {"min": 1, "max": 100}
                }]
            }
        }))
    }

    /// The same with other fields, by JSON pointer below `spec`; a null takes a field away.
    pub fn with(mut self, changes: &[(&str, Value)]) -> Self {
        for (pointer, value) in changes {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            let at = format!("/spec{parent}");
            if self.0.pointer(&at).is_none() {
                let (above, name) = at.rsplit_once('/').unwrap();
                self.0.pointer_mut(above).unwrap()[name] = json!({});
            }
            let parent = self.0.pointer_mut(&at).unwrap();
            match (parent, value) {
                (Value::Object(map), Value::Null) => {
                    map.remove(field);
                }
                (Value::Object(map), value) => {
                    map.insert(field.to_owned(), value.clone());
                }
                (Value::Array(list), value) => list[field.parse::<usize>().unwrap()] = value.clone(),
                (other, _) => panic!("{pointer}: {other} has no fields"),
            }
        }
        self
    }

    /// As YAML (JSON is YAML).
    pub fn yaml(&self) -> String {
        self.0.to_string()
    }
}

/// Changes in a part of an audit log made by a user, by verb and resource.
pub fn writes_in(log: &str, of: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in log.lines() {
        let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
        if entry["user"]["username"].as_str().is_some_and(|user| user.contains(of)) {
            let object = &entry["objectRef"];
            let sub = object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
            let resource = object["resource"].as_str().unwrap_or_default();
            let verb = entry["verb"].as_str().unwrap_or_default();
            *counts.entry(format!("{verb} {resource}{sub}")).or_default() += 1;
        }
    }
    counts
}
