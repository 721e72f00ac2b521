//! Counters that grow as those of a running program do.

use std::time::Duration;

use testbed::{Dial, Testbed, wait_until};

use crate::support::meanwhile;

/// How often they move: several times between two scrapes.
const BEAT: Duration = Duration::from_millis(250);

/// A counter: its name, its labels, and by how much it grows in a second.
pub type Counter<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

/// Lets counters grow for as long as `play` goes on.
pub fn while_growing<T>(dial: &Dial, counters: &[Counter<'_>], play: impl FnOnce() -> T) -> T {
    let mut beats = 0.0;
    let grow = || {
        for (name, labels, per_second) in counters {
            dial.set(name, labels, per_second * BEAT.as_secs_f64() * beats);
        }
        beats += 1.0;
    };
    meanwhile(BEAT, grow, play)
}

/// Waits until a counter has grown for as long as its rate over a minute looks back: a young one's rate is too low.
pub fn until_rate(testbed: &Testbed, counter: &str, per_second: f64) {
    let query = format!("sum(rate({counter}[1m]))");
    let seen = wait_until(&format!("{query} at {per_second}"), Duration::from_secs(90), || {
        let now = testbed.value(&query).map_err(|error| error.to_string())?;
        if now > per_second * 0.95 { Ok(()) } else { Err(now.to_string()) }
    });
    seen.unwrap_or_else(|error| panic!("{error}"));
}
