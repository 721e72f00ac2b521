//! How soon a watch that failed is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use kube::runtime::utils::Backoff;

/// Waits one second after the first failure, two after the second, three from then on, each a quarter more or
/// less by chance; anything that comes through begins anew.
///
/// An API server that is back is taken up within four seconds however long it was away: the pace made for
/// controllers that only repair goes up to half a minute, in which a changed objective would not be heard.
#[derive(Debug, Default)]
pub struct Pace {
    failures: u32,
}

impl Iterator for Pace {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = (self.failures + 1).min(3);
        // The standard library's hasher is seeded anew for each state.
        let chance = u32::try_from(RandomState::new().hash_one(self.failures) % 501).unwrap_or(250);
        Some(Duration::from_millis(750 + u64::from(chance)) * self.failures)
    }
}

impl Backoff for Pace {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_tried_again_ever_later_up_to_four_seconds_and_at_once_soon_after_a_success() {
        let mut pace = Pace::default();
        for around in [1, 2, 3, 3, 3] {
            let next = pace.next().unwrap();
            let (least, most) = (Duration::from_millis(750) * around, Duration::from_millis(1250) * around);
            assert!((least..=most).contains(&next), "{next:?} is not about {around}s");
        }
        pace.reset();
        assert!(pace.next().unwrap() <= Duration::from_millis(1250));
    }
}
