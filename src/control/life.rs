//! What a running leader holds of each objective between passes.

use jiff::{SignedDuration, Timestamp};

use crate::api::v1alpha1::{ObjectiveStatus, restore};
use crate::model::Memory;
use crate::report::quiet::{Cause, Quiet};

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
}

impl Life {
    /// Takes an objective up where its status left it.
    pub fn begin(status: Option<ObjectiveStatus>) -> Self {
        let written = status.unwrap_or_default();
        let memory = restore(&written);
        Self { memory: memory.clone(), written, written_memory: memory, ..Self::default() }
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
