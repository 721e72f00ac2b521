//! The place on the ladder of prices that an aim means.
//!
//! For a share of demand that may be lost, it is the dearest price that would have kept within it so far,
//! corrected by what was really lost.

use super::grid::Grid;
use super::ladder::{Ladder, RUNGS, fades, price};
use super::math::ln;
use super::terms::{Aim, LossSource, Losses, Tick};
use super::trail::Trail;

/// The counterfactual is to keep within this part of the budget: what is to come is not what was.
const SAFETY: f64 = 0.6;
/// How far a loss that is under or over the budget moves what is aimed at, and within which limits.
const GAIN: f64 = 1.0;
const LEAST: f64 = 0.3;
const MOST: f64 = 1.4;
/// The price is never above so many times the budget: where safety is cheap the budget is not used up.
const CAP: f64 = 15.0;

/// Chooses the price, and remembers what was lost.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    aim: Aim,
    /// What was decided within the start-up and the age.
    ordered: Trail<1>,
    age: usize,
    lost: f64,
    asked: f64,
    fades: f64,
    source: LossSource,
}

impl Budget {
    pub(super) fn new(grid: &Grid, aim: Aim) -> Self {
        Self {
            aim,
            ordered: Trail::new(grid.horizon + 1),
            age: grid.age,
            lost: 0.0,
            asked: 0.0,
            fades: fades(grid),
            source: LossSource::Modelled,
        }
    }

    /// The place on the ladder.
    pub(super) fn place(&self, ladder: &Ladder) -> f64 {
        match self.aim {
            Aim::Price(price) => place_of(price),
            Aim::Quantile(quantile) => place_of(1.0 - quantile),
            Aim::Unserved(share) => self.keeping(share, ladder),
        }
    }

    /// Where the price would have kept within a share.
    fn keeping(&self, share: f64, ladder: &Ladder) -> f64 {
        let first = place_of(CAP * share).ceil();
        let last = (RUNGS - 1) as f64;
        let own = self.losses().map_or(0.0, |losses| losses.share / share);
        let aim = share * SAFETY * correction(own);
        let mut before = None;
        for rung in super::math::index(first)..RUNGS {
            let Some(lost) = ladder.lost(rung) else { return f64::midpoint(first, last) };
            if lost <= aim {
                let Some(before) = before else { return rung as f64 };
                // Between the two rungs, where the line through the logarithms of their losses meets the aim.
                let (high, low) = (ln(before + 1e-7), ln(lost + 1e-7));
                return rung as f64 - 1.0 + ((high - ln(aim)) / (high - low).max(1e-9)).clamp(0.0, 1.0);
            }
            before = Some(lost);
        }
        last
    }

    /// Takes in what was decided on a tick, and what was lost at its moment.
    pub(super) fn note(&mut self, tick: &Tick, demand: f64, replicas: u32) {
        self.ordered.push([u16::try_from(replicas).unwrap_or(u16::MAX)]);
        let usable = |value: Option<f64>| value.filter(|value| value.is_finite() && *value >= 0.0);
        let decided = self.ordered.least_but(self.age).map(|[decided]| f64::from(decided));
        let ready = usable(tick.ready).or(decided);
        let lost = usable(tick.lost).map(|lost| lost.min(demand));
        self.source = if lost.is_some() { LossSource::Measured } else { LossSource::Modelled };
        if let Some(lost) = lost.or(ready.map(|ready| (demand - ready).max(0.0))) {
            self.lost = self.lost * self.fades + lost;
            self.asked = self.asked * self.fades + demand;
        }
    }

    /// What was lost within the rolling window; none before any demand.
    pub(super) fn losses(&self) -> Option<Losses> {
        (self.asked > 0.0).then(|| Losses { share: self.lost / self.asked, source: self.source })
    }

    pub(super) fn bytes(&self) -> usize {
        self.ordered.bytes()
    }
}

/// How much more or less is aimed at when so much of the budget was really lost: where half of it was, 1.4 times;
/// where all of it was, what is aimed at stays; where 1.5 times it was, half.
fn correction(lost: f64) -> f64 {
    (1.0 + GAIN * (1.0 - lost)).clamp(LEAST, MOST)
}

/// The place of a price on the ladder.
fn place_of(wanted: f64) -> f64 {
    let wanted = wanted.max(f64::MIN_POSITIVE);
    (ln(wanted / price(0.0)) / ln(price(1.0) / price(0.0))).clamp(0.0, (RUNGS - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_was_lost_the_less_is_aimed_at() {
        for (lost, expected) in [(0.0, 1.4), (0.5, 1.4), (1.0, 1.0), (1.5, 0.5), (4.0, 0.3)] {
            assert!((correction(lost) - expected).abs() < 1e-9, "{lost}: {}", correction(lost));
        }
    }

    #[test]
    fn a_price_lies_between_its_rungs() {
        assert!(place_of(0.3).abs() < 1e-9 && place_of(1.0).abs() < 1e-9);
        assert!((place_of(price(7.5)) - 7.5).abs() < 1e-9);
        assert!((place_of(0.0) - (RUNGS - 1) as f64).abs() < 1e-9, "nothing is free: the lowest price");
    }
}
