//! Tests of the file above.

use super::super::conditions::{find, merge};
use super::super::scenario::{Passed, at, decision, failed, step};
use super::*;
use crate::model::{ConditionKind as K, Freeze, GoalState, ObjectId, Replicas};

/// `Type=Status/Reason` of every condition a pass leads to.
fn faces(passed: &Passed) -> Vec<String> {
    merge(&[], &wanted(&passed.told()), 3, at(0))
        .iter()
        .map(|c| format!("{}={}/{}", c.type_, c.status, c.reason))
        .collect()
}

fn message(passed: &Passed, kind: K) -> String {
    find(&merge(&[], &wanted(&passed.told()), 3, at(0)), kind).unwrap().message.clone()
}

fn held(hold: Hold, reason: Reason) -> Passed {
    let mut made = decision("web", Some(6), 9);
    made.hold = Some(hold);
    made.reasons.push(reason);
    Passed::new(0, vec![made])
}

#[test]
fn an_objective_that_is_well() {
    let passed = Passed::new(0, vec![decision("web", Some(9), 9)]);
    assert_eq!(
        faces(&passed),
        [
            "Ready=True/Reconciled",
            "Met=True/GoalMet",
            "MetricsAvailable=True/AllPresent",
            "ScalingActive=True/Enforcing",
            "ScalingLimited=False/NotLimited",
            "Conflict=False/NoConflict",
        ]
    );
    assert!(message(&passed, K::Ready).contains("ClusterMetricSource default"));
}

#[test]
fn every_state_of_the_goal_has_its_face() {
    for (state, face) in [
        (GoalState::Met, "Met=True/GoalMet"),
        (GoalState::OnTrack, "Met=True/OnTrack"),
        (GoalState::Missed, "Met=False/GoalMissed"),
        (GoalState::BehindPlan, "Met=False/BehindPlan"),
        (GoalState::NoData, "Met=Unknown/NoData"),
        (GoalState::MeasuringBaseline, "Met=Unknown/MeasuringBaseline"),
    ] {
        let mut passed = Passed::new(0, vec![]);
        passed.plan.findings.state = state;
        assert!(faces(&passed).contains(&face.to_owned()), "{face}");
    }
}

#[test]
fn a_target_that_cannot_be_used_makes_ready_false_and_says_which() {
    let unusable =
        Reason::TargetUnusable { detail: "Deployment web does not exist in this namespace".to_owned() };
    let passed = held(Hold::Unusable(Why::TargetNotFound), unusable);
    let faces = faces(&passed);
    for face in [
        "Ready=False/TargetNotFound",
        "Reconciling=True/TargetNotFound",
        "ScalingActive=False/TargetNotFound",
        "MetricsAvailable=True/AllPresent",
    ] {
        assert!(faces.contains(&face.to_owned()), "{face} in {faces:?}");
    }
    assert_eq!(message(&passed, K::Ready), "mapping web: Deployment web does not exist in this namespace");
}

#[test]
fn an_autoscaler_of_somebody_else_is_named() {
    let passed = held(Hold::Conflict, Reason::OwnedByHpa { hpa: "web-hpa".to_owned() });
    let faces = faces(&passed);
    for face in ["Ready=False/OwnedByHpa", "ScalingActive=False/OwnedByHpa", "Conflict=True/OwnedByHpa"] {
        assert!(faces.contains(&face.to_owned()), "{face} in {faces:?}");
    }
    assert_eq!(
        message(&passed, K::Conflict),
        "mapping web: HorizontalPodAutoscaler web-hpa owns the target; write actuator: HpaFloor, or remove one of \
         the two"
    );
}

#[test]
fn a_failed_change_is_said_with_the_servers_words() {
    let mut passed = Passed::new(0, vec![decision("web", Some(6), 9)]);
    passed.outcomes = vec![failed(step("web", 6, 9))];
    assert!(faces(&passed).contains(&"ScalingActive=False/TargetForbidden".to_owned()));
    assert!(message(&passed, K::Ready).contains("deployments is forbidden"));
}

#[test]
fn a_source_that_is_missing_is_not_the_specs_fault() {
    let passed = Passed::new(0, vec![decision("web", Some(6), 6)]);
    let told = Told { source: Err("ClusterMetricSource default does not exist; create it"), ..passed.told() };
    let merged = merge(&[], &wanted(&told), 3, at(0));
    let face = |kind| find(&merged, kind).map(|c| (c.status.as_str(), c.reason.as_str()));
    assert_eq!(face(K::Ready), Some(("False", "SourceNotFound")));
    assert_eq!(face(K::MetricsAvailable), Some(("False", "SourceNotFound")));
    assert_eq!(face(K::Stalled), None);
}

#[test]
fn a_query_without_a_number_is_named_and_does_not_touch_ready() {
    let mut passed = Passed::new(0, vec![decision("web", Some(6), 6)]);
    passed.plan.findings.lost =
        Some(("demand of web".to_owned(), Why::SourceTimedOut, "no answer within 3.0s".to_owned()));
    assert!(faces(&passed).contains(&"Ready=True/Reconciled".to_owned()));
    assert!(faces(&passed).contains(&"MetricsAvailable=False/SourceTimedOut".to_owned()));
    assert_eq!(
        message(&passed, K::MetricsAvailable),
        "demand of web, asked of ClusterMetricSource default: no answer within 3.0s; what runs is held meanwhile, \
         nothing is taken away"
    );
}

#[test]
fn how_far_bizops_may_go_is_said() {
    let with = |up, down| {
        let mut passed = Passed::new(0, vec![decision("web", Some(6), 9)]);
        (passed.intent.policy.up, passed.intent.policy.down) = (up, down);
        faces(&passed)[3].clone()
    };
    assert_eq!(with(Autonomy::Enforce, Autonomy::Enforce), "ScalingActive=True/Enforcing");
    assert_eq!(with(Autonomy::Enforce, Autonomy::Observe), "ScalingActive=True/Enforcing");
    assert_eq!(with(Autonomy::Observe, Autonomy::Observe), "ScalingActive=False/Observing");
    assert_eq!(faces(&Passed::new(0, vec![]))[3], "ScalingActive=False/NoMappings");
    let mut frozen = Passed::new(10, vec![decision("web", Some(6), 9)]);
    frozen.intent.policy.freezes = vec![Freeze { from: at(0), to: at(60), reason: "stocktaking".to_owned() }];
    assert_eq!(faces(&frozen)[3], "ScalingActive=False/Frozen");
    frozen.snapshot.at = at(60);
    assert_eq!(faces(&frozen)[3], "ScalingActive=True/Enforcing", "the end is excluded");
}

#[test]
fn a_maximum_is_named_before_other_limits() {
    let limited = |name: &str, reason, why| {
        let mut made = decision(name, Some(12), 12);
        made.limited_by = Some(reason);
        made.reasons.push(why);
        made
    };
    let until = at(60);
    let passed = Passed::new(
        0,
        vec![
            limited("payment", Why::WaitingForWindow, Reason::HeldByStartup { until }),
            limited("web", Why::AtMaximum, Reason::CappedAtMax { wanted: Replicas(15), max: Replicas(12) }),
        ],
    );
    assert!(faces(&passed).contains(&"ScalingLimited=True/AtMaximum".to_owned()));
    assert_eq!(
        message(&passed, K::ScalingLimited),
        "mapping web: 15 replicas are needed, bounds.max allows 12; raise bounds.max if the capacity is there"
    );
}

#[test]
fn being_outbid_is_a_conflict_and_no_limit() {
    let mut made = decision("web", Some(12), 9);
    made.limited_by = Some(Why::Outbid);
    let by = ObjectId { namespace: "shop".to_owned(), name: "search".to_owned() };
    made.reasons.push(Reason::Outbid { by, claim: Replicas(12) });
    let passed = Passed::new(0, vec![made]);
    let faces = faces(&passed);
    for face in ["Ready=True/Reconciled", "ScalingLimited=False/NotLimited", "Conflict=True/Outbid"] {
        assert!(faces.contains(&face.to_owned()), "{face} in {faces:?}");
    }
    assert!(message(&passed, K::Conflict).contains("objective shop/search claims 12 replicas"));
}
