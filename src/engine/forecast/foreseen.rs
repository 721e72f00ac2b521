//! The distribution of demand at the lead time, as a histogram that was moved and stretched.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};

use super::shape::{BINS, middle};

/// The middles of the bins, in units of the scale.
static MIDDLES: LazyLock<[f64; BINS]> = LazyLock::new(|| std::array::from_fn(middle));

/// What demand will be at the lead time, with chances. Demand is in units of what one replica carries.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// The moment it is about.
    pub at: Timestamp,
    /// From the newest sample to that moment.
    pub horizon: SignedDuration,
    /// The mean.
    pub expected: f64,
    /// As likely to be exceeded as not.
    pub median: f64,
    /// Exceeded once in twenty times.
    pub upper: f64,
    location: f64,
    scale: f64,
    /// Nothing above this is believed.
    ceiling: f64,
    /// For every bin, the chance that demand falls into it or a higher one.
    above: [f64; BINS + 1],
    /// For every bin, the sum of chance × demand over it and the higher ones.
    mass: [f64; BINS + 1],
}

impl Foreseen {
    /// The histogram of scaled errors `chances`, moved to `location` and stretched by `scale`.
    pub(super) fn new(
        (at, horizon): (Timestamp, SignedDuration),
        (location, scale, ceiling): (f64, f64, f64),
        chances: &[f64; BINS],
    ) -> Self {
        let (mut above, mut mass) = ([0.0; BINS + 1], [0.0; BINS + 1]);
        let blank = Self {
            at,
            horizon,
            expected: 0.0,
            median: 0.0,
            upper: 0.0,
            location,
            scale,
            ceiling,
            above,
            mass,
        };
        for bin in (0..BINS).rev() {
            above[bin] = above[bin + 1] + chances[bin];
            mass[bin] = mass[bin + 1] + chances[bin] * blank.demand(bin);
        }
        let mut seen = Self { above, mass, ..blank };
        (seen.expected, seen.median, seen.upper) =
            (seen.excess(0.0), seen.quantile(0.5), seen.quantile(0.95));
        seen
    }

    /// Demand in the middle of a bin.
    fn demand(&self, bin: usize) -> f64 {
        (self.location + self.scale * MIDDLES[bin]).min(self.ceiling)
    }

    /// The first bin above a demand.
    fn beyond(&self, demand: f64) -> usize {
        if demand >= self.ceiling {
            return BINS;
        }
        let z = (demand - self.location) / self.scale;
        MIDDLES.partition_point(|middle| *middle <= z)
    }

    /// The chance that demand is above `demand`.
    pub fn exceeds(&self, demand: f64) -> f64 {
        self.above[self.beyond(demand)].clamp(0.0, 1.0)
    }

    /// How much demand above `demand` is expected: E(y − demand)⁺. With chances of ½ for 4 and for 8, of a
    /// demand above 6 one is expected.
    pub fn excess(&self, demand: f64) -> f64 {
        let bin = self.beyond(demand);
        (self.mass[bin] - demand * self.above[bin]).max(0.0)
    }

    /// The demand that is not exceeded with chance `p`; never below 0.
    pub fn quantile(&self, p: f64) -> f64 {
        let bin = self.above.partition_point(|above| *above > 1.0 - p).saturating_sub(1);
        self.demand(bin.min(BINS - 1)).max(0.0)
    }

    /// How much of one more replica's capacity is expected to be used where `replicas` already serve:
    /// E min(1, (y − replicas)⁺). With chances of ½ for a demand of 4.5 and of 8, the fifth replica is worth
    /// ½·0.5 + ½·1 = 0.75.
    pub fn worth(&self, replicas: u32) -> f64 {
        (self.excess(f64::from(replicas)) - self.excess(f64::from(replicas) + 1.0)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half the chance in each of two bins, at 4.5 and 8.
    fn two() -> Foreseen {
        let (low, high) = (40, 100);
        let scale = 3.5 / (middle(high) - middle(low));
        let mut chances = [0.0; BINS];
        (chances[low], chances[high]) = (0.5, 0.5);
        let location = 4.5 - scale * middle(low);
        Foreseen::new(
            (Timestamp::UNIX_EPOCH, SignedDuration::from_secs(60)),
            (location, scale, 100.0),
            &chances,
        )
    }

    #[test]
    fn excess_and_worth_are_expectations() {
        let seen = two();
        assert!((seen.excess(6.0) - 1.0).abs() < 1e-9);
        assert!((seen.worth(4) - 0.75).abs() < 1e-9);
        assert!((seen.worth(3) - 1.0).abs() < 1e-9 && (seen.worth(7) - 0.5).abs() < 1e-9);
        assert!(seen.worth(8).abs() < 1e-9);
        assert!((seen.expected - 6.25).abs() < 1e-9);
    }

    #[test]
    fn chances_and_quantiles_are_each_others_inverse() {
        let seen = two();
        assert!((seen.exceeds(5.0) - 0.5).abs() < 1e-9 && seen.exceeds(9.0).abs() < 1e-9);
        assert!((seen.quantile(0.4) - 4.5).abs() < 1e-9);
        assert!((seen.quantile(0.6) - 8.0).abs() < 1e-9 && (seen.upper - 8.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_above_the_ceiling_is_believed() {
        let chances = [1.0 / BINS as f64; BINS];
        let times = (Timestamp::UNIX_EPOCH, SignedDuration::from_secs(60));
        let seen = Foreseen::new(times, (10.0, 50.0, 40.0), &chances);
        assert!((seen.quantile(1.0) - 40.0).abs() < 1e-9);
        assert!(seen.excess(40.0).abs() < 1e-9 && seen.exceeds(40.0).abs() < 1e-9);
    }
}
