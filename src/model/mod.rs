//! The words of the domain as plain values, unversioned and without any I/O.
//!
//! Every other room speaks in these types; this one knows no other room.

mod closed_list;
mod condition;
mod fault;
mod history;
mod intent;
mod learned;
mod mapping;
mod outlook;
mod permission;
mod policy;
mod reason;
mod sample;
#[cfg(test)]
pub(crate) mod scenario;
mod snapshot;
mod source;
mod units;
mod verdict;

pub use condition::{ConditionKind, ConditionReason, EventReason};
pub use fault::{Fault, Retry};
pub use history::{History, HistoryEnd};
pub use intent::{BaselineSpec, Goal, Indicator, Intent, ObjectId, SourceRef, WhenEmpty};
pub use learned::{Bin, Learned, Slower};
pub use mapping::{
    ActuatorKind, Bounds, CapacityModel, DemandQuery, LearnedModel, Mapping, Reference, Reserve, StepPoint,
    TargetRef, Trim, TrimBound,
};
pub use outlook::{Foreseen, GoalOutlook, MissAhead, Outlook, Priced, Unserved};
pub use permission::{Permission, Reach};
pub use policy::{Autonomy, ForecastPolicy, Freeze, MetricLoss, Policy, WhenLost};
pub use reason::{Reason, ReasonCode, figure, span};
pub use sample::{Sample, SourceFault};
pub use snapshot::{HpaState, MappingFacts, Snapshot, TargetFault, TargetState, Workload};
pub use source::{Credentials, SourceLimits, SourceSpec};
pub use units::{Money, Replicas, share_text};
pub use verdict::{
    Basis, Claim, Decision, Findings, FrozenReference, FrozenValue, GoalState, Hold, MappingMemory, Memory,
    Need, Outcome, Plan, Step, StepOutcome, Trimmed,
};
