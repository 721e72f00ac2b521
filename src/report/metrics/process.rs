//! The process's own figures, from `/proc`. Empty where there is no `/proc`.

use std::fs;

/// Clock ticks per second in `/proc/<pid>/stat`: fixed at 100 by Linux for programs, whatever the kernel's own.
const TICKS: f64 = 100.0;

/// The process's own figures.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Process {
    /// CPU time used, in seconds.
    pub(super) cpu_seconds: Option<f64>,
    /// When it started, in seconds since 1970.
    pub(super) start_seconds: Option<f64>,
    /// Resident memory in bytes.
    pub(super) resident_bytes: Option<f64>,
    /// Open file descriptors.
    pub(super) open_fds: Option<f64>,
    /// The most file descriptors it may open.
    pub(super) max_fds: Option<f64>,
}

impl Process {
    /// This process, now.
    pub(super) fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (stat, machine) = (text("/proc/self/stat"), text("/proc/stat"));
        Self {
            cpu_seconds: cpu_seconds(&stat),
            start_seconds: start_seconds(&stat, &machine),
            resident_bytes: resident_bytes(&text("/proc/self/status")),
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as f64),
            max_fds: max_fds(&text("/proc/self/limits")),
        }
    }
}

/// A field of `/proc/<pid>/stat` as numbered in proc(5). The second, the program's name in brackets, may itself
/// hold spaces and brackets; so counting starts after its last bracket.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

/// User and system time, fields 14 and 15.
fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS)
}

/// Start in ticks since boot (field 22), and the time of boot.
fn start_seconds(stat: &str, machine: &str) -> Option<f64> {
    let boot: f64 = machine.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + field(stat, 22)? / TICKS)
}

fn resident_bytes(status: &str) -> Option<f64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = kib.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn max_fds(limits: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 250 150 7 8 20 0 9 0 6000 123 456";
        assert_eq!(cpu_seconds(stat), Some(4.0));
        assert_eq!(start_seconds(stat, "cpu 1 2\nbtime 1000\n"), Some(1060.0));
        assert_eq!(cpu_seconds("nonsense"), None);
    }

    #[test]
    fn memory_and_descriptors_are_found_among_other_lines() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152.0));
        assert_eq!(
            max_fds("Limit  Soft Hard\nMax open files            1024    4096   files\n"),
            Some(1024.0)
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_figures() {
        let process = Process::read();
        assert!(process.resident_bytes.unwrap() > 1e6, "{process:?}");
        assert!(process.open_fds.unwrap() >= 3.0 && process.max_fds.unwrap() > 3.0, "{process:?}");
        let age = jiff::Timestamp::now().as_second() as f64 - process.start_seconds.unwrap();
        assert!((-2.0..86_400.0).contains(&age), "{process:?}");
    }
}
