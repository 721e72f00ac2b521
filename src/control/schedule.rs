//! When each objective is looked at.
//!
//! Passes happen on whole seconds of the clock. Objectives of one namespace and interval share their seconds, so
//! that equal queries are asked once; namespaces are spread over the interval, so that sources see no bursts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{Intent, ObjectId};

/// Whether a pass of this interval falls on this second for this namespace.
pub fn falls_on(second: i64, interval: SignedDuration, namespace: &str) -> bool {
    let every = interval.as_secs().max(1);
    (second - phase(namespace)).rem_euclid(every) == 0
}

/// A name's shift against the clock: FNV-1a, which is the same on every machine and in every version.
fn phase(name: &str) -> i64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::try_from(hash >> 32).unwrap_or(0)
}

/// How long after a whole multiple of the interval something of this name happens: the passes of a namespace, the
/// look ahead of one objective.
pub fn offset(interval: SignedDuration, name: &str) -> SignedDuration {
    SignedDuration::from_secs(phase(name).rem_euclid(interval.as_secs().max(1)))
}

/// The next whole second after `now`.
pub fn next_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second() + 1).unwrap_or(now)
}

/// Objectives that are looked at together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who belongs to it, in the order of their names.
    pub members: Vec<ObjectId>,
    /// The shortest of their intervals.
    pub interval: SignedDuration,
}

impl Group {
    /// Whether a pass of the group falls on this second.
    pub fn falls_on(&self, second: i64) -> bool {
        self.members.first().is_some_and(|id| falls_on(second, self.interval, &id.namespace))
    }
}

/// Splits the objectives into groups: those that share a target, directly or through others, are looked at
/// together, so that a change of one target is decided once and for all of them.
pub fn partition(intents: &[&Intent]) -> Vec<Group> {
    let mut by_target: BTreeMap<(&str, &str, &str, &str), Vec<usize>> = BTreeMap::new();
    for (index, intent) in intents.iter().enumerate() {
        for mapping in &intent.mappings {
            let target = &mapping.target;
            let key =
                (intent.id.namespace.as_str(), target.group(), target.kind.as_str(), target.name.as_str());
            by_target.entry(key).or_default().push(index);
        }
    }
    let mut neighbours: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for sharers in by_target.values().filter(|sharers| sharers.len() > 1) {
        for one in sharers {
            neighbours.entry(*one).or_default().extend(sharers);
        }
    }
    let mut done = vec![false; intents.len()];
    let mut groups = Vec::new();
    for first in 0..intents.len() {
        let (mut open, mut members, mut interval) = (vec![first], Vec::new(), SignedDuration::MAX);
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut done[next], true) {
                members.push(intents[next].id.clone());
                interval = interval.min(intents[next].interval);
                open.extend(neighbours.get(&next).into_iter().flatten());
            }
        }
        if !members.is_empty() {
            members.sort();
            groups.push(Group { members, interval });
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interval_is_met_exactly_once_per_interval_and_namespace() {
        for interval in [1_i64, 5, 60, 3600] {
            for namespace in ["shop", "warehouse", "a"] {
                let hits = (1_000_000..1_000_000 + interval)
                    .filter(|second| falls_on(*second, SignedDuration::from_secs(interval), namespace))
                    .count();
                assert_eq!(hits, 1, "{namespace} every {interval}s");
                let every = SignedDuration::from_secs(interval);
                assert!(falls_on(
                    1_000_000 * interval + offset(every, namespace).as_secs(),
                    every,
                    namespace
                ));
            }
        }
    }

    #[test]
    fn namespaces_are_spread_over_the_interval() {
        let seconds: BTreeSet<i64> = (0..50)
            .filter_map(|n| (0..5).find(|s| falls_on(*s, SignedDuration::from_secs(5), &format!("team-{n}"))))
            .collect();
        assert_eq!(seconds.len(), 5);
    }

    #[test]
    fn objectives_that_share_a_target_are_one_group_at_the_shortest_interval() {
        let named = |name: &str, targets: &[&str], seconds: i64| {
            let mut intent = crate::engine::scenario::intent(name);
            intent.mappings = targets.iter().map(|target| crate::engine::scenario::mapping(target)).collect();
            intent.interval = SignedDuration::from_secs(seconds);
            intent
        };
        let intents = [
            named("a", &["web"], 5),
            named("b", &["payment"], 5),
            named("c", &["web", "worker"], 1),
            named("d", &["worker"], 60),
            named("e", &[], 5),
        ];
        let groups = partition(&intents.iter().collect::<Vec<_>>());
        let names: Vec<Vec<&str>> =
            groups.iter().map(|group| group.members.iter().map(|id| id.name.as_str()).collect()).collect();
        assert_eq!(names, [vec!["a", "c", "d"], vec!["b"], vec!["e"]]);
        assert_eq!(groups[0].interval, SignedDuration::from_secs(1));
    }
}
