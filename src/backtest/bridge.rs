//! Samples that are coarser than the grid, filled so that no future shows.
//!
//! A straight line between two samples tells a policy the second one a whole step early: its slope is that of the
//! future. Between two samples the path is therefore a Brownian bridge, pinned at both, as rough as the recording
//! itself is around there: the variance of a step is twice the median squared distance of a sample from the middle
//! of its neighbours, over nine samples, divided by the median of a χ² with one degree of freedom (0.455). A
//! recording that walks at random at its own step goes on doing so below it, and a smooth one stays smooth.

use super::recording::{Kind, Recording};

/// Samples the roughness is taken over.
const AROUND: usize = 9;
/// The median of the χ² distribution with one degree of freedom.
const MEDIAN_OF_CHI_SQUARED: f64 = 0.455;

/// The recording on a grid of `step` seconds. Samples at least as fine as the grid are taken as they are: a coarser
/// grid is filled with the average of each step. `seed` chooses the path.
///
/// Gaps stay gaps: nothing is drawn across a sample that is not known.
pub fn bridged(samples: &Recording, kind: Kind, step: i64, seed: u64) -> Recording {
    let rate = |value: f64| if kind == Kind::Count { value / samples.step as f64 } else { value };
    let rates: Vec<Option<f64>> = samples.demand.iter().map(|value| value.map(rate)).collect();
    if samples.step <= step {
        return averaged(samples, &rates, step);
    }
    let middle = if kind == Kind::Gauge { 0.0 } else { samples.step as f64 / 2.0 };
    let rough = roughness(&rates);
    let mut chance = Chance(seed);
    let (span, steps) = (samples.step as f64, samples.step / step);
    let total = i64::try_from(rates.len()).unwrap_or(i64::MAX).saturating_mul(steps);
    let mut demand = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
    let mut piece: Option<(usize, Vec<f64>)> = None;
    for index in 0..total {
        // Where the middle of this step of the grid lies between two samples.
        let place = ((index as f64 + 0.5) * step as f64 - middle) / span;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at least 0 and below the length"
        )]
        let left = (place.max(0.0) as usize).min(rates.len().saturating_sub(2));
        let share = (place - left as f64).clamp(0.0, 1.0);
        let (Some(from), Some(to)) = (rates[left], rates.get(left + 1).copied().flatten()) else {
            demand.push(rates[left].or(rates.get(left + 1).copied().flatten()).filter(|_| rates.len() == 1));
            continue;
        };
        if piece.as_ref().is_none_or(|(of, _)| *of != left) {
            // In half steps: the middle of a step of the grid is a point of the walk, not the average of two.
            piece = Some((left, chance.walk(usize::try_from(2 * steps).unwrap_or(2))));
        }
        let walk = piece.as_ref().map_or(0.0, |(_, walk)| at(walk, share));
        demand.push(Some((from + (to - from) * share + walk * rough[left].sqrt()).max(0.0)));
    }
    Recording { start: samples.start, step, demand }
}

/// The average of the samples within each step of the grid.
fn averaged(samples: &Recording, rates: &[Option<f64>], step: i64) -> Recording {
    let per = usize::try_from(step / samples.step).unwrap_or(1).max(1);
    let demand = rates
        .chunks(per)
        .map(|chunk| {
            let known = chunk.iter().flatten().count();
            (known > 0).then(|| chunk.iter().flatten().sum::<f64>() / known as f64)
        })
        .collect();
    Recording { start: samples.start, step: samples.step * i64::try_from(per).unwrap_or(1), demand }
}

/// The variance of a step around each sample.
fn roughness(rates: &[Option<f64>]) -> Vec<f64> {
    let known = |index: Option<usize>| index.and_then(|index| rates.get(index).copied().flatten());
    let squares: Vec<f64> = (0..rates.len())
        .map(|index| match (known(index.checked_sub(1)), known(Some(index)), known(Some(index + 1))) {
            (Some(before), Some(here), Some(after)) => (here - f64::midpoint(before, after)).powi(2),
            _ => 0.0,
        })
        .collect();
    (0..squares.len())
        .map(|index| {
            let from = index.saturating_sub(AROUND / 2);
            let mut around = squares[from..(index + AROUND / 2 + 1).min(squares.len())].to_vec();
            around.sort_by(f64::total_cmp);
            2.0 * around[around.len() / 2] / MEDIAN_OF_CHI_SQUARED
        })
        .collect()
}

/// A bridge of unit variance at a share of its way, from its steps.
fn at(walk: &[f64], share: f64) -> f64 {
    let steps = (walk.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the steps")]
    let left = ((share * steps) as usize).min(walk.len() - 2);
    let part = share * steps - left as f64;
    walk[left] + (walk[left + 1] - walk[left]) * part
}

/// Reproducible chance: `SplitMix64` (Steele, Lea and Flood 2014), normal by the method of Box and Muller (1958).
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let (one, two) = (self.uniform(), self.uniform());
        (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos()
    }

    /// A bridge from 0 to 0 in so many steps, of variance 1 for the whole way before it was pinned.
    fn walk(&mut self, steps: usize) -> Vec<f64> {
        let size = (1.0 / steps as f64).sqrt();
        let mut walk = vec![0.0];
        for _ in 0..steps {
            walk.push(walk.last().copied().unwrap_or(0.0) + self.normal() * size);
        }
        let end = walk.last().copied().unwrap_or(0.0);
        walk.iter().enumerate().map(|(index, value)| value - end * index as f64 / steps as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hourly(values: &[f64]) -> Recording {
        Recording { start: 0, step: 3600, demand: values.iter().map(|value| Some(*value)).collect() }
    }

    #[test]
    fn a_smooth_recording_stays_smooth_and_a_rough_one_rough() {
        let smooth: Vec<f64> = (0..48).map(|hour| 100.0 + f64::from(hour)).collect();
        let rough: Vec<f64> = (0..48).map(|hour| 100.0 + f64::from(hour % 2) * 40.0).collect();
        let spread = |values: &[f64]| {
            let filled = bridged(&hourly(values), Kind::Gauge, 15, 1).demand;
            let steps = filled.windows(2).filter_map(|pair| Some((pair[1]? - pair[0]?).powi(2)));
            steps.sum::<f64>() / filled.len() as f64
        };
        assert!(spread(&rough) > 100.0 * spread(&smooth), "{} {}", spread(&rough), spread(&smooth));
    }

    #[test]
    fn a_walk_at_random_goes_on_at_random_below_its_step() {
        let mut chance = Chance(3);
        let mut place = 10_000.0;
        let values: Vec<f64> = (0..4000)
            .map(|_| {
                place += chance.normal() * 10.0;
                place
            })
            .collect();
        let minutes = Recording { step: 60, ..hourly(&values) };
        for kind in [Kind::Gauge, Kind::Rate] {
            let filled = bridged(&minutes, kind, 15, 1).demand;
            let steps = filled.windows(2).filter_map(|pair| Some((pair[1]? - pair[0]?).powi(2)));
            let mean = steps.sum::<f64>() / filled.len() as f64;
            // The median of nine errs upwards by a sixth.
            assert!((25.0..32.5).contains(&mean), "a quarter of the variance of a step is 25, not {mean}");
        }
    }

    #[test]
    fn counts_become_rates_and_the_whole_stays() {
        let filled = bridged(&hourly(&[3600.0, 3600.0, 3600.0]), Kind::Count, 15, 1);
        assert_eq!(filled.demand.len(), 720);
        assert!(filled.demand.iter().flatten().all(|rate| (rate - 1.0).abs() < 1e-9));
    }

    #[test]
    fn the_path_is_pinned_at_the_samples_and_does_not_show_the_next_one() {
        // A walk with a jump at its end: before the last hour begins, nothing of the jump is seen.
        let mut values = vec![100.0, 104.0, 98.0, 103.0, 99.0, 102.0, 100.0, 101.0, 100.0];
        let calm = bridged(&hourly(&values), Kind::Gauge, 15, 7);
        values[8] = 500.0;
        let jump = bridged(&hourly(&values), Kind::Gauge, 15, 7);
        let before = 7 * 240 - 1;
        assert!((calm.demand[before].unwrap() - jump.demand[before].unwrap()).abs() < 10.0);
        assert_eq!(bridged(&hourly(&values), Kind::Gauge, 15, 7), jump, "the same seed, the same path");
    }

    #[test]
    fn gaps_stay_gaps() {
        let mut samples = hourly(&[1.0, 1.0, 1.0, 1.0, 1.0]);
        samples.demand[2] = None;
        let filled = bridged(&samples, Kind::Gauge, 15, 1);
        assert!(filled.demand[300].is_none() && filled.demand[600].is_none());
        assert!(filled.demand[100].is_some() && filled.demand[800].is_some());
    }

    #[test]
    fn finer_samples_are_averaged() {
        let fine = Recording { start: 0, step: 5, demand: [1.0, 2.0, 3.0, 4.0].map(Some).to_vec() };
        assert_eq!(bridged(&fine, Kind::Gauge, 15, 1).demand, [Some(2.0), Some(4.0)]);
    }
}
