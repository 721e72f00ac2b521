//! The whole status after a pass, or instead of one.
//!
//! Whatever happens, what was known stays: the ledger, the memory, the baseline and the measured references.
//! `old` is always the status as last written.

use jiff::Timestamp;

use super::conditions::{Truth, Wanted, merge};
use super::standing::{not_looked_at, unready};
use super::{ledger, mapping, memory, outlook, standing, summary};
use crate::api::v1alpha1::{DecisionOutcome, IndicatorStatus, Issues, ObjectiveStatus, restore};
use crate::model::{ConditionKind, ConditionReason, Intent, Memory, Plan, Snapshot, StepOutcome, figure};

/// Everything one pass left behind.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// What the owner wants.
    pub intent: &'a Intent,
    /// What was known.
    pub snapshot: &'a Snapshot,
    /// What was concluded.
    pub plan: &'a Plan,
    /// What the next pass must know, after acting (`engine::settle`).
    pub memory: &'a Memory,
    /// What became of the steps of this objective's plan.
    pub outcomes: &'a [StepOutcome],
    /// The source that was asked, e.g. `ClusterMetricSource default`; or the sentence that says why there is
    /// none, when the pass was made without any.
    pub source: Result<&'a str, &'a str>,
}

/// The status after a pass.
pub fn of_pass(told: &Told<'_>, old: &ObjectiveStatus, now: Timestamp) -> ObjectiveStatus {
    let Told { intent, snapshot, plan, outcomes, .. } = *told;
    let mappings = mapping::rows(told, &old.mappings);
    ObjectiveStatus {
        observed_generation: Some(intent.generation),
        conditions: merge(&old.conditions, &standing::wanted(told), intent.generation, now),
        summary: summary::sentence(told),
        indicator: Some(indicator(told)),
        forecast: outlook::goal(told),
        baseline: told.memory.baseline.map(memory::baseline),
        replicas: mapping::column(&mappings),
        mappings,
        decisions: ledger::record(&old.decisions, plan, snapshot.at, outcomes, now),
        memory: Some(memory::remember(told.memory)),
    }
}

/// The status to write before acting on a plan that has steps: each step stands in the ledger as `Pending`, and
/// the memory is the one after acting.
///
/// A process killed before it can settle leaves its successor what it would have known itself. Should the change
/// not have been made after all, the memory errs on the safe side: for a while nothing is taken away.
pub fn pending(
    intent: &Intent,
    snapshot: &Snapshot,
    plan: &Plan,
    old: &ObjectiveStatus,
    now: Timestamp,
) -> ObjectiveStatus {
    let known = old.observed_generation == Some(intent.generation);
    let words = "the spec is accepted and its first pass is not finished; nothing to do";
    let taken_up = [
        Wanted::new(ConditionKind::Ready, Truth::Unknown, ConditionReason::Progressing, words),
        Wanted::new(ConditionKind::Reconciling, Truth::True, ConditionReason::Progressing, words),
    ];
    let told = Told { intent, snapshot, plan, memory: &plan.memory, outcomes: &[], source: Ok("") };
    let mappings = mapping::rows(&told, &old.mappings);
    ObjectiveStatus {
        observed_generation: Some(intent.generation),
        conditions: if known {
            old.conditions.clone()
        } else {
            merge(&old.conditions, &taken_up, intent.generation, now)
        },
        baseline: plan.memory.baseline.map(memory::baseline),
        replicas: mapping::column(&mappings),
        mappings,
        decisions: ledger::ahead(&old.decisions, &plan.steps, now),
        memory: Some(memory::remember(&plan.memory)),
        ..old.clone()
    }
}

/// The memory a starting process takes from a status. Where a change was left pending nobody knows what bizops last
/// set: it is forgotten, or whoever set the number before would be said to have changed it back.
pub fn resume(status: &ObjectiveStatus) -> Memory {
    let mut memory = restore(status);
    for kept in &mut memory.mappings {
        let newest = status.decisions.iter().find(|entry| entry.mapping == kept.name);
        if newest.is_some_and(|newest| newest.outcome == DecisionOutcome::Pending) {
            kept.last_set = None;
        }
    }
    memory
}

/// The status of an objective whose spec contradicts itself, or whose queries are not `PromQL`.
pub fn invalid(issues: &Issues, generation: i64, old: &ObjectiveStatus, now: Timestamp) -> ObjectiveStatus {
    stalled(&issues.to_string(), generation, old, now)
}

/// The status of an object whose shape this version cannot read.
pub fn unreadable(detail: &str, generation: i64, old: &ObjectiveStatus, now: Timestamp) -> ObjectiveStatus {
    let words =
        format!("spec: cannot be read by this version of bizops ({detail}); correct it, or upgrade bizops");
    stalled(&words, generation, old, now)
}

fn stalled(words: &str, generation: i64, old: &ObjectiveStatus, now: Timestamp) -> ObjectiveStatus {
    let mut wanted = unready(ConditionReason::InvalidSpec, words, true);
    wanted.extend(not_looked_at(
        ConditionReason::InvalidSpec,
        "the spec cannot be used, so nothing is measured or changed; Ready says what to correct",
    ));
    at_rest(&format!("The spec cannot be used: {words}"), &wanted, generation, old, now)
}

/// The status of an objective with `spec.suspend`. It is Ready: the spec is obeyed.
pub fn suspended(generation: i64, old: &ObjectiveStatus, now: Timestamp) -> ObjectiveStatus {
    let words = "spec.suspend is true: nothing is measured, nothing is changed; set it to false to go on";
    let mut wanted = not_looked_at(ConditionReason::Suspended, words);
    wanted.push(Wanted::new(ConditionKind::Ready, Truth::True, ConditionReason::Suspended, words));
    at_rest("Suspended: nothing is measured, nothing is changed.", &wanted, generation, old, now)
}

/// The status of an objective whose metric source does not exist, when no pass is made without one.
pub fn source_missing(
    sentence: &str,
    generation: i64,
    old: &ObjectiveStatus,
    now: Timestamp,
) -> ObjectiveStatus {
    let mut wanted = unready(ConditionReason::SourceNotFound, sentence, false);
    wanted.extend(not_looked_at(ConditionReason::SourceNotFound, sentence).into_iter().map(|wanted| {
        let lost = wanted.kind == ConditionKind::MetricsAvailable;
        Wanted { status: if lost { Truth::False } else { wanted.status }, ..wanted }
    }));
    at_rest(&format!("Nothing can be measured: {sentence}."), &wanted, generation, old, now)
}

/// A status without figures, and with everything else that was known.
fn at_rest(
    summary: &str,
    wanted: &[Wanted],
    generation: i64,
    old: &ObjectiveStatus,
    now: Timestamp,
) -> ObjectiveStatus {
    let mappings = mapping::at_rest(&old.mappings);
    ObjectiveStatus {
        observed_generation: Some(generation),
        conditions: merge(&old.conditions, wanted, generation, now),
        summary: super::text::cut(summary, summary::LONGEST),
        indicator: None,
        forecast: None,
        replicas: mapping::column(&mappings),
        mappings,
        ..old.clone()
    }
}

fn indicator(told: &Told<'_>) -> IndicatorStatus {
    let (findings, unit) = (&told.plan.findings, &told.intent.indicator.unit);
    IndicatorStatus {
        value: findings.value.map(figure),
        unit: unit.clone(),
        goal: findings.goal.map(figure),
        display: findings
            .value
            .map_or_else(|| "unknown".to_owned(), |value| format!("{} {unit}", figure(value))),
        goal_display: summary::goal_column(told.intent, told.memory),
        attainment: findings.attainment.map(percent),
        sampled_at: told.snapshot.indicator.at(),
    }
}

/// A share in percent to one digit, rounded down: what is missed by a hair is not shown as 100%.
fn percent(share: f64) -> String {
    let text = format!("{:.1}", (share * 1000.0 + 1e-6).floor() / 10.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
