//! The operator is killed in the middle of a demand it foresees, and the next one decides as if it had been there. So
//! does a back-test of the same objective on what the store recorded.

use std::time::{Duration, Instant};

use bizops::backtest::{Pilot, Seen};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use testbed::{Spawned, wait_until};

use crate::support::{Bed, Objective, SOON, SYSTEM, alone, bed, meanwhile};

/// So many lives are cut off.
const KILLS: usize = 4;
/// The grid of a forecast.
const STEP: i64 = 15;
/// So long after a moment of the grid its decision is made and told.
const TOLD: i64 = 6;
/// How far back the store knows the demand: as long as a forecast takes to be believed, and as much again.
const KNOWN: i64 = 4 * 3600;

/// Demand in waves of four minutes, and something on it that looks like chance.
fn demand(second: i64) -> f64 {
    let wave = (second.rem_euclid(240) as f64 / 240.0 * std::f64::consts::TAU).sin();
    let mixed =
        second.wrapping_mul(0x1e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0x14d0_49bb_1331_11eb);
    800.0 + 400.0 * wave + (mixed >> 57) as f64
}

/// The same objective, demand and workload under two operators.
struct Scene {
    bed: &'static Bed,
    killed: String,
    calm: String,
    /// The objective under the calm operator.
    objective: Objective,
}

impl Scene {
    fn new() -> Self {
        let bed = bed();
        let (killed, calm) = (bed.namespace("ahead"), bed.namespace("steady"));
        let now = Timestamp::now().as_second();
        let past = (now - KNOWN..now).step_by(15).map(|at| (at, demand(at)));
        let query = json!(bed.past("demand", &killed, past));
        let objectives = [&killed, &calm].map(|ns| {
            bed.deployment(ns, "web", 10);
            bed.own_source(ns);
            let objective = Objective::new(ns, "web").with(&[
                ("/interval", json!("1s")),
                ("/indicator/query", query.clone()),
                ("/mappings/0/demand/query", query.clone()),
                ("/mappings/0/capacity/startup", json!("30s")),
                ("/mappings/0/unserved", json!("0.3%")),
            ]);
            bed.apply(&objective.yaml());
            objective
        });
        let [_, objective] = objectives;
        Self { bed, killed, calm, objective }
    }

    /// What a back-test on the recorded samples decides for these moments, if it begins with so many replicas and runs
    /// what it decides.
    fn back_tested(&self, moments: &[i64], mut running: u64) -> Vec<u64> {
        let intent =
            bizops::api::v1alpha1::intent(&serde_json::from_value(self.objective.0.clone()).unwrap());
        let mut pilot = Pilot::new(&intent.unwrap(), 0, STEP, SignedDuration::ZERO).unwrap();
        let (first, last) = (moments[0], moments[moments.len() - 1]);
        let from = (first - KNOWN).div_euclid(STEP) * STEP;
        let query = self.objective.0["spec"]["mappings"][0]["demand"]["query"].as_str().unwrap();
        let recorded = self.bed.testbed.range(query, (from as f64, last as f64), "15s").unwrap();
        let known = |second: i64| {
            let found = recorded.iter().find(|(at, _)| (at - second as f64).abs() < 0.5);
            found.map(|(_, demand)| *demand)
        };
        let mut decided = vec![];
        for second in (from..=last).step_by(15) {
            let (at, demand) = (Timestamp::from_second(second).unwrap(), known(second));
            if second < first {
                pilot.recall(at, demand);
                continue;
            }
            let count = u32::try_from(running).unwrap();
            let made = pilot.pass(&Seen { now: at, sampled: at, demand, existing: count, ready: count });
            running = u64::from(made.desired.0);
            decided.extend(moments.contains(&second).then_some(running));
        }
        decided
    }

    /// Lets the demand of the moment be scraped.
    fn move_demand(&self) {
        self.bed.dial.set("demand", &[("app", &self.killed)], demand(Timestamp::now().as_second()));
    }

    fn operator(&self, name: &str, ns: &str, lease: &str) -> Spawned {
        let arguments = ["--watch-namespaces", ns, "--lease-name", lease];
        self.bed.operator_as(name, &self.bed.testbed.kubeconfig(), &arguments)
    }

    fn await_forecast(&self, ns: &str, operator: &Spawned) {
        let seen =
            wait_until("a forecast", SOON * 2, || match self.bed.condition(ns, "web", "ForecastReady") {
                [_, reason, _] if reason == "ForecastSkilled" => Ok(()),
                other => Err(other.join(" ")),
            });
        seen.unwrap_or_else(|error| panic!("{error}\n{}", operator.log()));
    }

    /// What both decided for a moment of the grid, once it is told: what they want, and what runs.
    fn decided(&self, moment: i64) -> [(u64, u64); 2] {
        sleep_until(moment + TOLD);
        [&self.killed, &self.calm].map(|ns| {
            let objective = self.bed.objective(ns, "web");
            let wanted = objective["status"]["mappings"][0]["desired"].as_u64().unwrap();
            (wanted, u64::from(self.bed.replicas(ns, "web")))
        })
    }
}

fn next_moment() -> i64 {
    (Timestamp::now().as_second().div_euclid(STEP) + 1) * STEP
}

fn sleep_until(second: i64) {
    let left = Timestamp::from_second(second).unwrap().duration_since(Timestamp::now());
    std::thread::sleep(Duration::try_from(left).unwrap_or_default());
}

#[test]
fn an_operator_killed_in_the_middle_of_a_forecast_is_followed_by_one_that_decides_the_same() {
    let _turn = alone();
    let scene = Scene::new();
    let moving = || scene.move_demand();
    meanwhile(Duration::from_millis(100), moving, || {
        let calm = scene.operator("steady", &scene.calm, "steady");
        let mut killed = scene.operator("ahead", &scene.killed, "ahead");
        scene.await_forecast(&scene.calm, &calm);
        scene.await_forecast(&scene.killed, &killed);
        let (mut all, mut moments) = (vec![], vec![]);
        for life in 0..=KILLS {
            for _ in 0..2 {
                let moment = next_moment();
                let decided = scene.decided(moment);
                println!("life {life}: wanted and running {decided:?}");
                all.push(decided);
                moments.push(moment);
            }
            if life == KILLS {
                break;
            }
            let read = |operator: &Spawned| operator.log().matches("a history was read").count();
            let before = read(&killed);
            killed.kill().unwrap();
            let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/ahead");
            scene.bed.testbed.api().delete(&lease).unwrap();
            let replicas = scene.bed.replicas(&scene.killed, "web");
            killed = scene.operator("ahead", &scene.killed, "ahead");
            let begun = Instant::now();
            wait_until(
                "a history",
                SOON,
                || if read(&killed) > before { Ok(()) } else { Err(String::new()) },
            )
            .unwrap_or_else(|error| panic!("{error}\n{}", killed.log()));
            let after = scene.bed.replicas(&scene.killed, "web");
            println!(
                "its history was read {:.1?} after the start; {replicas} replicas, then {after}",
                begun.elapsed()
            );
            assert!(replicas.abs_diff(after) <= 1, "{replicas} replicas, then {after}");
        }
        let differ =
            |[killed, calm]: &[(u64, u64); 2]| killed.0.abs_diff(calm.0) > 1 || killed.1.abs_diff(calm.1) > 1;
        assert!(!all.iter().any(differ), "{all:?}\n{}", scene.bed.explain(&scene.killed));
        let replayed = scene.back_tested(&moments, all[0][1].1);
        let lived: Vec<u64> = all.iter().map(|decided| decided[1].0).collect();
        println!("lived {lived:?}, back-tested {replayed:?}");
        assert_eq!(lived.len(), replayed.len());
        let apart = lived.iter().zip(&replayed).filter(|(lived, replayed)| lived.abs_diff(**replayed) > 1);
        assert_eq!(apart.count(), 0, "lived {lived:?}, back-tested {replayed:?}");
        let wanted: std::collections::BTreeSet<u64> = all.iter().map(|decided| decided[0].0).collect();
        assert!(wanted.len() > 2, "too little happened to prove anything: {wanted:?}");
        for operator in [calm, killed] {
            operator.stop(Duration::from_secs(10)).unwrap();
        }
    });
}
