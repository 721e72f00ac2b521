//! Tests of the file above: replicas that answer like a queue, with noise.

use super::*;
use crate::model::scenario::{at, intent, present, snapshot};
use crate::model::{CapacityModel, DemandQuery, Replicas, Sample};

/// A replica carries 80 requests/s within a latency of 0.5 s, although 120 are written.
fn model() -> LearnedModel {
    LearnedModel {
        signal: DemandQuery { query: "latency".to_owned(), unit: "s".to_owned() },
        limit: 0.5,
        initial: 120.0,
    }
}

fn learning() -> Intent {
    let mut intent = intent("checkout");
    intent.mappings[0].capacity = CapacityModel::Learned(model());
    intent
}

/// The latency of a queue that serves `rate` a second (M/M/1: 1 ÷ (rate − load)), at most 10 s, with noise of a fifth
/// and one outlier in fifty.
fn latency(load: f64, rate: f64, chance: &mut u64) -> f64 {
    *chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let noise = ((*chance >> 33) as f64 / f64::from(1_u32 << 31) - 0.5) * 0.4;
    let outlier = if (*chance >> 40).is_multiple_of(50) { 8.0 } else { 1.0 };
    (1.0 / (rate - load).max(0.1)).min(10.0) * noise.exp() * outlier
}

/// Learns for days at a pass a minute; the load of a replica follows the day and `rate` its speed.
fn live(days: i64, load: impl Fn(f64) -> f64, rate: impl Fn(i64) -> f64) -> Vec<Learned> {
    let (intent, mut memory, mut chance, mut seen) = (learning(), MappingMemory::default(), 7, vec![]);
    for minute in 0..days * 1440 {
        let second = minute * 60;
        let per = load(std::f64::consts::TAU * (minute % 1440) as f64 / 1440.0);
        let mut facts = snapshot(second, present(per * 10.0, second), 10).mappings[0].clone();
        facts.signal = Some(present(latency(per, rate(minute), &mut chance), second));
        let learned = learn(&intent, &intent.mappings[0], &model(), &facts, &memory, at(second));
        memory.learned = Some(learned.clone());
        seen.push(learned);
    }
    seen
}

#[test]
fn the_load_at_which_the_signal_reaches_its_limit_is_found_in_spite_of_noise_and_outliers() {
    let seen = live(10, |day| 50.0 - 40.0 * day.cos(), |_| 82.0);
    let last = seen.last().unwrap();
    assert!(
        last.known && (last.carries - 80.0).abs() < 8.0,
        "{} ({} to {})",
        last.carries,
        last.low,
        last.high
    );
    assert!(last.low <= last.carries && last.carries <= last.high);
    assert!(seen[60].carries > 119.0 && !seen[200].known, "an hour teaches nothing yet");
}

#[test]
fn a_load_that_never_comes_near_the_limit_makes_a_replica_no_weaker_and_hardly_stronger() {
    let last = live(10, |day| 20.0 - 10.0 * day.cos(), |_| 400.0).pop().unwrap();
    assert!((last.carries - 120.0).abs() < 1e-6, "{}", last.carries);
    let last = live(20, |day| 100.0 - 60.0 * day.cos(), |_| 1000.0).pop().unwrap();
    assert!(last.carries > 150.0 && last.carries < 1.3 * 160.0, "160 were carried: {}", last.carries);
}

#[test]
fn what_is_used_moves_slowly() {
    let seen = live(10, |day| 50.0 - 40.0 * day.cos(), |_| 82.0);
    for pair in seen.windows(60) {
        assert!(pair[59].carries > pair[0].carries * 0.89, "more than a tenth an hour");
    }
}

#[test]
fn pods_that_have_become_slower_are_noticed_and_named() {
    let change = 8 * 1440 + 720;
    let seen = live(10, |day| 50.0 - 25.0 * day.cos(), |minute| if minute < change { 100.0 } else { 78.0 });
    let first = seen.iter().position(|learned| learned.slower.is_some()).expect("it is noticed");
    let late = i64::try_from(first).unwrap() - change;
    assert!((0..180).contains(&late), "{late} minutes after the change");
    assert!(seen[first].slower.unwrap().share > 0.2);
    let quiet = live(10, |day| 50.0 - 25.0 * day.cos(), |_| 100.0);
    assert!(quiet.iter().all(|learned| learned.slower.is_none()), "nothing is named where nothing changed");
}

#[test]
fn nothing_is_learned_from_data_that_says_nothing() {
    let (intent, memory) = (learning(), MappingMemory::default());
    let mapping = &intent.mappings[0];
    let whole = || {
        let mut facts = snapshot(0, present(500.0, 0), 10).mappings[0].clone();
        facts.signal = Some(present(0.2, 0));
        facts
    };
    let learns =
        |facts: &MappingFacts, memory: &MappingMemory| sample(&intent, mapping, facts, memory, at(600));
    assert!(learns(&whole(), &memory).is_some());
    let with = |change: fn(&mut MappingFacts)| {
        let mut facts = whole();
        change(&mut facts);
        facts
    };
    for facts in [
        with(|facts| facts.demand = Sample::Absent),
        with(|facts| facts.demand = present(0.0, 0)),
        with(|facts| facts.signal = None),
        with(|facts| facts.signal = Some(Sample::Absent)),
        with(|facts| {
            if let TargetState::Known(workload) = &mut facts.target {
                workload.ready = Some(Replicas(9));
            }
        }),
        with(|facts| {
            if let TargetState::Known(workload) = &mut facts.target {
                workload.ready = None;
            }
        }),
    ] {
        assert!(learns(&facts, &memory).is_none(), "{facts:?}");
    }
    let starting = MappingMemory { last_up: Some(at(590)), ..MappingMemory::default() };
    assert!(learns(&whole(), &starting).is_none(), "replicas that were just added are not judged");
}
