//! Seven simple forecasts of the indicator, up to a day ahead.
//!
//! None of them is good everywhere; which one to believe how far ahead is decided by their errors on past days
//! (see [`super::replay`]).

use super::past::DAY;

/// How many forecasts there are.
pub(super) const EXPERTS: usize = 7;
/// Which of them is the last value, the naive one.
pub(super) const NAIVE: usize = 0;
/// The indicator's present level is judged by the last hour.
const HOUR: usize = 12;
/// Days a usual day is the mean of.
const DAYS: usize = 7;
/// A day may be at most so many times as high as a usual one: clamps the forecast after an absurd hour.
const TIMES: f32 = 200.0;

/// The past, and what a usual day would have been in each of its blocks and in the day after it.
#[derive(Debug)]
pub(super) struct Experts {
    means: Vec<f32>,
    usual: Vec<f32>,
    /// The mean of the sizes.
    size: f64,
    /// Where the indicator cannot go below and above.
    floor: f64,
    ceiling: f64,
}

/// What is known at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    block: usize,
    last: f32,
    day: f32,
    /// The last hour, as a multiple of and as a difference to the usual one.
    times: f32,
    above: f32,
}

impl Experts {
    /// From the means by block, the oldest first.
    pub(super) fn new(means: Vec<f32>) -> Self {
        let usual = (0..means.len() + DAY).map(|block| usual(&means, block)).collect();
        let sizes = mean(means.iter().map(|value| value.abs()));
        let (floor, ceiling) = limits(&means);
        Self { means, usual, size: f64::from(sizes), floor, ceiling }
    }

    /// How many blocks there are.
    pub(super) fn length(&self) -> usize {
        self.means.len()
    }

    /// What was measured in a block.
    pub(super) fn measured(&self, block: usize) -> f32 {
        self.means.get(block).copied().unwrap_or(f32::NAN)
    }

    /// The mean size of what was measured.
    pub(super) fn size(&self) -> f64 {
        self.size
    }

    /// The nearest value the indicator can have.
    pub(super) fn possible(&self, value: f64) -> f64 {
        value.max(self.floor).min(self.ceiling)
    }

    /// What is known at the end of a block; nothing if it has no value.
    pub(super) fn origin(&self, block: usize) -> Option<Origin> {
        let last = *self.means.get(block)?;
        if last.is_nan() {
            return None;
        }
        let hour = (block + 1).saturating_sub(HOUR)..=block;
        let pairs = hour.map(|block| (self.means[block], self.usual[block]));
        let (mut now, mut usual, mut count) = (0.0, 0.0, 0.0_f32);
        for (mean, often) in pairs.filter(|(mean, often)| !mean.is_nan() && !often.is_nan()) {
            now += mean;
            usual += often;
            count += 1.0;
        }
        let (times, above) =
            if count > 0.0 { (times(now, usual), (now - usual) / count) } else { (f32::NAN, f32::NAN) };
        let day = mean(self.means[(block + 1).saturating_sub(DAY)..=block].iter().copied());
        Some(Origin { block, last, day, times, above })
    }

    /// What each forecast says about the block `ahead` blocks after the origin, which is at most a day.
    pub(super) fn say(&self, origin: &Origin, ahead: usize) -> [f32; EXPERTS] {
        let block = origin.block + ahead;
        let back = |blocks: usize| block.checked_sub(blocks).map_or(f32::NAN, |block| self.measured(block));
        let usual = self.usual.get(block).copied().unwrap_or(f32::NAN);
        [origin.last, back(DAY), back(7 * DAY), usual, usual * origin.times, usual + origin.above, origin.day]
    }
}

/// What the last seven days were at this time of day.
fn usual(means: &[f32], block: usize) -> f32 {
    let days = (1..=DAYS).filter_map(|day| means.get(block.checked_sub(day * DAY)?));
    mean(days.copied())
}

/// Where the indicator cannot go below and above. What was never negative is not going to be; the highest or lowest
/// value is a limit if two blocks of a hundred lie on it (a share at 100 %, a shop that is closed at night).
fn limits(means: &[f32]) -> (f64, f64) {
    let values = || means.iter().copied().filter(|value| !value.is_nan());
    let low = values().fold(f32::INFINITY, f32::min);
    let high = values().fold(f32::NEG_INFINITY, f32::max);
    let often =
        |limit: f32| values().filter(|value| value.total_cmp(&limit).is_eq()).count() * 50 >= means.len();
    let floor = match low {
        low if often(low) => f64::from(low),
        low if low >= 0.0 => 0.0,
        _ => f64::NEG_INFINITY,
    };
    (floor, if often(high) { f64::from(high) } else { f64::INFINITY })
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values
        .filter(|value| !value.is_nan())
        .fold((0.0_f64, 0.0_f64), |(sum, count), value| (sum + f64::from(value), count + 1.0));
    #[allow(clippy::cast_possible_truncation, reason = "a mean of such numbers is one")]
    if count > 0.0 { (sum / count) as f32 } else { f32::NAN }
}

/// The present as a multiple of the usual; only where both are above 0.
fn times(now: f32, usual: f32) -> f32 {
    if now > 0.0 && usual > 0.0 { (now / usual).clamp(TIMES.recip(), TIMES) } else { f32::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days that are `base` at night and `base` + 10 by day, each a little higher than the one before.
    fn days(count: usize) -> Vec<f32> {
        (0..count * DAY)
            .map(|block| if block % DAY < DAY / 2 { 10.0 } else { 20.0 } + (block / DAY) as f32)
            .collect()
    }

    #[test]
    fn every_forecast_says_what_its_name_says() {
        let experts = Experts::new(days(8));
        let origin = experts.origin(8 * DAY - 1).unwrap();
        let [last, yesterday, week, usual, times, above, day] = experts.say(&origin, 1);
        assert_eq!((last, yesterday, week, usual), (27.0, 17.0, 11.0, 14.0));
        assert!((times - 14.0 * 27.0 / 23.0).abs() < 1e-3, "the last hour was 27 where 23 is usual: {times}");
        assert!((above - 18.0).abs() < 1e-3, "{above}");
        assert!((day - 22.0).abs() < 1e-3, "{day}");
    }

    #[test]
    fn a_forecast_without_a_past_says_nothing() {
        let experts = Experts::new(days(1));
        let origin = experts.origin(DAY - 1).unwrap();
        let said = experts.say(&origin, 1);
        assert_eq!(said.iter().filter(|said| said.is_nan()).count(), 3, "{said:?}");
        assert!(Experts::new(vec![f32::NAN; 10]).origin(9).is_none());
    }

    #[test]
    fn an_indicator_stays_where_it_can_be() {
        let share: Vec<f32> = (0..1000).map(|block| if block % 9 == 0 { 0.97 } else { 1.0 }).collect();
        assert_eq!(limits(&share), (f64::from(0.97_f32), 1.0));
        let orders: Vec<f32> = (1..1000).map(|block| block as f32).collect();
        assert_eq!(limits(&orders), (0.0, f64::INFINITY));
        let profit: Vec<f32> = (-500..500).map(|block| block as f32).collect();
        assert_eq!(limits(&profit), (f64::NEG_INFINITY, f64::INFINITY));
    }
}
