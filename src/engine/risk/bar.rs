//! What a goal asks of the indicator from now on.

use crate::model::{FrozenValue, Goal};

/// The values within which the goal is met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    low: f64,
    high: f64,
}

impl Bar {
    /// What the goal asks for; a goal that grows by a date counts as asked for in full. `None` while its baseline
    /// is not known.
    ///
    /// A baseline of 800 that is to grow by half asks for at least 1200.
    pub(super) fn of(goal: &Goal, baseline: Option<FrozenValue>) -> Option<Self> {
        let (low, high) = match goal {
            Goal::AtLeast(low) => (*low, f64::INFINITY),
            Goal::AtMost(high) => (f64::NEG_INFINITY, *high),
            Goal::Between { min, max } => (*min, *max),
            Goal::GrowBy { share, .. } => (baseline?.value * (1.0 + share), f64::INFINITY),
        };
        Some(Self { low, high })
    }

    /// The least the goal asks for.
    pub(super) fn low(&self) -> f64 {
        self.low
    }

    /// How far a value is beyond the goal; 0 if it meets it.
    pub(super) fn beyond(&self, value: f64) -> f64 {
        (self.low - value).max(value - self.high).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::BaselineSpec;

    #[test]
    fn how_far_a_value_is_beyond_every_kind_of_goal() {
        let grow = Goal::GrowBy { share: 0.5, by: None, baseline: BaselineSpec::Value(800.0) };
        let from = Some(FrozenValue { value: 800.0, at: Timestamp::UNIX_EPOCH });
        for (goal, value, beyond) in [
            (Goal::AtLeast(10.0), 10.0, 0.0),
            (Goal::AtLeast(10.0), 7.0, 3.0),
            (Goal::AtMost(10.0), 10.0, 0.0),
            (Goal::AtMost(10.0), 12.5, 2.5),
            (Goal::Between { min: 1.0, max: 2.0 }, 1.5, 0.0),
            (Goal::Between { min: 1.0, max: 2.0 }, 0.5, 0.5),
            (Goal::Between { min: 1.0, max: 2.0 }, 4.0, 2.0),
            (grow.clone(), 1000.0, 200.0),
        ] {
            let bar = Bar::of(&goal, from).unwrap();
            assert!((bar.beyond(value) - beyond).abs() < 1e-9, "{goal:?} at {value}");
        }
        assert_eq!(Bar::of(&grow, None), None, "its baseline is not known yet");
    }
}
