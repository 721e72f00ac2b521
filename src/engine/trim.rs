//! Feedback: measurements that add capacity step by step while they are out of bounds.
//!
//! A demand and a capacity model can be wrong together: then a latency rises although the sums are right. A trim adds a
//! tenth of the capacity at once, and another tenth each time those added have had time to start, up to as much again.
//! It gives back half a step at a time, a scale-down window after the last change, once every measurement has kept its
//! bound with a tenth to spare; between the bound and that it does nothing. A measurement that is missing neither adds
//! nor gives back.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Intent, Mapping, MappingFacts, Reason, Replicas, Sample, Trim, TrimBound, Trimmed};

/// What is added at once, as a share of the capacity.
const STEP: f64 = 0.1;
/// What is given back at once.
const BACK: f64 = 0.05;
/// The most that is ever added.
const MOST: f64 = 1.0;
/// Room a measurement must leave to its bound before anything is given back.
const SPARE: f64 = 0.1;
/// The least time between two steps up: what was added must show in a rate over a minute.
const SETTLE: SignedDuration = SignedDuration::from_secs(60);

/// How the measurements stand to their bounds.
#[derive(Debug, Clone, PartialEq)]
enum Standing {
    /// One is out of bounds: its number and its bound.
    Violated(f64, TrimBound),
    /// All keep their bounds with room to spare.
    AtEase,
    /// Neither, or one is missing.
    Between,
}

/// What is added from now on, and why.
///
/// With a latency above its bound for three minutes and a start-up of a minute, 10 %, 20 %, 30 % are added; back in
/// bounds, 25 %, 20 % … remain, a window after another.
pub(super) fn trim(
    intent: &Intent,
    mapping: &Mapping,
    facts: &MappingFacts,
    before: Option<Trimmed>,
    window: SignedDuration,
    now: Timestamp,
) -> (Option<Trimmed>, Option<Reason>) {
    let rested = |for_how_long: SignedDuration| {
        before.is_none_or(|before| now.duration_since(before.changed_at) >= for_how_long)
    };
    let extra = before.map_or(0.0, |before| before.extra);
    let settle = SETTLE.max(mapping.startup + intent.interval * 2);
    let standing = standing(&mapping.trims, &facts.trims);
    let after = match &standing {
        Standing::Violated(..) if rested(settle) && extra < MOST => Some((extra + STEP).min(MOST)),
        Standing::AtEase if extra > 0.0 && rested(window.max(settle)) => Some(extra - BACK),
        _ => None,
    };
    let kept = match after {
        // Half a step is an exact multiple only on paper.
        Some(extra) if extra < BACK / 2.0 => None,
        Some(extra) => Some(Trimmed { extra, changed_at: now }),
        None if mapping.trims.is_empty() => None,
        None => before,
    };
    let reason = kept.map(|kept| Reason::Trimmed {
        extra: kept.extra,
        violated: match standing {
            Standing::Violated(value, TrimBound::AtMost(bound) | TrimBound::AtLeast(bound)) => {
                Some((value, bound))
            }
            Standing::AtEase | Standing::Between => None,
        },
    });
    (kept, reason)
}

/// So many replicas with what a trim adds: at least one more.
pub(super) fn raised(replicas: Replicas, trimmed: Option<Trimmed>) -> Replicas {
    trimmed.map_or(replicas, |trimmed| {
        Replicas::ceil(replicas.as_f64() * (1.0 + trimmed.extra)).max(Replicas(replicas.0.saturating_add(1)))
    })
}

fn standing(trims: &[Trim], samples: &[Sample]) -> Standing {
    let measured = || {
        trims
            .iter()
            .enumerate()
            .map(|(index, trim)| (trim.bound, samples.get(index).and_then(Sample::present)))
    };
    let violated = |(bound, value): (TrimBound, Option<f64>)| {
        let value = value?;
        let out = match bound {
            TrimBound::AtMost(most) => value > most,
            TrimBound::AtLeast(least) => value < least,
        };
        out.then_some(Standing::Violated(value, bound))
    };
    if let Some(found) = measured().find_map(violated) {
        return found;
    }
    let at_ease = |(bound, value): (TrimBound, Option<f64>)| {
        value.is_some_and(|value| match bound {
            TrimBound::AtMost(most) => value <= most * (1.0 - SPARE),
            TrimBound::AtLeast(least) => value >= least * (1.0 + SPARE),
        })
    };
    if measured().all(at_ease) { Standing::AtEase } else { Standing::Between }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::scenario::{at, intent, present, snapshot};

    const WINDOW: SignedDuration = SignedDuration::from_mins(5);

    fn watched() -> Intent {
        let mut intent = intent("checkout");
        intent.mappings[0].trims = vec![Trim { query: "latency".to_owned(), bound: TrimBound::AtMost(0.5) }];
        intent
    }

    /// What is added after each pass, every 5 s, for a latency that follows from what was added before.
    fn play(passes: i64, mut latency: impl FnMut(i64, f64) -> Option<f64>) -> Vec<f64> {
        let (intent, mut trimmed, mut seen) = (watched(), None, vec![]);
        for pass in 0..passes {
            let second = pass * 5;
            let mut facts = snapshot(second, present(500.0, second), 5).mappings[0].clone();
            let extra = trimmed.map_or(0.0, |trimmed: Trimmed| trimmed.extra);
            facts.trims = vec![latency(second, extra).map_or(Sample::Absent, |value| present(value, second))];
            (trimmed, _) = trim(&intent, &intent.mappings[0], &facts, trimmed, WINDOW, at(second));
            seen.push(trimmed.map_or(0.0, |trimmed| trimmed.extra));
        }
        seen
    }

    #[test]
    fn a_violation_adds_step_by_step_and_is_given_back_slowly() {
        let seen = play(400, |second, _| Some(if second < 150 { 0.8 } else { 0.2 }));
        assert!(
            (seen[0] - 0.1).abs() < 1e-9 && (seen[11] - 0.1).abs() < 1e-9 && (seen[12] - 0.2).abs() < 1e-9
        );
        assert!((seen[30] - 0.3).abs() < 1e-9, "{}", seen[30]);
        let minutes = |minute: usize| seen[minute * 12];
        assert!((minutes(7) - 0.25).abs() < 1e-9 && (minutes(12) - 0.2).abs() < 1e-9, "{:?}", minutes(7));
        assert!(
            play(2000, |second, _| Some(if second < 150 { 0.8 } else { 0.2 })).last().unwrap().abs() < 1e-9
        );
    }

    #[test]
    fn a_measurement_that_is_missing_neither_adds_nor_gives_back() {
        let seen = play(1000, |second, _| (second < 10).then_some(0.9));
        assert!(seen[1..].iter().all(|extra| (extra - 0.1).abs() < 1e-9));
    }

    #[test]
    fn no_more_than_as_much_again_is_added() {
        assert!((play(600, |_, _| Some(9.0)).last().unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_workload_that_answers_late_is_not_driven_to_and_fro() {
        // 30 % more are needed; what is added serves a minute later.
        let mut added = vec![];
        let seen = play(2000, |_, extra| {
            added.push(extra);
            let serving = added.len().checked_sub(12).map_or(0.0, |then| added[then]);
            Some(if serving < 0.3 {
                0.8
            } else if serving < 0.4 {
                0.48
            } else {
                0.3
            })
        });
        let turns = seen[200..].windows(2).filter(|pair| (pair[0] - pair[1]).abs() > 1e-9).count();
        assert!(turns <= 2, "{turns} changes after it had settled");
        assert!(seen[200..].iter().all(|extra| (0.25..=0.5).contains(extra)));
    }

    #[test]
    fn a_trim_adds_at_least_one_replica_and_never_takes_one() {
        let some = |extra| Some(Trimmed { extra, changed_at: at(0) });
        assert_eq!(raised(Replicas(10), some(0.1)), Replicas(11));
        assert_eq!(raised(Replicas(2), some(0.05)), Replicas(3));
        assert_eq!(raised(Replicas(7), None), Replicas(7));
    }
}
