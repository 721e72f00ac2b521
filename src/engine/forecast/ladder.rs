//! Replicas for every price, and what every price would have lost.
//!
//! Capacity is layers: with n replicas ready, the next serves min(1, (y − n)⁺) of a demand y. Layers do not
//! interact, so a layer is worth ordering exactly when what it is expected to serve at the lead time is more than
//! the price of holding it. Demand is seen whatever was done about it; so what each price would have lost is
//! known, and a budget can be kept by looking at all of them.

use std::collections::VecDeque;

use super::foreseen::Foreseen;
use super::grid::Grid;
use super::math::{left_after, power};

/// Prices decisions are taken at.
pub(super) const RUNGS: usize = 25;
/// A replica is dropped at a price so many rungs below the one it was ordered at (2.7 times lower): a restart
/// costs a start-up.
const STICKY: usize = 4;
/// Prices distributions are weighed at.
const PRICES: usize = RUNGS + STICKY;
/// The highest price.
const DEAREST: f64 = 0.3;
/// From one price to the next.
const RATIO: f64 = 0.781_36;
/// A replica is held so long after it was last wanted: a dip of two minutes is not worth a restart.
const HOLD: i64 = 120;
/// The rolling window in which losses are counted is an average that fades by half in so many seconds.
const WINDOW: f64 = 10.0 * 86_400.0;
/// More replicas are not counted.
const MOST: u32 = 60_000;
/// Rows a memory of wishes has at most; over long times a row stands for several steps.
const ROWS: usize = 24;

/// The price of a rung: 0.3 for the first, 21.9 % less with every further one.
pub(super) fn price(rung: f64) -> f64 {
    DEAREST * power(RATIO, rung)
}

/// Wishes of all prices over the last steps: for every price, the most or the least of them.
#[derive(Debug, Clone)]
struct Trail {
    rows: VecDeque<[u16; RUNGS]>,
    /// Steps a row stands for, and steps in the newest row.
    stride: usize,
    partial: usize,
    length: usize,
    /// What two wishes in one row become.
    merge: fn(u16, u16) -> u16,
}

impl Trail {
    fn new(steps: usize, merge: fn(u16, u16) -> u16) -> Self {
        let stride = steps.div_ceil(ROWS).max(1);
        Self { rows: VecDeque::new(), stride, partial: 0, length: steps.div_ceil(stride).max(1), merge }
    }

    fn push(&mut self, row: [u16; RUNGS]) {
        let merge = self.merge;
        if let Some(front) = self.rows.front_mut().filter(|_| self.partial < self.stride) {
            *front = std::array::from_fn(|rung| merge(front[rung], row[rung]));
            self.partial += 1;
        } else {
            self.rows.push_front(row);
            self.rows.truncate(self.length);
            self.partial = 1;
        }
    }

    /// All of it merged but the newest steps; none while it does not reach back far enough.
    fn merged(&self, but: usize) -> Option<[u16; RUNGS]> {
        if self.rows.len() < self.length {
            return None;
        }
        let merge = self.merge;
        self.rows
            .iter()
            .skip(but / self.stride)
            .copied()
            .reduce(|a, b| std::array::from_fn(|rung| merge(a[rung], b[rung])))
    }

    fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<[u16; RUNGS]>()
    }
}

/// All prices side by side.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    prices: [f64; PRICES],
    age: usize,
    /// Between the price a replica is ordered at and the one it is dropped at, what there was stays.
    steady: [u16; RUNGS],
    /// The last wishes within the hold.
    held: Trail,
    wanted: [u16; RUNGS],
    /// What was wanted within the start-up and the age of the samples.
    ordered: Trail,
    /// Demand lost at every price, and all demand, fading.
    lost: [f64; RUNGS],
    asked: f64,
    fades: f64,
}

impl Ladder {
    pub(super) fn new(grid: &Grid) -> Self {
        let hold = usize::try_from(HOLD / grid.step).unwrap_or(0);
        Self {
            prices: std::array::from_fn(|rung| price(rung as f64)),
            age: grid.age,
            steady: [0; RUNGS],
            held: Trail::new(hold + 1, u16::max),
            wanted: [0; RUNGS],
            ordered: Trail::new(grid.horizon + 1, u16::min),
            lost: [0.0; RUNGS],
            asked: 0.0,
            fades: fades(grid),
        }
    }

    /// Takes in the demand of a moment and the forecast made on it.
    pub(super) fn advance(&mut self, demand: f64, seen: &Foreseen) {
        let layers = layers(seen, &self.prices);
        for (rung, steady) in self.steady.iter_mut().enumerate() {
            *steady = (*steady).clamp(layers[rung], layers[rung + STICKY]);
        }
        self.held.push(self.steady);
        self.wanted = self
            .held
            .rows
            .iter()
            .fold(self.steady, |most, row| std::array::from_fn(|rung| most[rung].max(row[rung])));
        self.ordered.push(self.wanted);
        if let Some(ready) = self.ordered.merged(self.age) {
            for (lost, ready) in self.lost.iter_mut().zip(ready) {
                *lost = *lost * self.fades + (demand - f64::from(ready)).max(0.0);
            }
            self.asked = self.asked * self.fades + demand;
        }
    }

    /// Lets so many steps pass without a sample: what was wanted stays.
    pub(super) fn silence(&mut self, steps: usize) {
        for _ in 0..steps.min(ROWS * self.ordered.stride) {
            self.held.push(self.steady);
            self.ordered.push(self.wanted);
        }
    }

    /// Replicas at a place on the ladder, between two rungs a mixture of theirs.
    pub(super) fn wanted(&self, place: f64) -> f64 {
        let (low, high, share) = between(place);
        f64::from(self.wanted[low]) * (1.0 - share) + f64::from(self.wanted[high]) * share
    }

    /// Share of demand a rung would have lost; none before any demand.
    pub(super) fn lost(&self, rung: usize) -> Option<f64> {
        (self.asked > 0.0).then(|| self.lost[rung] / self.asked)
    }

    pub(super) fn bytes(&self) -> usize {
        self.held.bytes() + self.ordered.bytes()
    }
}

/// What a step leaves of the weight of what was lost.
pub(super) fn fades(grid: &Grid) -> f64 {
    left_after(grid.step as f64 / WINDOW)
}

/// The rungs around a place, and how far it is from the first to the second.
fn between(place: f64) -> (usize, usize, f64) {
    let place = place.clamp(0.0, (RUNGS - 1) as f64);
    let low = super::math::index(place);
    (low, (low + 1).min(RUNGS - 1), place - low as f64)
}

/// For every price the number of replicas that are worth it, at least one: the prices fall, so the numbers rise.
fn layers(seen: &Foreseen, prices: &[f64; PRICES]) -> [u16; PRICES] {
    let mut count = 1u32;
    prices.map(|price| {
        if count < MOST && seen.worth(count) > price {
            // The next replica is worth it: double the step until one is not, then halve the span.
            let (mut worth, mut step) = (count, 1);
            while count + step < MOST && seen.worth(count + step) > price {
                worth = count + step;
                step *= 2;
            }
            let mut not = (count + step).min(MOST);
            while worth + 1 < not {
                let middle = u32::midpoint(worth, not);
                if seen.worth(middle) > price { worth = middle } else { not = middle }
            }
            count = not;
        }
        u16::try_from(count).unwrap_or(u16::MAX)
    })
}
