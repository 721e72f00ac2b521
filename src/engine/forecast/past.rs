//! What demand, its peaks and the errors of the forecast were around this time on past days.
//!
//! "The same time" is the clock's on the wall of the objective's time zone: on the day after the clocks change,
//! the same time yesterday is 23 or 25 hours ago.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::compact::{HOLE, pack, unpack};

/// What of a block is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The mean.
    Mean,
    /// The highest value.
    Peak,
}

/// Blocks of time, two bytes each, as a ring addressed by time.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    keep: Keep,
    /// Seconds in a block.
    width: i64,
    kept: Vec<u16>,
    /// The block that is being filled; none before the first value.
    newest: Option<i64>,
    /// Sum or peak of the values in it, and their number.
    sum: f64,
    count: f64,
}

impl Blocks {
    /// Blocks of so many seconds that reach back for so many.
    pub(super) fn new(keep: Keep, width: i64, reach: i64) -> Self {
        let length = usize::try_from(reach / width + 2).unwrap_or(2);
        Self { keep, width, kept: vec![HOLE; length], newest: None, sum: 0.0, count: 0.0 }
    }

    fn length(&self) -> i64 {
        i64::try_from(self.kept.len()).unwrap_or(i64::MAX)
    }

    fn cell(&self, block: i64) -> usize {
        usize::try_from(block.rem_euclid(self.length())).unwrap_or(0)
    }

    /// Takes in the value of a moment that is not before the one taken in last.
    pub(super) fn push(&mut self, second: i64, value: f64) {
        let block = second.div_euclid(self.width);
        if self.newest.is_none_or(|newest| newest < block) {
            if let Some(newest) = self.newest {
                for hole in (newest + 1).max(block - self.length())..block {
                    let cell = self.cell(hole);
                    self.kept[cell] = HOLE;
                }
            }
            (self.newest, self.sum, self.count) = (Some(block), 0.0, 0.0);
        }
        self.sum = match self.keep {
            Keep::Mean => self.sum + value,
            Keep::Peak => self.sum.max(value),
        };
        self.count += 1.0;
        let kept = if self.keep == Keep::Mean { self.sum / self.count } else { self.sum };
        let cell = self.cell(block);
        self.kept[cell] = pack(kept);
    }

    fn get(&self, block: i64) -> Option<f64> {
        let newest = self.newest?;
        if block > newest || block <= newest - self.length() {
            return None;
        }
        Some(self.kept[self.cell(block)]).filter(|kept| *kept != HOLE).map(unpack)
    }

    /// The value at a moment, on the straight line between the middles of the two blocks around it; where one of
    /// them is a hole, the other's.
    pub(super) fn at(&self, second: i64) -> Option<f64> {
        let shifted = second - self.width / 2;
        let block = shifted.div_euclid(self.width);
        let share = shifted.rem_euclid(self.width) as f64 / self.width as f64;
        match (self.get(block), self.get(block + 1)) {
            (Some(a), Some(b)) => Some(a + (b - a) * share),
            (a, b) => a.or(b),
        }
    }

    /// The highest of the blocks that touch the span.
    pub(super) fn highest(&self, from: i64, to: i64) -> Option<f64> {
        let blocks = from.div_euclid(self.width)..=to.div_euclid(self.width);
        blocks.filter_map(|block| self.get(block)).reduce(f64::max)
    }

    /// Bytes the blocks take.
    pub(super) fn bytes(&self) -> usize {
        self.kept.len() * size_of::<u16>()
    }
}

/// How many seconds ago the clock showed the same time, so many days ago.
///
/// In Berlin, Sunday 29 March 2026 has 23 hours: at noon, noon of the day before is 82,800 s ago.
pub(super) fn same_time(zone: &TimeZone, at: Timestamp, days: i64) -> i64 {
    let then = at
        .to_zoned(zone.clone())
        .checked_sub(days.days())
        .map_or(at - SignedDuration::from_hours(24 * days), |zoned| zoned.timestamp());
    at.as_second() - then.as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value / expected - 1.0).abs() < 0.002)
    }

    #[test]
    fn between_two_blocks_lies_the_line_between_their_middles() {
        let mut blocks = Blocks::new(Keep::Mean, 300, 86_400);
        for second in (0..900).step_by(15) {
            blocks.push(second, f64::from(u8::try_from(second / 300).unwrap()) * 10.0 + 10.0);
        }
        assert!(near(blocks.at(150), 10.0) && near(blocks.at(300), 15.0) && near(blocks.at(450), 20.0));
        assert!(near(blocks.at(850), 30.0), "after the newest middle its value stands");
        assert_eq!(blocks.at(2000), None, "that is to come");
    }

    #[test]
    fn a_silence_is_a_hole_and_what_is_older_than_the_reach_is_gone() {
        let mut blocks = Blocks::new(Keep::Mean, 300, 3600);
        blocks.push(0, 7.0);
        blocks.push(1800, 9.0);
        assert_eq!(blocks.at(900), None);
        assert!(near(blocks.at(150), 7.0));
        blocks.push(9000, 9.0);
        assert_eq!(blocks.at(150), None);
        assert_eq!(blocks.highest(0, 5000), None);
    }

    #[test]
    fn the_highest_block_of_a_span_is_found() {
        let mut blocks = Blocks::new(Keep::Peak, 1200, 86_400);
        for (second, value) in [(0, 3.0), (300, 8.0), (1500, 5.0), (2500, 20.0)] {
            blocks.push(second, value);
        }
        assert!(near(blocks.highest(0, 2000), 8.0));
        assert!(near(blocks.highest(1300, 1400), 5.0));
    }

    #[test]
    fn the_same_time_yesterday_is_what_the_clock_showed() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let noon: Timestamp = "2026-03-29T10:00:00Z".parse().unwrap();
        assert_eq!(same_time(&zone, noon, 1), 23 * 3600);
        assert_eq!(same_time(&zone, noon, 7), 7 * 86_400 - 3600);
        assert_eq!(same_time(&zone, noon + SignedDuration::from_hours(24), 1), 86_400);
        assert_eq!(same_time(&TimeZone::UTC, noon, 1), 86_400);
    }
}
