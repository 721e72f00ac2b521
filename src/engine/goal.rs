//! What the measurements of a goal mean.

use jiff::Timestamp;

use crate::model::{
    ConditionReason, Findings, FrozenValue, Goal, GoalState, Indicator, Intent, Memory, Sample, Snapshot,
    WhenEmpty,
};

/// Compares the indicator with its goal and names the first measurement that cannot be used.
pub(super) fn evaluate(intent: &Intent, snapshot: &Snapshot, memory: &Memory) -> Findings {
    let value = indicator_value(&intent.indicator, &snapshot.indicator);
    let (goal, attainment, state) = match (value, wanted(&intent.goal, memory.baseline, snapshot.at)) {
        (_, None) => (None, None, GoalState::MeasuringBaseline),
        (None, Some(wanted)) => (Some(wanted.shown(None)), None, GoalState::NoData),
        (Some(value), Some(wanted)) => {
            (Some(wanted.shown(Some(value))), Some(wanted.attainment(value)), wanted.state(value))
        }
    };
    Findings { value, goal, attainment, state, lost: first_lost(intent, snapshot) }
}

/// The indicator's number; an empty result is 0 only where the owner said so.
fn indicator_value(indicator: &Indicator, sample: &Sample) -> Option<f64> {
    match (sample, indicator.when_empty) {
        (Sample::Absent, WhenEmpty::Zero) => Some(0.0),
        _ => sample.present(),
    }
}

/// What is asked of the indicator at one moment.
enum Wanted {
    AtLeast { goal: f64, ahead: bool },
    AtMost(f64),
    Between { min: f64, max: f64 },
}

/// What the goal asks for at `now`; `None` while its baseline is not known.
///
/// A `growBy` goal with a date rises in a straight line from the baseline (when it was measured) to
/// baseline × (1 + share) (at the date): with baseline 800 and +50 % in ten days, 1000 after five.
fn wanted(goal: &Goal, baseline: Option<FrozenValue>, now: Timestamp) -> Option<Wanted> {
    Some(match goal {
        Goal::AtLeast(goal) => Wanted::AtLeast { goal: *goal, ahead: false },
        Goal::AtMost(goal) => Wanted::AtMost(*goal),
        Goal::Between { min, max } => Wanted::Between { min: *min, max: *max },
        Goal::GrowBy { share, by, .. } => {
            let from = baseline?;
            let growth = from.value * share;
            let progress = by.map_or(1.0, |by| {
                let whole = by.duration_since(from.at).as_secs_f64();
                if whole <= 0.0 {
                    1.0
                } else {
                    (now.duration_since(from.at).as_secs_f64() / whole).clamp(0.0, 1.0)
                }
            });
            Wanted::AtLeast { goal: growth.mul_add(progress, from.value), ahead: progress < 1.0 }
        }
    })
}

impl Wanted {
    /// The figure shown as the goal; of a range, the end that is nearer to the value.
    fn shown(&self, value: Option<f64>) -> f64 {
        match (self, value) {
            (Self::AtLeast { goal, .. } | Self::AtMost(goal), _) => *goal,
            (Self::Between { min, max }, Some(value)) if (value - max).abs() < (value - min).abs() => *max,
            (Self::Between { min, .. }, _) => *min,
        }
    }

    /// How far the value is towards the goal; 1 = met. A value of half the goal attains 0.5 of an `atLeast`
    /// and 2 of an `atMost`; what is attained is never counted above 10.
    fn attainment(&self, value: f64) -> f64 {
        let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { f64::INFINITY };
        let attained = match self {
            Self::AtLeast { goal, .. } => ratio(value, *goal),
            Self::AtMost(goal) if value <= *goal && *goal <= 0.0 => 1.0,
            Self::AtMost(goal) => ratio(*goal, value),
            Self::Between { min, max } => ratio(value, *min).min(ratio(*max, value)).min(1.0),
        };
        attained.clamp(0.0, 10.0)
    }

    fn state(&self, value: f64) -> GoalState {
        match self {
            Self::AtLeast { goal, ahead } => match (value >= *goal, ahead) {
                (true, false) => GoalState::Met,
                (false, false) => GoalState::Missed,
                (true, true) => GoalState::OnTrack,
                (false, true) => GoalState::BehindPlan,
            },
            Self::AtMost(goal) if value <= *goal => GoalState::Met,
            Self::Between { min, max } if (*min..=*max).contains(&value) => GoalState::Met,
            Self::AtMost(_) | Self::Between { .. } => GoalState::Missed,
        }
    }
}

/// The first measurement that cannot be used: whose, why, and in words.
fn first_lost(intent: &Intent, snapshot: &Snapshot) -> Option<(String, ConditionReason, String)> {
    let indicator = match (&snapshot.indicator, intent.indicator.when_empty) {
        (Sample::Absent, WhenEmpty::Zero) => None,
        (sample, _) => lost(sample),
    };
    if let Some((reason, words)) = indicator {
        return Some(("indicator".to_owned(), reason, words));
    }
    let baseline = snapshot.indicator_baseline.as_ref().and_then(lost);
    if let Some((reason, words)) = baseline {
        return Some(("goal baseline".to_owned(), reason, words));
    }
    intent.mappings.iter().zip(&snapshot.mappings).find_map(|(mapping, facts)| {
        let demand =
            lost(&facts.demand).map(|(reason, words)| (format!("demand of {}", mapping.name), reason, words));
        demand.or_else(|| {
            let (reason, words) = facts.reference.as_ref().and_then(lost)?;
            Some((format!("baseline of {}", mapping.name), reason, words))
        })
    })
}

/// Why a sample cannot be used, in words; `None` if it can.
fn lost(sample: &Sample) -> Option<(ConditionReason, String)> {
    match sample {
        Sample::Present { .. } => None,
        Sample::Partial { warning, .. } => Some((
            ConditionReason::PartialAnswer,
            format!("the source says its answer is not complete: {warning}"),
        )),
        Sample::Stale { at, limit, .. } => Some((
            ConditionReason::StaleSamples,
            format!(
                "the newest sample is of {at}, older than {}; check that the metric is scraped",
                crate::model::span(*limit)
            ),
        )),
        Sample::Absent => Some((
            ConditionReason::EmptyResult,
            "the query gave no series; check the metric's name and labels, and that it is scraped".to_owned(),
        )),
        Sample::Failed(fault) => Some((fault.reason(), fault.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BaselineSpec;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn attainment_and_state_of_every_kind_of_goal() {
        let grow = |by: Option<i64>| Goal::GrowBy {
            share: 0.5,
            by: by.map(at),
            baseline: BaselineSpec::Value(800.0),
        };
        let from = Some(FrozenValue { value: 800.0, at: at(0) });
        for (name, goal, now, value, attainment, state) in [
            ("half of what is asked", Goal::AtLeast(1000.0), 0, 500.0, 0.5, GoalState::Missed),
            ("more than asked", Goal::AtLeast(1000.0), 0, 1250.0, 1.25, GoalState::Met),
            ("latency twice the limit", Goal::AtMost(0.5), 0, 1.0, 0.5, GoalState::Missed),
            ("no failures where none are allowed", Goal::AtMost(0.0), 0, 0.0, 1.0, GoalState::Met),
            ("a failure where none are allowed", Goal::AtMost(0.0), 0, 3.0, 0.0, GoalState::Missed),
            ("inside the range", Goal::Between { min: 10.0, max: 20.0 }, 0, 15.0, 1.0, GoalState::Met),
            ("above the range", Goal::Between { min: 10.0, max: 20.0 }, 0, 40.0, 0.5, GoalState::Missed),
            ("growth at once", grow(None), 0, 1200.0, 1.0, GoalState::Met),
            ("growth half-way, on the line", grow(Some(10)), 5, 1000.0, 1.0, GoalState::OnTrack),
            ("growth half-way, below the line", grow(Some(10)), 5, 900.0, 0.9, GoalState::BehindPlan),
            ("growth after the date", grow(Some(10)), 11, 1199.0, 1199.0 / 1200.0, GoalState::Missed),
        ] {
            let wanted = wanted(&goal, from, at(now)).unwrap();
            assert!(
                (wanted.attainment(value) - attainment).abs() < 1e-9,
                "{name}: {}",
                wanted.attainment(value)
            );
            assert_eq!(wanted.state(value), state, "{name}");
        }
    }
}
