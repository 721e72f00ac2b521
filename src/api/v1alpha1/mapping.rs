//! Demand × capacity model × target: "this goal is carried by that workload".

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::{PositiveQuantity, Quantity, Share, Span};

/// One workload that carries the goal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.actuator != 'HpaFloor' || self.bounds.min >= 1")
        .message("a HorizontalPodAutoscaler's floor is at least 1: write bounds.min: 1 or more"),
    validation = Rule::new("!has(self.unserved) || !has(self.worth)")
        .message("unserved and worth both set the reserve: write one of them"),
    validation = Rule::new("!(has(self.unserved) || has(self.worth)) || self.capacity.headroom == '0%'")
        .message("the forecast sets the reserve where unserved or worth is written: leave capacity.headroom out"),
    validation = Rule::new("!has(self.worth) || has(self.cost) && self.cost.perReplicaHour.currency == self.worth.currency")
        .message("worth needs the cost of a replica in the same currency: write cost.perReplicaHour")
)]
pub struct MappingSpec {
    /// A name for the mapping, unique in the objective, e.g. `web`.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')").message("write a name of small letters, digits and dashes, such as web"))]
    pub name: String,
    /// What the workload is asked to do.
    pub demand: DemandSpec,
    /// What is scaled; always in the objective's own namespace.
    pub target: TargetSpec,
    /// How many replicas a demand needs.
    pub capacity: CapacitySpec,
    /// The least and the most replicas.
    pub bounds: BoundsSpec,
    /// How the target is changed: Scale sets its replicas; HpaFloor raises minReplicas of the
    /// HorizontalPodAutoscaler that scales it, never its maxReplicas.
    #[serde(default)]
    pub actuator: ActuatorSpec,
    /// What the target costs; shown beside every decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostSpec>,
    /// The share of the demand that may meet no capacity, over a rolling window of ten days, from 0.01% to 20%,
    /// e.g. 0.3%: the forecast sets the reserve, so that no headroom has to be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unserved: Option<Share>,
    /// What one unit of demand is worth, e.g. one request: with cost.perReplicaHour it decides which replica pays
    /// for itself, and the forecast sets the reserve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<MoneySpec>,
    /// What is lost for want of capacity, measured; without it the loss is modelled from demand and ready replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<LostSpec>,
    /// Measurements that add capacity step by step while they are out of bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub trim: Vec<TrimSpec>,
}

/// What is lost for want of capacity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LostSpec {
    /// PromQL that gives the lost demand in the unit of the demand, e.g.
    /// `sum(rate(http_requests_total{app="web",code="503"}[1m]))`.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
}

/// A measurement and the bound it is to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.atMost) != has(self.atLeast)").message("write exactly one of atMost and atLeast")
)]
pub struct TrimSpec {
    /// PromQL that gives one number, e.g. the 95th percentile of the latency in seconds.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
    /// While the number is above this, capacity is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Quantity>,
    /// While the number is below this, capacity is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Quantity>,
}

/// What a workload is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DemandSpec {
    /// PromQL that gives one number, e.g. `sum(rate(http_requests_total{app="web"}[1m]))`. An empty result is
    /// never read as zero.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
    /// What the number counts, e.g. `requests/s`.
    #[schemars(length(min = 1, max = 32))]
    pub unit: String,
}

/// An object with a scale subresource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.kind != 'HorizontalPodAutoscaler'")
        .message("name the workload the autoscaler scales and write actuator: HpaFloor")
)]
pub struct TargetSpec {
    /// The API version, e.g. `apps/v1`.
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^([a-z0-9.-]+/)?v[a-z0-9]+$')").message("write group/version, such as apps/v1"))]
    pub api_version: String,
    /// The kind, e.g. `Deployment`.
    #[schemars(length(max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Z][A-Za-z0-9]*$')").message("write a kind with a capital letter, such as Deployment"))]
    pub kind: String,
    /// The object's name.
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')").message("write the name of an object in this namespace, such as web"))]
    pub name: String,
}

/// How many replicas a demand needs: exactly one of perReplica, proportional, steps and learned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.perReplica), has(self.proportional), has(self.steps), has(self.learned)].filter(x, x).size() == 1")
        .message("write exactly one of perReplica, proportional, steps and learned")
)]
pub struct CapacitySpec {
    /// One replica carries this much demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_replica: Option<PositiveQuantity>,
    /// Capacity grows with demand from a reference point: with elasticity 1, 50 % more demand needs 50 % more
    /// replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proportional: Option<ProportionalSpec>,
    /// From each demand on, so many replicas; ascending, the first at demand 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub steps: Option<Vec<StepSpec>>,
    /// What one replica carries is learned: the demand per ready replica at which a signal reaches its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<LearnedSpec>,
    /// Capacity kept above the demand, as a share of the demand, e.g. 20%.
    #[serde(default = "no_share")]
    pub headroom: Share,
    /// How long a new replica takes until it serves, e.g. 60s. No replica is taken away within this time of
    /// adding one: those that start cannot be judged yet.
    #[serde(default = "no_time")]
    pub startup: Span,
}

/// A reference point and an elasticity. The point is given (demand and replicas) or measured (baseline).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.baseline) ? !has(self.demand) && !has(self.replicas) : has(self.demand) && has(self.replicas)")
        .message("write demand and replicas, or baseline alone")
)]
pub struct ProportionalSpec {
    /// This demand …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<PositiveQuantity>,
    /// … is carried by so many replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub replicas: Option<i32>,
    /// Measure the point: the average demand over the window and the replicas at that moment, once there are samples
    /// for half of it, frozen in status; the annotation bizops.dev/measure-baseline measures it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<ReferenceBaseline>,
    /// How much capacity one share of demand needs: 1 (the default) = 50 % more demand needs 50 % more
    /// replicas; "0.8" = 50 % more demand needs 38.3 % more replicas (1.5^0.8 − 1). At most 3.
    #[serde(default = "one")]
    pub elasticity: PositiveQuantity,
}

/// How a reference point is measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceBaseline {
    /// The demand's average over this window counts, e.g. 28d.
    pub window: Span,
}

/// What one replica carries while a signal stays within its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LearnedSpec {
    /// The signal that rises when replicas are asked too much: a latency, the age of a queue, CPU.
    pub signal: DemandSpec,
    /// What the signal may be at most, in its unit, e.g. "0.5".
    pub limit: PositiveQuantity,
    /// What one replica is taken to carry until enough is known.
    pub initial_per_replica: PositiveQuantity,
}

/// From this demand on, so many replicas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepSpec {
    /// From this demand on …
    pub demand: Quantity,
    /// … so many replicas.
    #[schemars(range(min = 0, max = 100_000))]
    pub replicas: i32,
}

/// The least and the most replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("self.min <= self.max").message("min is above max: write a max that is at least min"))]
pub struct BoundsSpec {
    /// Never fewer; 0 lets the workload go to zero while there is no demand.
    #[serde(default = "one_replica")]
    #[schemars(range(min = 0, max = 100_000))]
    pub min: i32,
    /// Never more.
    #[schemars(range(min = 1, max = 100_000))]
    pub max: i32,
}

/// How a target is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum ActuatorSpec {
    /// Its replicas are set through the scale subresource.
    #[default]
    Scale,
    /// The minReplicas of its HorizontalPodAutoscaler are set.
    HpaFloor,
}

/// What a target costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CostSpec {
    /// One replica for one hour.
    pub per_replica_hour: MoneySpec,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct MoneySpec {
    /// How much, e.g. "0.12".
    pub amount: Quantity,
    /// The currency's ISO 4217 code, e.g. USD.
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Z]{3}$')").message("write a currency's three-letter code, such as USD or EUR"))]
    pub currency: String,
}

fn one() -> PositiveQuantity {
    PositiveQuantity("1".to_owned())
}

fn one_replica() -> i32 {
    1
}

fn no_share() -> Share {
    Share::from("0%")
}

fn no_time() -> Span {
    Span::from("0s")
}
