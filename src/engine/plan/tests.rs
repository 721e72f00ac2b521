//! Tests of the file above.

use super::super::scenario::{at, intent, present, snapshot};
use super::*;
use crate::model::{Autonomy, Freeze, FrozenReference, HpaState, ReasonCode, Sample, SourceFault, WhenLost};

/// Plays demands at 5 s each against a cluster that obeys at once; returns the replicas after each pass.
fn play(intent: &Intent, from: u32, demands: &[Sample]) -> Vec<u32> {
    let (mut memory, mut replicas, mut seen) = (Memory::default(), from, Vec::new());
    for (index, demand) in demands.iter().enumerate() {
        let snapshot = snapshot(i64::try_from(index).unwrap() * 5, demand.clone(), replicas);
        let (plans, _) = plan(&[Member { intent, snapshot: &snapshot, memory: &memory }]);
        if let Some(step) = plans[0].steps.first() {
            replicas = step.to.0;
        }
        memory = plans[0].memory.clone();
        seen.push(replicas);
    }
    seen
}

fn constant(demand: f64, passes: usize) -> Vec<Sample> {
    vec![present(demand, 0); passes]
}

#[test]
fn half_more_demand_gets_half_more_replicas_in_the_same_pass() {
    assert_eq!(play(&intent("a"), 10, &[present(1000.0, 0), present(1500.0, 0)]), [10, 15]);
}

#[test]
fn down_again_after_the_window_in_steps() {
    let mut demands = constant(2000.0, 1);
    demands.extend(constant(300.0, 220));
    let seen = play(&intent("a"), 20, &demands);
    let mut changes: Vec<(usize, u32)> = vec![];
    for (index, pair) in seen.windows(2).enumerate() {
        if pair[0] != pair[1] {
            changes.push(((index + 1) * 5, pair[1]));
        }
    }
    assert_eq!(changes.iter().map(|(_, to)| *to).collect::<Vec<_>>(), [10, 5, 3]);
    assert!((300..=335).contains(&changes[0].0), "first step after the window: {changes:?}");
    assert!(
        changes.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 300),
        "a window between steps: {changes:?}"
    );
}

#[test]
fn a_dip_shorter_than_the_window_changes_nothing() {
    let mut demands = constant(2000.0, 3);
    demands.extend(constant(300.0, 55));
    demands.extend(constant(2000.0, 3));
    assert!(play(&intent("a"), 20, &demands).iter().all(|replicas| *replicas == 20));
}

#[test]
fn from_zero_and_back_to_zero() {
    let mut intent = intent("a");
    intent.mappings[0].bounds.min = Replicas(0);
    let mut demands = vec![present(0.0, 0), present(30.0, 0)];
    demands.extend(constant(0.0, 80));
    let seen = play(&intent, 0, &demands);
    assert_eq!((seen[0], seen[1], seen[81]), (0, 1, 0));
}

#[test]
fn without_data_nothing_is_lowered_and_the_fallbacks_only_raise() {
    for (then, wanted) in [(WhenLost::Hold, 20), (WhenLost::Max, 100), (WhenLost::Baseline, 20)] {
        let mut intent = intent("a");
        intent.policy.metric_loss.then = then;
        intent.policy.metric_loss.hold = SignedDuration::from_secs(60);
        let mut demands = constant(2000.0, 1);
        demands.extend(vec![Sample::Failed(SourceFault::NotANumber); 100]);
        let seen = play(&intent, 20, &demands);
        assert_eq!(seen[12], 20, "{then:?}: held within the hold");
        assert_eq!(seen[100], wanted, "{then:?}");
    }
}

#[test]
fn after_a_long_loss_the_window_starts_anew() {
    let mut demands = constant(2000.0, 1);
    demands.extend(vec![Sample::Absent; 100]);
    demands.extend(constant(100.0, 58));
    assert!(play(&intent("a"), 20, &demands).iter().all(|replicas| *replicas == 20));
}

#[test]
fn a_partial_answer_raises_and_never_lowers() {
    let partial = |value: f64| Sample::Partial { value, at: at(0), warning: "a store is away".to_owned() };
    let mut demands = vec![present(1000.0, 0), partial(1500.0)];
    demands.extend(vec![partial(100.0); 100]);
    let seen = play(&intent("a"), 10, &demands);
    assert_eq!((seen[1], seen[101]), (15, 15));
}

#[test]
fn a_freeze_and_observe_change_nothing_but_say_what_they_would() {
    let frozen = {
        let mut intent = intent("a");
        let until = at(1000);
        intent.policy.freezes = vec![Freeze { from: at(-10), to: until, reason: "audit".to_owned() }];
        intent
    };
    let observing = {
        let mut intent = intent("a");
        intent.policy.up = Autonomy::Observe;
        intent
    };
    for (intent, code) in [(frozen, ReasonCode::Frozen), (observing, ReasonCode::Observing)] {
        let (snapshot, memory) = (snapshot(0, present(1500.0, 0), 10), Memory::default());
        let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
        let decision = &plans[0].decisions[0];
        assert!(plans[0].steps.is_empty());
        assert_eq!(decision.desired, Replicas(15));
        assert!(decision.reasons.iter().any(|reason| reason.code() == code), "{:?}", decision.reasons);
    }
}

#[test]
fn the_larger_claim_wins_and_the_other_is_told_who_won() {
    let (small, large) = (intent("small"), intent("large"));
    let (one, two) = (snapshot(0, present(300.0, 0), 5), snapshot(0, present(900.0, 0), 5));
    let memory = Memory::default();
    let (plans, _) = plan(&[
        Member { intent: &small, snapshot: &one, memory: &memory },
        Member { intent: &large, snapshot: &two, memory: &memory },
    ]);
    assert!(plans[0].steps.is_empty());
    assert_eq!(plans[1].steps[0].to, Replicas(9));
    assert_eq!(plans[0].decisions[0].limited_by, Some(ConditionReason::Outbid));
    assert!(
        plans[0].decisions[0].reasons.contains(&Reason::Outbid { by: large.id.clone(), claim: Replicas(9) })
    );
}

#[test]
fn a_target_owned_by_an_autoscaler_is_a_conflict_for_scale_and_a_floor_for_hpa_floor() {
    let mut snapshot = snapshot(0, present(1500.0, 0), 10);
    let TargetState::Known(workload) = &mut snapshot.mappings[0].target else { unreachable!() };
    workload.hpa = Some(HpaState {
        name: "web".to_owned(),
        min: Replicas(2),
        max: Replicas(12),
        version: "9".to_owned(),
        changed_by: None,
    });
    let memory = Memory::default();
    let mut intent = intent("a");
    let (plans, claims) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
    assert!(plans[0].steps.is_empty() && claims.is_empty());
    assert_eq!(plans[0].decisions[0].hold, Some(crate::model::Hold::Conflict));
    intent.mappings[0].actuator = ActuatorKind::HpaFloor;
    let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
    let step = &plans[0].steps[0];
    assert_eq!(
        (step.from, step.to, step.version.as_str()),
        (Replicas(2), Replicas(12), "9"),
        "capped at its max"
    );
}

#[test]
fn a_change_by_somebody_else_is_told_once_and_reconciled() {
    let intent = intent("a");
    let mut memory = Memory::default();
    memory.mappings.push(MappingMemory {
        name: "web".to_owned(),
        last_set: Some(Replicas(15)),
        ..MappingMemory::default()
    });
    let mut snapshot = snapshot(0, present(1500.0, 0), 4);
    let TargetState::Known(workload) = &mut snapshot.mappings[0].target else { unreachable!() };
    workload.changed_by = Some("kubectl".to_owned());
    let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
    let told = |plan: &Plan| plan.decisions[0].reasons.iter().any(|r| r.code() == ReasonCode::ChangedOutside);
    assert!(told(&plans[0]));
    assert_eq!(plans[0].steps[0].to, Replicas(15));
    let failed = StepOutcome { step: plans[0].steps[0].clone(), outcome: Outcome::Superseded };
    let memory = settle(&plans[0].memory, &plans[0], &[failed]);
    let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
    assert_eq!(plans[0].steps.len(), 1);
}

#[test]
fn a_baseline_is_measured_once_and_anew_when_asked() {
    let mut intent = intent("a");
    intent.mappings[0].capacity = crate::model::CapacityModel::Proportional {
        reference: crate::model::Reference::Measured { window: SignedDuration::from_secs(600) },
        elasticity: 1.0,
    };
    let mut snapshot = snapshot(0, present(1500.0, 0), 4);
    let memory = Memory::default();
    let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
    assert!(plans[0].steps.is_empty(), "nobody knows what it needs yet");
    assert!(crate::engine::measurements_due(&intent, &memory).any());
    snapshot.mappings[0].reference = Some(present(1000.0, 0));
    let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
    let memory = plans[0].memory.clone();
    let frozen = FrozenReference { demand: 1000.0, replicas: Replicas(4), at: at(0) };
    assert_eq!(memory.mapping("web").reference, Some(frozen));
    assert_eq!(plans[0].steps[0].to, Replicas(6));
    assert!(!crate::engine::measurements_due(&intent, &memory).any());
    intent.measure_token = Some("again".to_owned());
    assert!(crate::engine::measurements_due(&intent, &memory).any());
}
