//! What a pass concluded, carried to the API server: status when it is due, events, metrics, logs.

use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::pass::{Origin, Seat};
use crate::api::v1alpha1::ObjectiveStatus;
use crate::engine;
use crate::model::{Outcome, Plan, Snapshot, StepOutcome};
use crate::report::board::ObjectiveRow;
use crate::report::events::{Notice, events};
use crate::report::publish::{self, Subject, Written};
use crate::report::quiet::Cause;
use crate::report::status::{Told, of_pass};

/// The memory is written when a process that starts from what is written would decide otherwise within this
/// time: longer than a failover takes, so that a new leader finds what it needs.
const MEMORY_AHEAD: SignedDuration = SignedDuration::from_secs(30);

/// What one pass concluded of one objective.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a> {
    /// The facts.
    pub snapshot: &'a Snapshot,
    /// The plan.
    pub plan: &'a Plan,
    /// What became of its steps.
    pub outcomes: &'a [StepOutcome],
    /// Where the numbers came from.
    pub origin: &'a Origin,
    /// The moment of the pass.
    pub at: Timestamp,
}

/// Tells what a pass concluded.
pub async fn passed(ctx: &Context, seat: &mut Seat, passed: Passed<'_>) {
    let Passed { snapshot, plan, outcomes, origin, at } = passed;
    let charge = seat.charge.clone();
    let intent = &charge.intent;
    let memory = seat.life.memory.clone();
    let source = origin.name.as_deref().map_err(String::as_str);
    let told = Told { intent, snapshot, plan, memory: &memory, outcomes, source };
    ctx.metrics
        .board
        .put(intent.id.clone(), ObjectiveRow::of(intent, &plan.findings, &plan.decisions, snapshot));
    for done in outcomes {
        log_step(seat, done);
        if matches!(done.outcome, Outcome::Done { .. }) {
            ctx.metrics.board.scaled(&intent.id, &done.step.mapping, done.step.from, done.step.to);
        }
    }
    let now = Timestamp::now();
    let before = seat.life.written.clone();
    let after = of_pass(&told, &before, now);
    let memory_due = engine::memory_due(intent, plan, &seat.life.written_memory, at, MEMORY_AHEAD);
    let Some(cause) = seat.life.quiet.due(&before, &after, now, memory_due) else { return };
    let notices = events(&before, &after, Some(&told));
    if write(ctx, seat, after, cause).await {
        announce(ctx, &seat.subject, &notices);
    }
}

/// Tells a status that no pass led to: an invalid spec, a suspended objective.
///
/// The API server lets nothing be written to an object whose shape its schema would refuse by now: then the events
/// alone tell, at every try.
pub async fn standing(ctx: &Context, seat: &mut Resting, after: ObjectiveStatus) {
    let before = seat.life.written.clone();
    let Some(cause) = seat.life.quiet.due(&before, &after, Timestamp::now(), false) else { return };
    let notices = events(&before, &after, None);
    if write_status(ctx, &seat.subject, &after).await {
        seat.life.wrote(after, cause, Timestamp::now());
    }
    if ctx.leadership.may_write() {
        announce(ctx, &seat.subject, &notices);
    }
}

/// An objective that no pass is made of.
#[derive(Debug)]
pub struct Resting {
    /// Which.
    pub subject: Subject,
    /// What is held of it.
    pub life: tokio::sync::OwnedMutexGuard<super::life::Life>,
}

/// Writes a status and remembers it; `false` when it could not be written.
pub async fn write(ctx: &Context, seat: &mut Seat, status: ObjectiveStatus, cause: Cause) -> bool {
    let written = write_status(ctx, &seat.subject, &status).await;
    if written {
        tracing::debug!(objective = %seat.subject.id, cause = cause.as_str(), "status written");
        seat.life.wrote(status, cause, Timestamp::now());
    }
    written
}

async fn write_status(ctx: &Context, subject: &Subject, status: &ObjectiveStatus) -> bool {
    if !ctx.leadership.may_write() {
        return false;
    }
    let written = publish::status(&ctx.client, subject, status).await;
    ctx.metrics.status_writes.count((&written).into());
    match written {
        Written::Done => true,
        Written::Gone => false,
        Written::Failed(detail) => {
            tracing::warn!(objective = %subject.id, %detail, "the status could not be written; it is tried again at the next pass");
            false
        }
    }
}

fn announce(ctx: &Context, subject: &Subject, notices: &[Notice]) {
    for notice in notices {
        tracing::info!(objective = %subject.id, reason = %notice.reason, note = %notice.note, "told");
        ctx.herald.tell(subject, notice);
    }
}

/// One line per change, with the reason codes status shows.
fn log_step(seat: &Seat, done: &StepOutcome) {
    let step = &done.step;
    let codes: Vec<&str> = step.reasons.iter().map(|reason| reason.code().as_str()).collect();
    let (outcome, detail) = match &done.outcome {
        Outcome::Done { .. } => ("Done", ""),
        Outcome::Superseded => ("Superseded", "somebody else changed it first"),
        Outcome::Failed { detail, .. } => ("Failed", detail.as_str()),
    };
    tracing::info!(
        objective = %seat.charge.intent.id, mapping = %step.mapping, target = %step.target,
        from = step.from.0, to = step.to.0, outcome, detail, reasons = codes.join(","),
        "replicas changed"
    );
}
