//! The last hour of demand: its levels, its slopes, and how much it has been moving.

use super::math::short;

/// Samples remembered; an hour at 15 s is 240.
const KEPT: usize = 256;
/// Moments for which the level of the minute and of the five minutes is remembered.
const TRAIL: usize = 32;

/// The last hour of demand, and averages of the changes that fade.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    samples: [f32; KEPT],
    /// How many of them are filled.
    filled: usize,
    /// Where the next goes.
    next: usize,
    /// 1, 5, 20 and 60 minutes in samples; on a coarse grid longer, so that they stay apart.
    widths: [usize; 4],
    /// Sums of the samples within them.
    sums: [f64; 4],
    /// Levels of the minute and of five minutes, the newest first.
    minutes: [f32; TRAIL],
    fives: [f32; TRAIL],
    /// Mean squares of the change from sample to sample over 5, 20 and 60 minutes, of the change within a minute
    /// over the same, and of the change within five minutes over 60.
    squares: [f64; 7],
    /// The level of the day.
    day: f64,
    /// One step as a share of a day.
    step_of_day: f64,
    /// The newest changes.
    slopes: Slopes,
}

/// The newest changes of demand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slopes {
    /// From the sample before.
    pub(super) step: f64,
    /// Level of the minute against the one before.
    pub(super) minute: f64,
    /// Level of the minute against the one two before.
    pub(super) two_minutes: f64,
    /// Level of five minutes against the five before.
    pub(super) five_minutes: f64,
}

impl Recent {
    /// Nothing was seen yet, on a grid of so many seconds.
    pub(super) fn new(step: i64) -> Self {
        let step = usize::try_from(step).unwrap_or(1).max(1);
        let width = |seconds: usize, least: usize| (seconds / step).clamp(least, KEPT - 1);
        Self {
            samples: [0.0; KEPT],
            filled: 0,
            next: 0,
            widths: [
                width(60, 2).min(TRAIL / 2),
                width(300, 4).min(TRAIL - 1),
                width(1200, 8),
                width(3600, 16),
            ],
            sums: [0.0; 4],
            minutes: [0.0; TRAIL],
            fives: [0.0; TRAIL],
            squares: [0.0; 7],
            day: 0.0,
            step_of_day: step as f64 / 86_400.0,
            slopes: Slopes::default(),
        }
    }

    /// The sample so many samples ago; the oldest where there are not so many.
    pub(super) fn back(&self, steps: usize) -> f64 {
        let steps = steps.min(self.filled.saturating_sub(1));
        f64::from(self.samples[(self.next + 2 * KEPT - 1 - steps) % KEPT])
    }

    /// How many samples make a full memory: a silence as long empties it.
    pub(super) fn memory(&self) -> usize {
        self.widths[3]
    }

    /// Forgets the samples, and keeps how much demand moves.
    pub(super) fn clear(&mut self) {
        (self.filled, self.next, self.sums) = (0, 0, [0.0; 4]);
    }

    /// Lets one step pass without a sample: the last value stands, and says nothing about how much demand moves.
    pub(super) fn hold(&mut self) {
        if self.filled > 0 {
            let (value, squares) = (self.back(0), self.squares);
            self.push(value);
            self.squares = squares;
        }
    }

    /// Takes in the next sample.
    pub(super) fn push(&mut self, demand: f64) {
        let sample = short(demand);
        let demand = f64::from(sample);
        let first = self.filled == 0;
        self.slopes.step = if first { 0.0 } else { demand - self.back(0) };
        self.add(sample);
        let [one, five, ..] = self.levels();
        if first {
            (self.minutes, self.fives) = ([short(one); TRAIL], [short(five); TRAIL]);
            if self.day == 0.0 {
                self.day = demand;
            }
        }
        let [minute, fives, ..] = self.widths;
        self.slopes.minute = one - f64::from(self.minutes[minute - 1]);
        self.slopes.two_minutes = one - f64::from(self.minutes[2 * minute - 1]);
        self.slopes.five_minutes = five - f64::from(self.fives[fives - 1]);
        self.minutes.rotate_right(1);
        self.fives.rotate_right(1);
        (self.minutes[0], self.fives[0]) = (short(one), short(five));
        self.fade(demand);
    }

    fn add(&mut self, sample: f32) {
        for (sum, width) in self.sums.iter_mut().zip(self.widths) {
            *sum += f64::from(sample);
            if self.filled >= width {
                *sum -= f64::from(self.samples[(self.next + 2 * KEPT - width) % KEPT]);
            }
        }
        self.samples[self.next] = sample;
        self.next = (self.next + 1) % KEPT;
        self.filled = (self.filled + 1).min(KEPT);
        if self.next == 0 {
            // Added up anew once a round, so that rounding does not pile up.
            self.sums =
                self.widths.map(|width| (0..width.min(self.filled)).map(|steps| self.back(steps)).sum());
        }
    }

    fn fade(&mut self, demand: f64) {
        let first_share = 1.0 / self.filled as f64;
        self.day += (demand - self.day) * self.step_of_day.max(first_share);
        let Slopes { step, minute, five_minutes, .. } = self.slopes;
        let [_, five, twenty, sixty] = self.widths;
        let changes = [step, step, step, minute, minute, minute, five_minutes];
        let widths = [five, twenty, sixty, five, twenty, sixty, sixty];
        for ((square, change), width) in self.squares.iter_mut().zip(changes).zip(widths) {
            *square += (change * change - *square) * (2.0 / (width as f64 + 1.0)).max(first_share);
        }
    }

    /// Mean demand of the last 1, 5, 20 and 60 minutes.
    pub(super) fn levels(&self) -> [f64; 4] {
        std::array::from_fn(|index| self.sums[index] / self.widths[index].min(self.filled).max(1) as f64)
    }

    /// The highest sample of the last 20 minutes.
    pub(super) fn top(&self) -> f64 {
        (0..self.widths[2].min(self.filled)).map(|steps| self.back(steps)).fold(0.0, f64::max)
    }

    /// The highest level of a minute within the last five minutes: what a reactive scaler goes by.
    pub(super) fn busiest_minute(&self) -> f64 {
        f64::from(self.minutes[..self.widths[1]].iter().copied().fold(0.0, f32::max))
    }

    /// The level of the day.
    pub(super) fn day(&self) -> f64 {
        self.day
    }

    /// The newest changes.
    pub(super) fn slopes(&self) -> Slopes {
        self.slopes
    }

    /// Typical changes: from sample to sample over 5, 20 and 60 minutes, within a minute over the same, within
    /// five minutes over 60.
    pub(super) fn volatilities(&self) -> [f64; 7] {
        self.squares.map(f64::sqrt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_slopes_are_those_of_the_last_minutes() {
        let mut recent = Recent::new(15);
        for tick in 0..400 {
            recent.push(f64::from(tick));
        }
        // A minute is the last 4 samples: 396 to 399.
        for (level, expected) in recent.levels().into_iter().zip([397.5, 389.5, 359.5, 279.5]) {
            assert!((level - expected).abs() < 1e-9, "{level} is not {expected}");
        }
        assert!(
            (recent.slopes().minute - 4.0).abs() < 1e-9 && (recent.slopes().two_minutes - 8.0).abs() < 1e-9
        );
        assert!((recent.slopes().five_minutes - 20.0).abs() < 1e-9);
        assert!((recent.volatilities()[0] - 1.0).abs() < 1e-9, "one a sample");
        assert!((recent.top() - 399.0).abs() < 1e-9 && (recent.busiest_minute() - 397.5).abs() < 1e-9);
    }

    #[test]
    fn a_step_without_a_sample_repeats_the_last_value_and_says_nothing_about_movement() {
        let mut recent = Recent::new(15);
        for demand in [4.0, 6.0, 4.0, 6.0] {
            recent.push(demand);
        }
        let moved = recent.volatilities();
        recent.hold();
        assert!((recent.back(0) - 6.0).abs() < 1e-9);
        let still =
            recent.volatilities().into_iter().zip(moved).all(|(now, then)| (now - then).abs() < 1e-12);
        assert!(still);
    }

    #[test]
    fn on_a_coarse_grid_the_windows_stay_apart() {
        let recent = Recent::new(300);
        assert_eq!(recent.widths, [2, 4, 8, 16]);
    }
}
