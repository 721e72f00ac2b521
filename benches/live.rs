//! How fast and how dear the operator is on a real control plane: `cargo bench --bench live [reaction|fleet]`.
//!
//! - `reaction`: 50 steps of demand at random phases, from two replicas and from none, at the default interval and
//!   at one second: from the step to the change of `spec.replicas`, and from the sample being in Prometheus to it.
//! - `fleet`: 1,000 objectives, each with its own query and Deployment, at the defaults: time until all are
//!   active, then what the operator costs at rest while every demand jitters by 3 %, then reactions again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on fails")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures for people")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::{Bed, Objective};
use testbed::{Nodes, Options, wait_until};

const LONG: Duration = Duration::from_mins(3);

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let asked = |name: &str| wanted.is_empty() || wanted.iter().any(|arg| arg == name);
    if asked("reaction") {
        reaction();
    }
    if asked("fleet") {
        fleet();
    }
}

/// A small generator: the same phases at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn shares(mut seconds: Vec<f64>) -> String {
    seconds.sort_by(f64::total_cmp);
    let at =
        |share: f64| seconds[((seconds.len() as f64 * share).ceil() as usize).clamp(1, seconds.len()) - 1];
    format!(
        "p50 {:.2} s, p90 {:.2} s, p99 {:.2} s, max {:.2} s ({} steps)",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
        seconds.len()
    )
}

fn started(options: Options) -> Bed {
    let bed = Bed::start(options);
    bed.cluster_source("default", &bed.testbed.prometheus_url());
    bed
}

fn reaction() {
    let bed = started(Options::fake());
    let operator = bed.operator("bench", &["--log-level", "warn"]);
    for (name, interval, low, from) in [
        ("default interval (5s), 2 → 3", None, 200.0, 2),
        ("default interval (5s), from zero 0 → 3", None, 0.0, 0),
        ("interval 1s, 2 → 3", Some("1s"), 200.0, 2),
        ("interval 1s, from zero 0 → 3", Some("1s"), 0.0, 0),
    ] {
        let lanes = std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..5)
                .map(|lane| {
                    scope.spawn({
                        let bed = &bed;
                        move || steps(bed, lane, interval, low, from)
                    })
                })
                .collect();
            lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect::<Vec<_>>()
        });
        println!(
            "reaction, {name}, from the step:              {}",
            shares(lanes.iter().map(|step| step.0).collect())
        );
        println!(
            "reaction, {name}, from the sample being seen: {}",
            shares(lanes.iter().map(|step| step.1).collect())
        );
    }
    drop(operator);
}

/// Ten steps of one objective in a namespace of its own: seconds from the step, and from the sample in Prometheus.
fn steps(bed: &Bed, lane: u64, interval: Option<&str>, low: f64, from: u32) -> Vec<(f64, f64)> {
    let ns = bed.namespace("lane");
    let app = format!("{ns}-web");
    let demand = |value: f64| bed.dial.set("demand", &[("app", &app)], value);
    demand(low);
    bed.deployment(&ns, "web", from);
    let policy = json!({"scaleDown": {"window": "0s", "maxStep": "100%", "tolerance": "0%"}});
    let mut objective = Objective::new(&ns, "web")
        .with(&[("/policy", policy), ("/mappings/0/bounds/min", json!(from.min(1)))]);
    if let Some(interval) = interval {
        objective = objective.with(&[("/interval", json!(interval))]);
    }
    bed.apply(&objective.yaml());
    let mut dice = Dice(lane + 7);
    let mut seen = Vec::new();
    for _ in 0..10 {
        demand(low);
        bed.await_replicas(&ns, "web", from, LONG);
        std::thread::sleep(Duration::from_secs_f64(1.5 + 5.0 * dice.roll()));
        demand(300.0);
        let (begun, mut sampled) = (Instant::now(), None);
        let query = format!("demand{{app=\"{app}\"}}");
        loop {
            if sampled.is_none() && bed.testbed.value(&query).is_ok_and(|value| value > 299.0) {
                sampled = Some(Instant::now());
            }
            if bed.replicas(&ns, "web") == 3 {
                let done = Instant::now();
                let sampled = sampled.unwrap_or(done);
                seen.push(((done - begun).as_secs_f64(), (done - sampled).as_secs_f64()));
                break;
            }
            assert!(begun.elapsed() < LONG, "no reaction\n{}", bed.explain(&ns));
            std::thread::sleep(Duration::from_millis(15));
        }
    }
    seen
}

fn fleet() {
    const COUNT: usize = 1000;
    let bed = started(Options { nodes: Nodes::Fake { count: 6 }, ..Options::fake() });
    let ns = bed.namespace("fleet");
    let name = |index: usize| format!("app-{index:04}");
    let value = |index: usize, value: f64| {
        bed.dial.set("demand", &[("app", &format!("{ns}-{}", name(index)))], value);
    };
    let mut deployments = String::new();
    for index in 0..COUNT {
        value(index, 100.0);
        let name = name(index);
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": ns},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "c"}]}}}});
        let _ = writeln!(deployments, "---\n{object}");
    }
    bed.testbed.kubectl_with(&deployments, &["create", "-f", "-"]).unwrap();
    let operator = bed.operator("bench", &["--log-level", "warn"]);
    bed.apply(&Objective::new(&ns, "warm-up").with(&[("/mappings", json!([]))]).yaml());
    bed.await_condition(&ns, "warm-up", ["Ready", "True", "Reconciled"], LONG);
    let before = resident_mib(operator.pid());
    let mut objectives = String::new();
    for index in 0..COUNT {
        // A goal well below: an indicator that jitters around its goal turns Met, which is told.
        let objective = Objective::new(&ns, &name(index)).with(&[("/goal/atLeast", json!(50))]);
        let _ = writeln!(objectives, "---\n{}", objective.yaml());
    }
    let begun = Instant::now();
    bed.testbed.kubectl_with(&objectives, &["create", "-f", "-"]).unwrap();
    let created = begun.elapsed();
    let active = || {
        let path = format!("/apis/bizops.dev/v1alpha1/namespaces/{ns}/objectives");
        let list = bed.testbed.api().get(&path).unwrap();
        let items = list["items"].as_array().unwrap().clone();
        items.iter().filter(|item| support::condition(item, "ScalingActive")[0] == "True").count()
    };
    wait_until("every objective active", LONG, || {
        let now = active();
        if now >= COUNT { Ok(()) } else { Err(format!("{now} active")) }
    })
    .unwrap();
    println!(
        "fleet of {COUNT}: created by one kubectl in {:.1} s, all active after {:.1} s",
        created.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    println!(
        "  operator: {before} MiB resident with one objective, {} MiB with all",
        resident_mib(operator.pid())
    );
    std::thread::sleep(Duration::from_secs(20));
    let stop = AtomicBool::new(false);
    let seed = AtomicU64::new(1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut dice = Dice(seed.load(Ordering::Relaxed));
            while !stop.load(Ordering::Relaxed) {
                (0..COUNT).for_each(|index| value(index, 100.0 * (0.97 + 0.06 * dice.roll())));
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        at_rest(&bed, operator.pid());
        stop.store(true, Ordering::Relaxed);
    });
    let mut seconds = Vec::new();
    for index in (0..COUNT).step_by(COUNT / 40) {
        value(index, 290.0);
        let begun = Instant::now();
        bed.await_replicas(&ns, &name(index), 3, LONG);
        seconds.push(begun.elapsed().as_secs_f64());
    }
    println!("fleet of {COUNT}: reaction 1 → 3 from the step: {}", shares(seconds));
    drop(operator);
}

/// What the operator and its peers cost in two minutes of jitter.
fn at_rest(bed: &Bed, pid: u32) {
    const REST: Duration = Duration::from_mins(2);
    let queries =
        || bed.testbed.value("sum(prometheus_http_requests_total{handler=\"/api/v1/query\"})").unwrap_or(0.0);
    let requests = || api_requests(bed);
    let (cpu, asked, sent) = (cpu_seconds(pid), queries(), requests());
    let log_at = std::fs::metadata(bed.testbed.audit_log()).map_or(0, |meta| meta.len());
    let begun = Instant::now();
    std::thread::sleep(REST);
    let took = begun.elapsed().as_secs_f64();
    let (cpu, sent) = (cpu_seconds(pid) - cpu, requests() - sent);
    let asked = queries() - asked;
    println!("at rest for {took:.0} s, every demand jittering by 3 %:");
    println!("  operator: {:.3} cores, {} MiB resident", cpu / took, resident_mib(pid));
    if asked > 0.0 {
        println!("  Prometheus queries: {:.1}/s", asked / took);
    }
    println!("  API requests of everything, this benchmark's few included: {:.1}/s", sent / took);
    println!("  writes stored by the operator: {:?}", operator_writes(bed, log_at));
}

fn api_requests(bed: &Bed) -> f64 {
    let text = bed.testbed.api().text("/metrics").unwrap();
    let rows = text.lines().filter(|line| line.starts_with("apiserver_request_total{"));
    rows.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Writes of the operator since a place in the audit log, by verb and resource.
fn operator_writes(bed: &Bed, from: u64) -> std::collections::BTreeMap<String, usize> {
    let all = std::fs::read(bed.testbed.audit_log()).unwrap();
    let log = String::from_utf8_lossy(&all[usize::try_from(from).unwrap().min(all.len())..]).into_owned();
    support::writes_in(&log, "system:serviceaccount:bizops-system:bizops")
}

fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn resident_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
