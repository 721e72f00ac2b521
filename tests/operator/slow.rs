//! What shows only after minutes: a goal that will be missed in two hours, what a replica carries, and pods that got
//! slower. Other tests go on meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use testbed::wait_until;

use crate::support::{Bed, Objective, SOON, alone, bed, meanwhile};

/// So many days of orders does the store know.
const DAYS: i64 = 4;
/// A risk is told by two looks, ten minutes apart at most; a replica is known after 300 samples.
const MINUTES: Duration = Duration::from_mins(11);

/// 1,000 orders an hour, but 400 from two to five hours after this moment, every day.
fn orders(second: i64, moment: i64) -> f64 {
    let since = (second - moment).rem_euclid(24 * 3600);
    let mixed = second.wrapping_mul(0x1e37_79b9_7f4a_7c15).rotate_left(23);
    let chance = (mixed >> 57) as f64 / 4.0;
    if (2 * 3600..5 * 3600).contains(&since) { 400.0 + chance } else { 1000.0 + chance }
}

struct Scene {
    bed: &'static Bed,
    ns: String,
    moment: i64,
    /// The query of the orders, from the past on.
    orders: String,
}

impl Scene {
    fn new() -> Self {
        let (bed, moment) = (bed(), Timestamp::now().as_second());
        let ns = bed.namespace("slow");
        let past = (moment - DAYS * 86_400..moment).step_by(60).map(|at| (at, orders(at, moment)));
        let orders = {
            let _turn = alone();
            bed.past("orders", &ns, past)
        };
        bed.own_source(&ns);
        Self { bed, ns, moment, orders }
    }

    fn series(&self, name: &str) -> String {
        format!("{name}{{app=\"{}\"}}", self.ns)
    }

    fn set(&self, name: &str, value: f64) {
        self.bed.dial.set(name, &[("app", &self.ns)], value);
    }

    /// An objective on the orders, with a workload of its own that carries 400 requests/s.
    fn apply(&self, app: &str, least: u32, changes: &[(&str, Value)]) {
        self.bed.deployment(&self.ns, app, 10);
        let objective = Objective::new(&self.ns, app)
            .with(&[
                ("/interval", json!("1s")),
                ("/indicator/query", json!(self.orders)),
                ("/goal/atLeast", json!(least)),
                ("/mappings/0/demand/query", json!(format!("max({})", self.series("asked")))),
            ])
            .with(changes);
        self.bed.apply(&objective.yaml());
    }

    fn mapping(&self, app: &str) -> Value {
        self.bed.objective(&self.ns, app)["status"]["mappings"][0].clone()
    }

    /// Waits for a reason of a mapping's decision with this word in it, and gives all of its words.
    fn await_reason(&self, app: &str, word: &str, limit: Duration) -> String {
        let found = wait_until(word, limit, || {
            let mapping = self.mapping(app);
            let reasons = mapping["reasons"].as_array().cloned().unwrap_or_default();
            let found = reasons.iter().map(Value::to_string).find(|one| one.contains(word));
            found.ok_or_else(|| mapping.to_string())
        });
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    fn await_status(&self, what: &str, limit: Duration, fits: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let fit = wait_until(what, limit, || {
            last = self.bed.objective(&self.ns, what)["status"].clone();
            if fits(&last) { Ok(()) } else { Err(last.to_string()) }
        });
        fit.unwrap_or_else(|error| panic!("{error}"));
        last
    }
}

#[test]
fn a_miss_ahead_is_told_a_replica_is_learned_and_a_slow_signal_adds_capacity() {
    let scene = Scene::new();
    let (ns, bed) = (&scene.ns, scene.bed);
    for (name, value) in [("asked", 400.0), ("latency", 0.2), ("queue", 0.7)] {
        scene.set(name, value);
    }
    scene.set("orders", orders(scene.moment, scene.moment));
    let signal = |name: &str| json!(format!("max({})", scene.series(name)));
    scene.apply("risk", 800, &[]);
    scene.apply("calm", 300, &[]);
    let learned = json!({
        "signal": {"query": signal("latency"), "unit": "s"}, "limit": "0.5", "initialPerReplica": 40
    });
    scene.apply("learner", 300, &[("/mappings/0/capacity", json!({"learned": learned}))]);
    scene.apply(
        "trimmed",
        300,
        &[
            ("/mappings/0/capacity", json!({"perReplica": 40, "startup": "1s"})),
            ("/mappings/0/trim", json!([{"query": signal("queue"), "atMost": "0.5"}])),
            ("/policy", json!({"scaleDown": {"window": "30s"}})),
        ],
    );
    // What was never measured twice alike: a constant has no deviation to be judged by.
    let order = || scene.set("orders", orders(Timestamp::now().as_second(), scene.moment));
    meanwhile(Duration::from_millis(500), order, || {
        let operator = bed.operator_as(
            "slow",
            &bed.testbed.kubeconfig(),
            &["--watch-namespaces", ns, "--lease-name", "slow"],
        );
        let said = scene.await_reason("trimmed", "Trimmed", SOON);
        println!("trimmed: {said}");
        bed.await_replicas(ns, "trimmed", 11, SOON);
        bed.await_replicas(ns, "trimmed", 12, Duration::from_secs(90));
        scene.set("queue", 0.1);

        let risk = scene.await_status("risk", MINUTES, |status| {
            status["conditions"].to_string().contains("\"MissAhead\"")
        });
        let expected = scene.moment + 2 * 3600;
        let miss_at: Timestamp = risk["forecast"]["missAt"].as_str().unwrap().parse().unwrap();
        println!("risk: {} {}", risk["forecast"], bed.condition(ns, "risk", "AtRisk").join(" "));
        assert!((miss_at.as_second() - expected).abs() <= 1800, "{miss_at} where {expected} is right");
        let [met, ..] = bed.condition(ns, "risk", "Met");
        assert_eq!(met, "True", "the goal is met until then");
        // The two looks may be seconds apart, so the other may not have looked yet.
        bed.await_condition(ns, "calm", ["AtRisk", "False", "NoMissAhead"], SOON);

        let known = scene.await_status("learner", MINUTES, |status| {
            status["memory"]["mappings"][0]["learned"]["known"] == true
        });
        println!("learned: {}", known["mappings"][0]["perReplica"]);
        scene.set("latency", 0.6);
        println!(
            "slower: {}",
            scene.await_reason("learner", "higher for the same load", Duration::from_mins(2))
        );
        assert_eq!(bed.replicas(ns, "learner"), 10, "a replica carries what it carried, a minute later");
        // Half a step a minute is given back, four times.
        bed.await_replicas(ns, "trimmed", 10, Duration::from_mins(3));
        operator.stop(Duration::from_secs(10)).unwrap();
    });
}
