//! The KPI and what it must be.

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::{PositiveQuantity, Quantity, Share, Span};

/// The KPI: one number with a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndicatorSpec {
    /// PromQL that gives one number, e.g. `sum(rate(orders_completed_total[5m])) * 3600`.
    #[schemars(length(min = 1, max = 4096))]
    pub query: String,
    /// What the number counts, e.g. `orders/h`; shown wherever the number is.
    #[schemars(length(min = 1, max = 32))]
    pub unit: String,
    /// What an empty result means: Unknown (nothing is known) or Zero (the number is 0).
    #[serde(default)]
    pub when_empty: WhenEmptySpec,
}

/// What an empty result means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum WhenEmptySpec {
    /// Nothing is known.
    #[default]
    Unknown,
    /// The number is 0.
    Zero,
}

/// What the indicator must be: exactly one of atLeast, atMost, between and growBy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.atLeast), has(self.atMost), has(self.between), has(self.growBy)].filter(x, x).size() == 1")
        .message("write exactly one of atLeast, atMost, between and growBy"),
    validation = Rule::new("!has(self.by) || has(self.growBy)").message("by belongs to growBy: write growBy, or leave by out"),
    validation = Rule::new("!has(self.growBy) || has(self.baseline)")
        .message("growBy needs a baseline: write baseline {value: 800} or baseline {window: 28d}"),
    validation = Rule::new("!has(self.baseline) || has(self.growBy)").message("baseline belongs to growBy: write growBy, or leave baseline out")
)]
pub struct GoalSpec {
    /// At least this much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<PositiveQuantity>,
    /// At most this much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Quantity>,
    /// Within a range, both ends included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<BetweenGoal>,
    /// Grown by this share of the baseline, e.g. 50%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grow_by: Option<Share>,
    /// The date of a growBy goal, e.g. 2026-12-31T00:00:00Z. Until then the goal rises in a straight line from
    /// the baseline. Without a date the growth is asked for at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub by: Option<Timestamp>,
    /// What growBy is relative to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

/// A range, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BetweenGoal {
    /// The lower end; above zero.
    pub min: PositiveQuantity,
    /// The upper end; above the lower.
    pub max: PositiveQuantity,
}

/// What a relative goal stands on: exactly one of value and window.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("has(self.value) != has(self.window)").message("write exactly one of value and window"))]
pub struct Baseline {
    /// A known number, in the indicator's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<PositiveQuantity>,
    /// The indicator's average over this window, measured once there are samples for half of it, and frozen in
    /// status.baseline; the annotation bizops.dev/measure-baseline measures it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Span>,
}
