//! The last changes, newest first: written before they are made, and settled after.
//!
//! A process killed between writing ahead and settling leaves a `Pending` entry. The next pass settles it by what
//! it finds: the number asked for → `Done`; the number from before → `Failed`, the change was never made; any
//! other → `Superseded`, somebody changed it first.

use jiff::Timestamp;

use super::mapping::reasons;
use super::memory::stored;
use crate::api::v1alpha1::{DecisionOutcome, DecisionStatus};
use crate::model::{Outcome, Plan, Step, StepOutcome};

/// So many changes are kept: a day of an ordinary objective, and less than 20 KiB of status.
pub const KEPT: usize = 20;

/// Writes the steps down before they are made. A change from the same number in the same direction as one that
/// failed last gets no new entry: the one that is there already says so, and a target that refuses every pass,
/// under a demand that jitters, would fill the ledger. One that is still open is the same change tried again, after
/// a conflict or a kill; what else is open of its mapping is settled by what the step was decided on.
pub fn ahead(old: &[DecisionStatus], steps: &[Step], now: Timestamp) -> Vec<DecisionStatus> {
    let mut ledger = old.to_vec();
    for step in steps.iter().filter(|step| !repeats(old, step, DecisionOutcome::Failed)) {
        let mut again = false;
        for open in ledger
            .iter_mut()
            .filter(|entry| entry.outcome == DecisionOutcome::Pending && entry.mapping == step.mapping)
        {
            if is_of(open, step) && !again {
                again = true;
            } else if open.target == step.target.to_string() {
                open.outcome = settled(open, stored(step.from));
            } else {
                open.outcome = DecisionOutcome::Superseded;
            }
        }
        if !again {
            ledger.insert(0, entry(step, DecisionOutcome::Pending, now));
        }
    }
    ledger.truncate(KEPT);
    ledger
}

/// The ledger after acting: entries left pending by a process that was killed are settled by what this pass
/// found, then what became of this pass's steps is noted.
pub fn record(
    old: &[DecisionStatus],
    plan: &Plan,
    read_at: Timestamp,
    outcomes: &[StepOutcome],
    now: Timestamp,
) -> Vec<DecisionStatus> {
    let mut ledger = old.to_vec();
    for done in outcomes {
        note(&mut ledger, &done.step, outcome(&done.outcome), now);
    }
    for entry in &mut ledger {
        if entry.outcome == DecisionOutcome::Pending && entry.at < read_at {
            entry.outcome = found(entry, plan);
        }
    }
    ledger.truncate(KEPT);
    ledger
}

/// What a pending entry turned out to be; still pending while its target cannot be read.
fn found(entry: &DecisionStatus, plan: &Plan) -> DecisionOutcome {
    let decision = plan
        .decisions
        .iter()
        .find(|decision| decision.mapping == entry.mapping && decision.target.to_string() == entry.target);
    let Some(decision) = decision else {
        return DecisionOutcome::Superseded;
    };
    decision.current.map_or(DecisionOutcome::Pending, |current| settled(entry, stored(current)))
}

/// What a pending entry turned out to be, by the number that is there.
fn settled(entry: &DecisionStatus, current: i32) -> DecisionOutcome {
    if current == entry.to {
        DecisionOutcome::Done
    } else if current == entry.from {
        DecisionOutcome::Failed
    } else {
        DecisionOutcome::Superseded
    }
}

fn note(ledger: &mut Vec<DecisionStatus>, step: &Step, outcome: DecisionOutcome, now: Timestamp) {
    let written_ahead =
        ledger.iter_mut().find(|entry| entry.outcome == DecisionOutcome::Pending && is_of(entry, step));
    if let Some(entry) = written_ahead {
        entry.outcome = outcome;
    } else if outcome == DecisionOutcome::Done || !repeats(ledger, step, outcome) {
        ledger.insert(0, entry(step, outcome, now));
    }
}

/// Whether the mapping's newest entry has this outcome and the same start and direction.
pub(super) fn repeats(ledger: &[DecisionStatus], step: &Step, outcome: DecisionOutcome) -> bool {
    let newest = ledger.iter().find(|entry| entry.mapping == step.mapping);
    newest.is_some_and(|newest| {
        newest.outcome == outcome
            && newest.target == step.target.to_string()
            && newest.from == stored(step.from)
            && (newest.to > newest.from) == (step.to > step.from)
    })
}

fn is_of(entry: &DecisionStatus, step: &Step) -> bool {
    entry.mapping == step.mapping
        && entry.target == step.target.to_string()
        && (entry.from, entry.to) == (stored(step.from), stored(step.to))
}

fn entry(step: &Step, outcome: DecisionOutcome, at: Timestamp) -> DecisionStatus {
    DecisionStatus {
        at,
        mapping: step.mapping.clone(),
        target: step.target.to_string(),
        from: stored(step.from),
        to: stored(step.to),
        outcome,
        reasons: reasons(&step.reasons),
    }
}

/// An outcome's word in the ledger.
pub(super) fn outcome(outcome: &Outcome) -> DecisionOutcome {
    match outcome {
        Outcome::Done { .. } => DecisionOutcome::Done,
        Outcome::Superseded => DecisionOutcome::Superseded,
        Outcome::Failed { .. } => DecisionOutcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scenario::{at, decision, failed, plan, step};
    use super::*;

    fn outcomes_of(ledger: &[DecisionStatus]) -> Vec<(i32, i32, DecisionOutcome)> {
        ledger.iter().map(|entry| (entry.from, entry.to, entry.outcome)).collect()
    }

    #[test]
    fn a_killed_process_leaves_an_entry_that_is_settled_by_what_is_found() {
        for (found, settled) in [
            (Some(9), DecisionOutcome::Done),
            (Some(6), DecisionOutcome::Failed),
            (Some(3), DecisionOutcome::Superseded),
            (None, DecisionOutcome::Pending),
        ] {
            let left = ahead(&[], &[step("web", 6, 9)], at(0));
            let plan = plan(vec![decision("web", found, 9)]);
            let ledger = record(&left, &plan, at(5), &[], at(5));
            assert_eq!(outcomes_of(&ledger), [(6, 9, settled)], "found {found:?}");
        }
    }

    #[test]
    fn an_entry_of_a_mapping_that_is_gone_is_superseded() {
        let left = ahead(&[], &[step("web", 6, 9)], at(0));
        let ledger = record(&left, &plan(vec![]), at(5), &[], at(5));
        assert_eq!(outcomes_of(&ledger), [(6, 9, DecisionOutcome::Superseded)]);
    }

    #[test]
    fn a_step_of_this_pass_without_an_outcome_stays_pending() {
        let left = ahead(&[], &[step("web", 6, 9)], at(5));
        let ledger = record(&left, &plan(vec![decision("web", Some(6), 9)]), at(5), &[], at(5));
        assert_eq!(outcomes_of(&ledger), [(6, 9, DecisionOutcome::Pending)]);
    }

    #[test]
    fn a_target_that_refuses_every_pass_is_noted_once() {
        let plan = plan(vec![decision("web", Some(6), 9)]);
        let mut ledger = vec![];
        for (pass, to) in (0..5).zip([9, 10, 9, 8, 11]) {
            let written = ahead(&ledger, &[step("web", 6, to)], at(pass * 5));
            ledger = record(&written, &plan, at(pass * 5), &[failed(step("web", 6, to))], at(pass * 5));
        }
        assert_eq!(outcomes_of(&ledger), [(6, 9, DecisionOutcome::Failed)]);
        let down = record(&ledger, &plan, at(25), &[failed(step("web", 6, 5))], at(25));
        assert_eq!(down.len(), 2, "another direction is another change");
        assert_eq!(ledger[0].at, at(0));
    }

    #[test]
    fn a_change_tried_again_is_one_entry_and_what_it_replaces_is_settled() {
        let first = ahead(&[], &[step("web", 6, 9)], at(0));
        let again = ahead(&first, &[step("web", 6, 9)], at(1));
        assert_eq!(again, first);
        for (from, to, settled) in [
            (7, 9, DecisionOutcome::Superseded),
            (6, 10, DecisionOutcome::Failed),
            (9, 10, DecisionOutcome::Done),
        ] {
            let next = ahead(&first, &[step("web", from, to)], at(1));
            let open = (i32::try_from(from).unwrap(), i32::try_from(to).unwrap(), DecisionOutcome::Pending);
            assert_eq!(outcomes_of(&next), [open, (6, 9, settled)]);
        }
    }

    #[test]
    fn only_the_last_twenty_are_kept_newest_first() {
        let mut ledger = vec![];
        for pass in 0..30_u32 {
            ledger = ahead(&ledger, &[step("web", pass, pass + 1)], at(i64::from(pass)));
        }
        assert_eq!(ledger.len(), KEPT);
        assert_eq!((ledger[0].from, ledger[19].from), (29, 10));
    }
}
