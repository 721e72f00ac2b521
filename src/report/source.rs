//! The status of metric sources, from a probe.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::conditions::{Truth, Wanted, find, merge};
use super::standing::unready;
use super::text::cut;
use crate::api::v1alpha1::{Issues, MetricSourceStatus};
use crate::model::{ConditionKind, ConditionReason};

/// A new latency is shown at most this often.
const LATENCY_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A latency that moves by less is no news, whatever share of it that is: 1 ms and 2 ms are the same to people.
const LATENCY_STEP_MS: u64 = 20;

/// The last error is one line.
const LONGEST_ERROR: usize = 500;

/// What a source said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The version it says it is, if it says so.
    pub version: Option<String>,
    /// How long the answer took.
    pub latency: Duration,
}

/// The status after a probe: its answer, or the reason and the words of its failure.
pub fn of_probe(
    old: &MetricSourceStatus,
    probe: &Result<Answer, (ConditionReason, String)>,
    generation: i64,
    now: Timestamp,
) -> MetricSourceStatus {
    match probe {
        Ok(answer) => {
            let words = match &answer.version {
                Some(version) => format!("version {version} answers and speaks the Prometheus API"),
                None => "answers and speaks the Prometheus API".to_owned(),
            };
            let ready =
                Wanted::new(ConditionKind::Ready, Truth::True, ConditionReason::SourceReachable, words);
            MetricSourceStatus {
                observed_generation: Some(generation),
                conditions: merge(&old.conditions, &[ready], generation, now),
                version: answer.version.as_deref().map(|version| cut(version, 128)),
                latency: Some(format!("{}ms", answer.latency.as_millis().max(1))),
                last_error: old.last_error.clone(),
            }
        }
        Err((reason, words)) => failed(old, *reason, words, false, generation, now),
    }
}

/// The status of a source whose spec cannot be used.
pub fn invalid(
    old: &MetricSourceStatus,
    issues: &Issues,
    generation: i64,
    now: Timestamp,
) -> MetricSourceStatus {
    failed(old, ConditionReason::InvalidSpec, &issues.to_string(), true, generation, now)
}

fn failed(
    old: &MetricSourceStatus,
    reason: ConditionReason,
    words: &str,
    stalled: bool,
    generation: i64,
    now: Timestamp,
) -> MetricSourceStatus {
    MetricSourceStatus {
        observed_generation: Some(generation),
        conditions: merge(&old.conditions, &unready(reason, words, stalled), generation, now),
        last_error: Some(cut(&format!("{reason}: {words}"), LONGEST_ERROR)),
        ..old.clone()
    }
}

/// Whether a source's status is worth a write: at once when its condition, its version or its generation
/// changed; for the latency alone when it moved by more than half, at most once a minute.
pub fn due(
    old: &MetricSourceStatus,
    new: &MetricSourceStatus,
    written_at: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let face = |status: &MetricSourceStatus| {
        let ready = find(&status.conditions, ConditionKind::Ready);
        let ready = ready.map(|ready| (ready.status.clone(), ready.reason.clone()));
        (status.observed_generation, ready, status.version.clone())
    };
    let rested = written_at.is_none_or(|at| now.duration_since(at) >= LATENCY_EVERY);
    face(old) != face(new) || rested && latency_moved(old.latency.as_deref(), new.latency.as_deref())
}

fn latency_moved(old: Option<&str>, new: Option<&str>) -> bool {
    let millis = |text: &str| text.strip_suffix("ms").and_then(|number| number.parse::<u64>().ok());
    match (old.and_then(millis), new.and_then(millis)) {
        (Some(old), Some(new)) => {
            let moved = old.abs_diff(new);
            moved >= LATENCY_STEP_MS && moved.saturating_mul(2) > old
        }
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A status after a probe that took so many milliseconds.
    fn answered(old: &MetricSourceStatus, millis: u64, second: i64) -> MetricSourceStatus {
        let (version, latency) = (Some("3.5.0".to_owned()), Duration::from_millis(millis));
        of_probe(old, &Ok(Answer { version, latency }), 1, at(second))
    }

    fn down(old: &MetricSourceStatus, second: i64) -> MetricSourceStatus {
        let fault = (ConditionReason::SourceTimedOut, "no answer within 3.0s".to_owned());
        of_probe(old, &Err(fault), 1, at(second))
    }

    #[test]
    fn the_last_error_outlives_recovery() {
        let lost = down(&MetricSourceStatus::default(), 0);
        let ready = find(&lost.conditions, ConditionKind::Ready).unwrap();
        assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "SourceTimedOut"));
        let back = answered(&lost, 4, 5);
        assert_eq!(back.last_error.as_deref(), Some("SourceTimedOut: no answer within 3.0s"));
        assert_eq!(back.conditions.len(), 1, "only Ready is left: {:?}", back.conditions);
        assert_eq!((back.version.as_deref(), back.latency.as_deref()), (Some("3.5.0"), Some("4ms")));
        assert!(due(&lost, &back, Some(at(4)), at(5)), "recovery is told at once");
    }

    #[test]
    fn latency_alone_is_written_when_it_moved_by_more_than_half_and_once_a_minute() {
        let steady = answered(&MetricSourceStatus::default(), 100, 0);
        for (name, millis, second, written) in [
            ("a third more", 130, 300, false),
            ("twice as much, too soon", 200, 59, false),
            ("twice as much", 200, 60, true),
            ("a third of it", 30, 60, true),
        ] {
            let new = answered(&steady, millis, second);
            assert_eq!(due(&steady, &new, Some(at(0)), at(second)), written, "{name}");
        }
        let quick = answered(&MetricSourceStatus::default(), 1, 0);
        assert!(!due(&quick, &answered(&quick, 9, 600), Some(at(0)), at(600)), "1ms and 9ms");
    }

    #[test]
    fn a_source_with_an_invalid_spec_is_stalled() {
        let mut issues = Issues::default();
        issues.add("spec.prometheus.url", "write a base URL");
        let status = invalid(&MetricSourceStatus::default(), &issues, 2, at(0));
        let stalled = find(&status.conditions, ConditionKind::Stalled).unwrap();
        assert_eq!(stalled.message, "spec.prometheus.url: write a base URL");
    }
}
