//! The grid of moments the samples lie on.

use jiff::{SignedDuration, Timestamp};

use super::terms::Terms;

/// The grid, and what lies how many steps ahead on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    /// Seconds between two moments.
    pub(super) step: i64,
    /// Steps a replica takes to start.
    pub(super) startup: i64,
    /// Steps the newest sample is old when it is decided on.
    pub(super) age: usize,
    /// Steps from the newest sample to the moment a replica ordered on it serves.
    pub(super) horizon: usize,
}

/// The longest horizon, in steps: an hour at 15 s.
const FARTHEST: i64 = 240;

impl Grid {
    /// The grid of some terms. A start-up of 60 s decided on samples 45 s old is 7 steps of 15 s.
    pub(super) fn new(terms: &Terms) -> Self {
        let step = terms.step.as_secs().max(1);
        let steps = |time: SignedDuration| (time.as_secs().max(0) + step / 2) / step;
        let age = steps(terms.age).min(FARTHEST - 1);
        let startup = steps(terms.startup).clamp(1, FARTHEST - age);
        let count = |steps: i64| usize::try_from(steps).unwrap_or(1);
        Self { step, startup, age: count(age), horizon: count(startup + age) }
    }

    /// The horizon, to calculate with moments.
    pub(super) fn ahead(&self) -> i64 {
        i64::try_from(self.horizon).unwrap_or(1)
    }

    /// The number of the moment a timestamp belongs to.
    pub(super) fn moment(&self, at: Timestamp) -> i64 {
        at.as_second().div_euclid(self.step)
    }

    /// Whether the regressions learn from the forecast made at a moment: from every second one, or as many as
    /// leave at most `most` waiting at a time.
    pub(super) fn learns(&self, moment: i64, most: i64) -> bool {
        moment.rem_euclid(self.stride(most)) == 0
    }

    /// How many forecasts wait at a time.
    pub(super) fn waiting(&self, most: i64) -> usize {
        usize::try_from(self.ahead() / self.stride(most) + 2).unwrap_or(2)
    }

    fn stride(&self, most: i64) -> i64 {
        let even = if self.step < 60 { 2 } else { 1 };
        even.max((self.ahead() + most - 1) / most)
    }

    /// Whether the error of a forecast that the regressions learnt from is counted: about one a minute.
    pub(super) fn counts(&self, moment: i64) -> bool {
        moment.rem_euclid((60 / self.step).max(1)) < (60 / self.step / 2).max(1)
    }

    /// So many steps, in time.
    pub(super) fn time(&self, steps: i64) -> SignedDuration {
        SignedDuration::from_secs(steps.saturating_mul(self.step))
    }
}
