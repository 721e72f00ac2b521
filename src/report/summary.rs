//! One sentence a business owner understands: how the KPI stands, and what carries it.

use super::mapping::running;
use super::status::Told;
use super::text::{cut, grouped, replicas};
use crate::model::{
    ActuatorKind, BaselineSpec, ConditionReason, Decision, Goal, GoalState, Hold, Intent, Memory, Outcome,
    Replicas, StepOutcome, figure, share_text,
};

/// The summary is one line of a table.
pub(super) const LONGEST: usize = 500;

/// So many mappings are spoken of; those that need attention first.
const SPOKEN_OF: usize = 3;

/// e.g. "1,180 orders/h of the 1,000 wanted; web runs 12 replicas and needs 15, capped by its maximum of 12."
pub(super) fn sentence(told: &Told<'_>) -> String {
    let mut spoken: Vec<(u8, String)> =
        told.plan.decisions.iter().map(|decision| workload(told.intent, decision, told.outcomes)).collect();
    spoken.sort_by_key(|(rank, _)| *rank);
    let rest = spoken.len().saturating_sub(SPOKEN_OF);
    let mut parts = vec![goal(told)];
    parts.extend(spoken.into_iter().take(SPOKEN_OF).map(|(_, words)| words));
    if rest > 0 {
        parts.push(format!("{rest} more"));
    }
    let text = parts.join("; ");
    let mut letters = text.chars();
    let text = letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect());
    cut(&format!("{text}."), LONGEST)
}

/// How the KPI stands.
pub(super) fn goal(told: &Told<'_>) -> String {
    let (findings, unit) = (&told.plan.findings, &told.intent.indicator.unit);
    let known = findings.value.map(|value| format!("{} {unit}", grouped(value)));
    let (Some(value), Some(goal)) = (known, findings.goal) else {
        return unknown(told);
    };
    let goal = grouped(goal);
    match (&told.intent.goal, findings.state) {
        (Goal::AtMost(_), GoalState::Met) => format!("{value}, at most {goal} is wanted"),
        (Goal::AtMost(_), _) => format!("{value}, more than the {goal} wanted at most"),
        (Goal::Between { min, max }, state) => {
            let place = if state == GoalState::Met { "within" } else { "outside" };
            format!("{value}, {place} the {} to {} wanted", grouped(*min), grouped(*max))
        }
        (_, GoalState::Met) => format!("{value} of the {goal} wanted"),
        (_, GoalState::OnTrack) => format!("{value}, on track: {goal} is wanted by now"),
        (_, GoalState::BehindPlan) => format!("{value}, behind plan: {goal} is wanted by now"),
        _ => format!("{value} of the {goal} wanted, the goal is missed"),
    }
}

fn unknown(told: &Told<'_>) -> String {
    let unit = &told.intent.indicator.unit;
    match (told.plan.findings.state, &told.plan.findings.lost) {
        (GoalState::MeasuringBaseline, _) => {
            format!("the baseline in {unit} that the goal is relative to is not measured yet")
        }
        (_, Some((query, _, words))) if query == "indicator" => {
            format!("the KPI in {unit} is not known: {words}")
        }
        _ => format!("the KPI in {unit} is not known"),
    }
}

/// How one mapping stands, and how much attention it needs (0 is most).
fn workload(intent: &Intent, decision: &Decision, outcomes: &[StepOutcome]) -> (u8, String) {
    let name = &decision.mapping;
    let floor = decision.actuator == ActuatorKind::HpaFloor;
    let Some(current) = running(decision, outcomes) else {
        let reason = match &decision.hold {
            Some(Hold::Unusable(reason)) => *reason,
            _ => ConditionReason::TargetUnavailable,
        };
        return (0, format!("{name} cannot be scaled, {}", unusable(reason)));
    };
    let stands = if floor { format!("{name} has a floor of {current}") } else { runs(name, current) };
    let needed = decision.needed.unwrap_or(decision.desired);
    match (&decision.hold, decision.limited_by) {
        (Some(Hold::Conflict), _) => (0, format!("{name} belongs to an autoscaler, bizops leaves it alone")),
        (Some(Hold::Unusable(reason)), _) => (0, format!("{stands}, {}", unusable(*reason))),
        (Some(Hold::Frozen), _) if decision.desired != current => {
            (1, format!("{stands} and would get {} but for a freeze", decision.desired))
        }
        (Some(Hold::Observe), _) => (1, format!("{stands}, the advice is {}", decision.desired)),
        (_, Some(ConditionReason::AtMaximum)) => {
            let max = maximum(intent, name).unwrap_or(decision.desired);
            (0, format!("{stands} and needs {needed}, capped by its maximum of {max}"))
        }
        (_, Some(ConditionReason::HpaMaxReached)) => {
            (0, format!("{stands} and needs {needed}, capped by the maximum of its autoscaler"))
        }
        (_, Some(ConditionReason::WithoutData)) => {
            (1, format!("{stands}, held while its demand is not known"))
        }
        (_, Some(ConditionReason::MeasuringBaseline)) => {
            (1, format!("{stands}, held while its baseline is measured"))
        }
        (_, Some(ConditionReason::Outbid)) => {
            (2, format!("{stands}, because another objective needs more of it"))
        }
        _ if failed(name, outcomes) => {
            (0, format!("{stands} and needs {}, the change failed", decision.desired))
        }
        _ => (
            2,
            scaled(name, outcomes)
                .map_or(stands, |from| format!("{name} went from {from} to {}", replicas(current))),
        ),
    }
}

fn runs(name: &str, current: Replicas) -> String {
    format!("{name} runs {}", replicas(current))
}

fn maximum(intent: &Intent, name: &str) -> Option<Replicas> {
    intent.mappings.iter().find(|mapping| mapping.name == *name).map(|mapping| mapping.bounds.max)
}

fn failed(name: &str, outcomes: &[StepOutcome]) -> bool {
    outcomes.iter().any(|done| done.step.mapping == *name && matches!(done.outcome, Outcome::Failed { .. }))
}

fn scaled(name: &str, outcomes: &[StepOutcome]) -> Option<Replicas> {
    outcomes
        .iter()
        .find(|done| done.step.mapping == *name && matches!(done.outcome, Outcome::Done { .. }))
        .map(|done| done.step.from)
}

/// Why a target cannot be scaled, without the words of the cluster.
fn unusable(reason: ConditionReason) -> &'static str {
    match reason {
        ConditionReason::TargetNotFound => "it does not exist",
        ConditionReason::TargetNotScalable => "it is not of a kind that can be scaled",
        ConditionReason::TargetForbidden => "bizops has no permission",
        ConditionReason::HpaNotFound => "it has no autoscaler whose floor could be set",
        _ => "the cluster does not answer for it",
    }
}

/// The column of goals: what was asked for, and for growth what it comes to once its baseline is known.
pub(super) fn goal_column(intent: &Intent, memory: &Memory) -> String {
    let unit = &intent.indicator.unit;
    match &intent.goal {
        Goal::AtLeast(goal) => format!("≥ {} {unit}", figure(*goal)),
        Goal::AtMost(goal) => format!("≤ {} {unit}", figure(*goal)),
        Goal::Between { min, max } => format!("{} – {} {unit}", figure(*min), figure(*max)),
        Goal::GrowBy { share, by, baseline } => {
            let from = memory.baseline.map(|kept| kept.value).or(match baseline {
                BaselineSpec::Value(value) => Some(*value),
                BaselineSpec::Measured { .. } => None,
            });
            let aim = from.map(|from| format!(" to {} {unit}", figure(from * (1.0 + share))));
            let by = by.map(|by| format!(" by {}", by.strftime("%Y-%m-%d")));
            format!("+{}{}{}", share_text(*share), aim.unwrap_or_default(), by.unwrap_or_default())
        }
    }
}
