//! One `go build` after the other, with a line of progress each.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use super::Program;
use crate::error::Doing as _;
use crate::{Error, folders, tools};

/// How often a build that writes to a file or a pipe, not a terminal, says that it is still at work.
const REMINDER: Duration = Duration::from_secs(30);

/// Builds these programs to these places. Another process that builds the same is waited for, not repeated.
pub(super) fn all(missing: &[(Program, PathBuf)]) -> Result<(), Error> {
    let total: u64 = missing.iter().map(|(program, _)| program.expected).sum();
    if total > 60 {
        eprintln!(
            "testbed: {} programs are built from source, once: about {} min on two cores when nothing is \
             cached",
            missing.len(),
            total.div_ceil(60)
        );
    }
    for (number, (program, path)) in missing.iter().enumerate() {
        let title = format!("testbed: [{}/{}] {}", number + 1, missing.len(), program.name);
        one(program, path, &title)?;
    }
    Ok(())
}

fn one(program: &Program, path: &Path, title: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    let bin = folder.parent().unwrap_or(folder);
    folders::make(bin)?;
    let lock = bin.join(format!("{}.lock", program.name));
    let lock = File::create(&lock).at("making the lock", &lock)?;
    lock.lock().doing(|| format!("waiting for another build of {}", program.name))?;
    if path.exists() {
        return Ok(());
    }
    let log = bin.join(format!("{}.log", program.name));
    let output = File::create(&log).at("writing", &log)?;
    // Under the lock: what lies there is of a build that was killed.
    let half = bin.join(format!(".{}", program.name));
    let _ = std::fs::remove_dir_all(&half);
    folders::make(&half)?;
    let go = tools::GO.find()?;
    let mut child = Command::new(&go)
        .args(with_output(program, &half.join(program.name)))
        .current_dir(program.sources())
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env("GOOS", "linux")
        .stdin(std::process::Stdio::null())
        .stdout(output.try_clone().at("writing", &log)?)
        .stderr(output)
        .spawn()
        .at("running", &go)?;
    let status = watch(&mut child, title, Duration::from_secs(program.expected))?;
    if !status.success() {
        let _ = std::fs::remove_dir_all(&half);
        return Err(Error::Build { part: program.name, tail: folders::tail(&log, 15), log });
    }
    std::fs::rename(&half, folder).at("moving the program to", folder)
}

fn with_output(program: &Program, output: &Path) -> Vec<String> {
    let mut arguments = program.arguments();
    arguments.insert(1, format!("-o={}", output.display()));
    arguments
}

/// Waits for the build and shows how long it takes: in place on a terminal, now and then elsewhere.
fn watch(child: &mut Child, title: &str, expected: Duration) -> Result<ExitStatus, Error> {
    let terminal = std::io::stderr().is_terminal();
    let begin = Instant::now();
    let mut said = Instant::now();
    if !terminal {
        eprintln!("{title}: building, about {} when nothing is cached", minutes(expected));
    }
    loop {
        if let Some(status) = child.try_wait().doing(|| "waiting for go".to_owned())? {
            let clear = if terminal { "\r\x1b[K" } else { "" };
            let verb = if status.success() { "built in" } else { "failed after" };
            eprintln!("{clear}{title}: {verb} {}", minutes(begin.elapsed()));
            return Ok(status);
        }
        if terminal {
            eprint!("\r\x1b[K{title}: {} of about {}", minutes(begin.elapsed()), minutes(expected));
            let _ = std::io::stderr().flush();
        } else if said.elapsed() >= REMINDER {
            said = Instant::now();
            eprintln!("{title}: {} of about {}", minutes(begin.elapsed()), minutes(expected));
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// `5 s`, `2 min 5 s`.
fn minutes(time: Duration) -> String {
    match (time.as_secs() / 60, time.as_secs() % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_minutes_and_seconds() {
        assert_eq!(minutes(Duration::from_secs(5)), "5 s");
        assert_eq!(minutes(Duration::from_secs(125)), "2 min 5 s");
    }
}
