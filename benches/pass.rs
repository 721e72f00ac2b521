//! What one pure pass costs: `cargo bench --bench pass`.
//!
//! The figures to hold: a pass of an objective with three mappings in at most 20 µs, the passes of 10,000
//! objectives in at most 0.5 s, and at most 12 KiB of memory per objective in the stores.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on fails")]

use std::alloc::System;
use std::hint::black_box;

use bizops::api::v1alpha1::{Objective, intent};
use bizops::engine::{Member, memory_due, plan};
use bizops::model::{
    GoalOutlook, Intent, MappingFacts, Memory, Replicas, Sample, Snapshot, TargetState, Workload,
};
use divan::{AllocProfiler, Bencher};
use jiff::{SignedDuration, Timestamp};

#[global_allocator]
static ALLOCATOR: AllocProfiler<System> = AllocProfiler::system();

fn main() {
    println!(
        "size of one Objective in the mirror, and of what a pass remembers: see the allocation columns of `stored`"
    );
    divan::main();
}

/// An objective as users write it, with three mappings.
fn manifest(name: usize) -> serde_json::Value {
    let mapping = |target: &str, capacity: serde_json::Value| {
        serde_json::json!({
            "name": target,
            "demand": {"query": format!("sum(rate(shop_requests_total{{app=\"{target}\"}}[1m]))"), "unit": "requests/s"},
            "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "capacity": capacity, "bounds": {"min": 2, "max": 60},
        })
    };
    serde_json::json!({
        "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
        "metadata": {"name": format!("objective-{name}"), "namespace": "shop", "generation": 1},
        "spec": {
            "description": "Customers who start a checkout complete it", "owner": "payments", "service": "web-shop",
            "indicator": {"query": "sum(rate(shop_orders_total[5m])) * 3600", "unit": "orders/h"},
            "goal": {"atLeast": 1000},
            "mappings": [
                mapping("web", serde_json::json!({"perReplica": 120, "headroom": "20%"})),
                mapping("payment", serde_json::json!({"proportional": {"demand": 1000, "replicas": 10, "elasticity": "0.8"}})),
                mapping("worker", serde_json::json!({"steps": [{"demand": 0, "replicas": 2}, {"demand": "1k", "replicas": 10}]})),
            ],
        },
    })
}

fn objective(name: usize) -> Objective {
    serde_json::from_value(manifest(name)).expect("the bench's own manifest is valid")
}

fn intents(count: usize) -> Vec<Intent> {
    (0..count).map(|name| intent(&objective(name)).expect("the bench's own manifest is valid")).collect()
}

fn snapshot(second: i64) -> Snapshot {
    let at = Timestamp::from_second(1_800_000_000 + second).expect("a moment in range");
    let present = |value: f64| Sample::Present { value, at };
    let facts = |value: f64| {
        let workload = Workload {
            replicas: Replicas(8),
            existing: Replicas(8),
            ready: Some(Replicas(8)),
            version: "7".to_owned(),
            changed_by: None,
            hpa: None,
        };
        MappingFacts::new(present(value), TargetState::Known(workload))
    };
    Snapshot {
        at,
        indicator: present(1200.0),
        indicator_baseline: None,
        outlook: GoalOutlook::Off,
        mappings: vec![facts(700.0), facts(800.0), facts(900.0)],
    }
}

/// Memory as it is after an hour of passes.
fn warm(intent: &Intent) -> Memory {
    let mut memory = Memory::default();
    for pass in 0..720 {
        let snapshot = snapshot(pass * 5 - 3600);
        let (plans, _) = plan(&[Member { intent, snapshot: &snapshot, memory: &memory }]);
        memory = plans.into_iter().next().expect("one plan per member").memory;
    }
    memory
}

/// One objective with three mappings: evaluate, decide, guard, arbitrate, and ask whether memory is due.
#[divan::bench]
fn one_pass(bencher: Bencher<'_, '_>) {
    let intent = intents(1).remove(0);
    let (memory, snapshot) = (warm(&intent), snapshot(0));
    bencher.bench_local(|| {
        let (plans, claims) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
        let due = memory_due(&intent, &plans[0], &memory, snapshot.at, SignedDuration::from_secs(30));
        black_box((plans, claims, due))
    });
}

/// The passes of ten thousand objectives, one after the other.
#[divan::bench(sample_count = 10)]
fn ten_thousand_passes(bencher: Bencher<'_, '_>) {
    let intents = intents(10_000);
    let (memory, snapshot) = (warm(&intents[0]), snapshot(0));
    bencher.bench_local(|| {
        for intent in &intents {
            let (plans, claims) = plan(&[Member { intent, snapshot: &snapshot, memory: &memory }]);
            let due = memory_due(intent, &plans[0], &memory, snapshot.at, SignedDuration::from_secs(30));
            black_box((plans, claims, due));
        }
    });
}

/// What one objective takes in the stores: the object, what its owner means, and the memory of an hour. The column
/// `max alloc` is the figure: nothing else is allocated meanwhile.
#[divan::bench]
fn stored(bencher: Bencher<'_, '_>) {
    let text = manifest(1).to_string();
    let memory = warm(&intents(1)[0]);
    bencher.bench_local(|| {
        let object: Objective = serde_json::from_str(&text).expect("valid");
        let intent = intent(&object).expect("valid");
        black_box((object, intent, memory.clone()))
    });
}
