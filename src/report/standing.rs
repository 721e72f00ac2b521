//! Which conditions a pass leads to.
//!
//! `Ready` is about the spec and what it names, in the sense of kstatus: a tool that waits for it wants to know
//! that a target is missing or owned by somebody else. Metrics that are lost, a goal that is missed and capacity
//! that is capped are not its business; they have conditions of their own. `Reconciling` is there while Ready is
//! not True and may still become so by itself, `Stalled` while somebody must change the spec first.
//!
//! An objective without mappings has `ScalingActive` False with `NoMappings`: nothing is ever scaled, so nobody
//! who waits for scaling may be told it is active.

use super::conditions::{Truth, Wanted};
use super::status::Told;
use super::{outlook, summary};
use crate::model::{
    Autonomy, ConditionKind as Kind, ConditionReason as Why, Decision, GoalState, Hold, Outcome, Reason,
    ReasonCode,
};

/// What keeps a mapping from being scaled, in words.
struct Trouble {
    reason: Why,
    words: String,
}

/// Every condition of an objective after a pass.
pub fn wanted(told: &Told<'_>) -> Vec<Wanted> {
    let trouble = trouble(told);
    let mut all = ready(told, trouble.as_ref());
    all.extend([met(told), metrics(told), active(told, trouble), limited(told), conflict(told)]);
    all.extend(outlook::wanted(told));
    all
}

/// Ready False, and whether it may become True by itself or is stalled until somebody changes the spec.
pub(super) fn unready(reason: Why, message: &str, stalled: bool) -> Vec<Wanted> {
    let beside = if stalled { Kind::Stalled } else { Kind::Reconciling };
    vec![
        Wanted::new(Kind::Ready, Truth::False, reason, message),
        Wanted::new(beside, Truth::True, reason, message),
    ]
}

/// The conditions of an objective that is not looked at, but for Ready.
pub(super) fn not_looked_at(reason: Why, message: &str) -> Vec<Wanted> {
    [Kind::Met, Kind::MetricsAvailable, Kind::ScalingLimited, Kind::Conflict]
        .into_iter()
        .map(|kind| Wanted::new(kind, Truth::Unknown, reason, message))
        .chain([Wanted::new(Kind::ScalingActive, Truth::False, reason, message)])
        .collect()
}

fn ready(told: &Told<'_>, trouble: Option<&Trouble>) -> Vec<Wanted> {
    match (told.source, trouble) {
        (Err(words), _) => unready(Why::SourceNotFound, words, false),
        (Ok(_), Some(trouble)) => unready(trouble.reason, &trouble.words, false),
        (Ok(source), None) => {
            let words = format!("the spec is accepted and the last pass went through, asking {source}");
            vec![Wanted::new(Kind::Ready, Truth::True, Why::Reconciled, words)]
        }
    }
}

/// The first mapping whose target cannot be used, or whose change failed.
fn trouble(told: &Told<'_>) -> Option<Trouble> {
    let held = told.plan.decisions.iter().find_map(|decision| match &decision.hold {
        Some(Hold::Unusable(reason)) => {
            Some(Trouble { reason: *reason, words: sentence(decision, &[ReasonCode::TargetUnusable]) })
        }
        Some(Hold::Conflict) => Some(Trouble { reason: Why::OwnedByHpa, words: owned(decision) }),
        Some(Hold::Frozen | Hold::Observe) | None => None,
    });
    held.or_else(|| {
        told.outcomes.iter().find_map(|done| match &done.outcome {
            Outcome::Failed { reason, detail } => Some(Trouble {
                reason: *reason,
                words: format!(
                    "mapping {}: {} could not be changed from {} to {} ({detail}); bizops tries again at every pass",
                    done.step.mapping, done.step.target, done.step.from, done.step.to
                ),
            }),
            Outcome::Done { .. } | Outcome::Superseded => None,
        })
    })
}

fn owned(decision: &Decision) -> String {
    let words = sentence(decision, &[ReasonCode::OwnedByHpa]);
    format!("{words}; write actuator: HpaFloor, or remove one of the two")
}

/// The last of a decision's reasons that has one of these codes, as a sentence.
fn sentence(decision: &Decision, codes: &[ReasonCode]) -> String {
    let found = decision.reasons.iter().rev().find(|reason| codes.contains(&reason.code()));
    let words = found.map_or_else(|| format!("{} is held", decision.target), Reason::to_string);
    format!("mapping {}: {words}", decision.mapping)
}

fn met(told: &Told<'_>) -> Wanted {
    let (status, reason) = match told.plan.findings.state {
        GoalState::Met => (Truth::True, Why::GoalMet),
        GoalState::OnTrack => (Truth::True, Why::OnTrack),
        GoalState::Missed => (Truth::False, Why::GoalMissed),
        GoalState::BehindPlan => (Truth::False, Why::BehindPlan),
        GoalState::MeasuringBaseline => (Truth::Unknown, Why::MeasuringBaseline),
        GoalState::NoData => (Truth::Unknown, Why::NoData),
    };
    Wanted::new(Kind::Met, status, reason, summary::goal(told))
}

fn metrics(told: &Told<'_>) -> Wanted {
    let held = "what runs is held meanwhile, nothing is taken away";
    match (told.source, &told.plan.findings.lost) {
        (Err(words), _) => {
            let words = format!("{words}; {held}");
            Wanted::new(Kind::MetricsAvailable, Truth::False, Why::SourceNotFound, words)
        }
        (Ok(source), Some((query, reason, words))) => {
            let words = format!("{query}, asked of {source}: {words}; {held}");
            Wanted::new(Kind::MetricsAvailable, Truth::False, *reason, words)
        }
        (Ok(source), None) => {
            let words = format!("every query gave a usable, fresh number, asked of {source}");
            Wanted::new(Kind::MetricsAvailable, Truth::True, Why::AllPresent, words)
        }
    }
}

fn active(told: &Told<'_>, trouble: Option<Trouble>) -> Wanted {
    let inactive = |reason, words: &str| Wanted::new(Kind::ScalingActive, Truth::False, reason, words);
    if told.intent.mappings.is_empty() {
        return inactive(Why::NoMappings, "the objective has no mappings: it is measured only");
    }
    if let Some(trouble) = trouble {
        return inactive(trouble.reason, &trouble.words);
    }
    let policy = &told.intent.policy;
    let now = told.snapshot.at;
    let open = policy.freezes.iter().filter(|freeze| freeze.from <= now && now < freeze.to);
    if let Some(freeze) = open.max_by_key(|freeze| freeze.to) {
        let words = format!("nothing is changed until {}: {}", freeze.to, freeze.reason);
        return inactive(Why::Frozen, &words);
    }
    let enforcing = |words| Wanted::new(Kind::ScalingActive, Truth::True, Why::Enforcing, words);
    match (policy.up, policy.down) {
        (Autonomy::Observe, Autonomy::Observe) => inactive(
            Why::Observing,
            "status shows what would be done; write policy.autonomy up and down: Enforce to have it done",
        ),
        (Autonomy::Enforce, Autonomy::Enforce) => enforcing("targets are changed as decided"),
        (Autonomy::Enforce, Autonomy::Observe) => enforcing(
            "replicas are added as decided; taking away is advice only (policy.autonomy.down: Observe)",
        ),
        (Autonomy::Observe, Autonomy::Enforce) => enforcing(
            "replicas are taken away as decided; adding is advice only (policy.autonomy.up: Observe)",
        ),
    }
}

/// The guard that decides: a maximum first, because only a person can lift it, then the first in the order of
/// the mappings. Being outbid is a conflict, not a limit: the target runs more than is asked for.
fn limited(told: &Told<'_>) -> Wanted {
    let rank = |reason: Why| u8::from(!matches!(reason, Why::AtMaximum | Why::HpaMaxReached));
    let first = told
        .plan
        .decisions
        .iter()
        .filter_map(|decision| Some((decision, decision.limited_by.filter(|reason| *reason != Why::Outbid)?)))
        .min_by_key(|(_, reason)| rank(*reason));
    let Some((decision, reason)) = first else {
        let words = "no guard holds anything back";
        return Wanted::new(Kind::ScalingLimited, Truth::False, Why::NotLimited, words);
    };
    let (codes, advice): (&[ReasonCode], &str) = match reason {
        Why::AtMaximum => (&[ReasonCode::CappedAtMax], "raise bounds.max if the capacity is there"),
        Why::HpaMaxReached => {
            (&[ReasonCode::CappedByHpaMax], "raise maxReplicas of the autoscaler if the capacity is there")
        }
        Why::AtMinimum => (&[ReasonCode::RaisedToMin], "lower bounds.min to let more go"),
        Why::WithoutData => {
            (&[ReasonCode::LossFallback, ReasonCode::DemandUnknown], "MetricsAvailable says what is missing")
        }
        Why::MeasuringBaseline => {
            (&[ReasonCode::ReferenceUnknown], "it goes on by itself once the baseline is measured")
        }
        Why::LearningHistory => {
            (&[ReasonCode::HistoryAwaited], "it goes on by itself once the history is there")
        }
        Why::WaitingForWindow => {
            (&[ReasonCode::HeldByWindow, ReasonCode::HeldByStartup], "it goes on by itself")
        }
        Why::StepLimited => (&[ReasonCode::StepCut], "it goes on by itself after the next window"),
        _ => (&[], "see the mapping's reasons in status"),
    };
    let words = format!("{}; {advice}", sentence(decision, codes));
    Wanted::new(Kind::ScalingLimited, Truth::True, reason, words)
}

fn conflict(told: &Told<'_>) -> Wanted {
    let decisions = &told.plan.decisions;
    if let Some(decision) = decisions.iter().find(|decision| decision.hold == Some(Hold::Conflict)) {
        return Wanted::new(Kind::Conflict, Truth::True, Why::OwnedByHpa, owned(decision));
    }
    let outbid = |decision: &&Decision| decision.limited_by == Some(Why::Outbid);
    if let Some(decision) = decisions.iter().find(outbid) {
        let words = sentence(decision, &[ReasonCode::Outbid]);
        let words = format!("{words} of {}, the larger claim wins; nothing to do", decision.target);
        return Wanted::new(Kind::Conflict, Truth::True, Why::Outbid, words);
    }
    Wanted::new(Kind::Conflict, Truth::False, Why::NoConflict, "nothing else claims the targets")
}

#[cfg(test)]
mod tests;
