//! From what was written to what is meant: collects every issue with its field path.

use std::fmt;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use kube::core::ObjectMeta;

use super::goal::{Baseline, GoalSpec, WhenEmptySpec};
use super::objective::{Objective, SourceKind};
use super::policy::{AutonomyLevel, ForecastMode, ForecastSpec, PolicySpec, WhenLostSpec};
use super::scalar::{PositiveQuantity, Quantity, Share, Span};
use crate::api::names::MEASURE_BASELINE;
use crate::model::{
    Autonomy, BaselineSpec, ForecastPolicy, Freeze, Goal, Indicator, Intent, MetricLoss, ObjectId, Policy,
    Replicas, SourceRef, WhenEmpty, WhenLost,
};

mod mapping;

/// What is wrong with one field, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The field, e.g. `spec.mappings[0].capacity.steps`.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Every issue of one object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Issues(pub Vec<Issue>);

impl Issues {
    /// Adds an issue.
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Issue { path: path.into(), message: message.into() });
    }

    /// Keeps a value, or notes that the text at `path` is not one.
    pub(super) fn take<T: Default>(
        &mut self,
        path: &str,
        text: &impl fmt::Display,
        what: &str,
        value: Option<T>,
    ) -> T {
        value.unwrap_or_else(|| {
            self.add(path, format!("{text:?} is not {what}", text = text.to_string()));
            T::default()
        })
    }

    fn quantity(&mut self, path: &str, text: &Quantity) -> f64 {
        self.take(path, text, "a number: write one such as 1200, \"0.95\" or \"1.5k\"", text.value())
    }

    fn positive(&mut self, path: &str, text: &PositiveQuantity) -> f64 {
        let value = text.value().filter(|number| *number > 0.0);
        self.take(path, text, "a number above zero: write one such as 1200, \"0.95\" or \"1.5k\"", value)
    }

    fn share(&mut self, path: &str, text: &Share, most: f64) -> f64 {
        let value =
            self.take(path, text, "a share: write one with a percent sign, such as 20%", text.value());
        if value > most {
            self.add(path, format!("{text} is too large: write at most {}%", most * 100.0));
        }
        value
    }

    pub(super) fn span(
        &mut self,
        path: &str,
        text: &Span,
        least: SignedDuration,
        most: SignedDuration,
    ) -> SignedDuration {
        let value = self.take(path, text, "a duration: write one such as 30s, 5m or 28d", text.value());
        if value < least || value > most {
            let (least, most) = (crate::model::span(least), crate::model::span(most));
            self.add(path, format!("{text} is out of range: write a duration from {least} to {most}"));
        }
        value
    }

    fn replicas(&mut self, path: &str, number: i32) -> Replicas {
        let value = u32::try_from(number).ok().map(Replicas);
        self.take(path, &number, "a number of replicas: write 0 or more", value)
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            issue.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Issues {}

/// A duration without a lower limit worth naming.
const NO_TIME: SignedDuration = SignedDuration::ZERO;
/// The longest window a baseline is averaged over: metric stores seldom keep more.
const LONGEST_BASELINE: SignedDuration = SignedDuration::from_hours(24 * 90);
/// The largest growth or headroom, 10,000 %: more is a slip of the pen.
const MOST_GROWTH: f64 = 100.0;

/// Converts an objective to what its owner means.
///
/// # Errors
/// Every issue with its field path, when anything contradicts itself or was let through by a broken schema.
pub fn intent(object: &Objective) -> Result<Intent, Issues> {
    let mut issues = Issues::default();
    let spec = &object.spec;
    let intent = Intent {
        id: id(&object.metadata),
        generation: object.metadata.generation.unwrap_or(0),
        suspend: spec.suspend,
        interval: issues.span(
            "spec.interval",
            &spec.interval,
            SignedDuration::from_secs(1),
            SignedDuration::from_hours(1),
        ),
        zone: zone(&spec.time_zone, &mut issues),
        source: spec.source_ref.as_ref().map(|source| match source.kind {
            SourceKind::MetricSource => SourceRef::Namespaced(source.name.clone()),
            SourceKind::ClusterMetricSource => SourceRef::Cluster(source.name.clone()),
        }),
        indicator: Indicator {
            query: spec.indicator.query.clone(),
            unit: spec.indicator.unit.clone(),
            when_empty: match spec.indicator.when_empty {
                WhenEmptySpec::Unknown => WhenEmpty::Unknown,
                WhenEmptySpec::Zero => WhenEmpty::Zero,
            },
        },
        goal: goal(&spec.goal, &mut issues),
        mappings: mapping::mappings(&spec.mappings, &mut issues),
        policy: policy(&spec.policy, &mut issues),
        measure_token: object
            .metadata
            .annotations
            .as_ref()
            .and_then(|map| map.get(MEASURE_BASELINE))
            .cloned(),
    };
    if issues.0.is_empty() { Ok(intent) } else { Err(issues) }
}

fn zone(name: &str, issues: &mut Issues) -> TimeZone {
    issues
        .take(
            "spec.timeZone",
            &name,
            "a time zone: write an IANA name such as Europe/Berlin or UTC",
            TimeZone::get(name).ok().map(Zone),
        )
        .0
}

/// A time zone that is UTC by default.
struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

/// The identity in an object's metadata.
fn id(metadata: &ObjectMeta) -> ObjectId {
    ObjectId {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

fn goal(spec: &GoalSpec, issues: &mut Issues) -> Goal {
    const PATH: &str = "spec.goal";
    match (&spec.at_least, &spec.at_most, &spec.between, &spec.grow_by) {
        (Some(least), None, None, None) => Goal::AtLeast(issues.positive("spec.goal.atLeast", least)),
        (None, Some(most), None, None) => Goal::AtMost(issues.quantity("spec.goal.atMost", most)),
        (None, None, Some(range), None) => {
            let min = issues.positive("spec.goal.between.min", &range.min);
            let max = issues.positive("spec.goal.between.max", &range.max);
            if min >= max {
                issues.add(
                    "spec.goal.between",
                    format!("min {min} is not below max {max}: write a larger max"),
                );
            }
            Goal::Between { min, max }
        }
        (None, None, None, Some(share)) => {
            let share = issues.share("spec.goal.growBy", share, MOST_GROWTH);
            let baseline = spec.baseline.as_ref().map_or(BaselineSpec::Value(0.0), |b| baseline(b, issues));
            if spec.baseline.is_none() {
                issues.add(
                    PATH,
                    "growBy needs a baseline: write baseline {value: 800} or baseline {window: 28d}",
                );
            }
            Goal::GrowBy { share, by: spec.by, baseline }
        }
        _ => {
            issues.add(PATH, "write exactly one of atLeast, atMost, between and growBy");
            Goal::AtLeast(0.0)
        }
    }
}

fn baseline(spec: &Baseline, issues: &mut Issues) -> BaselineSpec {
    match (&spec.value, &spec.window) {
        (Some(value), None) => BaselineSpec::Value(issues.positive("spec.goal.baseline.value", value)),
        (None, Some(window)) => {
            BaselineSpec::Measured { window: window_of("spec.goal.baseline.window", window, issues) }
        }
        _ => {
            issues.add("spec.goal.baseline", "write exactly one of value and window");
            BaselineSpec::Value(0.0)
        }
    }
}

fn window_of(path: &str, window: &Span, issues: &mut Issues) -> SignedDuration {
    issues.span(path, window, SignedDuration::from_secs(10), LONGEST_BASELINE)
}

fn policy(spec: &PolicySpec, issues: &mut Issues) -> Policy {
    let down = &spec.scale_down;
    let longest_window = SignedDuration::from_hours(24);
    let longest_hold = SignedDuration::from_hours(24 * 30);
    let step = issues.share("spec.policy.scaleDown.maxStep", &down.max_step, 1.0);
    if step <= 0.0 {
        issues.add(
            "spec.policy.scaleDown.maxStep",
            "0% would never scale down: write 1% to 100%, or autonomy.down: Observe",
        );
    }
    Policy {
        up: autonomy(spec.autonomy.up),
        down: autonomy(spec.autonomy.down),
        up_tolerance: issues.share("spec.policy.scaleUp.tolerance", &spec.scale_up.tolerance, 1.0),
        down_window: down
            .window
            .as_ref()
            .map(|window| issues.span("spec.policy.scaleDown.window", window, NO_TIME, longest_window)),
        down_tolerance: issues.share("spec.policy.scaleDown.tolerance", &down.tolerance, 1.0),
        down_max_step: step,
        metric_loss: MetricLoss {
            hold: issues.span(
                "spec.policy.onMetricLoss.hold",
                &spec.on_metric_loss.hold,
                NO_TIME,
                longest_hold,
            ),
            then: match spec.on_metric_loss.then {
                WhenLostSpec::Hold => WhenLost::Hold,
                WhenLostSpec::Baseline => WhenLost::Baseline,
                WhenLostSpec::Max => WhenLost::Max,
            },
        },
        freezes: spec
            .freeze
            .iter()
            .map(|freeze| Freeze { from: freeze.from, to: freeze.to, reason: freeze.reason.clone() })
            .collect(),
        forecast: forecast(&spec.forecast, issues),
    }
}

fn forecast(spec: &ForecastSpec, issues: &mut Issues) -> ForecastPolicy {
    let hour = SignedDuration::from_hours(1);
    ForecastPolicy {
        auto: spec.mode == ForecastMode::Auto,
        history: issues.span("spec.policy.forecast.history", &spec.history, hour, hour * (24 * 28)),
        horizon: issues.span("spec.policy.forecast.horizon", &spec.horizon, hour, hour * 24),
    }
}

fn autonomy(level: AutonomyLevel) -> Autonomy {
    match level {
        AutonomyLevel::Observe => Autonomy::Observe,
        AutonomyLevel::Enforce => Autonomy::Enforce,
    }
}

#[cfg(test)]
mod tests;
