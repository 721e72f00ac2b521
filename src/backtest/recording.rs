//! Recorded demand on an even grid.

use jiff::Timestamp;

/// What a recorded number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// So many from this moment to the next.
    Count,
    /// So many per second, on average from this moment to the next.
    Rate,
    /// The value at this moment.
    Gauge,
}

/// Demand on an even grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The first moment, in seconds since 1970.
    pub start: i64,
    /// Seconds from one moment to the next.
    pub step: i64,
    /// The demand from each moment to the next; `None` where it is not known.
    pub demand: Vec<Option<f64>>,
}

impl Recording {
    /// The moment with this index.
    pub fn at(&self, index: usize) -> Timestamp {
        let seconds = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(self.step);
        Timestamp::from_second(self.start.saturating_add(seconds)).unwrap_or(Timestamp::MAX)
    }

    /// The index of the first moment at or after `at`.
    pub fn index(&self, at: Timestamp) -> usize {
        let seconds = at.as_second().saturating_sub(self.start).max(0);
        usize::try_from((seconds + self.step - 1) / self.step).unwrap_or(usize::MAX).min(self.demand.len())
    }

    /// The average over `window` moments that end before `end`, of those that are known; `None` if none is.
    pub fn average(&self, end: usize, window: usize) -> Option<f64> {
        let end = end.min(self.demand.len());
        let known = || self.demand[end.saturating_sub(window)..end].iter().flatten();
        let count = known().count();
        (count > 0).then(|| known().sum::<f64>() / count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_of_what_is_known() {
        let recording = Recording { start: 100, step: 15, demand: vec![Some(2.0), None, Some(4.0), None] };
        assert_eq!(recording.average(3, 3), Some(3.0));
        assert_eq!(recording.average(4, 1), None);
        assert_eq!(recording.average(9, 2), Some(4.0));
        assert_eq!(recording.at(2).as_second(), 130);
        assert_eq!(recording.index(Timestamp::from_second(116).unwrap()), 2);
        assert_eq!(recording.index(Timestamp::from_second(0).unwrap()), 0);
    }
}
