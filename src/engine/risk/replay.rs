//! How likely the goal is missed: the past days' errors, replayed on today's forecast.
//!
//! At the same time of day on every past day, and some time before and after it, the forecasts are made again from
//! what was known then. Their errors say two things: how far each forecast can be believed so far ahead, and how the
//! indicator may run from here. A run of errors is kept whole: five minutes after an error of +10 lies another of
//! about +10, and a probability over a day that forgot this would be far off.

use super::bar::Bar;
use super::experts::{EXPERTS, Experts, NAIVE, Origin};
use super::past::DAY;

/// Runs that are replayed, at most.
const RUNS: usize = 72;
/// Blocks between two runs of one day: twenty minutes.
const APART: usize = 4;
/// The last block of each band of horizons: 15 min, 1 h, 3 h, 6 h, 12 h and a day ahead.
const BANDS: [usize; 6] = [3, 12, 36, 72, 144, DAY];
/// Errors count half for each so many days back.
const HALF_LIFE: f64 = 7.0;
/// Forecasts count by this power of how much smaller their errors are: half the error, sixteen times the weight.
const POWER: i32 = 4;
/// How much of the probability is the past's own share of misses at this time of day.
const PAST: f64 = 0.5;
/// An error grows with the indicator, but is never scaled as if that were nearer to 0 than this part of its mean size.
const SMALL: f64 = 0.3;
/// An error is scaled by at most this, up or down.
const STRETCH: f64 = 5.0;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ahead {
    /// How likely a block within the horizon is beyond the goal.
    pub(super) probability: f64,
    /// In how many blocks the miss begins, in the middle of the runs that miss.
    pub(super) miss_in: Option<usize>,
    /// How far beyond the goal it gets, in the middle of the runs that miss.
    pub(super) shortfall: f64,
    /// 1 − error / the last value's error, over the bands.
    pub(super) skill: f64,
}

/// One past moment the forecasts are made at.
#[derive(Debug, Clone, Copy)]
struct Run {
    origin: Origin,
    block: usize,
    day: usize,
    weight: f64,
}

/// Sums of errors by day, band and forecast: the forecast's own, and the last value's on the same blocks.
#[derive(Debug, Clone)]
struct Errors(Vec<[[[f64; 2]; EXPERTS]; BANDS.len()]>);

type Weights = [[f64; EXPERTS]; BANDS.len()];

/// Looks `horizon` blocks ahead of the newest block, which must have a value.
pub(super) fn look(experts: &Experts, bar: &Bar, horizon: usize) -> Option<Ahead> {
    let newest = experts.length().checked_sub(1)?;
    let origin = experts.origin(newest)?;
    let runs = runs(experts, newest, horizon);
    if runs.is_empty() {
        return None;
    }
    let errors = Errors::of(experts, &runs, horizon);
    let all = errors.weights(None);
    let forecast: Vec<f64> =
        (1..=horizon).map(|ahead| blend(&experts.say(&origin, ahead), &all, ahead)).collect();
    let without: Vec<Weights> = (0..errors.0.len()).map(|day| errors.weights(Some(day))).collect();
    let mut tally = Tally::default();
    let mut skill = Skill::default();
    for run in &runs {
        let went = replay(experts, bar, run, &forecast, &without[run.day], &mut skill);
        tally.add(&went, run.weight);
    }
    Some(tally.ahead(skill.over_naive()))
}

/// The past moments, the newest day first.
fn runs(experts: &Experts, newest: usize, horizon: usize) -> Vec<Run> {
    let days = newest.saturating_sub(horizon.max(DAY / 2)) / DAY;
    let mut runs = vec![];
    let mut add = |block: usize, day: usize| {
        if let Some(origin) = experts.origin(block).filter(|_| block + horizon <= newest) {
            let weight = 0.5_f64.powf(day as f64 / HALF_LIFE);
            runs.push(Run { origin, block, day, weight });
        }
    };
    if days >= 3 {
        let beside = (RUNS / days / 2).clamp(2, 6);
        for day in 1..=days {
            let same = newest - day * DAY;
            for shift in 0..=2 * beside {
                add((same + shift * APART).saturating_sub(beside * APART), day);
            }
        }
    } else {
        let first = newest / 4;
        let span = newest.saturating_sub(horizon).saturating_sub(first);
        for run in 0..RUNS / 2 {
            add(first + span * run / (RUNS / 2), 1 + run * 6 / RUNS);
        }
    }
    runs
}

fn band(ahead: usize) -> usize {
    BANDS.iter().position(|last| ahead <= *last).unwrap_or(BANDS.len() - 1)
}

impl Errors {
    fn of(experts: &Experts, runs: &[Run], horizon: usize) -> Self {
        let days = runs.iter().map(|run| run.day).max().unwrap_or(0);
        let mut sums = vec![[[[0.0; 2]; EXPERTS]; BANDS.len()]; days + 1];
        for run in runs {
            for ahead in 1..=horizon {
                let measured = experts.measured(run.block + ahead);
                if measured.is_nan() {
                    continue;
                }
                let said = experts.say(&run.origin, ahead);
                let naive = f64::from((said[NAIVE] - measured).abs());
                let cells = &mut sums[run.day][band(ahead)];
                for (cell, said) in cells.iter_mut().zip(said).filter(|(_, said)| !said.is_nan()) {
                    cell[0] += run.weight * f64::from((said - measured).abs());
                    cell[1] += run.weight * naive;
                }
            }
        }
        Self(sums)
    }

    /// How much each forecast counts in each band; by the errors of all days but one, where a day is left out.
    fn weights(&self, left_out: Option<usize>) -> Weights {
        let mut weights = [[0.0; EXPERTS]; BANDS.len()];
        for (band, row) in weights.iter_mut().enumerate() {
            for (expert, weight) in row.iter_mut().enumerate() {
                let days = self.0.iter().enumerate().filter(|(day, _)| Some(*day) != left_out);
                let (own, naive) = days.fold((0.0, 0.0), |(own, naive), (_, bands)| {
                    let cell = bands[band][expert];
                    (own + cell[0], naive + cell[1])
                });
                let ratio = (own + 1e-12) / (naive + 1e-12);
                *weight = ratio.max(1e-3).powi(-POWER);
            }
        }
        weights
    }
}

/// The weighted mean of what the forecasts say; those that say nothing do not count.
fn blend(said: &[f32; EXPERTS], weights: &Weights, ahead: usize) -> f64 {
    let weights = &weights[band(ahead)];
    let (sum, weight) = said
        .iter()
        .zip(weights)
        .filter(|(said, _)| !said.is_nan())
        .fold((0.0, 0.0), |(sum, all), (said, weight)| (sum + weight * f64::from(*said), all + weight));
    sum / weight
}

/// How one run went, put on today's forecast; and how it went in fact.
#[derive(Debug, Clone, Copy, Default)]
struct Went {
    first: Option<usize>,
    worst: f64,
    was_missed: bool,
    began_missed: bool,
}

fn replay(
    experts: &Experts,
    bar: &Bar,
    run: &Run,
    forecast: &[f64],
    weights: &Weights,
    skill: &mut Skill,
) -> Went {
    let began = f64::from(experts.measured(run.block));
    let mut went = Went { began_missed: bar.beyond(began) > 0.0, ..Went::default() };
    for (ahead, now) in (1..).zip(forecast) {
        let measured = experts.measured(run.block + ahead);
        if measured.is_nan() {
            continue;
        }
        let said = experts.say(&run.origin, ahead);
        let then = blend(&said, weights, ahead);
        let error = f64::from(measured) - then;
        skill.add(ahead, run.weight, error, f64::from(said[NAIVE] - measured));
        let value = experts.possible(now + error * stretch(*now, then, experts.size()));
        let beyond = bar.beyond(value);
        if beyond > 0.0 {
            went.first = went.first.or(Some(ahead));
            went.worst = went.worst.max(beyond);
        }
        went.was_missed |= bar.beyond(f64::from(measured)) > 0.0;
    }
    went
}

/// By how much an error made on a forecast of `then` is scaled on one of `now`.
///
/// With a mean size of 100, an error of 10 on a forecast of 70 counts as one of 23 on a forecast of 200.
fn stretch(now: f64, then: f64, size: f64) -> f64 {
    let small = SMALL * size;
    let (now, then) = (now.abs() + small, then.abs() + small);
    if then > 0.0 { (now / then).clamp(STRETCH.recip(), STRETCH) } else { 1.0 }
}

/// Errors of the blend and of the last value, by band.
#[derive(Debug, Clone, Copy, Default)]
struct Skill([[f64; 2]; BANDS.len()]);

impl Skill {
    fn add(&mut self, ahead: usize, weight: f64, error: f64, naive: f64) {
        let cell = &mut self.0[band(ahead)];
        cell[0] += weight * error.abs();
        cell[1] += weight * naive.abs();
    }

    /// The mean over the bands; where the last value was never wrong there is nothing to beat.
    fn over_naive(&self) -> f64 {
        let bands = self.0.iter().filter(|[_, naive]| *naive > 0.0);
        let (sum, count) =
            bands.fold((0.0, 0.0), |(sum, count), [own, naive]| (sum + own / naive, count + 1.0));
        if count > 0.0 { 1.0 - sum / count } else { 0.0 }
    }
}

/// The runs, counted by their weights.
#[derive(Debug, Default)]
struct Tally {
    all: f64,
    missed: f64,
    /// The runs that did not begin with a miss, and those of them that had one in fact.
    began_met: f64,
    were_missed: f64,
    first: Vec<usize>,
    worst: Vec<f64>,
}

impl Tally {
    fn add(&mut self, went: &Went, weight: f64) {
        self.all += weight;
        if !went.began_missed {
            self.began_met += weight;
            if went.was_missed {
                self.were_missed += weight;
            }
        }
        if let Some(first) = went.first {
            self.missed += weight;
            self.first.push(first);
            self.worst.push(went.worst);
        }
    }

    /// Shares are taken with half a run more on either side: never 0 and never 1 (Krichevsky and Trofimov, 1981).
    fn ahead(mut self, skill: f64) -> Ahead {
        let share = |missed: f64, all: f64| (missed + 0.5) / (all + 1.0);
        let (replayed, past) = (share(self.missed, self.all), share(self.were_missed, self.began_met));
        self.first.sort_unstable();
        self.worst.sort_unstable_by(f64::total_cmp);
        Ahead {
            probability: PAST.mul_add(past - replayed, replayed),
            miss_in: self.first.get(self.first.len() / 2).copied(),
            shortfall: self.worst.get(self.worst.len() / 2).copied().unwrap_or(0.0),
            skill,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_grows_with_the_indicator() {
        assert!((10.0 * stretch(200.0, 70.0, 100.0) - 23.0).abs() < 1e-9);
        assert!((stretch(1e9, 1.0, 1.0) - STRETCH).abs() < 1e-9, "and never absurdly");
        assert!((stretch(0.0, 0.0, 0.0) - 1.0).abs() < 1e-9, "zeros stay zeros");
    }

    #[test]
    fn half_the_error_is_sixteen_times_the_weight() {
        let mut errors = Errors(vec![[[[0.0; 2]; EXPERTS]; BANDS.len()]; 2]);
        errors.0[1][0][NAIVE] = [8.0, 8.0];
        errors.0[1][0][1] = [4.0, 8.0];
        let weights = errors.weights(None);
        assert!((weights[0][1] / weights[0][NAIVE] - 16.0).abs() < 1e-6);
        let without = errors.weights(Some(1));
        assert!((without[0][1] - without[0][NAIVE]).abs() < 1e-9, "a day left out says nothing");
    }

    #[test]
    fn a_share_of_few_runs_is_never_certain() {
        let mut tally = Tally::default();
        let went = Went { first: Some(3), worst: 2.0, was_missed: true, began_missed: false };
        for _ in 0..9 {
            tally.add(&went, 1.0);
        }
        let ahead = tally.ahead(0.2);
        assert!((ahead.probability - 0.95).abs() < 1e-9);
        assert_eq!((ahead.miss_in, ahead.shortfall), (Some(3), 2.0));
    }
}
