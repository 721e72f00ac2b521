//! The words of the domain as plain values, unversioned and without any I/O.
//!
//! Every other room speaks in these types; this one knows no other room.

mod closed_list;
mod condition;
mod fault;
mod intent;
mod permission;
mod reason;
mod sample;
mod snapshot;
mod source;
mod units;
mod verdict;

pub use condition::{ConditionKind, ConditionReason, EventReason};
pub use fault::{Fault, Retry};
pub use intent::{
    ActuatorKind, Autonomy, BaselineSpec, Bounds, CapacityModel, DemandQuery, Freeze, Goal, Indicator,
    Intent, Mapping, MetricLoss, ObjectId, Policy, Reference, SourceRef, StepPoint, TargetRef, WhenEmpty,
    WhenLost,
};
pub use permission::{Permission, Reach};
pub use reason::{Reason, ReasonCode, figure, span};
pub use sample::{Sample, SourceFault};
pub use snapshot::{HpaState, MappingFacts, Snapshot, TargetFault, TargetState, Workload};
pub use source::{Credentials, SourceLimits, SourceSpec};
pub use units::{Money, Replicas, share_text};
pub use verdict::{
    Claim, Decision, Findings, FrozenReference, FrozenValue, GoalState, Hold, MappingMemory, Memory, Need,
    Outcome, Plan, Step, StepOutcome,
};
