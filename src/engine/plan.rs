//! From facts to a plan, for all objectives that share targets.

use jiff::{SignedDuration, Timestamp};

use super::arbitrate::{self, Subject};
use super::decide::{decide, remember_step};
use super::{baseline, decide, goal, window};
use crate::model::{
    ActuatorKind, Claim, ConditionReason, Decision, FrozenReference, Intent, MappingMemory, Memory, Outcome,
    Plan, Reason, Replicas, Snapshot, Step, StepOutcome, TargetState, Trimmed,
};

/// One objective with its facts and its memory.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// What its owner wants.
    pub intent: &'a Intent,
    /// What is known; one entry per mapping, in the order of the intent.
    pub snapshot: &'a Snapshot,
    /// What the pass before left.
    pub memory: &'a Memory,
}

/// Decides for all objectives that share targets, together.
///
/// The plans come in the order of the members; what they say does not depend on that order. A target is changed
/// by the plan of the objective whose claim wins it.
pub fn plan(members: &[Member<'_>]) -> (Vec<Plan>, Vec<Claim>) {
    let mut plans: Vec<Plan> = members.iter().map(alone).collect();
    let claims: Vec<Claim> = members
        .iter()
        .zip(&plans)
        .flat_map(|(member, plan)| {
            plan.decisions.iter().filter_map(|made| arbitrate::claim(member.intent, made))
        })
        .collect();
    for (member, plan) in members.iter().zip(&mut plans) {
        settle_claims(member, plan, &claims);
    }
    (plans, claims)
}

/// One objective's plan as if it were alone, without steps.
fn alone(member: &Member<'_>) -> Plan {
    let Member { intent, snapshot, memory } = member;
    let mut memory = (*memory).clone();
    memory.mappings.retain(|kept| intent.mappings.iter().any(|mapping| mapping.name == kept.name));
    baseline::freeze(intent, snapshot, &mut memory);
    let mut decisions = Vec::with_capacity(intent.mappings.len());
    for (mapping, facts) in intent.mappings.iter().zip(&snapshot.mappings) {
        let (decision, kept) = decide(intent, mapping, facts, memory.mapping(&mapping.name), snapshot.at);
        baseline::put(&mut memory, kept);
        decisions.push(decision);
    }
    let findings = goal::evaluate(intent, snapshot, &memory);
    Plan { objective: intent.id.clone(), findings, decisions, steps: Vec::new(), memory }
}

/// Names who wins each target and adds the steps this objective is to make.
fn settle_claims(member: &Member<'_>, plan: &mut Plan, claims: &[Claim]) {
    let Member { intent, snapshot, .. } = member;
    for (index, decision) in plan.decisions.iter_mut().enumerate() {
        let subject = Subject {
            namespace: &intent.id.namespace,
            target: &decision.target,
            actuator: decision.actuator,
        };
        let Some(winner) = arbitrate::winner(claims, &subject) else {
            continue;
        };
        if let Some((by, claim)) = arbitrate::outbid_by(winner, &intent.id, decision.desired) {
            decision.reasons.push(Reason::Outbid { by, claim });
            decision.limited_by = Some(ConditionReason::Outbid);
        }
        let Some(current) = decision.current.filter(|current| *current != winner.replicas) else {
            continue;
        };
        let claims_it =
            claims.iter().any(|claim| claim.objective == intent.id && claim.mapping == decision.mapping);
        if claims_it {
            let mut kept = plan.memory.mapping(&decision.mapping);
            remember_step(&mut kept, current, winner.replicas, snapshot.at, intent);
            baseline::put(&mut plan.memory, kept);
        }
        if winner.objective == intent.id && winner.mapping == decision.mapping {
            plan.steps.extend(step(intent, snapshot, index, decision, current, winner.replicas));
        }
    }
}

fn step(
    intent: &Intent,
    snapshot: &Snapshot,
    index: usize,
    decision: &Decision,
    from: Replicas,
    to: Replicas,
) -> Option<Step> {
    let TargetState::Known(workload) = &snapshot.mappings.get(index)?.target else {
        return None;
    };
    let floor = workload.hpa.as_ref().filter(|_| decision.actuator == ActuatorKind::HpaFloor);
    Some(Step {
        mapping: decision.mapping.clone(),
        namespace: intent.id.namespace.clone(),
        target: decision.target.clone(),
        actuator: decision.actuator,
        hpa: floor.map(|hpa| hpa.name.clone()),
        from,
        to,
        version: floor.map_or_else(|| workload.version.clone(), |hpa| hpa.version.clone()),
        reasons: decision.reasons.clone(),
    })
}

/// The memory after acting: steps that were not carried out are forgotten, as if they had not been planned.
pub fn settle(before: &Memory, plan: &Plan, outcomes: &[StepOutcome]) -> Memory {
    let mut memory = plan.memory.clone();
    for done in outcomes.iter().filter(|done| !matches!(done.outcome, Outcome::Done { .. })) {
        let old = before.mapping(&done.step.mapping);
        let mut kept = memory.mapping(&done.step.mapping);
        (kept.last_set, kept.last_up) = (old.last_set, old.last_up);
        (kept.last_down, kept.step_from) = (old.last_down, old.step_from);
        baseline::put(&mut memory, kept);
    }
    memory
}

/// Whether the memory must be written down: whether a process that starts from `written` would, now or within
/// `ahead`, decide otherwise than this one.
///
/// This is what keeps status quiet at rest without forgetting: the needs of the scale-down window change in
/// every part of it, but they are written only shortly before they would let replicas go.
pub fn memory_due(
    intent: &Intent,
    plan: &Plan,
    written: &Memory,
    now: Timestamp,
    ahead: SignedDuration,
) -> bool {
    let running = &plan.memory;
    let frozen = |memory: &Memory| (memory.baseline, memory.measure_token.clone());
    if frozen(running) != frozen(written) {
        return true;
    }
    plan.decisions.iter().any(|decision| {
        let (new, old) = (running.mapping(&decision.mapping), written.mapping(&decision.mapping));
        if taught(&new, &old)
            || lasting(&new) != lasting(&old)
            || lost_long(intent, &new, now) != lost_long(intent, &old, now)
        {
            return true;
        }
        let Some(current) = decision.current else {
            return false;
        };
        let window = window::length(&intent.policy, intent.interval);
        let floor = |memory: &MappingMemory, later: Timestamp| {
            if window::is_blank(&memory.needs, later, window) {
                return current;
            }
            window::peak(&memory.needs, later, window).unwrap_or_default().min(current)
        };
        passes_ahead(now, intent.interval, ahead).any(|later| floor(&new, later) != floor(&old, later))
    })
}

/// The moments of the passes after `now`, until `ahead` has passed; at least two, at most 64.
fn passes_ahead(
    now: Timestamp,
    interval: SignedDuration,
    ahead: SignedDuration,
) -> impl Iterator<Item = Timestamp> {
    (1..=64)
        .map(move |pass| (pass, interval * pass))
        .take_while(move |(pass, after)| *pass <= 2 || *after <= ahead)
        .map(move |(_, after)| now + after)
}

/// What one replica carries may be written in steps of a fiftieth: a process that starts from it decides the same but
/// for rounding, and goes on learning.
const TAUGHT: f64 = 0.02;

/// Whether so much was learned since that it must be written down.
fn taught(new: &MappingMemory, old: &MappingMemory) -> bool {
    match (&new.learned, &old.learned) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(new), Some(old)) => {
            new.known != old.known
                || new.slower != old.slower
                || (new.carries - old.carries).abs() > TAUGHT * old.carries
                || new.at.duration_since(old.at) >= SignedDuration::from_hours(1)
        }
    }
}

/// The part of a mapping's memory that changes only with an event worth writing down.
fn lasting(
    memory: &MappingMemory,
) -> (Option<Replicas>, [Option<Timestamp>; 2], Option<FrozenReference>, Option<Trimmed>) {
    (memory.last_set, [memory.last_up, memory.last_down], memory.reference, memory.trimmed)
}

/// Whether the demand has been lost for so long that a decision depends on it. A source that fails every other
/// query would otherwise have the memory written in every pass.
fn lost_long(intent: &Intent, memory: &MappingMemory, now: Timestamp) -> bool {
    // Two passes ahead, as for the window: what a successor's first decision could depend on.
    let (two, hold) = (intent.interval * 2, intent.policy.metric_loss.hold);
    let matters = (intent.interval * decide::SHORT_LOSS - two).min(hold - two);
    memory.lost_since.is_some_and(|since| now.duration_since(since) >= matters)
}

#[cfg(test)]
mod tests;
