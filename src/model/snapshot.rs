//! Everything one decision may look at, as of one moment.

use std::fmt;

use jiff::Timestamp;

use super::condition::ConditionReason;
use super::outlook::{GoalOutlook, Outlook};
use super::sample::Sample;
use super::units::Replicas;

/// The facts of one objective at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The moment.
    pub at: Timestamp,
    /// The indicator.
    pub indicator: Sample,
    /// The indicator's average over the baseline window; asked only while it is not frozen.
    pub indicator_baseline: Option<Sample>,
    /// What is known ahead of the goal.
    pub outlook: GoalOutlook,
    /// One entry per mapping, in the order of the intent.
    pub mappings: Vec<MappingFacts>,
}

/// The facts of one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingFacts {
    /// The demand.
    pub demand: Sample,
    /// The demand's average over the reference window; asked only while it is not frozen.
    pub reference: Option<Sample>,
    /// What runs.
    pub target: TargetState,
    /// The demand that met no capacity, where a query says so.
    pub lost: Option<Sample>,
    /// The signal of a learned capacity.
    pub signal: Option<Sample>,
    /// The measurements that trim, in the order of the mapping.
    pub trims: Vec<Sample>,
    /// What is known ahead.
    pub outlook: Outlook,
}

impl MappingFacts {
    /// The facts of a mapping with a demand and a target, and nothing else.
    pub fn new(demand: Sample, target: TargetState) -> Self {
        Self {
            demand,
            reference: None,
            target,
            lost: None,
            signal: None,
            trims: Vec::new(),
            outlook: Outlook::Off,
        }
    }
}

/// The target's state as read from the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetState {
    /// It exists and can be scaled.
    Known(Workload),
    /// It cannot be used, and why.
    Unknown(TargetFault),
}

/// A workload with a scale subresource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// `spec.replicas` of its scale.
    pub replicas: Replicas,
    /// `status.replicas` of its scale: how many exist, ready or not.
    pub existing: Replicas,
    /// How many are ready to serve; `None` where the kind does not say.
    pub ready: Option<Replicas>,
    /// `resourceVersion` of the scale read; a write names it and fails if the object has changed since.
    pub version: String,
    /// Who last wrote the replicas, if somebody other than bizops did (the field manager's name).
    pub changed_by: Option<String>,
    /// The autoscaler that scales it, if there is one.
    pub hpa: Option<HpaState>,
}

/// A `HorizontalPodAutoscaler` that scales a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HpaState {
    /// Its name.
    pub name: String,
    /// Its floor; 1 when unset.
    pub min: Replicas,
    /// Its ceiling, which bizops never changes.
    pub max: Replicas,
    /// Its `resourceVersion`.
    pub version: String,
    /// Who last wrote the floor, if somebody other than bizops did (the field manager's name).
    pub changed_by: Option<String>,
}

/// Why a target cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetFault {
    /// The object is not there.
    NotFound,
    /// The kind is not served by the cluster.
    NoSuchKind,
    /// The kind has no scale subresource.
    NotScalable,
    /// Permission is missing; the API server's words.
    Forbidden {
        /// What was refused.
        detail: String,
    },
    /// The API server did not answer as it should.
    Unavailable {
        /// Its words.
        detail: String,
    },
}

impl TargetFault {
    /// The condition reason this fault appears under.
    pub fn reason(&self) -> ConditionReason {
        match self {
            Self::NotFound | Self::NoSuchKind => ConditionReason::TargetNotFound,
            Self::NotScalable => ConditionReason::TargetNotScalable,
            Self::Forbidden { .. } => ConditionReason::TargetForbidden,
            Self::Unavailable { .. } => ConditionReason::TargetUnavailable,
        }
    }
}

impl fmt::Display for TargetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => {
                f.write_str("does not exist in this namespace; create it or correct target.name")
            }
            Self::NoSuchKind => f.write_str(
                "is of a kind this cluster does not serve; correct target.apiVersion and target.kind",
            ),
            Self::NotScalable => {
                f.write_str("has no scale subresource; choose a kind that `kubectl scale` can scale")
            }
            Self::Forbidden { detail } => write!(
                f,
                "may not be read or scaled by bizops ({detail}); add its kind to scale.kinds of the chart, or its \
                 namespace to watchNamespaces"
            ),
            Self::Unavailable { detail } => {
                write!(f, "could not be read ({detail}); bizops tries again at the next pass")
            }
        }
    }
}
