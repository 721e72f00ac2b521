//! The Objective kind.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::goal::{GoalSpec, IndicatorSpec};
use super::mapping::MappingSpec;
use super::policy::PolicySpec;
use super::scalar::Span;
use super::status::ObjectiveStatus;

/// What a business wants from a KPI, and how IT carries it.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bizops.dev",
    version = "v1alpha1",
    kind = "Objective",
    namespaced,
    shortname = "obj",
    category = "bizops",
    status = "ObjectiveStatus",
    derive = "PartialEq",
    doc = "A goal on a KPI and the workloads that carry it: bizops measures the KPI, keeps the capacity right and says why.",
    printcolumn(name = "Indicator", type_ = "string", json_path = ".status.indicator.display"),
    printcolumn(name = "Goal", type_ = "string", json_path = ".status.indicator.goalDisplay"),
    printcolumn(name = "Attainment", type_ = "string", json_path = ".status.indicator.attainment"),
    printcolumn(name = "Met", type_ = "string", json_path = ".status.conditions[?(@.type==\"Met\")].status"),
    printcolumn(
        name = "Replicas",
        type_ = "string",
        json_path = ".status.replicas",
        description = "now → wanted, per mapping"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Summary", type_ = "string", json_path = ".status.summary", priority = 1)
)]
#[x_kube(
    validation = Rule::new("!has(self.policy) || !has(self.policy.onMetricLoss) || self.policy.onMetricLoss.then != 'Baseline' || !has(self.mappings) || self.mappings.all(m, has(m.capacity.proportional))")
        .message("onMetricLoss.then: Baseline needs capacity.proportional in every mapping: write it, or choose Hold or Max")
)]
pub struct ObjectiveSpec {
    /// What the objective means to the business, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub description: String,
    /// Who answers for it; shown wherever the objective is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 128))]
    pub owner: String,
    /// The business service it belongs to; groups objectives in metrics.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 63))]
    pub service: String,
    /// Measure nothing and change nothing; what runs stays as it is.
    #[serde(default)]
    pub suspend: bool,
    /// How often the objective is looked at, from 1s to 1h.
    #[serde(default = "five_seconds")]
    #[schemars(with = "String", length(max = 24))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]{1,2}h)?([0-9]{1,4}m)?([0-9]{1,5}s)?$') && self != '' && duration(self) >= duration('1s') && duration(self) <= duration('1h')").message("write an interval in whole seconds from 1s to 1h, such as 5s or 1m"))]
    pub interval: Span,
    /// The time zone whose days and weeks the demand follows, an IANA name, e.g. Europe/Berlin.
    #[serde(default = "utc")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z][A-Za-z0-9_+/-]*$')").message("write an IANA time zone, such as Europe/Berlin or UTC"))]
    pub time_zone: String,
    /// The metric source to ask; may be left out when a default source exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<SourceRefSpec>,
    /// The KPI.
    pub indicator: IndicatorSpec,
    /// What the KPI must be.
    pub goal: GoalSpec,
    /// The workloads that carry the goal; may be empty to measure only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub mappings: Vec<MappingSpec>,
    /// How far bizops may go.
    #[serde(default)]
    pub policy: PolicySpec,
}

/// Names a metric source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceRefSpec {
    /// MetricSource (of the objective's namespace) or ClusterMetricSource.
    #[serde(default)]
    pub kind: SourceKind,
    /// The source's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// The two kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum SourceKind {
    /// Of the objective's own namespace.
    MetricSource,
    /// Of the whole cluster.
    #[default]
    ClusterMetricSource,
}

fn five_seconds() -> Span {
    Span::from("5s")
}

fn utc() -> String {
    "UTC".to_owned()
}
