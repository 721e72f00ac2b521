//! What is told of forecasts: whether they are used, what they say, and the risk to the goal.

use super::conditions::{Truth, Wanted};
use super::status::Told;
use super::text::grouped;
use crate::api::v1alpha1::{ForecastStatus, GoalForecastStatus};
use crate::model::{
    ConditionKind as Kind, ConditionReason as Why, Decision, Foreseen, GoalOutlook, GoalState, Outlook,
    Reason, figure, share_text, span,
};

/// The conditions of forecasts; none where no forecast is asked for.
pub(super) fn wanted(told: &Told<'_>) -> Vec<Wanted> {
    [ready(told), at_risk(told)].into_iter().flatten().collect()
}

/// Whether every forecast of the objective is used. The first that is not says why.
fn ready(told: &Told<'_>) -> Option<Wanted> {
    let mappings = told.intent.mappings.iter().zip(&told.snapshot.mappings);
    let asked: Vec<_> = mappings
        .map(|(mapping, facts)| (mapping.name.as_str(), &facts.outlook))
        .filter(|(_, outlook)| **outlook != Outlook::Off)
        .collect();
    let not = |reason, words| Wanted::new(Kind::ForecastReady, Truth::False, reason, words);
    let missing = asked.iter().find_map(|(name, outlook)| match outlook {
        Outlook::Off | Outlook::Ready(_) => None,
        Outlook::Awaited => {
            let words = format!("mapping {name}: the history is being read; meanwhile nothing is taken away");
            Some(not(Why::LearningHistory, words))
        }
        Outlook::Learning { have, need } => {
            let missing = need.saturating_sub(*have);
            let there = told.snapshot.at.saturating_add(missing).unwrap_or(told.snapshot.at);
            let words = format!(
                "mapping {name}: {} of history are there, {} are needed, at {} at the earliest; until then decisions \
                 stand on the demand observed",
                span(*have),
                span(*need),
                there.strftime("%Y-%m-%dT%H:%MZ")
            );
            Some(not(Why::LearningHistory, words))
        }
        Outlook::Unskilled { skill } => {
            let words = format!(
                "mapping {name}: lately the forecast's error was {} of the last value's, so decisions stand on the \
                 demand observed; it is used again when it is better",
                share_text(1.0 - skill)
            );
            Some(not(Why::SkillMissing, words))
        }
    });
    if asked.is_empty() {
        return None;
    }
    Some(missing.unwrap_or_else(|| {
        let words = "every forecast has been better than the last value lately, and is used";
        Wanted::new(Kind::ForecastReady, Truth::True, Why::ForecastSkilled, words)
    }))
}

fn at_risk(told: &Told<'_>) -> Option<Wanted> {
    let unit = &told.intent.indicator.unit;
    match &told.snapshot.outlook {
        GoalOutlook::Off => None,
        GoalOutlook::Quiet(why) => Some(Wanted::new(
            Kind::AtRisk,
            Truth::Unknown,
            Why::NoForecast,
            format!("nothing is said ahead: {why}"),
        )),
        GoalOutlook::Told(_)
            if matches!(told.plan.findings.state, GoalState::Missed | GoalState::BehindPlan) =>
        {
            let words = "the goal is missed already; Met says by how much";
            Some(Wanted::new(Kind::AtRisk, Truth::False, Why::GoalMissed, words))
        }
        GoalOutlook::Told(ahead) if ahead.at_risk => {
            let when = ahead.miss_at.map_or_else(String::new, |at| format!(", likely from {at:.0} on"));
            let by = if ahead.shortfall > 0.0 {
                format!(", by {} {unit}", grouped(ahead.shortfall))
            } else {
                String::new()
            };
            let words = format!(
                "within {} the goal is missed with a probability of {}{when}{by}",
                span(ahead.horizon),
                whole_percent(ahead.probability)
            );
            Some(Wanted::new(Kind::AtRisk, Truth::True, Why::MissAhead, words))
        }
        GoalOutlook::Told(ahead) => {
            // A single look may be a whim.
            let rest = if ahead.probability >= 0.5 { "; a second look must say so too" } else { " only" };
            let words = format!(
                "within {} the goal is missed with a probability of {}{rest}",
                span(ahead.horizon),
                whole_percent(ahead.probability)
            );
            Some(Wanted::new(Kind::AtRisk, Truth::False, Why::NoMissAhead, words))
        }
    }
}

/// What status says ahead of the goal.
pub(super) fn goal(told: &Told<'_>) -> Option<GoalForecastStatus> {
    let GoalOutlook::Told(ahead) = &told.snapshot.outlook else { return None };
    Some(GoalForecastStatus {
        probability: whole_percent(ahead.probability),
        miss_at: ahead.miss_at,
        shortfall: (ahead.shortfall > 0.0)
            .then(|| format!("{} {}", figure(ahead.shortfall), told.intent.indicator.unit)),
        horizon: span(ahead.horizon),
        skill: whole_percent(ahead.skill),
    })
}

/// What status says ahead of one mapping's demand. Figures in the unit of the demand are those of the decision's
/// reasons, so that all places show the same.
pub(super) fn row(told: &Told<'_>, index: usize, decision: &Decision) -> Option<ForecastStatus> {
    let Outlook::Ready(foreseen) = &told.snapshot.mappings.get(index)?.outlook else { return None };
    let unit = &told.intent.mappings.get(index)?.demand.unit;
    let with_unit = |value: f64| format!("{} {unit}", figure(value));
    let price = decision.reasons.iter().find_map(|reason| match reason {
        Reason::PricedReplica { price, .. } => Some(with_unit(*price)),
        _ => None,
    });
    Some(ForecastStatus {
        horizon: span(foreseen.horizon),
        expected: with_unit(foreseen.expected),
        upper: with_unit(foreseen.upper),
        skill: whole_percent(foreseen.skill),
        coverage: coverage(foreseen),
        price,
        unserved: foreseen.unserved.map(|lost| {
            let how = if lost.measured { "measured" } else { "modelled" };
            format!("{} {how}", share_text(lost.share))
        }),
    })
}

fn coverage(foreseen: &Foreseen) -> String {
    let [half, nine, last] = foreseen.coverage;
    format!(".5: {half:.2}, .9: {nine:.2}, .99: {last:.3}")
}

/// A share in whole percent.
fn whole_percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::conditions::{find, merge};
    use super::super::scenario::{Passed, at, decision};
    use super::*;
    use crate::model::{MissAhead, Unserved};

    fn foreseen() -> Foreseen {
        Foreseen {
            horizon: SignedDuration::from_secs(75),
            expected: 950.0,
            upper: 1100.0,
            skill: 0.2,
            coverage: [0.51, 0.9, 0.991],
            wish: None,
            unserved: Some(Unserved { share: 0.0021, measured: false }),
        }
    }

    fn passed(outlooks: &[Outlook], goal: GoalOutlook) -> Passed {
        let names = ["web", "payment"];
        let decisions = names.iter().take(outlooks.len()).map(|name| decision(name, Some(9), 9)).collect();
        let mut passed = Passed::new(0, decisions);
        for (facts, outlook) in passed.snapshot.mappings.iter_mut().zip(outlooks) {
            facts.outlook = outlook.clone();
        }
        passed.snapshot.outlook = goal;
        passed
    }

    fn told(passed: &Passed, kind: Kind) -> Option<String> {
        let merged = merge(&[], &wanted(&passed.told()), 3, at(0));
        find(&merged, kind).map(|c| format!("{}/{}: {}", c.status, c.reason, c.message))
    }

    #[test]
    fn a_forecast_that_is_not_used_says_what_is_missing() {
        let hours = SignedDuration::from_hours;
        let learning = Outlook::Learning { have: hours(1), need: hours(2) };
        for (outlooks, words) in [
            (vec![Outlook::Off], None),
            (vec![Outlook::Ready(foreseen())], Some("True/ForecastSkilled")),
            (
                vec![Outlook::Ready(foreseen()), learning],
                Some(
                    "False/LearningHistory: mapping payment: 1h of history are there, 2h are needed, at 2027-01-15T09:00Z",
                ),
            ),
            (vec![Outlook::Awaited], Some("False/LearningHistory: mapping web: the history is being read")),
            (
                vec![Outlook::Unskilled { skill: -0.1 }],
                Some("False/SkillMissing: mapping web: lately the forecast's error was 110%"),
            ),
        ] {
            let found = told(&passed(&outlooks, GoalOutlook::Off), Kind::ForecastReady);
            match words {
                Some(words) => {
                    assert!(found.as_ref().is_some_and(|found| found.starts_with(words)), "{found:?}");
                }
                None => assert_eq!(found, None),
            }
        }
    }

    #[test]
    fn a_goal_at_risk_says_how_likely_when_and_by_how_much() {
        let ahead = MissAhead {
            at_risk: true,
            probability: 0.82,
            miss_at: Some(at(3600)),
            shortfall: 120.0,
            horizon: SignedDuration::from_hours(24),
            skill: 0.3,
        };
        let risk = passed(&[], GoalOutlook::Told(ahead));
        assert_eq!(
            told(&risk, Kind::AtRisk).unwrap(),
            "True/MissAhead: within 1d the goal is missed with a probability of 82%, likely from 2027-01-15T09:00:00Z \
             on, by 120 orders/h"
        );
        assert_eq!(goal(&risk.told()).unwrap().shortfall.as_deref(), Some("120 orders/h"));
        let safe = passed(&[], GoalOutlook::Told(MissAhead { at_risk: false, probability: 0.04, ..ahead }));
        assert_eq!(
            told(&safe, Kind::AtRisk).unwrap(),
            "False/NoMissAhead: within 1d the goal is missed with a probability of 4% only"
        );
        let first = passed(&[], GoalOutlook::Told(MissAhead { at_risk: false, ..ahead }));
        assert!(told(&first, Kind::AtRisk).unwrap().ends_with("of 82%; a second look must say so too"));
        let mut missed = risk;
        missed.plan.findings.state = GoalState::Missed;
        assert!(told(&missed, Kind::AtRisk).unwrap().starts_with("False/GoalMissed"), "a miss is no risk");
        let quiet = passed(&[], GoalOutlook::Quiet("two hours of history are needed".to_owned()));
        assert!(told(&quiet, Kind::AtRisk).unwrap().contains("two hours of history"));
    }

    #[test]
    fn the_row_of_a_mapping_shows_what_is_expected_and_what_was_lost() {
        let passed = passed(&[Outlook::Ready(foreseen())], GoalOutlook::Off);
        let told = passed.told();
        let row = row(&told, 0, &told.plan.decisions[0]).unwrap();
        assert_eq!(row.expected, "950 requests/s");
        assert_eq!(row.upper, "1100 requests/s");
        assert_eq!(row.coverage, ".5: 0.51, .9: 0.90, .99: 0.991");
        assert_eq!(row.unserved.as_deref(), Some("0.21% modelled"));
    }
}
