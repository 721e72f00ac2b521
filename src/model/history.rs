//! What a query gave at past moments.

use jiff::{SignedDuration, Timestamp};

use super::sample::SourceFault;

/// One number per moment of a grid, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The oldest moment that was read.
    pub first: Timestamp,
    /// From one moment to the next.
    pub step: SignedDuration,
    /// What the query gave at each; `None` where it gave no fresh number.
    pub values: Vec<Option<f64>>,
    /// Why it begins where it does.
    pub end: HistoryEnd,
}

/// Why a history begins where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryEnd {
    /// All that was asked for was read.
    Whole,
    /// The source has nothing that is older.
    Bottom,
    /// There was no time left to read more.
    OutOfTime,
    /// The source failed before all was read.
    Failed(SourceFault),
}

impl History {
    /// The moments and what the query gave, oldest first.
    pub fn moments(&self) -> impl Iterator<Item = (Timestamp, Option<f64>)> + '_ {
        let mut at = self.first;
        self.values.iter().map(move |value| {
            let moment = at;
            at = at.saturating_add(self.step).unwrap_or(at);
            (moment, *value)
        })
    }

    /// What the query gave at a moment of the grid.
    pub fn at(&self, moment: Timestamp) -> Option<f64> {
        let steps = moment.duration_since(self.first).as_secs().checked_div(self.step.as_secs())?;
        *self.values.get(usize::try_from(steps).ok()?)?
    }

    /// How many moments have a number.
    pub fn present(&self) -> usize {
        self.values.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_a_step_apart() {
        let history = History {
            first: Timestamp::from_second(1_800_000_002).unwrap(),
            step: SignedDuration::from_secs(15),
            values: vec![Some(1.0), None, Some(3.0)],
            end: HistoryEnd::Whole,
        };
        let seconds: Vec<_> = history.moments().map(|(at, value)| (at.as_second(), value)).collect();
        assert_eq!(seconds, [(1_800_000_002, Some(1.0)), (1_800_000_017, None), (1_800_000_032, Some(3.0))]);
        assert_eq!(history.present(), 2);
        let at = |second| history.at(Timestamp::from_second(second).unwrap());
        assert_eq!([at(1_799_999_987), at(1_800_000_002), at(1_800_000_032)], [None, Some(1.0), Some(3.0)]);
        assert_eq!([at(1_800_000_017), at(1_800_000_047)], [None, None]);
    }
}
