//! What a running leader holds of each objective between passes.

use jiff::{SignedDuration, Timestamp};

use crate::api::v1alpha1::{ObjectiveStatus, restore};
use crate::model::{Intent, Memory};
use crate::report::quiet::{Cause, Quiet};
use crate::report::status::resume;

/// A baseline that could not be measured is tried again after this long: range queries are the dear ones.
const MEASURE_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// One objective in the hands of the leader.
///
/// Status is the only store: a life begins from it, and everything a later pass needs goes back into it.
#[derive(Debug, Default)]
pub struct Life {
    /// What the last pass left.
    pub memory: Memory,
    /// The status as last written.
    pub written: ObjectiveStatus,
    /// The memory in that status.
    pub written_memory: Memory,
    /// What keeps writes seldom.
    pub quiet: Quiet,
    /// Before this, baselines that are due are not tried again.
    pub measure_after: Option<Timestamp>,
    /// Whether this process has made a pass.
    pub resumed: bool,
}

impl Life {
    /// Takes an objective up where its status left it.
    pub fn begin(status: Option<ObjectiveStatus>) -> Self {
        let written = status.unwrap_or_default();
        Self { memory: resume(&written), written_memory: restore(&written), written, ..Self::default() }
    }

    /// Before the first pass of this process: what was needed last was needed until the process before ended, and
    /// may have been needed since.
    ///
    /// A need that goes on is not written again and again; what is written is when it began. Had it changed, that
    /// would have been written as soon as it mattered.
    pub fn resume(&mut self, intent: &Intent, at: Timestamp) {
        if std::mem::replace(&mut self.resumed, true) {
            return;
        }
        let window = intent.policy.down_window.max(intent.interval * 2);
        for mapping in &mut self.memory.mappings {
            // One that is older than the window is forgotten: then what runs counts as needed.
            if let Some(last) = mapping.needs.last_mut().filter(|last| last.at > at - window) {
                last.at = last.at.max(at);
            }
        }
    }

    /// Whether baselines that are due are to be measured in a pass at `at`.
    pub fn may_measure(&self, at: Timestamp) -> bool {
        self.measure_after.is_none_or(|after| at >= after)
    }

    /// Notes that a measurement was tried, and whether something is still due.
    pub fn measured(&mut self, at: Timestamp, still_due: bool) {
        self.measure_after = still_due.then(|| at + MEASURE_AGAIN);
    }

    /// Takes up a status that was written.
    pub fn wrote(&mut self, status: ObjectiveStatus, cause: Cause, at: Timestamp) {
        self.written_memory = restore(&status);
        self.written = status;
        self.quiet.written(cause, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::{Objective, intent};
    use crate::model::{MappingMemory, Need, Replicas};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn what_was_needed_last_was_needed_until_the_process_before_ended() {
        let object: Objective = serde_json::from_value(serde_json::json!({
            "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
            "metadata": {"name": "checkout", "namespace": "shop"},
            "spec": {"indicator": {"query": "x", "unit": "orders/h"}, "goal": {"atLeast": 1}}
        }))
        .unwrap();
        let intent = intent(&object).unwrap();
        let need = |second, replicas| Need { at: at(second), replicas: Replicas(replicas) };
        for (now, seconds) in [(200, [0, 200]), (301, [0, 301]), (400, [0, 90])] {
            let needs = vec![need(0, 12), need(90, 8)];
            let mapping = MappingMemory { name: "web".to_owned(), needs, ..MappingMemory::default() };
            let memory = Memory { mappings: vec![mapping], ..Memory::default() };
            let mut life = Life { memory, ..Life::default() };
            life.resume(&intent, at(now));
            life.resume(&intent, at(now + 5));
            let seen: Vec<Timestamp> = life.memory.mappings[0].needs.iter().map(|need| need.at).collect();
            assert_eq!(seen, seconds.map(at), "taken over at {now}");
        }
    }
}
