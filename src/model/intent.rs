//! What the owner wants, after validation: no `Option` means "unset", no string means a number.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::mapping::Mapping;
use super::policy::Policy;

/// Names one object in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// One objective as its owner means it.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Which objective.
    pub id: ObjectId,
    /// The generation of the spec this was made from.
    pub generation: i64,
    /// Nothing is measured and nothing changed.
    pub suspend: bool,
    /// How often a pass is made.
    pub interval: SignedDuration,
    /// Whose days and weeks the demand follows.
    pub zone: TimeZone,
    /// Which source to ask; `None` is the default source.
    pub source: Option<SourceRef>,
    /// The KPI.
    pub indicator: Indicator,
    /// What the KPI must be.
    pub goal: Goal,
    /// Which workloads carry it.
    pub mappings: Vec<Mapping>,
    /// How far bizops may go.
    pub policy: Policy,
    /// The token of the re-measure annotation, if there is one.
    pub measure_token: Option<String>,
}

/// A reference to a metric source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceRef {
    /// A `MetricSource` of the objective's own namespace.
    Namespaced(String),
    /// A `ClusterMetricSource`.
    Cluster(String),
}

impl fmt::Display for SourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespaced(name) => write!(f, "MetricSource {name}"),
            Self::Cluster(name) => write!(f, "ClusterMetricSource {name}"),
        }
    }
}

/// The KPI: one number with a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Indicator {
    /// `PromQL` that gives one number.
    pub query: String,
    /// What the number counts, e.g. `orders/h`.
    pub unit: String,
    /// What an empty result means.
    pub when_empty: WhenEmpty,
}

/// What an empty result of the indicator means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenEmpty {
    /// Nothing is known.
    Unknown,
    /// The number is 0.
    Zero,
}

/// What the indicator must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Goal {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// Within these, both included.
    Between {
        /// Lower end.
        min: f64,
        /// Upper end.
        max: f64,
    },
    /// Grown by a share of the baseline, at once or by a date.
    GrowBy {
        /// 0.5 is +50 %.
        share: f64,
        /// Until when; `None` is at once.
        by: Option<Timestamp>,
        /// What it is relative to.
        baseline: BaselineSpec,
    },
}

/// Where a relative goal's baseline comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum BaselineSpec {
    /// Given by the owner.
    Value(f64),
    /// The indicator's average over the window before it is first measured, then frozen.
    Measured {
        /// The window.
        window: SignedDuration,
    },
}
