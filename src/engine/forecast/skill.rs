//! Whether the forecast beats the naive one, on moments neither had seen.
//!
//! Naive: demand stays what it is, with the quantiles of how much it has moved over the horizon. Both are scored
//! with the mean pinball loss of three quantiles, max(q·(y − f), (q − 1)·(y − f)) (Koenker and Bassett 1978), a
//! proper score: only the true quantile makes it least.

use std::collections::VecDeque;

use super::foreseen::Foreseen;
use super::grid::Grid;
use super::math::{left_after, short};

/// The quantiles compared.
pub(super) const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
/// Scores halve their weight in a day.
const HALF_LIFE: f64 = 86_400.0;
/// How far one error moves the quantiles of the naive forecast, in its typical error.
const STEP: f64 = 0.05;
/// Forecasts that wait to be compared, at most.
const WAITING: i64 = 10;

/// A loss of less than this share of demand, plus this part of a replica, orders no other replica.
const ALIKE: f64 = 0.002;
/// See [`ALIKE`].
const ALIKE_REPLICAS: f64 = 0.005;

/// A forecast that waits to be compared.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    made: i64,
    newest: f32,
    quantiles: [f32; 3],
}

/// The comparison.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    waiting: VecDeque<Waiting>,
    ahead: i64,
    stride: i64,
    leaves: f64,
    /// The naive forecast's typical error, and its quantiles in that unit.
    typical: f64,
    naive: [f64; 3],
    /// Fading sums: of the losses of both, of the times demand was at or below the quantiles, of one.
    ours: f64,
    theirs: f64,
    covered: [f64; 3],
    weight: f64,
    /// Fading sum of demand.
    asked: f64,
    compared: u64,
}

/// The mean pinball loss of the three quantiles.
///
/// A demand of 10 for which 8, 9 and 12 were forecast costs (0.5·2 + 0.9·1 + 0.01·2) / 3 = 0.64.
fn pinball(demand: f64, quantiles: [f64; 3]) -> f64 {
    let loss = |(q, forecast): (f64, f64)| (q * (demand - forecast)).max((q - 1.0) * (demand - forecast));
    QUANTILES.into_iter().zip(quantiles).map(loss).sum::<f64>() / 3.0
}

impl Scores {
    pub(super) fn new(grid: &Grid) -> Self {
        let stride = ((60 / grid.step).max(1)).max((grid.ahead() + WAITING - 1) / WAITING);
        Self {
            waiting: VecDeque::with_capacity(usize::try_from(grid.ahead() / stride + 2).unwrap_or(2)),
            ahead: grid.ahead(),
            stride,
            leaves: left_after((stride * grid.step) as f64 / HALF_LIFE),
            typical: 0.0,
            naive: [0.0, 1.5, 3.0],
            ours: 0.0,
            theirs: 0.0,
            covered: [0.0; 3],
            weight: 0.0,
            asked: 0.0,
            compared: 0,
        }
    }

    /// Takes in the demand of a moment and the forecast made on it.
    pub(super) fn advance(&mut self, moment: i64, demand: f64, seen: &Foreseen) {
        let made = moment - self.ahead;
        while self.waiting.front().is_some_and(|waiting| waiting.made <= made) {
            if let Some(was) = self.waiting.pop_front().filter(|waiting| waiting.made == made) {
                self.compare(demand, &was);
            }
        }
        if moment.rem_euclid(self.stride) == 0 {
            let quantiles = QUANTILES.map(|q| short(seen.quantile(q)));
            self.waiting.push_back(Waiting { made: moment, newest: short(demand), quantiles });
        }
    }

    fn compare(&mut self, demand: f64, was: &Waiting) {
        let newest = f64::from(was.newest);
        let ours = was.quantiles.map(f64::from);
        let theirs = self.naive.map(|quantile| newest + quantile * self.typical);
        self.compared += 1;
        self.ours = self.ours * self.leaves + pinball(demand, ours);
        self.theirs = self.theirs * self.leaves + pinball(demand, theirs);
        self.weight = self.weight * self.leaves + 1.0;
        self.asked = self.asked * self.leaves + demand;
        for (covered, quantile) in self.covered.iter_mut().zip(ours) {
            *covered = *covered * self.leaves + f64::from(u8::from(demand <= quantile));
        }
        let moved = demand - newest;
        let share = (1.0 / 240.0f64).max(1.0 / self.compared as f64);
        self.typical += (moved.abs() - self.typical) * share;
        for (quantile, q) in self.naive.iter_mut().zip(QUANTILES) {
            // Stochastic approximation of a quantile (Robbins and Monro 1951).
            *quantile += STEP * if moved > *quantile * self.typical { q } else { q - 1.0 };
        }
    }

    /// 1 − ours ÷ naive; none before anything was compared. Losses below what matters are alike: where demand hardly
    /// moves, both are as good as perfect, and the skill is 0.
    pub(super) fn over_naive(&self) -> Option<f64> {
        let least = ALIKE * self.asked + ALIKE_REPLICAS * self.weight;
        (self.compared > 0).then(|| 1.0 - self.ours.max(least) / self.theirs.max(least))
    }

    /// Shares of demand at or below the quantiles.
    pub(super) fn coverage(&self) -> [f64; 3] {
        self.covered.map(|covered| if self.weight > 0.0 { covered / self.weight } else { 0.0 })
    }

    pub(super) fn compared(&self) -> u64 {
        self.compared
    }

    pub(super) fn bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<Waiting>()
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::shape::BINS;
    use super::*;

    #[test]
    fn missing_low_costs_the_quantile_and_missing_high_the_rest() {
        assert!((pinball(10.0, [8.0, 9.0, 12.0]) - 0.64).abs() < 1e-9);
    }

    /// The skill of forecasts of `told` for a demand that is 10 and 11 by turns, three steps ahead.
    fn skill(told: impl Fn(i64) -> f64) -> Option<f64> {
        let grid = Grid { step: 60, startup: 3, age: 0, horizon: 3 };
        let mut scores = Scores::new(&grid);
        let chances = [1.0 / BINS as f64; BINS];
        let times = (Timestamp::UNIX_EPOCH, SignedDuration::from_secs(180));
        for moment in 0..300 {
            let seen = Foreseen::new(times, (told(moment + 3), 0.01, 1e9), &chances);
            scores.advance(moment, demand(moment), &seen);
        }
        scores.over_naive()
    }

    fn demand(moment: i64) -> f64 {
        if moment % 2 == 0 { 10.0 } else { 11.0 }
    }

    #[test]
    fn a_forecast_of_what_comes_beats_the_last_value_and_one_of_something_else_does_not() {
        assert!(skill(demand).is_some_and(|skill| skill > 0.4), "{:?}", skill(demand));
        assert!(skill(|_| 50.0).is_some_and(|skill| skill < -1.0), "{:?}", skill(|_| 50.0));
    }
}
