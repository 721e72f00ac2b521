//! `bizops backtest` from the outside, and how good its decisions are.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on fails")]

mod command;
mod decisions;
mod faults;
#[allow(dead_code, reason = "the benchmark plays more of them")]
#[path = "../../benches/decisions/others.rs"]
mod others;
mod stdio;
#[allow(dead_code, missing_docs, reason = "the benchmark plays more of it")]
#[path = "../../benches/decisions/suite.rs"]
mod suite;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a run of the command came to.
struct Ran {
    code: i32,
    said: String,
    told: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            said: text(output.stdout),
            told: text(output.stderr),
        }
    }
}

fn bizops() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bizops"));
    command.arg("backtest").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn backtest(arguments: &[&str]) -> Ran {
    bizops().args(arguments).output().unwrap().into()
}

fn repository(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}

/// The objective of the how-to: at most 0.3 % unserved, 100 requests/s a replica.
fn objective() -> String {
    repository("examples/09-ahead-of-demand.yaml")
}

/// A folder that goes with its test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// So many days with a peak at noon, a sample every five minutes, in requests/s.
    fn days(&self, days: u32) -> String {
        let line = |index: u32| {
            let day = std::f64::consts::TAU * f64::from(index % 288) / 288.0;
            format!(
                "{},{:.1}\n",
                1_800_000_000 + index * 300,
                1500.0 - 1000.0 * day.cos() + f64::from(index * 7919 % 101)
            )
        };
        let lines: String = (0..days * 288).map(line).collect();
        self.file("days.csv", &format!("timestamp,value\n{lines}"))
    }
}
