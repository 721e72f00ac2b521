//! What an objective's status says.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::memory::MemoryStatus;

/// What bizops found, decided and did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectiveStatus {
    /// The generation of the spec this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready says whether the spec is accepted and reconciled; Met, MetricsAvailable, ScalingActive,
    /// ScalingLimited and Conflict say how things stand.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// One sentence a business owner understands.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The KPI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indicator: Option<IndicatorStatus>,
    /// What is known ahead of the goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<GoalForecastStatus>,
    /// The frozen baseline of a relative goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineStatus>,
    /// Replicas now → wanted, one entry per mapping.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub replicas: String,
    /// One entry per mapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub mappings: Vec<MappingStatus>,
    /// The last 20 changes, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub decisions: Vec<DecisionStatus>,
    /// What the next pass must know, so that a restart or a new leader forgets nothing. Written by bizops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryStatus>,
}

/// The KPI as last measured. Rewritten when a figure moves by more than a tenth, or with any other change.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndicatorStatus {
    /// The number, to four digits; absent while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its unit.
    pub unit: String,
    /// What the goal asks for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// Number and unit, for people.
    pub display: String,
    /// The goal, for people, e.g. `≥ 1000 orders/h`.
    pub goal_display: String,
    /// How far the indicator is towards its goal; 100% = met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attainment: Option<String>,
    /// When the newest sample behind the number was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub sampled_at: Option<Timestamp>,
}

/// A baseline, measured once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaselineStatus {
    /// The number, to full precision.
    pub value: String,
    /// When it was measured.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub measured_at: Timestamp,
}

/// How one mapping stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MappingStatus {
    /// The mapping's name.
    pub name: String,
    /// The target, e.g. `Deployment web`.
    pub target: String,
    /// The demand with its unit; absent while it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<String>,
    /// The demand with headroom, with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<String>,
    /// What runs now (for HpaFloor: the floor that is set).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<i32>,
    /// What the demand needs, before any guard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<i32>,
    /// What is wanted after the guards.
    pub desired: i32,
    /// The guard that decides at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<String>,
    /// Why, in the order things happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub reasons: Vec<ReasonStatus>,
    /// What one replica carries, where that is learned: the demand, and the range it lies in 19 of 20 times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_replica: Option<String>,
    /// When bizops last changed the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_scale_at: Option<Timestamp>,
    /// What the replicas that run cost per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_hour: Option<String>,
    /// What is known ahead of the demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ForecastStatus>,
    /// The measured reference point of a proportional model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceStatus>,
}

/// What is known ahead of the goal. Rewritten along with other changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GoalForecastStatus {
    /// How likely the goal is missed within the horizon.
    pub probability: String,
    /// When the miss is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub miss_at: Option<Timestamp>,
    /// How far the indicator is expected to be beyond its goal then, with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<String>,
    /// How far ahead was looked.
    pub horizon: String,
    /// By how much the forecast beat the last value lately.
    pub skill: String,
}

/// What is known ahead of a demand. Rewritten along with other changes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForecastStatus {
    /// How far ahead: when a replica ordered now can serve.
    pub horizon: String,
    /// The demand expected then, with its unit.
    pub expected: String,
    /// The demand that is exceeded in one case of twenty, with its unit.
    pub upper: String,
    /// By how much the forecast beat the last value lately; 20% is an error smaller by a fifth.
    pub skill: String,
    /// How often the demand lay below the quantiles .5, .9 and .99 that were foreseen.
    pub coverage: String,
    /// The demand a replica must be expected to save, with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// The share of demand that met no capacity lately, and whether it was measured or modelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unserved: Option<String>,
}

/// One reason: a word from a closed list, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonStatus {
    /// The word.
    pub code: String,
    /// The sentence.
    pub message: String,
}

/// A reference point, measured once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferenceStatus {
    /// The average demand, to full precision.
    pub demand: String,
    /// The replicas at that moment.
    pub replicas: i32,
    /// When it was measured.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub measured_at: Timestamp,
}

/// One change bizops made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionStatus {
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// For which mapping.
    pub mapping: String,
    /// Of which target.
    pub target: String,
    /// From so many replicas …
    pub from: i32,
    /// … to so many.
    pub to: i32,
    /// What became of it.
    pub outcome: DecisionOutcome,
    /// Why.
    pub reasons: Vec<ReasonStatus>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DecisionOutcome {
    /// It is being carried out; written before the change, so that no change goes unrecorded.
    Pending,
    /// It was carried out.
    Done,
    /// Somebody else changed the target first; it was decided anew.
    Superseded,
    /// It failed; the reason is in the conditions.
    Failed,
}
