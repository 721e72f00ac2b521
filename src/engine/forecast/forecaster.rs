//! From samples to the distribution of demand at the lead time.
//!
//! demand = newest + rough·(location + scale·z), where the location is a ridge regression on where demand has
//! been heading, the scale one on the logarithm of past errors, and z has the shape of past scaled errors in
//! contexts like the present one. Every pair a regression learns from is made of a forecast and what came of it.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::compact::{HOLE, pack, unpack};
use super::features::{Errors, Lags, PLACES, Past, SPREADS, View};
use super::foreseen::Foreseen;
use super::grid::Grid;
use super::math::{exp, left_after, ln, short};
use super::past::{Blocks, Keep, same_time};
use super::recent::Recent;
use super::ridge::Ridge;
use super::shape::{Context, FAR, Shape};

const DAY: i64 = 86_400;
/// The regressions forget half after three days: from one to ten days makes little difference.
const HALF_LIFE: f64 = 3.0 * 86_400.0;
/// The coefficients are found anew every five minutes.
const REFIT: i64 = 300;
/// Forecasts that wait for what came of them, at most; with a long horizon not every one is kept.
const WAITING: i64 = 12;
/// The index of the far tail before anything was seen in it, as of Student's t with 2.5 degrees of freedom.
const TAIL: f64 = 0.4;
/// Nothing is forecast above so many times the highest demand of the last 20 minutes and of past days about now.
const ABSURD: f64 = 8.0;

/// A forecast that waits for what comes of it.
#[derive(Debug, Clone)]
struct Waiting {
    /// The grid moment it was made at.
    made: i64,
    newest: f32,
    rough: f32,
    location: f32,
    spread: f32,
    places: [f32; PLACES],
    spreads: [f32; SPREADS],
    context: Context,
    slot: u8,
}

/// The newest forecast, without its histogram, which the shape gives again.
#[derive(Debug, Clone, Copy)]
struct Outlook {
    at: Timestamp,
    location: f64,
    scale: f64,
    ceiling: f64,
    tail: f64,
    context: Context,
}

/// The forecasting model of one mapping.
#[derive(Debug, Clone)]
pub(super) struct Forecaster {
    grid: Grid,
    zone: TimeZone,
    recent: Recent,
    days: Blocks,
    weeks: Blocks,
    peaks: Blocks,
    errors: Blocks,
    place: Ridge<PLACES>,
    spread: Ridge<SPREADS>,
    /// How far errors in the far tail go beyond its beginning, in logarithms and against [`TAIL`].
    excess: Ridge<SPREADS>,
    shape: Shape,
    waiting: VecDeque<Waiting>,
    /// The middles of the forecasts whose moment has not come, the oldest first; none in a gap.
    middles: VecDeque<u16>,
    /// Mean absolute errors of the last 5 minutes, hour and four hours.
    mean_errors: [f64; 3],
    /// How many errors there were, until that no longer matters.
    errors_seen: u32,
    /// Samples in a row since the short memory was empty.
    fresh: u32,
    /// Steps without a sample before the newest moment.
    gap: usize,
    lags: Lags,
    quarter: Option<i64>,
    fit: Option<i64>,
    slot: usize,
    /// The highest demand around this time of past days.
    peak_of_past_days: f64,
    outlook: Option<Outlook>,
}

impl Forecaster {
    /// Has seen nothing.
    pub(super) fn new(grid: Grid, zone: TimeZone) -> Self {
        Self {
            zone,
            recent: Recent::new(grid.step),
            days: Blocks::new(Keep::Mean, 450, 3 * DAY + 7200),
            weeks: Blocks::new(Keep::Mean, 1200, 14 * DAY + 7200),
            peaks: Blocks::new(Keep::Peak, 1200, 7 * DAY + 7200),
            errors: Blocks::new(Keep::Mean, 1800, 7 * DAY + 7200),
            place: Ridge::new(3.0),
            spread: Ridge::new(10.0),
            excess: Ridge::new(10.0),
            shape: Shape::new(),
            waiting: VecDeque::with_capacity(grid.waiting(WAITING)),
            middles: std::iter::repeat_n(HOLE, grid.horizon).collect(),
            mean_errors: [0.0; 3],
            errors_seen: 0,
            fresh: 0,
            gap: 0,
            lags: Lags { days: [1, 2, 3].map(|day| day * DAY), weeks: [7, 14].map(|day| day * DAY) },
            quarter: None,
            fit: None,
            slot: 0,
            peak_of_past_days: 0.0,
            outlook: None,
            grid,
        }
    }

    /// Takes in the demand of a grid moment and forecasts. Of a moment after the newest, that is.
    pub(super) fn advance(&mut self, moment: i64, demand: f64) -> Option<Foreseen> {
        let now = moment * self.grid.step;
        let at = Timestamp::from_second(now).ok()?;
        if self.gap >= self.recent.memory() {
            self.recent.clear();
            self.fresh = 0;
        }
        self.gap = 0;
        self.fresh = self.fresh.saturating_add(1);
        self.learn(moment, demand);
        self.recent.push(demand);
        self.days.push(now, demand);
        self.weeks.push(now, demand);
        self.peaks.push(now, demand);
        self.turn(at, now);
        self.foresee(moment, at);
        self.foreseen()
    }

    /// Lets so many steps pass without a sample.
    pub(super) fn silence(&mut self, steps: usize) {
        for _ in 0..steps.min(self.recent.memory().max(self.grid.horizon)) {
            self.recent.hold();
            self.middles.pop_front();
            self.middles.push_back(HOLE);
        }
        self.gap = self.gap.saturating_add(steps);
    }

    /// Learns from the forecast that was made for this moment.
    fn learn(&mut self, moment: i64, demand: f64) {
        let made = moment - self.grid.ahead();
        if let Some(middle) = self.middles.pop_front().filter(|middle| *middle != HOLE) {
            let error = (demand - unpack(middle)).abs();
            self.errors_seen = self.errors_seen.saturating_add(1);
            for (mean, seconds) in self.mean_errors.iter_mut().zip([300.0, 3600.0, 14_400.0]) {
                let share = 2.0 / (1.0 + seconds / self.grid.step as f64).max(2.0);
                *mean += (error - *mean) * share.max(1.0 / f64::from(self.errors_seen));
            }
            self.errors.push(made * self.grid.step, error);
        }
        while self.waiting.front().is_some_and(|waiting| waiting.made <= made) {
            let Some(was) = self.waiting.pop_front().filter(|waiting| waiting.made == made) else { continue };
            let target = (demand - f64::from(was.newest)) / f64::from(was.rough);
            let missed = target - f64::from(was.location);
            self.place.learn(&was.places, target.clamp(-20.0, 20.0));
            self.spread.learn(&was.spreads, ln(missed.abs() + 0.05));
            let scaled = missed / f64::from(was.spread);
            if scaled > FAR {
                self.excess.learn(&was.spreads, ln(scaled / FAR) - TAIL);
            }
            if self.grid.counts(was.made) {
                self.shape.learn(scaled, was.context, usize::from(was.slot));
            }
        }
    }

    /// Follows the clock: every quarter of an hour the calendar, every five minutes the coefficients.
    fn turn(&mut self, at: Timestamp, now: i64) {
        let quarter = now.div_euclid(900);
        if self.quarter != Some(quarter) {
            self.quarter = Some(quarter);
            self.lags.days = [1, 2, 3].map(|day| same_time(&self.zone, at, day));
            self.lags.weeks = [7, 14].map(|day| same_time(&self.zone, at, day));
            let local = now + i64::from(self.zone.to_offset(at).seconds());
            self.slot = usize::try_from(local.rem_euclid(DAY) / 3600).unwrap_or(0);
            self.shape.turn(self.slot);
        }
        let fit = now.div_euclid(REFIT);
        if self.fit != Some(fit) {
            let fits = self.fit.map_or(1, |before| fit - before).clamp(1, 10_000);
            self.fit = Some(fit);
            let leaves = left_after(fits as f64 * REFIT as f64 / HALF_LIFE);
            self.place.refit(leaves);
            self.spread.refit(leaves);
            self.excess.refit(leaves);
            let middle = self.grid.startup * self.grid.step / 2;
            let around = |lag: i64| (now - lag + middle - 1200, now - lag + middle + 1200);
            self.peak_of_past_days = self
                .past_days()
                .into_iter()
                .filter_map(|lag| self.peaks.highest(around(lag).0, around(lag).1))
                .fold(0.0, f64::max);
        }
    }

    /// How long ago it was the same time 1, 2, 3 and 7 days ago.
    fn past_days(&self) -> [i64; 4] {
        let Lags { days: [one, two, three], weeks: [week, _] } = self.lags;
        [one, two, three, week]
    }

    fn errors(&self, now: i64) -> Errors {
        let past = self.past_days().map(|lag| self.errors.at(now - lag));
        let known = past.iter().flatten().count();
        let days = match known {
            0 => self.mean_errors[1],
            known => past.iter().flatten().sum::<f64>() / known as f64,
        };
        Errors { recent: self.mean_errors, days, yesterday: past[0].unwrap_or(days) }
    }

    fn foresee(&mut self, moment: i64, at: Timestamp) {
        let now = at.as_second();
        let horizon = self.grid.ahead() * self.grid.step;
        let past = Past { days: &self.days, weeks: &self.weeks, lags: self.lags, now, horizon };
        let view = View::new(&self.recent, &past);
        let location = self.place.predict(&view.places);
        let spreads = view.spreads(&self.recent, &self.errors(now));
        let spread = exp(self.spread.predict(&spreads).clamp(-4.0, 3.0));
        let scale = spread * view.rough;
        let tail = (TAIL + self.excess.predict(&spreads)).clamp(0.1, 1.5);
        let context = view.context(&self.recent, scale, self.peak_of_past_days);
        let ceiling = ABSURD * (view.top().max(self.peak_of_past_days) + 1.0);
        let middle = (view.newest + location * view.rough).clamp(0.0, ceiling);
        self.middles.push_back(pack(middle));
        self.outlook = Some(Outlook { at, location: middle, scale, ceiling, tail, context });
        if self.grid.learns(moment, WAITING) {
            self.waiting.push_back(Waiting {
                made: moment,
                newest: short(view.newest),
                rough: short(view.rough),
                location: short((middle - view.newest) / view.rough),
                spread: short(spread),
                places: view.places,
                spreads,
                context,
                slot: u8::try_from(self.slot).unwrap_or(0),
            });
        }
    }

    /// The newest forecast.
    pub(super) fn foreseen(&self) -> Option<Foreseen> {
        let outlook = self.outlook.as_ref()?;
        let horizon = SignedDuration::from_secs(self.grid.ahead() * self.grid.step);
        let chances = self.shape.tilted(outlook.context, outlook.tail);
        let place = (outlook.location, outlook.scale, outlook.ceiling);
        Some(Foreseen::new((outlook.at + horizon, horizon), place, &chances))
    }

    /// How long the newest sample stands without another, in steps.
    pub(super) fn gap(&self) -> usize {
        self.gap
    }

    /// How long there have been samples without a silence that emptied the short memory, in steps.
    pub(super) fn fresh(&self) -> u32 {
        self.fresh
    }

    /// The highest level of a minute within the last five minutes.
    pub(super) fn busiest_minute(&self) -> f64 {
        self.recent.busiest_minute()
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let blocks = [&self.days, &self.weeks, &self.peaks, &self.errors].map(Blocks::bytes);
        blocks.iter().sum::<usize>()
            + self.place.bytes()
            + self.spread.bytes()
            + self.excess.bytes()
            + self.shape.bytes()
            + self.waiting.capacity() * size_of::<Waiting>()
            + self.middles.capacity() * size_of::<u16>()
    }
}
