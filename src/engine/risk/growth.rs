//! Whether a goal that grows by a date weeks ahead will be reached then.
//!
//! Days, not minutes: the mean of each of the last days, on a straight line (Theil, 1950; Sen, 1968) or level,
//! whichever would have foreseen the past days better; and how far off that was.

use super::past::DAY;

/// Days it takes at least.
pub(super) const FEWEST: usize = 6;
/// Days a past forecast stands on at least.
const BEHIND: usize = 4;
/// Days of a level: a week, so that every weekday counts once.
const WEEK: usize = 7;
/// A date is too far off when it is more than so many times as far ahead as the history reaches back.
const FARTHEST: f64 = 3.0;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arrival {
    /// How likely the indicator's day is below the goal then.
    pub(super) probability: f64,
    /// How far below it is expected to be; 0 if it is not.
    pub(super) shortfall: f64,
    /// 1 − error / the error of "as on the last day".
    pub(super) skill: f64,
}

/// The means of whole days, the newest first, from blocks the oldest first; a day that is half empty ends them.
pub(super) fn days(means: &[f32]) -> Vec<f64> {
    let full = |day: &&[f32]| day.iter().filter(|mean| !mean.is_nan()).count() * 2 >= DAY;
    let mean = |day: &[f32]| {
        let values = day.iter().filter(|mean| !mean.is_nan()).map(|mean| f64::from(*mean));
        values.clone().sum::<f64>() / values.count().max(1) as f64
    };
    means.rchunks_exact(DAY).take_while(full).map(mean).collect()
}

/// Looks `ahead` days ahead of the newest of `days`; `None` if that is too far for so much history.
pub(super) fn look(days: &[f64], goal: f64, ahead: f64) -> Option<Arrival> {
    if days.len() < FEWEST || ahead > FARTHEST * days.len() as f64 {
        return None;
    }
    let (straight, flat, naive) = (Errors::of(days, line), Errors::of(days, level), Errors::of(days, last));
    let (errors, course) =
        if straight.size < flat.size { (straight, line(days)) } else { (flat, level(days)) };
    let below = goal - course.at(ahead);
    let spread = errors.root_square * (ahead / errors.lead).max(1.0).sqrt();
    let probability = if spread > 0.0 { normal(below / spread) } else { f64::from(u8::from(below > 0.0)) };
    let skill = if naive.size > 0.0 { 1.0 - errors.size / naive.size } else { 0.0 };
    Some(Arrival { probability, shortfall: below.max(0.0), skill })
}

/// A value on the newest day, and what every day adds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Course {
    value: f64,
    slope: f64,
}

impl Course {
    fn at(self, ahead: f64) -> f64 {
        self.slope.mul_add(ahead, self.value)
    }
}

/// As on the last day.
fn last(days: &[f64]) -> Course {
    Course { value: days.first().copied().unwrap_or(0.0), slope: 0.0 }
}

/// As in the last week.
fn level(days: &[f64]) -> Course {
    let week = &days[..days.len().min(WEEK)];
    Course { value: week.iter().sum::<f64>() / week.len().max(1) as f64, slope: 0.0 }
}

/// The median of the slopes between any two days, a week apart where there is more than one; through the median day.
///
/// 100, 102, 104, 106 and, today, 208 go on with 2 a day from 108: one odd day moves nothing.
fn line(days: &[f64]) -> Course {
    let apart = if days.len() > WEEK + 1 { WEEK } else { 1 };
    let mut slopes = vec![];
    for (late, value) in days.iter().enumerate() {
        for (early, before) in days.iter().enumerate().skip(late + apart).step_by(apart) {
            slopes.push((value - before) / (early - late) as f64);
        }
    }
    let slope = median(slopes);
    let value =
        median(days.iter().enumerate().map(|(back, value)| slope.mul_add(back as f64, *value)).collect());
    Course { value, slope }
}

/// What a way to go on would have been off by, on all past days it could be tried on.
#[derive(Debug, Clone, Copy)]
struct Errors {
    size: f64,
    root_square: f64,
    /// How many days ahead was looked, on average.
    lead: f64,
}

impl Errors {
    fn of(days: &[f64], course: fn(&[f64]) -> Course) -> Self {
        let (mut size, mut square, mut lead, mut count) = (0.0, 0.0, 0.0, 0.0);
        for origin in 1..=days.len().saturating_sub(BEHIND) {
            let course = course(&days[origin..]);
            for (ahead, value) in (1..).zip(days[..origin].iter().rev()) {
                let error = value - course.at(f64::from(ahead));
                size += error.abs();
                square += error * error;
                lead += f64::from(ahead);
                count += 1.0;
            }
        }
        let mean = |sum: f64| if count > 0.0 { sum / count } else { 0.0 };
        Self { size: mean(size), root_square: mean(square).sqrt(), lead: mean(lead).max(1.0) }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), middle.checked_sub(1).and_then(|before| values.get(before))) {
        (Some(a), Some(b)) if values.len().is_multiple_of(2) => f64::midpoint(*a, *b),
        (Some(a), _) => *a,
        (None, _) => 0.0,
    }
}

/// The distribution function of the normal distribution, within 0.0002 (Bowling et al., 2009).
fn normal(x: f64) -> f64 {
    1.0 / (1.0 + (-(0.07056 * x * x * x + 1.5976 * x)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days the oldest first, as they happened.
    fn told(mut days: Vec<f64>) -> Vec<f64> {
        days.reverse();
        days
    }

    #[test]
    fn one_odd_day_does_not_move_the_line() {
        let course = line(&told(vec![100.0, 102.0, 104.0, 106.0, 208.0]));
        assert!((course.slope - 2.0).abs() < 1e-9 && (course.value - 108.0).abs() < 1e-9, "{course:?}");
    }

    #[test]
    fn weekends_are_no_trend() {
        let days = (0..14).map(|day| if day % 7 < 2 { 50.0 } else { 100.0 }).collect();
        assert!(line(&told(days)).slope.abs() < 1e-9);
    }

    #[test]
    fn the_normal_distribution_is_near_its_tables() {
        for (x, wanted) in [(0.0, 0.5), (1.0, 0.8413), (-1.6449, 0.05), (2.3263, 0.99)] {
            assert!((normal(x) - wanted).abs() < 2e-4, "{x}: {}", normal(x));
        }
    }

    #[test]
    fn steady_growth_arrives_and_a_standstill_does_not() {
        let wobble = |day: usize| [1.0, -1.0, 0.5, -0.5, 0.0][day % 5];
        let grows: Vec<f64> = told((0..14).map(|day| 1000.0 + 10.0 * day as f64 + wobble(day)).collect());
        let stands: Vec<f64> = told((0..14).map(|day| 1000.0 + 5.0 * wobble(day)).collect());
        let arrives = look(&grows, 1250.0, 14.0).unwrap();
        assert!(arrives.probability < 0.05 && arrives.shortfall <= 0.0 && arrives.skill > 0.5, "{arrives:?}");
        let fails = look(&stands, 1250.0, 14.0).unwrap();
        assert!(fails.probability > 0.99 && (fails.shortfall - 250.0).abs() < 10.0, "{fails:?}");
        assert_eq!(look(&grows, 1250.0, 60.0), None, "two weeks do not show what is in two months");
        assert_eq!(look(&grows[..5], 1250.0, 1.0), None);
    }

    #[test]
    fn a_day_that_is_half_empty_ends_the_days() {
        let mut blocks = vec![1.0_f32; 3 * DAY];
        blocks[..DAY].fill(f32::NAN);
        assert_eq!(days(&blocks), [1.0, 1.0]);
    }
}
