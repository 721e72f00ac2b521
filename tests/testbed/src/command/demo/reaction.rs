//! How fast the shop's front followed its visitors: from the sample in Prometheus to the patch, from the patch to
//! pods that serve.

use testbed::{Error, Testbed};

use super::manifests::{HEADROOM, TOLERANCE, WEB};
use super::world::Decision;

/// The demand of the objective browse, as the demo changes it.
const DEMAND: &str = "sum(rate(shop_requests_total{app=\"web\"}[5s]))";
/// The step at which Prometheus is asked.
const STEP: &str = "0.2";

/// A change of the front's replicas, and when it was seen, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) at: f64,
    pub(super) wanted: u32,
    pub(super) ready: u32,
}

/// Times in seconds, one for each step up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reactions {
    /// From the sample since which more was asked for to the decision.
    pub(super) decided: Vec<f64>,
    /// From the decision to as many replicas that serve.
    pub(super) serving: Vec<f64>,
}

/// Measures them after the play.
pub(super) fn measure(
    testbed: &Testbed,
    span: (f64, f64),
    decisions: &[Decision],
    seen: &[Seen],
) -> Result<Reactions, Error> {
    Ok(compute(&testbed.range(DEMAND, span, STEP)?, &steps(decisions), seen))
}

/// When web was changed, from how many replicas to how many.
fn steps(decisions: &[Decision]) -> Vec<(f64, u32, u32)> {
    let web = decisions.iter().filter(|decision| decision.mapping == "web");
    web.filter_map(|decision| Some((seconds(&decision.at)?, decision.from, decision.to))).collect()
}

/// The seconds since 1970 of a moment written as RFC 3339.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(moment.as_millisecond() as f64 / 1000.0)
}

fn compute(demand: &[(f64, f64)], steps: &[(f64, u32, u32)], seen: &[Seen]) -> Reactions {
    let mut reactions = Reactions::default();
    let mut last = f64::NEG_INFINITY;
    for (at, from, to) in steps.iter().copied() {
        let since = std::mem::replace(&mut last, at);
        if to <= from {
            continue;
        }
        let carried = f64::from(from * WEB) * (1.0 + TOLERANCE) / (1.0 + HEADROOM.0);
        // Since when the demand asked for it without a break: a single sample that stood out was no reason.
        let before = demand.iter().filter(|(time, _)| *time > since && *time <= at);
        let asked = before.rev().take_while(|(_, demand)| *demand > carried).last();
        reactions.decided.extend(asked.map(|(time, _)| at - time));
        // A later step down ends the wait: so many will not come any more.
        let end = steps
            .iter()
            .find(|(later, from, to)| *later > at && to < from)
            .map_or(f64::INFINITY, |step| step.0);
        let served = seen.iter().find(|seen| seen.at >= at && seen.at < end && seen.ready >= to);
        reactions.serving.extend(served.map(|seen| seen.at - at));
    }
    reactions
}

/// The middle and the highest of some times; none without any.
pub(super) fn middle_and_most(times: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some((*sorted.get(sorted.len() / 2)?, *sorted.last()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaction_runs_from_the_sample_that_asks_to_the_pods_that_serve() {
        // Two replicas carry 2 × 40 × 1.05 / 1.2 = 70 requests/s.
        let demand = [(9.0, 75.0), (10.0, 60.0), (10.2, 69.0), (10.4, 72.0), (10.6, 130.0), (11.0, 130.0)];
        let seen = |at, ready| Seen { at, wanted: 4, ready };
        let seen = [seen(11.0, 2), seen(12.5, 3), seen(13.0, 4)];
        let reactions = compute(&demand, &[(11.2, 2, 4), (30.0, 4, 2)], &seen);
        assert_eq!(reactions.decided.len(), 1);
        assert!((reactions.decided[0] - 0.8).abs() < 1e-9 && (reactions.serving[0] - 1.8).abs() < 1e-9);
    }

    #[test]
    fn the_middle_is_the_median_and_moments_have_milliseconds() {
        assert_eq!(middle_and_most(&[3.0, 1.0, 2.0]), Some((2.0, 3.0)));
        assert_eq!(middle_and_most(&[]), None);
        assert_eq!(seconds("1970-01-01T00:01:00.250Z"), Some(60.25));
    }
}
