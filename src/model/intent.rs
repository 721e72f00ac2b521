//! What the owner wants, after validation: no `Option` means "unset", no string means a number.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::units::{Money, Replicas};

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

/// Demand × capacity model × target.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// Its name, unique in the objective.
    pub name: String,
    /// What the workload is asked to do.
    pub demand: DemandQuery,
    /// What is scaled.
    pub target: TargetRef,
    /// Demand → replicas.
    pub capacity: CapacityModel,
    /// Capacity kept above the demand, as a share of the demand (0.2 is 20 %).
    pub headroom: f64,
    /// How long a new replica takes until it serves.
    pub startup: SignedDuration,
    /// The least and the most replicas.
    pub bounds: Bounds,
    /// How the target is changed.
    pub actuator: ActuatorKind,
    /// What one replica costs per hour.
    pub cost: Option<Money>,
}

/// A demand query and its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemandQuery {
    /// `PromQL` that gives one number.
    pub query: String,
    /// What the number counts, e.g. `requests/s`.
    pub unit: String,
}

/// The object whose replicas are changed; always in the objective's own namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetRef {
    /// e.g. `apps/v1`.
    pub api_version: String,
    /// e.g. `Deployment`.
    pub kind: String,
    /// The object's name.
    pub name: String,
}

impl TargetRef {
    /// The API group without the version; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }
}

impl fmt::Display for TargetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Demand → replicas.
#[derive(Debug, Clone, PartialEq)]
pub enum CapacityModel {
    /// One replica carries this much demand.
    PerReplica(f64),
    /// A reference point and an elasticity.
    Proportional {
        /// The demand that so many replicas carry.
        reference: Reference,
        /// How much capacity one share of demand needs; 1 = "+50 % demand needs +50 % capacity".
        elasticity: f64,
    },
    /// From each demand on, so many replicas; ascending, the first at 0.
    Steps(Vec<StepPoint>),
}

/// The reference point of a proportional model.
#[derive(Debug, Clone, PartialEq)]
pub enum Reference {
    /// Given by the owner.
    Given {
        /// This demand …
        demand: f64,
        /// … is carried by so many replicas.
        replicas: Replicas,
    },
    /// Average demand over the window and the replicas at that moment, measured once and frozen in status.
    Measured {
        /// The window.
        window: SignedDuration,
    },
}

/// One step of a step model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepPoint {
    /// From this demand on …
    pub demand: f64,
    /// … so many replicas.
    pub replicas: Replicas,
}

/// The least and the most replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Never fewer.
    pub min: Replicas,
    /// Never more.
    pub max: Replicas,
}

impl Bounds {
    /// The nearest number within the bounds.
    pub fn clamp(self, wish: Replicas) -> Replicas {
        wish.max(self.min).min(self.max)
    }
}

/// How a target is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActuatorKind {
    /// The replicas of the scale subresource.
    Scale,
    /// The `minReplicas` of the `HorizontalPodAutoscaler` that scales the target.
    HpaFloor,
}

/// How far bizops may go in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autonomy {
    /// Say what would be done; change nothing.
    Observe,
    /// Do it.
    Enforce,
}

/// How far bizops may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Autonomy for more replicas.
    pub up: Autonomy,
    /// Autonomy for fewer replicas.
    pub down: Autonomy,
    /// Demand may exceed capacity by this share before replicas are added.
    pub up_tolerance: f64,
    /// Demand must have needed fewer replicas for this long.
    pub down_window: SignedDuration,
    /// Demand must lie below what the fewer replicas carry by this share.
    pub down_tolerance: f64,
    /// The most that is taken away at once, as a share of the current replicas.
    pub down_max_step: f64,
    /// What to do when a demand is not known.
    pub metric_loss: MetricLoss,
    /// When nothing may change.
    pub freezes: Vec<Freeze>,
}

/// What to do when a demand is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricLoss {
    /// How long to hold whatever runs.
    pub hold: SignedDuration,
    /// And then.
    pub then: WhenLost,
}

/// What follows when a demand stays unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenLost {
    /// Go on holding.
    Hold,
    /// At least the reference point's replicas.
    Baseline,
    /// `bounds.max`.
    Max,
}

/// A window in which nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// From, included.
    pub from: Timestamp,
    /// To, excluded.
    pub to: Timestamp,
    /// Why, in the owner's words.
    pub reason: String,
}
