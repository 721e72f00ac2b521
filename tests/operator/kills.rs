//! The operator is killed again and again while demand moves; nothing it knew or did is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testbed::{Proxy, wait_until};

use crate::support::{Bed, Objective, SOON, SYSTEM, alone, audit, bed, condition};

const KILLS: u32 = 50;
/// The scale-down window: longer than a life, so that what is needed is known from lives before.
const WINDOW: SignedDuration = SignedDuration::from_secs(5);
/// Between two looks of the test: a change lasts a second at least, the time between two passes.
const PACE: Duration = Duration::from_millis(60);
/// A replica count is seen so much later than it was set, at most.
const SEEN_LATE: SignedDuration = SignedDuration::from_millis(500);
/// A demand is in Prometheus so much later than it was set, at most.
const SCRAPED: SignedDuration = SignedDuration::from_millis(1500);

/// Numbers by chance that come again with the same seed (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// What an observer saw of the objective whose operator is killed.
#[derive(Default)]
struct Seen {
    /// Every demand, with the moment it was set.
    demands: Vec<(Timestamp, u64)>,
    /// The moments at which the operator asked for it.
    looks: Vec<Timestamp>,
    /// Every replica count, with the moment it was first seen.
    replicas: Vec<(Timestamp, u64)>,
    /// Every entry of the ledger by its time, as it was last seen.
    ledger: BTreeMap<String, (u64, u64, String)>,
}

impl Seen {
    /// Every change of the replicas: when, from, to.
    fn changes(&self) -> Vec<(Timestamp, u64, u64)> {
        self.replicas.windows(2).map(|pair| (pair[1].0, pair[0].1, pair[1].1)).collect()
    }

    /// The changes of the ledger that were made, in their order.
    fn decisions(&self) -> Vec<(u64, u64)> {
        self.ledger.values().filter(|entry| entry.2 == "Done").map(|entry| (entry.0, entry.1)).collect()
    }

    /// When the operator saw each demand for the last time but one, with what it needs. The very last look may
    /// have been cut off by a kill before anything came of it.
    fn needs(&self) -> Vec<(Timestamp, u64)> {
        let ends = self.demands.iter().skip(1).map(|(at, _)| *at).chain([Timestamp::MAX]);
        let of = |((begin, demand), end): (&(Timestamp, u64), Timestamp)| {
            let within = |look: &&Timestamp| *begin + SCRAPED < **look && **look < end;
            let seconds: BTreeSet<i64> =
                self.looks.iter().filter(within).map(|look| look.as_second()).collect();
            let second = *seconds.iter().rev().nth(1)?;
            Some((Timestamp::from_second(second).unwrap(), demand / 100))
        };
        self.demands.iter().zip(ends).filter_map(of).collect()
    }

    /// Scale-downs below what was needed within the window, as sentences.
    fn wrong(&self) -> Vec<String> {
        let needs = self.needs();
        let down = self.changes().into_iter().filter(|(_, from, to)| to < from);
        down.flat_map(|(at, from, to)| {
            let known = |(seen, need): &&(Timestamp, u64)| {
                *need > to && *seen < at && at.duration_since(*seen) + SEEN_LATE < WINDOW
            };
            needs
                .iter()
                .filter(known)
                .map(|(seen, need)| format!("{from} → {to} at {at}, though {need} were needed at {seen}"))
                .collect::<Vec<_>>()
        })
        .collect()
    }
}

/// The same demand under an operator that is killed and under one that is not.
struct Scene {
    bed: &'static Bed,
    killed: String,
    calm: String,
    proxy: Proxy,
    seen: Mutex<Seen>,
}

impl Scene {
    fn new() -> Self {
        let bed = bed();
        let (killed, calm) = (bed.namespace("killed"), bed.namespace("calm"));
        let scene = Self { bed, killed, calm, proxy: bed.testbed.proxy().unwrap(), seen: Mutex::default() };
        scene.demand(400);
        for (ns, url) in [(&scene.killed, scene.proxy.url()), (&scene.calm, &bed.testbed.prometheus_url())] {
            bed.deployment(ns, "web", 4);
            bed.apply(
                &json!({
                    "apiVersion": "bizops.dev/v1alpha1", "kind": "MetricSource",
                    "metadata": {"name": "own", "namespace": ns}, "spec": {"prometheus": {"url": url}},
                })
                .to_string(),
            );
            let query = json!(format!("sum(demand{{app=\"{}\"}})", scene.killed));
            let policy = json!({"scaleDown": {"window": format!("{}s", WINDOW.as_secs()), "maxStep": "60%"}});
            let objective = Objective::new(ns, "web").with(&[
                ("/interval", json!("1s")),
                ("/sourceRef", json!({"kind": "MetricSource", "name": "own"})),
                ("/indicator/query", query.clone()),
                ("/mappings/0/demand/query", query),
                ("/policy", policy),
            ]);
            bed.apply(&objective.yaml());
        }
        scene
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn demand(&self, value: u64) {
        self.seen().demands.push((Timestamp::now(), value));
        self.bed.dial.set("demand", &[("app", &self.killed)], f64::from(u32::try_from(value).unwrap()));
    }

    /// Looks at everything once.
    fn look(&self, asked: &mut u64) {
        let requests = self.proxy.requests();
        if std::mem::replace(asked, requests) != requests {
            self.seen().looks.push(Timestamp::now());
        }
        let replicas = u64::from(self.bed.replicas(&self.killed, "web"));
        let now = Timestamp::now();
        let objective = self.bed.objective(&self.killed, "web");
        let mut seen = self.seen();
        if seen.replicas.last().is_none_or(|(_, last)| *last != replicas) {
            seen.replicas.push((now, replicas));
        }
        for entry in objective["status"]["decisions"].as_array().into_iter().flatten() {
            let number = |field: &str| entry[field].as_u64().unwrap();
            let row = (number("from"), number("to"), entry["outcome"].as_str().unwrap().to_owned());
            seen.ledger.insert(entry["at"].as_str().unwrap().to_owned(), row);
        }
    }

    /// Demand up and down, short dips and long lows, until `done`.
    fn move_demand(&self, mut chance: Chance, done: &AtomicBool) {
        while !done.load(Ordering::Relaxed) {
            let high = 6 + chance.below(10);
            let low = 1 + chance.below(4);
            let dip = chance.below(2) == 0;
            for (demand, rest) in [
                (high, chance.millis(3000, 4500)),
                (low, if dip { chance.millis(2000, 3000) } else { chance.millis(7000, 10_000) }),
            ] {
                self.demand(demand * 100);
                let begin = Instant::now();
                while begin.elapsed() < rest && !done.load(Ordering::Relaxed) {
                    std::thread::sleep(PACE);
                }
            }
        }
    }

    /// Kills the operator so many times, each after a random life. Its lease is taken away after it, as if it had
    /// run out: what is tried is what the next one knows, not how long it waits.
    fn kill_again_and_again(&self, chance: &mut Chance) {
        let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/bizops");
        for _ in 0..KILLS {
            let operator = self.bed.operator("killed", &["--watch-namespaces", &self.killed]);
            std::thread::sleep(chance.millis(150, 2200));
            operator.kill().unwrap();
            let _ = self.bed.testbed.api().delete(&lease);
        }
    }

    /// What is compared at the end: replicas, wishes, and the conditions that are told at once.
    fn end(&self, ns: &str) -> Value {
        let objective = self.bed.objective(ns, "web");
        let mapping = &objective["status"]["mappings"][0];
        let of = |kind| condition(&objective, kind)[..2].join(" ");
        let conditions = ["Ready", "Met", "MetricsAvailable", "ScalingActive"].map(of);
        json!({
            "replicas": self.bed.replicas(ns, "web"),
            "current": mapping["current"],
            "desired": mapping["desired"],
            "conditions": conditions,
        })
    }

    /// Compares what was seen with the audit log and the ledger.
    fn judge(&self, begin: Timestamp, end: &Value) {
        let seen = self.seen();
        let changes: Vec<(u64, u64)> = seen.changes().iter().map(|(_, from, to)| (*from, *to)).collect();
        let writes = audit::since(&self.bed.testbed, begin);
        // A write whose sender was killed may have been carried out and not be answered with 200.
        let tried = writes.iter().filter(|write| write.scales() && write.namespace == self.killed);
        let (most, least) = (tried.clone().count(), tried.filter(|write| write.is_done()).count());
        let down = changes.iter().filter(|(from, to)| to < from).count();
        println!(
            "{KILLS} kills in {:.0?}; {} demands, {} looks, {} changes of replicas, {down} of them down; the end: {}",
            Duration::try_from(Timestamp::now().duration_since(begin)).unwrap(),
            seen.demands.len(),
            seen.looks.len(),
            changes.len(),
            end
        );
        assert!(down >= 2 && changes.len() >= 5, "too little happened to prove anything: {changes:?}");
        let in_log = (least..=most).contains(&changes.len());
        assert!(in_log, "{least} to {most} changes in the audit log, the test saw {changes:?}");
        assert_eq!(seen.decisions(), changes, "the ledger holds every change: {:#?}", seen.ledger);
        let open: Vec<_> = seen.ledger.iter().filter(|(_, entry)| entry.2 == "Pending").collect();
        assert!(open.is_empty(), "left open: {open:?}");
        assert_eq!(seen.wrong(), [""; 0], "demands: {:#?}", seen.demands);
    }
}

fn seed() -> u64 {
    let given = std::env::var("BIZOPS_TEST_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| {
        u64::from(std::process::id()) << 16
            | u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs() & 0xffff)
    })
}

#[test]
fn fifty_kills_cost_no_decision_no_wrong_scale_down_and_lead_to_the_same_end() {
    let _turn = alone();
    let seed = seed();
    println!("seed {seed}; BIZOPS_TEST_SEED={seed} makes the same lives and demands again");
    let scene = Scene::new();
    let begin = Timestamp::now();
    // The other one runs beside it, under another lease, with the administrator's rights.
    let calm = ["--watch-namespaces", &scene.calm, "--lease-name", "calm"];
    let calm = scene.bed.operator_as("calm", &scene.bed.testbed.kubeconfig(), &calm);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| scene.move_demand(Chance(seed), &done)),
            scope.spawn(|| {
                let mut asked = 0;
                while !done.load(Ordering::Relaxed) {
                    scene.look(&mut asked);
                    std::thread::sleep(PACE);
                }
            }),
        ];
        scene.kill_again_and_again(&mut Chance(seed ^ 1));
        done.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let last = scene.bed.operator("killed", &["--watch-namespaces", &scene.killed]);
    scene.demand(550);
    let mut asked = 0;
    let same = || {
        scene.look(&mut asked);
        let ends = [scene.end(&scene.killed), scene.end(&scene.calm)];
        if ends[0] == ends[1] && ends[0]["replicas"] == 6 { Ok(ends) } else { Err(format!("{ends:#?}")) }
    };
    let ends = wait_until("the same end", SOON * 2, same)
        .unwrap_or_else(|error| panic!("{error}\n{}", scene.bed.explain(&scene.killed)));
    // The last change is settled in the ledger with the pass that made it.
    std::thread::sleep(Duration::from_secs(2));
    scene.look(&mut asked);

    scene.judge(begin, &ends[0]);
    for operator in [last, calm] {
        operator.stop(Duration::from_secs(10)).unwrap();
    }
}
