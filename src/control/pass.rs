//! One pass of the objectives that share targets: observe, decide, act, report.
//!
//! The order is the promise: what is to be done is written to the ledger before it is done, every write asks
//! first whether this process still leads, and a status is built only from what became of the steps.

use std::sync::Arc;

use futures::future::join_all;
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use super::charge::Charge;
use super::context::{Context, WRITE_AS};
use super::gather::Inquiry;
use super::life::Life;
use super::tell::{self, Passed};
use crate::act;
use crate::engine::{self, Member};
use crate::model::{
    ActuatorKind, Memory, Outcome, Plan, Snapshot, SourceFault, Step, StepOutcome, TargetFault, TargetState,
};
use crate::observe::SourceKey;
use crate::report::publish::Subject;
use crate::report::quiet::{self, Cause};
use crate::report::status;

/// How often one pass decides anew after somebody else changed a target first. The next pass follows within an
/// interval, so giving up after three costs no more than that.
const ROUNDS: usize = 3;
/// How often one step is tried while others write its target and leave its number alone: whoever notes every pod
/// of a rollout on the object must not keep it from growing meanwhile.
const TRIES: usize = 5;

/// One objective in a pass.
#[derive(Debug)]
pub struct Seat {
    /// The object.
    pub subject: Subject,
    /// What it means.
    pub charge: Arc<Charge>,
    /// What is held of it.
    pub life: OwnedMutexGuard<Life>,
}

/// Where a seat's numbers come from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The source, or why it cannot be asked.
    pub key: Result<SourceKey, SourceFault>,
    /// Its name for people, or the sentence that says why there is none.
    pub name: Result<String, String>,
}

/// Makes one pass at `at`, a whole second.
pub async fn make(ctx: &Context, mut seats: Vec<Seat>, at: Timestamp) {
    let origins = join_all(seats.iter().map(|seat| origin(ctx, seat))).await;
    for seat in &mut seats {
        seat.life.resume(&seat.charge.intent, at);
    }
    for round in 1..=ROUNDS {
        let mut snapshots = observe(ctx, &seats, &origins, at).await;
        for ((seat, snapshot), origin) in seats.iter_mut().zip(&mut snapshots).zip(&origins) {
            let life = &mut *seat.life;
            life.lookout.look(&ctx.recall, &seat.charge, &life.memory, &origin.key, snapshot);
            let (at_risk, source) = (life.was_at_risk(), origin.key.as_ref().ok());
            life.prospect.look(&ctx.recall, &seat.charge, &life.memory, source, at_risk, snapshot);
        }
        let members: Vec<Member<'_>> = seats
            .iter()
            .zip(&snapshots)
            .map(|(seat, snapshot)| Member {
                intent: &seat.charge.intent,
                snapshot,
                memory: &seat.life.memory,
            })
            .collect();
        let (plans, _) = engine::plan(&members);
        let before: Vec<Memory> = seats.iter().map(|seat| seat.life.memory.clone()).collect();
        let mut outcomes = Vec::with_capacity(plans.len());
        for ((seat, plan), snapshot) in seats.iter_mut().zip(&plans).zip(&snapshots) {
            outcomes.push(act(ctx, seat, plan, snapshot).await);
        }
        let superseded = outcomes.iter().flatten().any(|done| done.outcome == Outcome::Superseded);
        for (index, seat) in seats.iter_mut().enumerate() {
            seat.life.memory = engine::settle(&before[index], &plans[index], &outcomes[index]);
            let due = engine::measurements_due(&seat.charge.intent, &seat.life.memory).any();
            if seat.life.may_measure(at) {
                seat.life.measured(at, due);
            }
        }
        let again = superseded && round < ROUNDS;
        let passed = seats.iter_mut().zip(&snapshots).zip(&plans).zip(&outcomes).zip(&origins);
        // Before another round only those are told that changed something in this one.
        let told = passed.filter(|((((_, _), _), outcomes), _)| !again || outcomes.iter().any(is_settled));
        join_all(told.map(|((((seat, snapshot), plan), outcomes), origin)| {
            tell::passed(ctx, seat, Passed { snapshot, plan, outcomes, origin, at })
        }))
        .await;
        if !again {
            return;
        }
        reread(ctx, outcomes.iter().flatten()).await;
    }
}

/// Whether a step came to an end, whichever.
fn is_settled(done: &StepOutcome) -> bool {
    done.outcome != Outcome::Superseded
}

/// The source of one objective, ready to be asked.
async fn origin(ctx: &Context, seat: &Seat) -> Origin {
    let intent = &seat.charge.intent;
    let found = match ctx.sources.resolve(&intent.id.namespace, intent.source.as_ref()) {
        Ok(found) => found,
        Err(missing) => {
            let fault = SourceFault::Misconfigured { detail: missing.0.clone() };
            return Origin { key: Err(fault), name: Err(missing.0) };
        }
    };
    let kind = if found.id.namespace.is_empty() { "ClusterMetricSource" } else { "MetricSource" };
    let name = format!("{kind} {}", found.id.name);
    let key = ctx.books.ready(&found, &ctx.asker, Timestamp::now()).await;
    Origin { key, name: Ok(name) }
}

async fn observe(ctx: &Context, seats: &[Seat], origins: &[Origin], at: Timestamp) -> Vec<Snapshot> {
    join_all(seats.iter().zip(origins).map(|(seat, origin)| async move {
        let intent = &seat.charge.intent;
        let due = if seat.life.may_measure(at) {
            engine::measurements_due(intent, &seat.life.memory)
        } else {
            engine::Due::default()
        };
        let inquiry = Inquiry { asker: &ctx.asker, cluster: &ctx.cluster, source: &origin.key, at };
        inquiry.facts(&seat.charge, &due).await
    }))
    .await
}

/// Carries out one objective's steps, after they are written to its ledger. Without the ledger nothing is done:
/// a change nobody can account for is worse than one a pass later.
async fn act(ctx: &Context, seat: &mut Seat, plan: &Plan, snapshot: &Snapshot) -> Vec<StepOutcome> {
    if plan.steps.is_empty() {
        return Vec::new();
    }
    let ahead = status::pending(&seat.charge.intent, snapshot, plan, &seat.life.written, Timestamp::now());
    if quiet::ahead_due(&seat.life.written, &ahead) && !tell::write(ctx, seat, ahead, Cause::Change).await {
        return Vec::new();
    }
    join_all(
        plan.steps
            .iter()
            .map(|step| async { StepOutcome { step: step.clone(), outcome: carry_out(ctx, step).await } }),
    )
    .await
}

/// Carries out one step, again if only its target's version moved on: the same number gives the same decision.
async fn carry_out(ctx: &Context, step: &Step) -> Outcome {
    let mut step = step.clone();
    for _ in 1..TRIES {
        let outcome = try_once(ctx, &step).await;
        if outcome != Outcome::Superseded {
            return outcome;
        }
        let Some(version) = unmoved(ctx, &step).await else { return outcome };
        step.version = version;
    }
    try_once(ctx, &step).await
}

/// The present version of a step's target, if the number the step changes is still what it was decided on.
async fn unmoved(ctx: &Context, step: &Step) -> Option<String> {
    ctx.cluster.reread(&step.namespace, &step.target, step.hpa.as_deref()).await;
    let TargetState::Known(now) = ctx.cluster.state(&step.namespace, &step.target).await else { return None };
    match (step.actuator, now.hpa) {
        (ActuatorKind::Scale, None) if now.replicas == step.from => Some(now.version),
        (ActuatorKind::HpaFloor, Some(hpa))
            if step.hpa.as_ref() == Some(&hpa.name) && hpa.min == step.from && step.to <= hpa.max =>
        {
            Some(hpa.version)
        }
        _ => None,
    }
}

async fn try_once(ctx: &Context, step: &Step) -> Outcome {
    let resource = match ctx.cluster.resource(&step.target).await {
        Ok(resource) => resource,
        Err(fault) => return failed(&fault),
    };
    if !ctx.leadership.may_write() {
        let detail = "this process no longer leads; the one that does decides".to_owned();
        return Outcome::Failed { reason: crate::model::ConditionReason::TargetUnavailable, detail };
    }
    let outcome = act::carry_out(&ctx.client, step, &resource, WRITE_AS).await;
    ctx.metrics.scale_writes.count((&outcome).into());
    if let Outcome::Done { version } = &outcome {
        match (step.actuator, &step.hpa) {
            (ActuatorKind::HpaFloor, Some(hpa)) => {
                ctx.cluster.wrote_floor(&step.namespace, hpa, step.to, version);
            }
            _ => ctx.cluster.wrote_scale(&step.namespace, &step.target, step.to, version).await,
        }
    }
    outcome
}

fn failed(fault: &TargetFault) -> Outcome {
    Outcome::Failed { reason: fault.reason(), detail: fault.to_string() }
}

/// Reads the targets anew that somebody else changed first.
async fn reread(ctx: &Context, outcomes: impl Iterator<Item = &StepOutcome>) {
    let stale = outcomes.filter(|done| done.outcome == Outcome::Superseded);
    join_all(stale.map(|done| {
        let step = &done.step;
        ctx.cluster.reread(&step.namespace, &step.target, step.hpa.as_deref())
    }))
    .await;
}
