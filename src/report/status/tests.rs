//! Tests of the file above.

use proptest::prelude::*;

use super::super::conditions::find;
use super::super::scenario::{Passed, at, decision, done, plan, step};
use super::*;
use crate::api::v1alpha1::{DecisionOutcome, restore};
use crate::model::{
    Bin, FrozenReference, FrozenValue, Goal, GoalState, Hold, Learned, MappingMemory, Money, Need, Reason,
    Replicas, Slower, Trimmed,
};

fn status(passed: &Passed) -> ObjectiveStatus {
    of_pass(&passed.told(), &ObjectiveStatus::default(), at(0))
}

#[test]
fn a_scaled_objective_says_what_happened_and_why() {
    let mut passed = Passed::new(0, vec![decision("web", Some(6), 9)]);
    passed.intent.mappings[0].cost = Some(Money { amount: 0.12, currency: "USD".to_owned() });
    passed.outcomes = vec![done(step("web", 6, 9))];
    let status = status(&passed);
    assert_eq!(status.observed_generation, Some(3));
    assert_eq!(status.replicas, "9");
    let row = &status.mappings[0];
    assert_eq!((row.current, row.needed, row.desired), (Some(9), Some(9), 9));
    assert_eq!(row.demand.as_deref(), Some("900 requests/s"));
    assert_eq!(row.planned.as_deref(), Some("1080 requests/s"));
    assert_eq!(row.cost_per_hour.as_deref(), Some("1.08 USD"));
    assert_eq!(row.reasons[0].code, "ObservedDemand");
    let entry = &status.decisions[0];
    assert_eq!((entry.from, entry.to, entry.outcome), (6, 9, DecisionOutcome::Done));
    let indicator = status.indicator.unwrap();
    assert_eq!(indicator.display, "1180 orders/h");
    assert_eq!(indicator.goal_display, "≥ 1000 orders/h");
    assert_eq!(indicator.attainment.as_deref(), Some("118%"));
    assert_eq!(status.summary, "1,180 orders/h of the 1,000 wanted; web went from 6 to 9 replicas.");
}

#[test]
fn summaries_a_business_owner_understands() {
    let capped = {
        let mut made = decision("web", Some(12), 12);
        (made.needed, made.limited_by) = (Some(Replicas(15)), Some(ConditionReason::AtMaximum));
        Passed::new(0, vec![made])
    };
    let advised = {
        let mut made = decision("web", Some(6), 9);
        made.hold = Some(Hold::Observe);
        Passed::new(0, vec![made])
    };
    let missing = {
        let mut made = decision("web", None, 9);
        made.hold = Some(Hold::Unusable(ConditionReason::TargetNotFound));
        made.reasons.push(Reason::TargetUnusable { detail: "gone".to_owned() });
        Passed::new(0, vec![made])
    };
    let many =
        Passed::new(0, ["a", "b", "c", "d"].into_iter().map(|name| decision(name, Some(1), 1)).collect());
    for (passed, words) in [
        (
            capped,
            "1,180 orders/h of the 1,000 wanted; web runs 12 replicas and needs 15, capped by its maximum of 12.",
        ),
        (advised, "1,180 orders/h of the 1,000 wanted; web runs 6 replicas, the advice is 9."),
        (missing, "1,180 orders/h of the 1,000 wanted; web cannot be scaled, it does not exist."),
        (
            many,
            "1,180 orders/h of the 1,000 wanted; a runs 1 replica; b runs 1 replica; c runs 1 replica; 1 more.",
        ),
        (Passed::new(0, vec![]), "1,180 orders/h of the 1,000 wanted."),
    ] {
        assert_eq!(status(&passed).summary, words);
    }
}

#[test]
fn every_kind_of_goal_has_its_sentence_and_its_column() {
    let by = "2026-12-31T00:00:00Z".parse().ok();
    let grow = Goal::GrowBy { share: 0.5, by, baseline: crate::model::BaselineSpec::Value(800.0) };
    for (goal, state, words, column) in [
        (
            Goal::AtLeast(1000.0),
            GoalState::Missed,
            "1,180 orders/h of the 1,000 wanted, the goal is missed.",
            "≥ 1000 orders/h",
        ),
        (
            Goal::AtMost(1000.0),
            GoalState::Missed,
            "1,180 orders/h, more than the 1,000 wanted at most.",
            "≤ 1000 orders/h",
        ),
        (Goal::AtMost(1000.0), GoalState::Met, "1,180 orders/h, at most 1,000 is wanted.", "≤ 1000 orders/h"),
        (
            Goal::Between { min: 1000.0, max: 2000.0 },
            GoalState::Met,
            "1,180 orders/h, within the 1,000 to 2,000 wanted.",
            "1000 – 2000 orders/h",
        ),
        (
            grow.clone(),
            GoalState::OnTrack,
            "1,180 orders/h, on track: 1,000 is wanted by now.",
            "+50% to 1200 orders/h by 2026-12-31",
        ),
        (
            grow,
            GoalState::BehindPlan,
            "1,180 orders/h, behind plan: 1,000 is wanted by now.",
            "+50% to 1200 orders/h by 2026-12-31",
        ),
    ] {
        let mut passed = Passed::new(0, vec![]);
        passed.intent.goal = goal;
        passed.plan.findings.state = state;
        let status = status(&passed);
        assert_eq!(status.summary, words);
        assert_eq!(status.indicator.unwrap().goal_display, column);
    }
}

#[test]
fn a_goal_missed_by_a_hair_is_not_shown_as_attained() {
    for (share, text) in
        [(1.0, "100%"), (0.9999, "99.9%"), (0.5, "50%"), (1.18, "118%"), (0.0, "0%"), (10.0, "1000%")]
    {
        assert_eq!(percent(share), text);
    }
}

#[test]
fn a_floor_costs_what_its_autoscaler_runs() {
    let mut passed = Passed::new(0, vec![decision("web", Some(2), 2)]);
    passed.intent.mappings[0].cost = Some(Money { amount: 0.5, currency: "EUR".to_owned() });
    passed.plan.decisions[0].actuator = crate::model::ActuatorKind::HpaFloor;
    passed.snapshot = super::super::scenario::snapshot(0, &[8]);
    assert_eq!(status(&passed).mappings[0].cost_per_hour.as_deref(), Some("4.00 EUR"));
}

#[test]
fn what_was_known_outlives_an_invalid_or_suspended_spec() {
    let mut passed = Passed::new(0, vec![decision("web", Some(6), 9)]);
    passed.outcomes = vec![done(step("web", 6, 9))];
    passed.plan.memory = Memory {
        baseline: Some(FrozenValue { value: 800.0, at: at(0) }),
        measure_token: Some("7".to_owned()),
        mappings: vec![MappingMemory {
            name: "web".to_owned(),
            reference: Some(FrozenReference { demand: 100.0, replicas: Replicas(5), at: at(0) }),
            ..MappingMemory::default()
        }],
    };
    let old = status(&passed);
    let mut issues = Issues::default();
    issues.add("spec.goal", "write exactly one of atLeast, atMost, between and growBy");
    for (name, new, ready, stalled) in [
        ("invalid", invalid(&issues, 4, &old, at(9)), "False/InvalidSpec", true),
        ("unreadable", unreadable("missing field `goal`", 4, &old, at(9)), "False/InvalidSpec", true),
        ("suspended", suspended(4, &old, at(9)), "True/Suspended", false),
        ("no source", source_missing("no default source", 4, &old, at(9)), "False/SourceNotFound", false),
    ] {
        assert_eq!(restore(&new), passed.plan.memory, "{name}");
        assert_eq!(new.decisions, old.decisions, "{name}");
        assert_eq!((new.observed_generation, new.replicas.as_str()), (Some(4), "9"), "{name}");
        let condition = find(&new.conditions, ConditionKind::Ready).unwrap();
        assert_eq!(format!("{}/{}", condition.status, condition.reason), ready, "{name}");
        assert_eq!(find(&new.conditions, ConditionKind::Stalled).is_some(), stalled, "{name}");
        let met = find(&new.conditions, ConditionKind::Met).unwrap();
        assert_eq!(met.status, "Unknown", "{name}");
    }
}

#[test]
fn a_change_is_written_down_before_it_is_made_and_settled_after() {
    let mut passed = Passed::new(0, vec![decision("web", Some(6), 9)]);
    passed.plan.steps = vec![step("web", 6, 9)];
    passed.plan.memory.mappings = vec![MappingMemory {
        name: "web".to_owned(),
        last_set: Some(Replicas(9)),
        ..MappingMemory::default()
    }];
    let ahead = pending(&passed.intent, &passed.snapshot, &passed.plan, &ObjectiveStatus::default(), at(0));
    assert_eq!(ahead.decisions[0].outcome, DecisionOutcome::Pending);
    assert_eq!(ahead.replicas, "6 → 9");
    assert_eq!(restore(&ahead), passed.plan.memory);
    let ready = find(&ahead.conditions, ConditionKind::Ready).unwrap();
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("Unknown", "Progressing"));
    assert_eq!(resume(&ahead).mapping("web").last_set, None, "it may not have been made");
    passed.outcomes = vec![done(step("web", 6, 9))];
    let settled = of_pass(&passed.told(), &ahead, at(1));
    assert_eq!(resume(&settled), passed.plan.memory);
    assert_eq!(settled.decisions.len(), 1);
    assert_eq!((settled.decisions[0].at, settled.decisions[0].outcome), (at(0), DecisionOutcome::Done));
    assert!(find(&settled.conditions, ConditionKind::Reconciling).is_none());
    let next = pending(&passed.intent, &passed.snapshot, &passed.plan, &settled, at(5));
    assert_eq!(next.conditions, settled.conditions, "conditions of a known spec stay");
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000).prop_map(|milli| Timestamp::from_millisecond(milli).unwrap())
}

fn replicas() -> impl Strategy<Value = Replicas> {
    (0_u32..=Replicas::CEILING.0).prop_map(Replicas)
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |value| value.is_finite())
}

fn need() -> impl Strategy<Value = Need> {
    (moment(), replicas()).prop_map(|(at, replicas)| Need { at, replicas })
}

prop_compose! {
    fn memory_of(name: &'static str)(
        needs in proptest::collection::vec(need(), 0..=MappingMemory::MAX_NEEDS),
        lost_since in proptest::option::of(moment()),
        last_set in proptest::option::of(replicas()),
        last_up in proptest::option::of(moment()),
        last_down in proptest::option::of(moment()),
        step_from in proptest::option::of(need()),
        reference in proptest::option::of((finite(), replicas(), moment())),
        extra in proptest::option::of((0.0..1.0_f64, moment())),
        carries in proptest::option::of((0.001..1e6_f64, moment(), proptest::option::of(moment()))),
    ) -> MappingMemory {
        MappingMemory {
            name: name.to_owned(), needs, lost_since, last_set, last_up, last_down, step_from,
            trimmed: extra.map(|(extra, changed_at)| Trimmed { extra, changed_at }),
            learned: carries.map(|(carries, at, slower)| Learned {
                carries, low: carries * 0.9, high: carries * 1.1, known: true, at,
                bins: vec![Bin { weight: 12.5, mean: -1.25, variance: 0.0625 }; Learned::BINS],
                drift: 2.5,
                slower: slower.map(|since| Slower { since, share: 0.3 }),
            }),
            reference: reference.map(|(demand, replicas, at)| FrozenReference { demand, replicas, at }),
        }
    }
}

proptest! {
    #[test]
    fn the_memory_reads_back_as_it_was_written(
        baseline in proptest::option::of((finite(), moment())),
        measure_token in proptest::option::of("\\PC{0,20}"),
        web in memory_of("web"),
        payment in memory_of("payment"),
        readable: bool,
    ) {
        let current = readable.then_some(6);
        let mut passed = Passed::new(0, vec![decision("web", current, 9), decision("payment", Some(4), 4)]);
        passed.plan = plan(passed.plan.decisions);
        passed.plan.memory = Memory {
            baseline: baseline.map(|(value, at)| FrozenValue { value, at }),
            measure_token,
            mappings: vec![web, payment],
        };
        let json = serde_json::to_string(&status(&passed)).unwrap();
        let read: ObjectiveStatus = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(restore(&read), passed.plan.memory.clone());
        let ahead = pending(&passed.intent, &passed.snapshot, &passed.plan, &ObjectiveStatus::default(), at(0));
        prop_assert_eq!(restore(&ahead), passed.plan.memory.clone());
        prop_assert_eq!(of_pass(&passed.told(), &read, at(77)), read, "the same facts change nothing");
    }
}
