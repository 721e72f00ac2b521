//! The invariants of the design, each over ten thousand arbitrary cases.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::scenario::{at, intent, present, snapshot};
use super::{Member, memory_due, plan};
use crate::model::{
    Autonomy, Basis, Bounds, CapacityModel, Foreseen, Freeze, HpaState, Intent, Memory, Outlook, Priced,
    Reference, Replicas, Reserve, Sample, Snapshot, SourceFault, StepPoint, TargetState, WhenLost,
};

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 10_000,
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn model() -> impl Strategy<Value = CapacityModel> {
    prop_oneof![
        (1.0..500.0_f64).prop_map(CapacityModel::PerReplica),
        ((1.0..5000.0_f64), (1..60_u32), (0.1..3.0_f64)).prop_map(|(demand, replicas, elasticity)| {
            let reference = Reference::Given { demand, replicas: Replicas(replicas) };
            CapacityModel::Proportional { reference, elasticity }
        }),
        proptest::collection::vec((1.0..500.0_f64, 0..9_u32), 0..6).prop_map(|rises| {
            let mut points = vec![StepPoint { demand: 0.0, replicas: Replicas(1) }];
            for (demand, replicas) in rises {
                let last = points[points.len() - 1];
                points.push(StepPoint {
                    demand: last.demand + demand,
                    replicas: Replicas(last.replicas.0 + replicas),
                });
            }
            CapacityModel::Steps(points)
        }),
    ]
}

fn autonomy() -> impl Strategy<Value = Autonomy> {
    prop_oneof![4 => Just(Autonomy::Enforce), 1 => Just(Autonomy::Observe)]
}

prop_compose! {
    fn objectives()(
        model in model(),
        (min, span) in (0..20_u32, 0..80_u32),
        headroom in prop_oneof![Just(0.0), 0.0..1.0_f64],
        startup in 0..120_i64,
        window in prop_oneof![Just(0), 1..600_i64],
        (up_tolerance, down_tolerance, step) in (0.0..0.3_f64, 0.0..0.3_f64, 0.01..1.0_f64),
        (up, down) in (autonomy(), autonomy()),
        then in prop_oneof![Just(WhenLost::Hold), Just(WhenLost::Max), Just(WhenLost::Baseline)],
        hold in 0..200_i64,
        (priced, written) in (any::<bool>(), any::<bool>()),
        freeze in proptest::option::of((0..500_i64, 1..200_i64)),
    ) -> Intent {
        let mut intent = intent("a");
        let mapping = &mut intent.mappings[0];
        mapping.capacity = model;
        mapping.bounds = Bounds { min: Replicas(min), max: Replicas(min + span.max(1)) };
        mapping.reserve = if priced { Reserve::Unserved(0.003) } else { Reserve::Headroom(headroom) };
        mapping.startup = SignedDuration::from_secs(startup);
        let policy = &mut intent.policy;
        policy.down_window = written.then(|| SignedDuration::from_secs(window));
        (policy.up_tolerance, policy.down_tolerance, policy.down_max_step) = (up_tolerance, down_tolerance, step);
        (policy.up, policy.down) = (up, down);
        policy.metric_loss.then = then;
        policy.metric_loss.hold = SignedDuration::from_secs(hold);
        policy.freezes = freeze
            .map(|(from, long)| Freeze { from: at(from), to: at(from + long), reason: "quiet".to_owned() })
            .into_iter()
            .collect();
        intent
    }
}

fn demand() -> impl Strategy<Value = Sample> {
    prop_oneof![
        8 => (0.0..6000.0_f64).prop_map(|value| present(value, 0)),
        1 => Just(present(0.0, 0)),
        1 => (0.0..6000.0_f64).prop_map(|value| Sample::Partial { value, at: at(0), warning: "part".to_owned() }),
        1 => Just(Sample::Absent),
        1 => Just(Sample::Failed(SourceFault::NotANumber)),
        1 => (0.0..6000.0_f64).prop_map(|value| Sample::Stale { value, at: at(0), limit: SignedDuration::from_secs(60) }),
    ]
}

/// What a forecast may say, with a wish that may be anything.
fn outlook() -> impl Strategy<Value = Outlook> {
    let foreseen = (0.0..6000.0_f64, 1.0..2.0_f64, proptest::option::of(0..90_u32)).prop_map(
        |(expected, spread, wish)| {
            Outlook::Ready(Foreseen {
                horizon: SignedDuration::from_secs(75),
                expected,
                upper: expected * spread,
                skill: 0.2,
                coverage: [0.5, 0.9, 0.99],
                wish: wish.map(|n| Priced { replicas: Replicas(n), price: 0.1, saving: 0.2, next: 0.05 }),
                unserved: None,
            })
        },
    );
    prop_oneof![
        2 => Just(Outlook::Off),
        1 => Just(Outlook::Awaited),
        1 => Just(Outlook::Unskilled { skill: -0.1 }),
        4 => foreseen,
    ]
}

/// One mapping, its demands over time with what was known ahead, and what ran at first.
fn lives() -> impl Strategy<Value = (Intent, Vec<(Sample, Outlook)>, u32)> {
    (objectives(), proptest::collection::vec((demand(), outlook()), 1..40), 0..60_u32)
}

/// Plays a life at one pass every `gap` seconds and shows each pass to `check`.
fn live(
    intent: &Intent,
    demands: &[(Sample, Outlook)],
    from: u32,
    gap: i64,
    mut check: impl FnMut(&Snapshot, &Memory, &crate::model::Plan) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let (mut memory, mut replicas) = (Memory::default(), from);
    for (index, (demand, outlook)) in demands.iter().enumerate() {
        let mut snapshot = snapshot(i64::try_from(index).unwrap_or(0) * gap, demand.clone(), replicas);
        snapshot.mappings[0].outlook = outlook.clone();
        let (plans, _) = plan(&[Member { intent, snapshot: &snapshot, memory: &memory }]);
        check(&snapshot, &memory, &plans[0])?;
        if let Some(step) = plans[0].steps.first() {
            replicas = step.to.0;
        }
        memory = plans[0].memory.clone();
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn desired_is_within_bounds((intent, demands, from) in lives(), gap in 1..90_i64) {
        let bounds = intent.mappings[0].bounds;
        live(&intent, &demands, from, gap, |_, _, plan| {
            let desired = plan.decisions[0].desired;
            prop_assert!(bounds.min <= desired && desired <= bounds.max, "{desired} outside {bounds:?}");
            Ok(())
        })?;
    }

    #[test]
    fn no_data_never_lowers_but_to_the_owners_maximum((intent, demands, from) in lives(), gap in 1..90_i64) {
        let max = intent.mappings[0].bounds.max;
        live(&intent, &demands, from, gap, |snapshot, _, plan| {
            if snapshot.mappings[0].demand.present().is_none() {
                for step in &plan.steps {
                    prop_assert!(step.to >= step.from || step.to == max, "{step:?}");
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_guard_never_raises_above_the_wish_but_to_a_bound((intent, demands, from) in lives(), gap in 1..90_i64) {
        let bounds = intent.mappings[0].bounds;
        live(&intent, &demands, from, gap, |snapshot, _, plan| {
            let decision = &plan.decisions[0];
            if snapshot.mappings[0].demand.present().is_some()
                && let (Some(needed), Some(current)) = (decision.needed, decision.current)
            {
                prop_assert!(decision.desired <= needed.max(current).max(bounds.min), "{decision:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn nothing_is_lowered_below_what_the_demand_needs_but_to_a_bound((intent, demands, from) in lives(), gap in 1..90_i64) {
        let bounds = intent.mappings[0].bounds;
        live(&intent, &demands, from, gap, |_, _, plan| {
            let decision = &plan.decisions[0];
            for step in plan.steps.iter().filter(|step| step.to < step.from) {
                prop_assert!(decision.needed.is_none_or(|needed| step.to >= needed.min(bounds.max)), "{step:?} {decision:?}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn with_a_headroom_a_forecast_never_lowers_below_what_the_demand_observed_needs((intent, demands, from) in lives(), gap in 1..90_i64) {
        let max = intent.mappings[0].bounds.max;
        live(&intent, &demands, from, gap, |snapshot, memory, plan| {
            let decision = &plan.decisions[0];
            let awaited = snapshot.mappings[0].outlook == Outlook::Awaited && intent.mappings[0].reserve.is_forecast();
            if decision.basis == Basis::Priced || awaited {
                return Ok(());
            }
            let mut blind = snapshot.clone();
            blind.mappings[0].outlook = Outlook::Off;
            let (without, _) = super::plan(&[Member { intent: &intent, snapshot: &blind, memory }]);
            prop_assert!(decision.desired >= without[0].decisions[0].desired.min(max), "{decision:?}");
            Ok(())
        })?;
    }

    #[test]
    fn while_the_history_is_read_nothing_is_taken_away_but_to_the_owners_maximum((intent, demands, from) in lives(), gap in 1..90_i64) {
        let max = intent.mappings[0].bounds.max;
        live(&intent, &demands, from, gap, |snapshot, _, plan| {
            if snapshot.mappings[0].outlook == Outlook::Awaited {
                prop_assert!(plan.steps.iter().all(|step| step.to >= step.from || step.to == max), "{:?}", plan.steps);
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_pass_with_the_same_facts_changes_nothing((intent, demands, from) in lives(), gap in 1..90_i64) {
        live(&intent, &demands, from, gap, |snapshot, _, plan_of_the_pass| {
            let Some(step) = plan_of_the_pass.steps.first() else { return Ok(()) };
            let mut after = snapshot.clone();
            if let TargetState::Known(workload) = &mut after.mappings[0].target {
                workload.replicas = step.to;
            }
            let (again, _) = plan(&[Member { intent: &intent, snapshot: &after, memory: &plan_of_the_pass.memory }]);
            // With a window of zero nothing separates two steps down, so the same moment may hold both.
            let windowless = plan_of_the_pass.decisions[0].basis == Basis::Priced && intent.policy.down_window.is_none();
            let next_step_down = (windowless || intent.policy.down_window == Some(SignedDuration::ZERO)) && again[0].steps.iter().all(|next| next.to < next.from);
            prop_assert!(again[0].steps.is_empty() || next_step_down, "{step:?} then {:?}", again[0].steps);
            Ok(())
        })?;
    }

    #[test]
    fn the_order_of_objectives_does_not_matter(
        lives in proptest::collection::vec((objectives(), demand()), 1..5),
        current in 0..60_u32,
        turn in 0..5_usize,
    ) {
        let memory = Memory::default();
        let named: Vec<(Intent, Snapshot)> = lives
            .into_iter()
            .enumerate()
            .map(|(index, (mut intent, demand))| {
                intent.id.name = format!("objective-{index}");
                (intent, snapshot(0, demand, current))
            })
            .collect();
        let members: Vec<Member<'_>> =
            named.iter().map(|(intent, snapshot)| Member { intent, snapshot, memory: &memory }).collect();
        let mut turned = members.clone();
        turned.rotate_left(turn % members.len());
        let (mut one, _) = plan(&members);
        let (mut two, _) = plan(&turned);
        one.sort_by(|a, b| a.objective.cmp(&b.objective));
        two.sort_by(|a, b| a.objective.cmp(&b.objective));
        prop_assert_eq!(&one, &two);
        prop_assert!(one.iter().map(|plan| plan.steps.len()).sum::<usize>() <= 1, "one target, at most one step");
    }

    #[test]
    fn after_a_restart_the_first_decision_is_the_running_ones((intent, demands, from) in lives(), gap in 1..90_i64) {
        let mut intent = intent;
        intent.interval = SignedDuration::from_secs(gap);
        let ahead = intent.interval * 2;
        let mut written = Memory::default();
        live(&intent, &demands, from, gap, |snapshot, _, running| {
            let (restarted, _) = plan(&[Member { intent: &intent, snapshot, memory: &written }]);
            // The same change; a reason may date a loss of data up to two passes later.
            let changes = |plan: &crate::model::Plan| -> Vec<(Replicas, Replicas)> {
                plan.steps.iter().map(|step| (step.from, step.to)).collect()
            };
            prop_assert_eq!(changes(&restarted[0]), changes(running));
            prop_assert_eq!(restarted[0].decisions[0].desired, running.decisions[0].desired);
            if !running.steps.is_empty() || memory_due(&intent, running, &written, snapshot.at, ahead) {
                written = running.memory.clone();
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_floor_never_exceeds_the_autoscalers_maximum(
        (intent, demands, from) in lives(),
        max in 1..40_u32,
    ) {
        let mut intent = intent;
        intent.mappings[0].actuator = crate::model::ActuatorKind::HpaFloor;
        for (demand, outlook) in demands {
            let mut snapshot = snapshot(0, demand, from);
            snapshot.mappings[0].outlook = outlook;
            if let TargetState::Known(workload) = &mut snapshot.mappings[0].target {
                let (min, max) = (Replicas(from.min(max).max(1)), Replicas(max));
                workload.hpa = Some(HpaState { name: "web".into(), min, max, version: "1".into(), changed_by: None });
            }
            let memory = Memory::default();
            let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
            prop_assert!(plans[0].steps.iter().all(|step| step.to <= Replicas(max)));
        }
    }
}
