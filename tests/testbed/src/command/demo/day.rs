//! The day that is played: how long it takes, what time of day it is, how many visitors come.

use std::path::{Path, PathBuf};
use std::time::Duration;

use shop::curve::{Curve, CurveArgs, Then};
use testbed::Error;

/// Requests per second in the highest minute. What two processor cores serve beside everything else of a cluster.
pub(super) const PEAK: f64 = 400.0;
/// A day's length in seconds.
const DAY: f64 = 86_400.0;
/// Over how many seconds of play visitors are averaged when a size is planned: the window of the demo's rates.
const WINDOW: f64 = 5.0;

/// The day.
#[derive(Debug)]
pub(super) struct Day {
    /// How long it is played, in seconds.
    pub(super) seconds: f64,
    curve: Curve,
}

impl Day {
    /// The day, in three minutes or in forty seconds.
    pub(super) fn new(fast: bool) -> Result<Self, Error> {
        let seconds: f64 = if fast { 40.0 } else { 180.0 };
        let args = CurveArgs {
            base: 0.0,
            step: 0.0,
            at: Duration::ZERO,
            trace: Some(trace()),
            speed: DAY / seconds,
            peak: PEAK,
            duration: None,
            then: Then::Hold,
        };
        Ok(Self { seconds, curve: Curve::new(&args).map_err(Error::NotHere)? })
    }

    /// How many times faster than it was.
    pub(super) fn speed(&self) -> f64 {
        DAY / self.seconds
    }

    /// The time of day so many seconds after the start of the play: `13:49`.
    pub(super) fn clock(&self, played: f64) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "minutes of a day")]
        let minutes = (played.clamp(0.0, self.seconds) * self.speed() / 60.0) as u32;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// Requests per second that visitors send at a moment of the play.
    pub(super) fn rate(&self, played: f64) -> f64 {
        self.curve.rate(played).unwrap_or(0.0)
    }

    /// The highest and the mean of the requests per second, averaged as the demo's objectives do.
    pub(super) fn height_and_mean(&self) -> (f64, f64) {
        const STEP: f64 = 0.05;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
        let (steps, window) = ((self.seconds / STEP) as usize, (WINDOW / STEP) as usize);
        let rates: Vec<f64> = (0..steps).map(|index| self.rate(index as f64 * STEP)).collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        (rates.windows(window).map(mean).fold(0.0, f64::max), mean(&rates))
    }
}

/// The file of the day.
pub(super) fn trace() -> PathBuf {
    root().join("examples/data/nasa-http-1995-07-13.csv")
}

/// The folder of the sources.
pub(super) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_runs_from_midnight_to_midnight_and_is_highest_after_the_launch() {
        for fast in [false, true] {
            let day = Day::new(fast).unwrap();
            assert_eq!([day.clock(0.0), day.clock(day.seconds)], ["00:00", "24:00"]);
            let launch = day.seconds * (13.0 * 60.0 + 49.5) / 1440.0;
            assert_eq!(day.clock(launch), "13:49");
            assert!((day.rate(launch) - PEAK).abs() < 1e-9);
            let (height, mean) = day.height_and_mean();
            assert!(mean < height && height < PEAK, "{mean} {height}");
        }
    }
}
