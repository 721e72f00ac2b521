//! Waiting for something to become true, with an answer when it does not.

use std::fmt::Display;
use std::time::{Duration, Instant};

use crate::Error;

/// How often is looked: often enough to measure reactions of a second, seldom enough to load nobody.
const PACE: Duration = Duration::from_millis(60);

/// Looks until `look` gives a value, for at most `limit`.
///
/// `look` says in its error what it saw instead; the last of these is part of the error of the wait.
///
/// ```
/// use std::time::Duration;
/// let mut pods = 0;
/// let seen = testbed::wait_until("3 pods", Duration::from_secs(2), || {
///     pods += 1;
///     if pods == 3 { Ok(pods) } else { Err(format!("{pods} pods")) }
/// });
/// assert_eq!(seen.unwrap(), 3);
/// ```
pub fn wait_until<T, E: Display>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<T, E>,
) -> Result<T, Error> {
    let begin = Instant::now();
    loop {
        let seen = match look() {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        let after = begin.elapsed();
        if after >= limit {
            return Err(Error::TimedOut { what: what.to_owned(), after, seen: seen.to_string() });
        }
        std::thread::sleep(PACE.min(limit.saturating_sub(after)));
    }
}

/// Looks for the whole of `time` and fails at the first look that is not as claimed: "nothing changes".
pub fn hold_true<E: Display>(
    what: &str,
    time: Duration,
    mut look: impl FnMut() -> Result<(), E>,
) -> Result<(), Error> {
    let begin = Instant::now();
    while begin.elapsed() < time {
        if let Err(seen) = look() {
            return Err(Error::TimedOut {
                what: format!("the whole time: {what}"),
                after: begin.elapsed(),
                seen: seen.to_string(),
            });
        }
        std::thread::sleep(PACE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_in_vain_says_what_it_saw_last() {
        let mut looks = 0;
        let failed = wait_until("five replicas", Duration::from_millis(150), || {
            looks += 1;
            Err::<(), _>(format!("look {looks}: 3 replicas"))
        })
        .unwrap_err();
        assert_eq!(
            failed.to_string(),
            format!("waited 0.1 s for five replicas; last seen: look {looks}: 3 replicas")
        );
    }

    #[test]
    fn a_claim_that_breaks_is_told_at_once() {
        let mut looks = 0;
        let failed = hold_true("no scale-down", Duration::from_mins(1), || {
            looks += 1;
            if looks < 3 { Ok(()) } else { Err("4 replicas") }
        })
        .unwrap_err();
        assert!(failed.to_string().ends_with("for the whole time: no scale-down; last seen: 4 replicas"));
    }
}
