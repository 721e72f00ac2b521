//! How far bizops may go.

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::{Share, Span};

/// How far bizops may go. Everything has a default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// Autonomy, per direction.
    #[serde(default)]
    pub autonomy: AutonomySpec,
    /// Looking ahead.
    #[serde(default)]
    pub forecast: ForecastSpec,
    /// When replicas are added.
    #[serde(default)]
    pub scale_up: ScaleUpSpec,
    /// When replicas are taken away.
    #[serde(default)]
    pub scale_down: ScaleDownSpec,
    /// What to do while a demand is not known. It never lowers capacity.
    #[serde(default)]
    pub on_metric_loss: MetricLossSpec,
    /// Windows in which nothing is changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub freeze: Vec<FreezeSpec>,
}

/// Autonomy, per direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AutonomySpec {
    /// For more replicas: Enforce or Observe.
    #[serde(default)]
    pub up: AutonomyLevel,
    /// For fewer replicas: Enforce or Observe.
    #[serde(default)]
    pub down: AutonomyLevel,
}

/// How far bizops may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum AutonomyLevel {
    /// Say what would be done; change nothing.
    Observe,
    /// Do it.
    #[default]
    Enforce,
}

/// Looking ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ForecastSpec {
    /// Auto uses a forecast while it proves better than the last value; Disabled decides from what is observed alone.
    #[serde(default)]
    pub mode: ForecastMode,
    /// How much history is read from the metric source after a start, from 1h to 28d.
    #[serde(default = "two_weeks")]
    pub history: Span,
    /// How far ahead a miss of the goal is looked for, from 1h to 24h.
    #[serde(default = "a_day")]
    pub horizon: Span,
}

impl Default for ForecastSpec {
    fn default() -> Self {
        Self { mode: ForecastMode::Auto, history: two_weeks(), horizon: a_day() }
    }
}

/// Whether a forecast is used. `Off` would be the shorter word, but YAML 1.1, which kubectl reads, takes it for false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum ForecastMode {
    /// While it proves better than the last value.
    #[default]
    Auto,
    /// Never.
    Disabled,
}

/// When replicas are added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ScaleUpSpec {
    /// Demand may exceed what the replicas carry by this share before some are added.
    #[serde(default = "five_percent")]
    pub tolerance: Share,
}

impl Default for ScaleUpSpec {
    fn default() -> Self {
        Self { tolerance: five_percent() }
    }
}

/// When replicas are taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleDownSpec {
    /// Replicas are taken away only down to the most that was needed within this window; at most 24h. Left out it
    /// is 5m; where a forecast sets the reserve, left out it is none: the forecast says how far down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
    /// Demand must lie below what the fewer replicas carry by this share.
    #[serde(default = "five_percent")]
    pub tolerance: Share,
    /// At most this share of the replicas is taken away at once; the next step follows after another window.
    #[serde(default = "half")]
    pub max_step: Share,
}

impl Default for ScaleDownSpec {
    fn default() -> Self {
        Self { window: None, tolerance: five_percent(), max_step: half() }
    }
}

/// What to do while a demand is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct MetricLossSpec {
    /// Hold what runs for this long …
    #[serde(default = "quarter_of_an_hour")]
    pub hold: Span,
    /// … and then: Hold goes on holding, Baseline raises to the proportional model's reference replicas, Max
    /// raises to bounds.max.
    #[serde(default)]
    pub then: WhenLostSpec,
}

impl Default for MetricLossSpec {
    fn default() -> Self {
        Self { hold: quarter_of_an_hour(), then: WhenLostSpec::Hold }
    }
}

/// What follows when a demand stays unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum WhenLostSpec {
    /// Go on holding.
    #[default]
    Hold,
    /// At least the reference point's replicas.
    Baseline,
    /// As many as bounds.max.
    Max,
}

/// A window in which nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("timestamp(self.from) < timestamp(self.to)").message("the freeze ends before it starts: write a to that is later than from"))]
pub struct FreezeSpec {
    /// From, included, e.g. 2026-12-24T00:00:00Z.
    #[schemars(with = "String", extend("format" = "date-time"), length(max = 40))]
    pub from: Timestamp,
    /// To, excluded, e.g. 2026-12-27T00:00:00Z.
    #[schemars(with = "String", extend("format" = "date-time"), length(max = 40))]
    pub to: Timestamp,
    /// Why; shown wherever the freeze holds something back.
    #[schemars(length(min = 1, max = 200))]
    pub reason: String,
}

fn five_percent() -> Share {
    Share::from("5%")
}

fn half() -> Share {
    Share::from("50%")
}

fn two_weeks() -> Span {
    Span::from("14d")
}

fn a_day() -> Span {
    Span::from("24h")
}

fn quarter_of_an_hour() -> Span {
    Span::from("15m")
}
