//! What the scaled errors of the forecast look like: a histogram, tilted by what they looked like in contexts
//! like the present one.
//!
//! Errors divided by the forecast scale are counted in bins that are even steps of asinh(2z): fine in the middle,
//! wide in the tails. For every kind of every context (is demand jumping? has it become calmer? is it night? …)
//! and for the time of day, groups of bins are counted too. The chance of a bin is its overall share times, for
//! every context, the ratio of the share its group has in that context to the one it has overall, to a power
//! below one since contexts overlap (a logarithmic opinion pool, Genest and Zidek 1986). Ratios are shrunk
//! towards 1 as if [`PRIOR`] errors had been seen with the overall shares.
//!
//! Above [`FAR`] too few errors are seen to count them: half of that tail is spread by the law of Pareto, in which
//! the chance of an error above z falls as (z ÷ far)^(−1/ξ) (peaks over threshold, Pickands 1975; the mean of
//! ln(z ÷ far) estimates ξ, Hill 1975). ξ is forecast by a regression of its own: a burst out of a quiet night
//! lies many more scales away than one on a busy day.

use super::math::{asinh, exp, index, left_after, power, short, sinh};

/// Groups of bins, which the contexts count.
const GROUPS: usize = 34;
/// Bins in a group.
const FINE: usize = 4;
/// Bins of the histogram.
pub(super) const BINS: usize = GROUPS * FINE;
/// Where the first bin begins, in asinh(2z): z = −5.
const FIRST: f64 = -3.0;
/// How wide a bin is, in asinh(2z).
const WIDTH: f64 = 0.07;
/// Contexts an error is counted in.
pub(super) const CONTEXTS: usize = 6;
/// Kinds of every context.
pub(super) const KINDS: [usize; CONTEXTS] = [7, 6, 7, 6, 7, 8];
/// Hours of a day.
pub(super) const SLOTS: usize = 24;
/// Where the far tail begins, in units of the scale: errors above twice the scale are one in twenty to one in
/// fifty. At 3 it is too few to learn from, at 1 it is not a tail any more.
pub(super) const FAR: f64 = 2.0;
/// How much of the far tail follows the law, the rest being what was counted.
const LAWFUL: f64 = 0.5;
/// So many errors with the overall shares every context begins with. Fewer: shares of rare contexts are noise;
/// more: they are not heard. From 40 to 160 makes little difference.
const PRIOR: f64 = 80.0;
/// An error halves its weight in the histogram after so many further ones: a week at one a minute.
const HALF_LIFE: f64 = 10_080.0;
/// One error in the counts of a context; what is left of fractions when counts are halved.
const ONE: u16 = 16;
/// Counts of a kind are halved when they add up to this.
const FULL: u32 = 60_000;
/// One error in the counts of an hour.
const ONE_IN_SLOT: u16 = 64;
/// What a day leaves of the counts of an hour.
const DAY_LEAVES: f32 = 0.87;

/// The middle of a bin, in units of the scale.
pub(super) fn middle(bin: usize) -> f64 {
    sinh(FIRST + WIDTH * (bin as f64 + 0.5)) / 2.0
}

/// The bin an error falls into: 0 falls into bin 42, as asinh(0) lies 42.9 steps after the first.
fn bin(z: f64) -> usize {
    index((asinh(2.0 * z) - FIRST) / WIDTH).min(BINS - 1)
}

/// Kind of every context at some moment.
pub(super) type Context = [u8; CONTEXTS];

/// The row of counts of a kind of a context.
fn row(context: usize, kind: u8) -> usize {
    KINDS[..context].iter().sum::<usize>() + usize::from(kind).min(KINDS[context] - 1)
}

/// The counts.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    bins: [f32; BINS],
    /// What one more error weighs: grows instead of all others shrinking.
    weight: f32,
    /// Counts of the groups in every kind of every context.
    kinds: Vec<[u16; GROUPS]>,
    /// Counts of the groups in every hour of the day.
    slots: Vec<[u16; GROUPS]>,
    /// The hour it is, and the counts around it.
    slot: Option<usize>,
    around: [f32; GROUPS],
    /// Shares of the groups overall.
    shares: [f32; GROUPS],
}

impl Shape {
    /// Before any error was seen: fat tails, as light as twenty errors.
    pub(super) fn new() -> Self {
        // Student's t with 2.5 degrees of freedom, times the width of the bin in z.
        let raw: [f64; BINS] = std::array::from_fn(|bin| {
            let z = middle(bin);
            (1.0 + 4.0 * z * z).sqrt() / power(1.0 + z * z, 1.75)
        });
        let sum: f64 = raw.iter().sum();
        let mut shape = Self {
            bins: raw.map(|share| short(20.0 * share / sum)),
            weight: 1.0,
            kinds: vec![[0; GROUPS]; KINDS.iter().sum()],
            slots: vec![[0; GROUPS]; SLOTS],
            slot: None,
            around: [0.0; GROUPS],
            shares: [0.0; GROUPS],
        };
        shape.share();
        shape
    }

    /// Finds the shares of the groups anew.
    fn share(&mut self) {
        let least = 0.004 * self.weight;
        let total = self.bins.iter().sum::<f32>() + 34.0 * least;
        for (share, bins) in self.shares.iter_mut().zip(self.bins.chunks(FINE)) {
            *share = (bins.iter().sum::<f32>() + least) / total;
        }
    }

    /// The time of day moved on to this hour: the counts of it and of those around it are looked up, and those
    /// half a day away fade.
    pub(super) fn turn(&mut self, slot: usize) {
        if self.slot == Some(slot) {
            return;
        }
        self.slot = Some(slot);
        self.around = [0.0; GROUPS];
        for (ahead, weight) in [(SLOTS - 1, 0.3), (0, 1.0), (1, 0.3)] {
            for (sum, &count) in self.around.iter_mut().zip(&self.slots[(slot + ahead) % SLOTS]) {
                *sum += weight * f32::from(count) / f32::from(ONE_IN_SLOT);
            }
        }
        for count in &mut self.slots[(slot + SLOTS / 2) % SLOTS] {
            *count = u16::try_from(index(f64::from(f32::from(*count) * DAY_LEAVES))).unwrap_or(u16::MAX);
        }
    }

    /// Counts an error of a forecast that was made in a context, in an hour of the day.
    pub(super) fn learn(&mut self, z: f64, context: Context, slot: usize) {
        let bin = bin(z);
        let group = bin / FINE;
        self.weight *= short(left_after(-1.0 / HALF_LIFE));
        self.bins[bin] += self.weight;
        if self.weight > 1e6 {
            let weight = std::mem::replace(&mut self.weight, 1.0);
            self.bins = self.bins.map(|bin| bin / weight);
        }
        self.share();
        for (index, kind) in context.into_iter().enumerate() {
            let row = &mut self.kinds[row(index, kind)];
            row[group] += ONE;
            if row.iter().copied().map(u32::from).sum::<u32>() > FULL {
                *row = row.map(|count| count / 2);
            }
        }
        let count = &mut self.slots[slot % SLOTS][group];
        *count = count.saturating_add(ONE_IN_SLOT);
    }

    /// The chances of the bins in a context at the present time of day, with a far tail of index `tail`; they add
    /// up to 1.
    pub(super) fn tilted(&self, context: Context, tail: f64) -> [f64; BINS] {
        let shares = self.shares.map(f64::from);
        let mut ratios = [1.0f64; GROUPS];
        let mut tilt = |counts: [f64; GROUPS]| {
            let total = counts.iter().sum::<f64>() + PRIOR;
            for ((ratio, count), share) in ratios.iter_mut().zip(counts).zip(shares) {
                *ratio *= (count + PRIOR * share) / (total * share);
            }
        };
        for (index, kind) in context.into_iter().enumerate() {
            let row = &self.kinds[row(index, kind)];
            tilt(row.map(|count| f64::from(count) / f64::from(ONE)));
        }
        tilt(self.around.map(f64::from));
        let mut chances = [0.0; BINS];
        for ((chances, bins), ratio) in chances.chunks_mut(FINE).zip(self.bins.chunks(FINE)).zip(ratios) {
            let ratio = tilt_of(ratio);
            for (chance, bin) in chances.iter_mut().zip(bins) {
                *chance = f64::from(*bin) * ratio;
            }
        }
        let sum: f64 = chances.iter().sum();
        spread_tail(&mut chances, tail);
        chances.map(|chance| chance / sum)
    }

    /// Bytes of the counts.
    pub(super) fn bytes(&self) -> usize {
        (self.kinds.len() + self.slots.len()) * size_of::<[u16; GROUPS]>()
    }
}

/// The power of a context's ratio, 3/8, by roots alone. From 0.3 to 0.5 makes little difference.
fn tilt_of(ratio: f64) -> f64 {
    let fourth = ratio.sqrt().sqrt();
    fourth * fourth.sqrt()
}

/// Spreads half of the far tail by the law of Pareto; the tail weighs what it weighed.
///
/// In asinh(2z), which is ln(4z) in the tail, the law falls exponentially: from bin to bin by exp(−width ÷ ξ).
fn spread_tail(chances: &mut [f64; BINS], tail: f64) {
    let far = &mut chances[bin(FAR)..];
    let falls = exp(-WIDTH / tail);
    let weight: f64 = far.iter().sum();
    let mut all = 0.0;
    let mut law = 1.0;
    for _ in 0..far.len() {
        all += law;
        law *= falls;
    }
    law = LAWFUL * weight / all;
    for chance in far {
        *chance = *chance * (1.0 - LAWFUL) + law;
        law *= falls;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Context = [0; CONTEXTS];
    const WILD: Context = [1; CONTEXTS];

    fn beyond(shape: &Shape, context: Context, z: f64) -> f64 {
        shape.tilted(context, 0.4)[bin(z)..].iter().sum()
    }

    #[test]
    fn every_error_falls_into_the_bin_whose_middle_is_nearest() {
        assert_eq!(bin(0.0), 42);
        for number in 0..BINS {
            assert_eq!(bin(middle(number)), number);
        }
        assert_eq!((bin(-1e9), bin(1e9), bin(f64::NAN)), (0, BINS - 1, 0));
    }

    #[test]
    fn chances_add_up_to_one_before_and_after_learning() {
        let mut shape = Shape::new();
        for z in 0..500 {
            assert!((shape.tilted(CALM, 0.4).iter().sum::<f64>() - 1.0).abs() < 1e-9);
            shape.learn(f64::from(z % 7) - 3.0, CALM, 3);
        }
    }

    #[test]
    fn a_context_with_large_errors_has_a_heavy_tail_and_leaves_the_others_theirs() {
        let mut shape = Shape::new();
        for _ in 0..300 {
            for small in 0..9 {
                shape.learn(f64::from(small) / 10.0 - 0.4, CALM, 0);
            }
            shape.learn(6.0, WILD, 10);
        }
        assert!(beyond(&shape, WILD, 5.0) > 0.5, "{}", beyond(&shape, WILD, 5.0));
        assert!(beyond(&shape, CALM, 5.0) < 0.01, "{}", beyond(&shape, CALM, 5.0));
    }

    #[test]
    fn counts_of_a_context_never_overflow() {
        let mut shape = Shape::new();
        for _ in 0..20_000 {
            shape.learn(0.1, CALM, 0);
        }
        assert!(beyond(&shape, CALM, 1.0) < 0.01);
    }

    #[test]
    fn a_ratio_of_256_tilts_by_eight() {
        assert!((tilt_of(256.0) - 8.0).abs() < 1e-9 && (tilt_of(1.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn half_of_the_far_tail_follows_the_law_of_pareto() {
        let mut chances = [0.0; BINS];
        let first = bin(FAR);
        (chances[first], chances[0]) = (0.4, 0.6);
        spread_tail(&mut chances, 0.5);
        assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        // With ξ = ½ the chance falls with the square: above four times the beginning lies a sixteenth.
        let above: f64 = chances[bin(4.0 * FAR)..].iter().sum();
        assert!((above / (0.4 * LAWFUL) - 1.0 / 16.0).abs() < 0.01, "{above}");
    }

    #[test]
    fn a_time_of_day_with_large_errors_is_remembered() {
        let mut shape = Shape::new();
        for day in 0..7 {
            for slot in 0..SLOTS {
                shape.turn(slot);
                for _ in 0..60 {
                    shape.learn(if slot == 9 { 4.0 } else { 0.1 * f64::from(day) }, CALM, slot);
                }
            }
        }
        shape.turn(3);
        let at_night = beyond(&shape, CALM, 3.0);
        shape.turn(9);
        assert!(beyond(&shape, CALM, 3.0) > 3.0 * at_night);
    }
}
