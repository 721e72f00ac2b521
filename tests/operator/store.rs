//! A Prometheus that is killed, paused, back without its data or left with old samples takes no replica away.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;
use testbed::{Part, hold_true, wait_until};

use crate::data::{GRACE, SECOND, apply, deployment, objective, replicas, source};
use crate::support::{Bed, SOON, alone, bed};

/// Objectives that ask the testbed's Prometheus itself.
struct Direct {
    bed: &'static Bed,
    ns: String,
}

impl Direct {
    /// `backed` gives 0 when its series is gone.
    const APPS: [&'static str; 2] = ["plain", "backed"];

    fn new() -> Self {
        let bed = bed();
        let direct = Self { bed, ns: bed.namespace("prometheus") };
        direct.demand(300.0);
        let mut manifests = vec![source(&direct.ns, "own", &bed.testbed.prometheus_url())];
        for app in Self::APPS {
            manifests.push(deployment(&direct.ns, app, 3));
            let mut objective = objective(&direct.ns, app, SECOND, "own");
            if app == "backed" {
                let query = json!(format!("sum(demand{{app=\"{}-{app}\"}}) or vector(0)", direct.ns));
                objective = objective
                    .with(&[("/indicator/query", query.clone()), ("/mappings/0/demand/query", query)]);
            }
            manifests.push(objective.0);
        }
        apply(bed, &manifests);
        direct
    }

    fn demand(&self, value: f64) {
        for app in Self::APPS {
            self.bed.dial.set("demand", &[("app", &format!("{}-{app}", self.ns))], value);
        }
    }

    fn end_series(&self) {
        for app in Self::APPS {
            self.bed.dial.remove("demand", &[("app", &format!("{}-{app}", self.ns))]);
        }
    }

    /// Each objective's `MetricsAvailable` reads so within so many intervals of a second.
    fn await_metrics(&self, status: &str, reason: &str, intervals: u32) {
        let begin = Instant::now();
        for app in Self::APPS {
            let reason = if (app, reason) == ("backed", "EmptyResult") { "NoSamples" } else { reason };
            self.bed.await_condition(&self.ns, app, ["MetricsAvailable", status, reason], SOON);
            let (after, limit) = (begin.elapsed(), SECOND * intervals + GRACE);
            println!("{reason} of {app}: {after:.1?}");
            assert!(after <= limit, "{reason} of {app} took {after:?}, promised are {limit:?}");
        }
    }

    fn all_have(&self, wanted: u64) -> Result<(), String> {
        let replicas = replicas(self.bed, &self.ns);
        if replicas.values().all(|replicas| *replicas == wanted) {
            Ok(())
        } else {
            Err(format!("{replicas:?}"))
        }
    }

    /// The number is right again and asks for one replica; then for three as at the beginning.
    fn back(&self) {
        self.demand(100.0);
        let series = format!("sum(demand{{app=\"{}-plain\"}})", self.ns);
        self.bed.testbed.await_value(&series, 100.0, SOON).unwrap();
        self.all_have(3).unwrap();
        self.await_metrics("True", "AllPresent", 1);
        wait_until("one replica of each", SOON, || self.all_have(1)).unwrap();
        self.demand(300.0);
        wait_until("three replicas of each", SOON, || self.all_have(3)).unwrap();
    }
}

#[test]
fn a_prometheus_that_is_killed_paused_or_back_without_its_data_takes_no_replica_away() {
    let _turn = alone();
    let direct = Direct::new();
    let testbed = &direct.bed.testbed;
    let operator = direct.bed.operator("prometheus", &[]);
    wait_until("numbers", SOON, || match direct.bed.condition(&direct.ns, "backed", "MetricsAvailable") {
        [_, reason, _] if reason == "AllPresent" => Ok(()),
        other => Err(other.join(" ")),
    })
    .unwrap();

    testbed.kill(Part::Prometheus).unwrap();
    direct.demand(100.0);
    direct.await_metrics("False", "SourceUnreachable", 2);
    testbed.start_part(Part::Prometheus).unwrap();
    direct.back();

    testbed.pause(Part::Prometheus).unwrap();
    direct.demand(100.0);
    direct.await_metrics("False", "SourceTimedOut", 2);
    testbed.resume(Part::Prometheus).unwrap();
    direct.back();

    direct.end_series();
    testbed.restart_prometheus_empty().unwrap();
    direct.await_metrics("False", "EmptyResult", 2);
    // Past the window: a query that says 0 is still not believed.
    std::thread::sleep(Duration::from_secs(4));
    direct.all_have(3).unwrap();
    direct.back();
    operator.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_number_whose_newest_sample_is_old_takes_no_replica_away() {
    let _turn = alone();
    let (bed, ns) = (bed(), bed().namespace("old"));
    // Found by the look-back of five minutes, and older than the two minutes that are believed.
    let now = Timestamp::now().as_second();
    let sample = |step: i64| format!("demand{{app=\"{ns}-web\"}} 100 {}\n", now - 210 + step * 10);
    let samples: Vec<String> = (1..=6).map(sample).collect();
    let samples = samples.concat();
    bed.testbed.backfill(&format!("# TYPE demand gauge\n{samples}# EOF\n")).unwrap();
    let prometheus = source(&ns, "own", &bed.testbed.prometheus_url());
    // The same from a file and from a scrape are two series.
    let query = json!(format!("max(demand{{app=\"{ns}-web\"}})"));
    let objective = objective(&ns, "web", SECOND, "own")
        .with(&[("/indicator/query", query.clone()), ("/mappings/0/demand/query", query)]);
    apply(bed, &[prometheus, deployment(&ns, "web", 3), objective.0]);
    let operator = bed.operator("old", &[]);
    bed.await_condition(&ns, "web", ["MetricsAvailable", "False", "StaleSamples"], SOON);
    let stays = || match bed.replicas(&ns, "web") {
        3 => Ok(()),
        other => Err(format!("{other} replicas")),
    };
    hold_true("3 replicas, though the old number asks for one", Duration::from_secs(6), stays).unwrap();
    bed.dial.set("demand", &[("app", &format!("{ns}-web"))], 100.0);
    bed.await_condition(&ns, "web", ["MetricsAvailable", "True", "AllPresent"], SOON);
    bed.await_replicas(&ns, "web", 1, SOON);
    operator.stop(Duration::from_secs(10)).unwrap();
}
