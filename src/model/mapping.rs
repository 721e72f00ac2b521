//! Which workload carries a goal, and how: demand, capacity model, reserve, target.

use std::fmt;

use jiff::SignedDuration;

use super::units::{Money, Replicas};

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
    /// How much capacity is kept above the demand.
    pub reserve: Reserve,
    /// How long a new replica takes until it serves.
    pub startup: SignedDuration,
    /// The least and the most replicas.
    pub bounds: Bounds,
    /// How the target is changed.
    pub actuator: ActuatorKind,
    /// What one replica costs per hour.
    pub cost: Option<Money>,
    /// `PromQL` that gives the demand that met no capacity, in the unit of the demand.
    pub lost: Option<String>,
    /// Measurements that add capacity while they are out of bounds.
    pub trims: Vec<Trim>,
}

/// How much capacity is kept above the demand.
#[derive(Debug, Clone, PartialEq)]
pub enum Reserve {
    /// A fixed share of the demand (0.2 is 20 %).
    Headroom(f64),
    /// As much as loses at most this share of the demand.
    Unserved(f64),
    /// As much as pays for itself: what one unit of demand is worth, against what a replica costs.
    Worth(Money),
    /// Every replica that is expected to save this much demand, in units of what one replica carries.
    Price(f64),
    /// As much as covers this quantile of the demand.
    Quantile(f64),
}

impl Reserve {
    /// What a reserve set by a forecast is without one: a replica is used to 70 %, as an autoscaler's usual target.
    pub const WITHOUT_FORECAST: f64 = 1.0 / 0.7 - 1.0;

    /// The headroom kept while no forecast decides.
    pub fn headroom(&self) -> f64 {
        match self {
            Self::Headroom(share) => *share,
            Self::Unserved(_) | Self::Worth(_) | Self::Price(_) | Self::Quantile(_) => Self::WITHOUT_FORECAST,
        }
    }

    /// Whether the forecast sets it.
    pub fn is_forecast(&self) -> bool {
        !matches!(self, Self::Headroom(_))
    }
}

/// A measurement and the bound it is to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Trim {
    /// `PromQL` that gives one number.
    pub query: String,
    /// The bound.
    pub bound: TrimBound,
}

/// The bound of a trim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TrimBound {
    /// Not above this.
    AtMost(f64),
    /// Not below this.
    AtLeast(f64),
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
    /// What one replica carries is learned from a signal.
    Learned(LearnedModel),
}

/// What one replica carries while a signal stays within its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedModel {
    /// The signal.
    pub signal: DemandQuery,
    /// What it may be at most.
    pub limit: f64,
    /// What one replica is taken to carry until enough is known.
    pub initial: f64,
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
