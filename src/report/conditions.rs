//! How wanted conditions are merged into those that stand.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::text::cut;
use crate::model::{ConditionKind, ConditionReason};

/// A condition's message is cut to so many bytes; Kubernetes allows 32 KiB, a person reads less.
const LONGEST_MESSAGE: usize = 2048;

/// A condition's three values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown,
}

impl Truth {
    /// The word as Kubernetes writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One condition as it should read from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which condition.
    pub kind: ConditionKind,
    /// Its value.
    pub status: Truth,
    /// Why.
    pub reason: ConditionReason,
    /// Why in a sentence, and what to do.
    pub message: String,
}

impl Wanted {
    /// A condition with its value, reason and message.
    pub fn new(
        kind: ConditionKind,
        status: Truth,
        reason: ConditionReason,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, status, reason, message: message.into() }
    }
}

/// Whether a condition is shown only while it is True: for kstatus its absence is the normal state.
fn only_while_true(kind: ConditionKind) -> bool {
    matches!(kind, ConditionKind::Reconciling | ConditionKind::Stalled)
}

/// Merges what is wanted into what stands.
///
/// bizops' own conditions come first, in the order of [`ConditionKind::ALL`]; those of others follow untouched.
/// The transition time moves only with the status. Own conditions that are not wanted are taken away, except
/// `Ready`, which is always there exactly once.
pub fn merge(old: &[Condition], wanted: &[Wanted], generation: i64, now: Timestamp) -> Vec<Condition> {
    let standing = |kind: ConditionKind| old.iter().find(|condition| condition.type_ == kind.as_str());
    let mut merged: Vec<Condition> = Vec::with_capacity(old.len().max(wanted.len()));
    for kind in ConditionKind::ALL.iter().copied() {
        let found = wanted.iter().find(|wanted| wanted.kind == kind);
        match (found, standing(kind)) {
            (Some(wanted), before) if !only_while_true(kind) || wanted.status == Truth::True => {
                merged.push(condition(wanted, before, generation, now));
            }
            (None, before) if kind == ConditionKind::Ready => {
                merged.push(before.cloned().unwrap_or_else(|| {
                    let words = "the first pass is not finished; nothing to do";
                    let unknown = Wanted::new(kind, Truth::Unknown, ConditionReason::Progressing, words);
                    condition(&unknown, None, generation, now)
                }));
            }
            _ => {}
        }
    }
    let own = |condition: &&Condition| ConditionKind::ALL.iter().any(|kind| kind.as_str() == condition.type_);
    merged.extend(old.iter().filter(|condition| !own(condition)).cloned());
    merged
}

fn condition(wanted: &Wanted, before: Option<&Condition>, generation: i64, now: Timestamp) -> Condition {
    let since = before
        .filter(|before| before.status == wanted.status.as_str())
        .map_or_else(|| Time(whole_second(now)), |before| before.last_transition_time.clone());
    Condition {
        type_: wanted.kind.as_str().to_owned(),
        status: wanted.status.as_str().to_owned(),
        reason: wanted.reason.as_str().to_owned(),
        message: cut(&wanted.message, LONGEST_MESSAGE),
        observed_generation: Some(generation),
        last_transition_time: since,
    }
}

/// Kubernetes writes times of conditions to the second; what is read back must equal what was written.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// One of bizops' own conditions.
pub fn find(conditions: &[Condition], kind: ConditionKind) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == kind.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn ready(status: Truth, reason: ConditionReason) -> Wanted {
        Wanted::new(ConditionKind::Ready, status, reason, "words")
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let first = merge(&[], &[ready(Truth::True, ConditionReason::Reconciled)], 1, at(0));
        let same = merge(&first, &[ready(Truth::True, ConditionReason::Suspended)], 2, at(60));
        assert_eq!(same[0].last_transition_time, Time(at(0)));
        assert_eq!((same[0].reason.as_str(), same[0].observed_generation), ("Suspended", Some(2)));
        let other = merge(&same, &[ready(Truth::False, ConditionReason::InvalidSpec)], 2, at(120));
        assert_eq!(other[0].last_transition_time, Time(at(120)));
    }

    #[test]
    fn stalled_is_there_only_while_it_is_true() {
        let stalled =
            |status| Wanted::new(ConditionKind::Stalled, status, ConditionReason::InvalidSpec, "words");
        let bad = ready(Truth::False, ConditionReason::InvalidSpec);
        let with = merge(&[], &[bad.clone(), stalled(Truth::True)], 1, at(0));
        assert!(find(&with, ConditionKind::Stalled).is_some());
        assert!(find(&merge(&with, std::slice::from_ref(&bad), 1, at(1)), ConditionKind::Stalled).is_none());
        assert!(
            find(&merge(&with, &[bad, stalled(Truth::False)], 1, at(1)), ConditionKind::Stalled).is_none()
        );
    }

    fn anything_wanted() -> impl Strategy<Value = Vec<Wanted>> {
        let one = (
            proptest::sample::select(ConditionKind::ALL),
            proptest::sample::select(vec![Truth::True, Truth::False, Truth::Unknown]),
            proptest::sample::select(ConditionReason::ALL),
            "\\PC{0,40}",
        );
        proptest::collection::vec(one, 0..10)
            .prop_map(|all| all.into_iter().map(|(k, s, r, m)| Wanted::new(k, s, r, m)).collect())
    }

    proptest! {
        #[test]
        fn ready_is_there_exactly_once_and_foreign_conditions_are_kept(
            lives in proptest::collection::vec(anything_wanted(), 1..6)
        ) {
            let foreign = Condition {
                type_: "example.com/Checked".to_owned(), status: "True".to_owned(), reason: "Fine".to_owned(),
                message: String::new(), observed_generation: None, last_transition_time: Time(at(-5)),
            };
            let mut standing = vec![foreign.clone()];
            for (pass, wanted) in lives.iter().enumerate() {
                let pass = i64::try_from(pass).unwrap();
                let merged = merge(&standing, wanted, pass, at(pass));
                let ready = merged.iter().filter(|c| c.type_ == "Ready").count();
                prop_assert_eq!(ready, 1);
                prop_assert_eq!(merged.last(), Some(&foreign));
                let mut kinds: Vec<&str> = merged.iter().map(|c| c.type_.as_str()).collect();
                kinds.sort_unstable();
                kinds.dedup();
                prop_assert_eq!(kinds.len(), merged.len(), "a kind appears twice");
                for own in merged.iter().filter(|c| *c != &foreign) {
                    prop_assert!(own.observed_generation.is_some());
                    let before = standing.iter().find(|c| c.type_ == own.type_);
                    let moved = before.is_none_or(|b| b.last_transition_time != own.last_transition_time);
                    prop_assert_eq!(moved, before.is_none_or(|b| b.status != own.status));
                }
                prop_assert_eq!(merge(&merged, wanted, pass, at(pass + 100)), merged.clone());
                standing = merged;
            }
        }
    }
}
