//! The indicator's past: means of five minutes, two weeks of them, by the clock on the wall.
//!
//! Blocks are numbered by local time, so that the same time yesterday is always one day of blocks back. Where the
//! clocks go forward an hour of blocks is empty; where they go back, the second of two equal hours is left out.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Seconds in a block.
pub(super) const BLOCK: i64 = 300;
/// Blocks in a day.
pub(super) const DAY: usize = 288;
/// Blocks that are kept: two weeks.
pub(super) const KEPT: usize = 14 * DAY;
/// A silence of at most so many blocks is bridged with the last value: a sample stands for half an hour.
pub(super) const STANDS: usize = 6;
/// What stands in a block without a sample.
const HOLE: f32 = f32::NAN;

/// Means by block; the one that is being filled is not among them.
#[derive(Debug, Clone)]
pub(super) struct Past {
    zone: TimeZone,
    /// The oldest first; the last one is the block before `open`.
    kept: VecDeque<f32>,
    /// The block that is being filled, the sum of its samples, and how many there are.
    open: Option<i64>,
    sum: f64,
    count: f64,
    /// Blocks among the kept that have a value.
    filled: usize,
}

impl Past {
    /// Nothing is known yet.
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, kept: VecDeque::new(), open: None, sum: 0.0, count: 0.0, filled: 0 }
    }

    /// The number of the block a moment lies in.
    fn block(&self, at: Timestamp) -> i64 {
        (at.as_second() + i64::from(self.zone.to_offset(at).seconds())).div_euclid(BLOCK)
    }

    /// Takes in a sample, or that there was none. A moment before the newest block is left out.
    pub(super) fn push(&mut self, at: Timestamp, value: Option<f64>) {
        let value = value.filter(|value| value.is_finite());
        if self.open.is_none() && value.is_none() {
            return;
        }
        let block = self.block(at);
        self.close_before(block);
        if let (true, Some(value)) = (self.open == Some(block), value) {
            self.sum += value;
            self.count += 1.0;
        }
    }

    /// Closes the blocks that ended by `now`.
    pub(super) fn close(&mut self, now: Timestamp) {
        if self.open.is_some() {
            self.close_before(self.block(now));
        }
    }

    fn close_before(&mut self, block: i64) {
        let Some(open) = self.open else {
            self.open = Some(block);
            return;
        };
        if block <= open {
            return;
        }
        let mean = if self.count > 0.0 { short(self.sum / self.count) } else { HOLE };
        self.keep(mean);
        let silent = usize::try_from(block - open - 1).unwrap_or(usize::MAX);
        for _ in 0..silent.min(KEPT) {
            self.keep(HOLE);
        }
        (self.open, self.sum, self.count) = (Some(block), 0.0, 0.0);
    }

    fn keep(&mut self, mean: f32) {
        if !mean.is_nan() {
            self.bridge();
            self.filled += 1;
        }
        self.kept.push_back(mean);
        if self.kept.len() > KEPT && self.kept.pop_front().is_some_and(|oldest| !oldest.is_nan()) {
            self.filled -= 1;
        }
    }

    /// Fills the silence before a new sample with the value before it, if it was short.
    fn bridge(&mut self) {
        let silent = self.silence();
        if !(1..=STANDS).contains(&silent) {
            return;
        }
        let length = self.kept.len();
        if let Some(value) = (length - silent).checked_sub(1).map(|before| self.kept[before]) {
            self.kept.range_mut(length - silent..).for_each(|hole| *hole = value);
            self.filled += silent;
        }
    }

    /// How many of the newest blocks have no value.
    pub(super) fn silence(&self) -> usize {
        self.kept.iter().rev().take_while(|mean| mean.is_nan()).count()
    }

    /// How many blocks have a value.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// The number of the block that is being filled.
    pub(super) fn open(&self) -> Option<i64> {
        self.open
    }

    /// The kept means, the oldest first; what is missing is no number. A silence that is not over yet is bridged.
    pub(super) fn means(&self) -> Vec<f32> {
        let mut means: Vec<f32> = self.kept.iter().copied().collect();
        let silent = self.silence();
        let length = means.len();
        if (1..=STANDS).contains(&silent) && silent < length {
            let value = means[length - silent - 1];
            means[length - silent..].fill(value);
        }
        means
    }

    /// Bytes of memory beyond the value itself.
    pub(super) fn bytes(&self) -> usize {
        self.kept.capacity() * size_of::<f32>()
    }
}

/// The nearest `f32`; what is larger than any of them counts as the largest.
#[allow(clippy::cast_possible_truncation, reason = "seven digits are enough for a mean")]
fn short(mean: f64) -> f32 {
    mean.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(zone: &str) -> Past {
        Past::new(TimeZone::get(zone).unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn samples_of_five_minutes_become_their_mean() {
        let mut past = past("UTC");
        for (second, value) in [(0, 10.0), (15, 20.0), (285, 30.0), (300, 7.0), (600, 1.0)] {
            past.push(at(second), Some(value));
        }
        assert_eq!(past.means(), [20.0, 7.0]);
        past.close(at(900));
        assert_eq!(past.means(), [20.0, 7.0, 1.0]);
    }

    #[test]
    fn a_short_silence_is_bridged_and_a_long_one_is_not() {
        let mut past = past("UTC");
        past.push(at(0), Some(5.0));
        past.push(at(1800), Some(9.0));
        past.close(at(2100));
        assert_eq!(past.means(), [5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 9.0]);
        past.push(at(7200), Some(4.0));
        past.close(at(7500));
        let means = past.means();
        assert_eq!(means.iter().filter(|mean| mean.is_nan()).count(), 17);
        assert_eq!((past.filled(), means.len()), (8, 25));
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let mut past = past("UTC");
        past.push(at(0), Some(f64::NAN));
        assert_eq!(past.open(), None, "nothing has begun");
        past.push(at(0), Some(1.0));
        past.push(at(300), Some(f64::INFINITY));
        past.close(at(600));
        assert_eq!((past.means(), past.silence()), (vec![1.0, 1.0], 1));
    }

    #[test]
    fn two_weeks_are_kept_and_no_more() {
        let mut past = past("UTC");
        for block in 0..20 * 288 {
            past.push(at(block * 300), Some(1.0));
        }
        assert_eq!((past.means().len(), past.filled()), (KEPT, KEPT));
        past.push(at(100 * 86_400), Some(1.0));
        assert_eq!(past.filled(), 0, "after eighty days of silence nothing is left");
        assert!(past.bytes() <= 16 * 1024 + 1024, "{}", past.bytes());
    }

    #[test]
    fn a_day_back_is_the_same_time_by_the_clock_whatever_the_clocks_did() {
        let mut past = past("Europe/Berlin");
        let noon: Timestamp = "2026-03-28T11:00:00Z".parse().unwrap();
        for block in 0..(23 * 12) {
            past.push(at(noon.as_second() + block * 300), Some(f64::from(u8::from(block == 0))));
        }
        past.push("2026-03-29T10:00:00Z".parse().unwrap(), Some(0.0));
        let means = past.means();
        assert_eq!(means.len(), DAY, "the clocks went forward: twelve blocks are empty");
        assert!((means[0] - 1.0).abs() < 1e-9);
    }
}
