//! What is told as Kubernetes events: transitions only.
//!
//! Call it when a status is written, with the status written before and the one written now: what is not worth a
//! write is no transition.

use super::conditions::find;
use super::status::Told;
use super::text::cut;
use super::{ledger, summary};
use crate::api::v1alpha1::{DecisionOutcome, ObjectiveStatus};
use crate::model::{
    ActuatorKind, BaselineSpec, ConditionKind as Kind, ConditionReason as Why, EventReason, Goal, Outcome,
    Reason, StepOutcome, TargetRef,
};

/// An event's note is cut to so many bytes; Kubernetes refuses more than 1024.
pub const LONGEST_NOTE: usize = 1000;

/// One event about an objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub reason: EventReason,
    /// Whether somebody should look.
    pub warning: bool,
    /// What happened, in a sentence.
    pub note: String,
    /// The target it is about, if it is about one.
    pub about: Option<TargetRef>,
}

impl Notice {
    fn new(reason: EventReason, note: &str) -> Self {
        let warning = matches!(
            reason,
            EventReason::ScaleFailed
                | EventReason::GoalMissed
                | EventReason::MetricsLost
                | EventReason::InvalidSpec
                | EventReason::Conflict
        );
        Self { reason, warning, note: cut(note, LONGEST_NOTE), about: None }
    }

    fn about(self, target: &TargetRef) -> Self {
        Self { about: Some(target.clone()), ..self }
    }
}

/// The events of one write. `told` is what the pass left behind; without a pass (an invalid or suspended
/// objective, a missing source) there is none.
pub fn events(before: &ObjectiveStatus, after: &ObjectiveStatus, told: Option<&Told<'_>>) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(told) = told {
        notices.extend(told.outcomes.iter().filter_map(|done| scaled(before, done)));
        notices.extend(changed_outside(told));
        notices.extend(baselines(before, after, told));
    }
    notices.extend(goal(before, after));
    notices.extend(metrics(before, after));
    notices.extend(invalid(before, after));
    notices.extend(became(before, after, Kind::Conflict, "True", EventReason::Conflict));
    notices
}

/// "web 6 → 9: 900 requests/s (1080 with headroom) need 9 replicas"
fn scaled(before: &ObjectiveStatus, done: &StepOutcome) -> Option<Notice> {
    let step = &done.step;
    let change = format!("{} {} → {}", step.mapping, step.from, step.to);
    let why = step.reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("; ");
    let notice = match &done.outcome {
        Outcome::Superseded => return None,
        Outcome::Failed { .. } if ledger::repeats(&before.decisions, step, DecisionOutcome::Failed) => {
            return None;
        }
        Outcome::Failed { reason, detail } => {
            let note = format!("{change} failed ({reason}): {detail}; bizops tries again at every pass");
            Notice::new(EventReason::ScaleFailed, &note)
        }
        Outcome::Done { .. } => {
            let reason = match (step.actuator, step.to > step.from) {
                (ActuatorKind::Scale, true) => EventReason::ScaledUp,
                (ActuatorKind::Scale, false) => EventReason::ScaledDown,
                (ActuatorKind::HpaFloor, true) => EventReason::FloorRaised,
                (ActuatorKind::HpaFloor, false) => EventReason::FloorLowered,
            };
            Notice::new(reason, &format!("{change}: {why}"))
        }
    };
    Some(notice.about(&step.target))
}

fn changed_outside(told: &Told<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    for decision in &told.plan.decisions {
        for reason in &decision.reasons {
            let Reason::ChangedOutside { from, to, .. } = reason else { continue };
            let note = format!("{} {from} → {to}: {reason}", decision.mapping);
            notices.push(Notice::new(EventReason::ChangedOutside, &note).about(&decision.target));
        }
    }
    notices
}

fn baselines(before: &ObjectiveStatus, after: &ObjectiveStatus, told: &Told<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    let measured = matches!(told.intent.goal, Goal::GrowBy { baseline: BaselineSpec::Measured { .. }, .. });
    if let Some(kept) =
        after.baseline.as_ref().filter(|kept| measured && before.baseline.as_ref() != Some(kept))
    {
        let aim = summary::goal_column(told.intent, told.memory);
        let note =
            format!("the baseline is {} {}; the goal is {aim}", kept.value, told.intent.indicator.unit);
        notices.push(Notice::new(EventReason::BaselineMeasured, &note));
    }
    for row in &after.mappings {
        let old =
            before.mappings.iter().find(|old| old.name == row.name).and_then(|old| old.reference.as_ref());
        if let Some(kept) = row.reference.as_ref().filter(|kept| old != Some(kept)) {
            // Without a colon, and with its numbers in the first words: events alike in these are counted as one.
            let note = format!("{} carries {} with {} replicas", row.name, kept.demand, kept.replicas);
            let notice = Notice::new(EventReason::BaselineMeasured, &note);
            let mapping = told.intent.mappings.iter().find(|mapping| mapping.name == row.name);
            notices.push(match mapping {
                Some(mapping) => notice.about(&mapping.target),
                None => notice,
            });
        }
    }
    notices
}

/// The goal is missed whenever Met becomes False; it is met again when it was missed, or was not known for want
/// of data.
fn goal(before: &ObjectiveStatus, after: &ObjectiveStatus) -> Option<Notice> {
    let old = find(&before.conditions, Kind::Met);
    let again = old.is_some_and(|old| old.status == "False" || old.reason == Why::NoData.as_str());
    became(before, after, Kind::Met, "False", EventReason::GoalMissed)
        .or_else(|| became(before, after, Kind::Met, "True", EventReason::GoalMet).filter(|_| again))
}

fn metrics(before: &ObjectiveStatus, after: &ObjectiveStatus) -> Option<Notice> {
    let lost = find(&before.conditions, Kind::MetricsAvailable).is_some_and(|old| old.status == "False");
    became(before, after, Kind::MetricsAvailable, "False", EventReason::MetricsLost).or_else(|| {
        became(before, after, Kind::MetricsAvailable, "True", EventReason::MetricsRecovered).filter(|_| lost)
    })
}

/// An invalid spec is told once per generation.
fn invalid(before: &ObjectiveStatus, after: &ObjectiveStatus) -> Option<Notice> {
    let invalid = |status: &ObjectiveStatus| {
        find(&status.conditions, Kind::Ready)
            .filter(|ready| ready.reason == Why::InvalidSpec.as_str())
            .cloned()
    };
    let told = invalid(before).is_some() && before.observed_generation == after.observed_generation;
    invalid(after).filter(|_| !told).map(|ready| Notice::new(EventReason::InvalidSpec, &ready.message))
}

/// A notice with the condition's message, when the condition took this value with this write.
fn became(
    before: &ObjectiveStatus,
    after: &ObjectiveStatus,
    kind: Kind,
    status: &str,
    reason: EventReason,
) -> Option<Notice> {
    let new = find(&after.conditions, kind).filter(|new| new.status == status)?;
    let old = find(&before.conditions, kind);
    old.is_none_or(|old| old.status != status).then(|| Notice::new(reason, &new.message))
}

#[cfg(test)]
mod tests;
