//! What a running leader holds of each objective between passes.

use jiff::{SignedDuration, Timestamp};

use super::lookout::Lookout;
use super::prospect::Prospect;
use crate::api::v1alpha1::{ObjectiveStatus, restore};
use crate::engine;
use crate::model::{ConditionKind, Intent, Memory};
use crate::report::conditions::find;
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
    /// What is known ahead of the demands.
    pub lookout: Lookout,
    /// What is known ahead of the goal.
    pub prospect: Prospect,
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

    /// Takes over before the first pass of this process.
    pub fn resume(&mut self, intent: &Intent, at: Timestamp) {
        if !std::mem::replace(&mut self.resumed, true) {
            engine::take_over(intent, &mut self.memory, at);
        }
    }

    /// Whether the goal was last told to be at risk.
    pub fn was_at_risk(&self) -> bool {
        find(&self.written.conditions, ConditionKind::AtRisk).is_some_and(|risk| risk.status == "True")
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
