//! What else keeps this machine busy: figures of a demo on a busy machine are those of a busy machine.

use std::time::Duration;

/// Over how long is looked.
const LOOK: Duration = Duration::from_secs(2);
/// From which share of all processor cores on it is worth saying.
const MUCH: f64 = 0.25;

/// Looks for two seconds and says the share that others use, when it is much.
pub(super) fn busy() -> Option<f64> {
    let before = ticks(&std::fs::read_to_string("/proc/stat").ok()?)?;
    std::thread::sleep(LOOK);
    let after = ticks(&std::fs::read_to_string("/proc/stat").ok()?)?;
    let all = (after.1 - before.1).max(1.0);
    Some((after.0 - before.0) / all).filter(|share| *share > MUCH)
}

/// Ticks of all cores since the machine started: used, and used and idle.
fn ticks(stat: &str) -> Option<(f64, f64)> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    // user nice system idle iowait irq softirq steal; what guests use is within user.
    let fields: Vec<f64> =
        fields.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let all: f64 = fields.iter().sum();
    let idle = fields.get(3)? + fields.get(4)?;
    Some((all - idle, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_and_does_not_wait_is_used() {
        assert_eq!(ticks("cpu  10 5 20 100 15 1 4 5 9 0\ncpu0 1 2\n"), Some((45.0, 160.0)));
        assert_eq!(ticks("intr 1 2 3"), None);
    }
}
