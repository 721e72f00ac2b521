//! Replicas for every price, and what every price would have lost.
//!
//! Capacity is layers: with n replicas ready, the next serves min(1, (y − n)⁺) of a demand y. Layers do not
//! interact, so a layer is worth ordering exactly when what it is expected to serve at the lead time is more than
//! the price of holding it. Demand is seen whatever was done about it; so what each price would have lost is
//! known, and a budget can be kept by looking at all of them.

use std::sync::LazyLock;

use super::foreseen::Foreseen;
use super::grid::Grid;
use super::math::{left_after, power};
use super::trail::Trail;

/// Prices decisions are taken at.
pub(super) const RUNGS: usize = 30;
/// The most rungs between the price a replica is ordered at and the one it is dropped at.
const STICKIEST: usize = 6;
/// Prices distributions are weighed at.
const PRICES: usize = RUNGS + STICKIEST;
/// The highest price.
const DEAREST: f64 = 0.3;
/// From one price to the next.
const RATIO: f64 = 0.781_36;
/// The rolling window in which losses are counted is an average that fades by half in so many seconds.
const WINDOW: f64 = 10.0 * 86_400.0;
/// More replicas are not counted.
const MOST: u32 = 60_000;

/// The prices.
static PRICE_LIST: LazyLock<[f64; PRICES]> = LazyLock::new(|| std::array::from_fn(|rung| price(rung as f64)));

/// The price of a rung: 0.3 for the first, 21.9 % less with every further one.
pub(super) fn price(rung: f64) -> f64 {
    DEAREST * power(RATIO, rung)
}

/// All prices side by side.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    age: usize,
    /// The demand of the moment before.
    before: f64,
    /// What the demand observed needs: the higher of the last two samples.
    observed: u16,
    /// Rungs between ordering and dropping.
    sticky: usize,
    /// Replicas every price asks for.
    wanted: [u16; RUNGS],
    /// What was asked for within the start-up and the age of the samples.
    ordered: Trail<RUNGS>,
    /// Demand lost at every price, and all demand, fading.
    lost: [f64; RUNGS],
    asked: f64,
    fades: f64,
}

impl Ladder {
    pub(super) fn new(grid: &Grid) -> Self {
        Self {
            age: grid.age,
            before: 0.0,
            observed: 0,
            sticky: sticky(grid),
            wanted: [0; RUNGS],
            ordered: Trail::new(grid.horizon + 1),
            lost: [0.0; RUNGS],
            asked: 0.0,
            fades: fades(grid),
        }
    }

    /// Takes in the demand of a moment and the forecast made on it.
    pub(super) fn advance(&mut self, demand: f64, seen: &Foreseen) {
        let layers = layers(seen, &PRICE_LIST);
        // One sample alone lowers nothing: a counter that is reset shows a zero for once.
        let observed = whole(demand.max(std::mem::replace(&mut self.before, demand)));
        self.observed = observed;
        for (rung, wanted) in self.wanted.iter_mut().enumerate() {
            let half_way = layers[rung + self.sticky - self.sticky / 2];
            *wanted = change(*wanted, layers[rung], layers[rung + self.sticky], half_way, observed);
        }
        self.ordered.push(self.wanted);
        if let Some(ready) = self.ordered.least_but(self.age) {
            for (lost, ready) in self.lost.iter_mut().zip(ready) {
                *lost = *lost * self.fades + (demand - f64::from(ready)).max(0.0);
            }
            self.asked = self.asked * self.fades + demand;
        }
    }

    /// Lets so many steps pass without a sample: what was wanted stays.
    pub(super) fn silence(&mut self, steps: usize) {
        for _ in 0..steps.min(self.ordered.steps()) {
            self.ordered.push(self.wanted);
        }
    }

    /// Replicas at a place on the ladder, between two rungs a mixture of theirs.
    pub(super) fn wanted(&self, place: f64) -> f64 {
        let (low, high, share) = between(place);
        f64::from(self.wanted[low]) * (1.0 - share) + f64::from(self.wanted[high]) * share
    }

    /// Replicas the demand observed needs, be it of this moment or of the one before.
    pub(super) fn observed(&self) -> u32 {
        u32::from(self.observed)
    }

    /// Share of demand a rung would have lost; none before any demand.
    pub(super) fn lost(&self, rung: usize) -> Option<f64> {
        (self.asked > 0.0).then(|| self.lost[rung] / self.asked)
    }

    pub(super) fn bytes(&self) -> usize {
        self.ordered.bytes()
    }
}

/// From what there is to what a price asks for, changing as seldom as it pays.
///
/// Below the replicas worth the price, those are ordered. Above the replicas worth the lower price at which one is
/// dropped, half of the way is taken back at once rather than one replica after the other (a policy of two
/// thresholds and two targets, as is best where every change costs the same: Scarf 1960). What is dropped is never
/// what the demand observed needs.
fn change(there: u16, low: u16, high: u16, half_way: u16, observed: u16) -> u16 {
    let high = high.max(observed).max(low);
    if there < low {
        low
    } else if there > high {
        half_way.max(observed).max(low)
    } else {
        there
    }
}

/// How many rungs lower the price is at which a replica is dropped: 6 for a horizon of less than three minutes (4.4
/// times lower), 4 from four minutes on (2.7 times), since forecasts far ahead change more slowly and flap less.
fn sticky(grid: &Grid) -> usize {
    let minutes = grid.ahead() * grid.step / 60;
    usize::try_from(8 - minutes.clamp(2, 4)).unwrap_or(STICKIEST).min(STICKIEST)
}

/// Replicas that carry a demand.
fn whole(demand: f64) -> u16 {
    u16::try_from(super::math::index((demand - 1e-9).ceil())).unwrap_or(u16::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_change_when_the_price_says_so_and_half_of_what_is_too_much_goes_at_once() {
        // 5 are worth the price, 8 the lower one, 6 the one between.
        assert_eq!(change(3, 5, 8, 6, 2), 5, "too few: what is worth the price");
        assert_eq!(change(7, 5, 8, 6, 2), 7, "between the two prices nothing changes");
        assert_eq!(change(12, 5, 8, 6, 2), 6, "too many: half of the way");
        assert_eq!(change(12, 5, 8, 6, 10), 10, "but what is needed now stays");
        assert_eq!(change(12, 5, 8, 6, 15), 12, "and nothing is dropped");
    }

    #[test]
    fn prices_fall_by_a_fifth_from_rung_to_rung() {
        assert!((price(0.0) - 0.3).abs() < 1e-12 && (price(1.0) - 0.2344).abs() < 1e-4);
        assert!(price((RUNGS - 1) as f64) < 0.000_25);
    }
}
