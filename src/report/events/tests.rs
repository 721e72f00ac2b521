//! Tests of the file above.

use super::super::conditions::{Truth, Wanted, merge};
use super::super::scenario::{Passed, at, decision, done, failed, step, target};
use super::super::status::{invalid as invalid_status, of_pass, pending};
use super::*;
use crate::api::v1alpha1::Issues;
use crate::model::{FrozenReference, MappingMemory, Replicas};

fn with(kind: Kind, status: Truth, reason: Why) -> ObjectiveStatus {
    let wanted = Wanted::new(kind, status, reason, "the condition's words");
    ObjectiveStatus { conditions: merge(&[], &[wanted], 1, at(0)), ..ObjectiveStatus::default() }
}

fn reasons(before: &ObjectiveStatus, after: &ObjectiveStatus) -> Vec<EventReason> {
    events(before, after, None).iter().map(|notice| notice.reason).collect()
}

#[test]
fn a_change_is_told_with_its_reasons() {
    let mut passed = Passed::new(0, vec![decision("web", Some(6), 9)]);
    passed.plan.steps = vec![step("web", 6, 9)];
    let before = pending(&passed.intent, &passed.snapshot, &passed.plan, &ObjectiveStatus::default(), at(0));
    for (from, to, actuator, reason) in [
        (6, 9, ActuatorKind::Scale, EventReason::ScaledUp),
        (9, 6, ActuatorKind::Scale, EventReason::ScaledDown),
        (6, 9, ActuatorKind::HpaFloor, EventReason::FloorRaised),
        (9, 6, ActuatorKind::HpaFloor, EventReason::FloorLowered),
    ] {
        let mut made = step("web", from, to);
        made.actuator = actuator;
        passed.outcomes = vec![done(made)];
        let after = of_pass(&passed.told(), &before, at(0));
        let told = events(&before, &after, Some(&passed.told()));
        let expected = Notice {
            reason,
            warning: false,
            note: format!("web {from} → {to}: 900 requests/s (1080 with headroom) need 9 replicas"),
            about: Some(target("web")),
        };
        assert_eq!(told, [expected]);
    }
}

#[test]
fn a_change_that_fails_every_pass_is_told_once() {
    let mut passed = Passed::new(0, vec![decision("web", Some(6), 9)]);
    passed.outcomes = vec![failed(step("web", 6, 9))];
    let first = of_pass(&passed.told(), &ObjectiveStatus::default(), at(0));
    let told = events(&ObjectiveStatus::default(), &first, Some(&passed.told()));
    assert_eq!(told.iter().map(|notice| notice.reason).collect::<Vec<_>>(), [EventReason::ScaleFailed]);
    assert!(told[0].warning && told[0].note.contains("deployments is forbidden"));
    let again = of_pass(&passed.told(), &first, at(5));
    assert_eq!(events(&first, &again, Some(&passed.told())), []);
}

#[test]
fn goals_and_metrics_are_told_on_transitions_only() {
    use EventReason as E;
    let met = |status, reason| with(Kind::Met, status, reason);
    let metrics = |status, reason| with(Kind::MetricsAvailable, status, reason);
    let nothing = ObjectiveStatus::default();
    let (good, bad) = (met(Truth::True, Why::GoalMet), met(Truth::False, Why::GoalMissed));
    let (blind, measuring) = (met(Truth::Unknown, Why::NoData), met(Truth::Unknown, Why::MeasuringBaseline));
    let (seen, lost) = (metrics(Truth::True, Why::AllPresent), metrics(Truth::False, Why::SourceTimedOut));
    let other = metrics(Truth::False, Why::SourceUnreachable);
    for (name, before, after, told) in [
        ("first seen met", &nothing, &good, vec![]),
        ("first seen missed", &nothing, &bad, vec![E::GoalMissed]),
        ("missed", &good, &bad, vec![E::GoalMissed]),
        ("still missed", &bad, &bad, vec![]),
        ("met again", &bad, &good, vec![E::GoalMet]),
        ("met after a gap", &blind, &good, vec![E::GoalMet]),
        ("met after the first measurement", &measuring, &good, vec![]),
        ("no longer known", &good, &blind, vec![]),
        ("metrics lost", &seen, &lost, vec![E::MetricsLost]),
        ("metrics lost otherwise", &lost, &other, vec![]),
        ("metrics back", &lost, &seen, vec![E::MetricsRecovered]),
        ("metrics there at first", &nothing, &seen, vec![]),
    ] {
        assert_eq!(reasons(before, after), told, "{name}");
    }
}

#[test]
fn an_invalid_spec_is_told_once_per_generation() {
    let mut issues = Issues::default();
    issues.add("spec.goal", "write a goal");
    let nothing = ObjectiveStatus::default();
    let first = invalid_status(&issues, 1, &nothing, at(0));
    assert_eq!(reasons(&nothing, &first), [EventReason::InvalidSpec]);
    assert_eq!(reasons(&first, &invalid_status(&issues, 1, &first, at(5))), []);
    assert_eq!(reasons(&first, &invalid_status(&issues, 2, &first, at(5))), [EventReason::InvalidSpec]);
}

#[test]
fn who_changed_the_replicas_is_told() {
    let mut made = decision("web", Some(3), 9);
    let by = "kubectl-scale".to_owned();
    made.reasons.push(Reason::ChangedOutside { by, from: Replicas(6), to: Replicas(3) });
    let passed = Passed::new(0, vec![made]);
    let after = of_pass(&passed.told(), &ObjectiveStatus::default(), at(0));
    let told = events(&ObjectiveStatus::default(), &after, Some(&passed.told()));
    assert_eq!(told[0].reason, EventReason::ChangedOutside);
    assert_eq!(told[0].note, "web 6 → 3: kubectl-scale changed the replicas from 6 to 3");
}

#[test]
fn a_measured_reference_is_told_once() {
    let mut passed = Passed::new(0, vec![decision("web", Some(5), 5)]);
    passed.plan.memory.mappings = vec![MappingMemory {
        name: "web".to_owned(),
        reference: Some(FrozenReference { demand: 500.0, replicas: Replicas(5), at: at(0) }),
        ..MappingMemory::default()
    }];
    let after = of_pass(&passed.told(), &ObjectiveStatus::default(), at(0));
    let told = events(&ObjectiveStatus::default(), &after, Some(&passed.told()));
    assert_eq!(told[0].note, "web carries 500 with 5 replicas");
    assert_eq!(events(&after, &after, Some(&passed.told())), []);
}

proptest::proptest! {
    #[test]
    fn notes_fit_into_an_event(detail in "\\PC{0,3000}") {
        let note = Notice::new(EventReason::InvalidSpec, &detail).note;
        proptest::prop_assert!(note.len() <= LONGEST_NOTE);
    }
}
