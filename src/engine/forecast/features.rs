//! What the regressions and the contexts look at.
//!
//! The features of the location say where demand has been heading: how the newest sample lies to the levels of
//! the last minutes, the slopes, what goes on differently after a jump, and what followed at this time on past
//! days (as it was, and scaled by how busy it is now). Those of the scale say how much demand has been moving and
//! how large the errors were, lately and at this time of past days (a regression on log volatilities as in Corsi
//! 2009). All are divided by a rough volatility, so that quiet and wild times weigh alike.

use super::math::{ln, short};
use super::past::Blocks;
use super::recent::Recent;
use super::shape::Context;

/// Features of the location.
pub(super) const PLACES: usize = 19;
/// Features of the scale.
pub(super) const SPREADS: usize = 17;
/// No feature is larger, in units of the rough volatility.
const LARGEST: f64 = 40.0;

/// How long ago it was the same time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lags {
    /// 1, 2 and 3 days ago, in seconds.
    pub(super) days: [i64; 3],
    /// 1 and 2 weeks ago.
    pub(super) weeks: [i64; 2],
}

/// Demand of past days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past<'a> {
    /// Of the last days, finely.
    pub(super) days: &'a Blocks,
    /// Of the last weeks, coarsely.
    pub(super) weeks: &'a Blocks,
    pub(super) lags: Lags,
    /// The second of the newest sample.
    pub(super) now: i64,
    /// Seconds from it to the moment forecast.
    pub(super) horizon: i64,
}

/// Where demand stands and heads.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The newest sample.
    pub(super) newest: f64,
    /// A rough volatility: the unit of the features.
    pub(super) rough: f64,
    /// Features of the location.
    pub(super) places: [f32; PLACES],
    /// Levels of the last 1, 5, 20 and 60 minutes.
    levels: [f64; 4],
    /// The highest sample of 20 minutes.
    top: f64,
    volatilities: [f64; 7],
}

/// What followed at this time on past days: on the last of them, on average, and on average scaled by how the
/// level is to the level then.
fn rises(blocks: &Blocks, lags: &[i64], past: &Past, level: f64) -> [f64; 3] {
    let (mut last, mut sum, mut scaled, mut count) = (0.0, 0.0, 0.0, 0.0);
    for (index, lag) in lags.iter().enumerate() {
        let then = past.now - lag;
        let (Some(after), Some(before)) = (blocks.at(then + past.horizon), blocks.at(then - 150)) else {
            continue;
        };
        let rise = after - before;
        let was = blocks.at(then - 600).unwrap_or(before);
        if index == 0 {
            last = rise;
        }
        sum += rise;
        scaled += rise * ((level + 0.5) / (was + 0.5)).clamp(0.25, 4.0);
        count += 1.0;
    }
    if count > 0.0 { [last, sum / count, scaled / count] } else { [0.0; 3] }
}

impl View {
    /// What is to be seen after the newest sample.
    pub(super) fn new(recent: &Recent, past: &Past) -> Self {
        let newest = recent.back(0);
        let levels = recent.levels();
        let [one, five, twenty, sixty] = levels;
        let volatilities = recent.volatilities();
        let [step_5, step_20, step_60, minute_5, minute_20, minute_60, five_60] = volatilities;
        let squares = [step_5, step_20, minute_5, minute_20].map(|change| change * change / 4.0);
        let rough = (squares.iter().sum::<f64>() + 0.002 * (twenty + 0.02)).sqrt();
        let slopes = recent.slopes();
        let top = recent.top();
        let [day, days, days_scaled] = rises(past.days, &past.lags.days, past, twenty);
        let [week, weeks, weeks_scaled] = rises(past.weeks, &past.lags.weeks, past, twenty);
        let raw = [
            one - newest,
            five - newest,
            twenty - newest,
            sixty - newest,
            slopes.minute,
            slopes.two_minutes,
            slopes.five_minutes,
            top - newest,
            (twenty + 0.05).sqrt(),
            (slopes.minute - 2.0 * minute_60).max(0.0),
            (slopes.five_minutes - 2.0 * five_60).max(0.0),
            (newest - sixty - 3.0 * minute_60).max(0.0),
            (newest - recent.back(2) - 3.0 * step_60).max(0.0),
            day,
            days,
            days_scaled,
            week,
            weeks,
            weeks_scaled,
        ];
        let places = raw.map(|value| short((value / rough).clamp(-LARGEST, LARGEST)));
        Self { newest, rough, places, levels, top, volatilities }
    }

    /// The features of the scale, in logarithms of the rough volatility.
    pub(super) fn spreads(&self, recent: &Recent, errors: &Errors) -> [f32; SPREADS] {
        let twenty = self.levels[2];
        let Errors { recent: [five, sixty, four_hours], days, yesterday } = *errors;
        let top = self.top - self.newest;
        let slope = recent.slopes().minute.abs();
        let (root, level) = (0.1 * twenty.sqrt(), 0.05 * twenty);
        let others = [root, level, five, sixty, four_hours, days, yesterday, top, slope];
        let mut spreads = [1.0; SPREADS];
        for (spread, value) in spreads[1..].iter_mut().zip(self.volatilities.into_iter().chain(others)) {
            *spread = short(ln((value + 0.02 * self.rough + 1e-4) / self.rough));
        }
        spreads
    }

    /// What kind of moment it is, by six questions: is demand jumping, has it become calmer or wilder, is it night
    /// or day, how uncertain is it for its level, did past days peak about now, where is it heading.
    pub(super) fn context(&self, recent: &Recent, scale: f64, peak_of_past_days: f64) -> Context {
        let [_, five, twenty, _] = self.levels;
        let [step_5, _, step_60, ..] = self.volatilities;
        let kind = |value: f64, edges: &[f64]| {
            u8::try_from(edges.iter().filter(|edge| value >= **edge).count()).unwrap_or(0)
        };
        [
            kind((self.newest - five) / scale, &[-2.5, -1.0, 0.0, 1.0, 2.5, 5.0]),
            kind(ln((step_5 + 1e-3) / (step_60 + 1e-3)), &[-1.5, -0.7, -0.25, 0.1, 0.5]),
            kind(ln((twenty + 0.1) / (recent.day() + 0.1)), &[-1.5, -0.6, -0.2, 0.1, 0.4, 0.8]),
            kind(ln(scale / (twenty + 0.2)), &[-4.0, -3.2, -2.4, -1.6, -0.8]),
            kind((peak_of_past_days - self.newest) / scale, &[-1.0, 1.0, 3.0, 6.0, 12.0, 25.0]),
            kind(recent.slopes().two_minutes / scale, &[-2.0, -0.8, -0.2, 0.2, 0.8, 2.0, 4.0]),
        ]
    }

    /// The highest demand of the last 20 minutes.
    pub(super) fn top(&self) -> f64 {
        self.top
    }
}

/// How large the errors were.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errors {
    /// Over the last 5 minutes, hour and four hours.
    pub(super) recent: [f64; 3],
    /// Around this time of past days.
    pub(super) days: f64,
    /// Around this time yesterday.
    pub(super) yesterday: f64,
}
