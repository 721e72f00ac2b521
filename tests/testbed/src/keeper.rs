//! The end of a testbed: a small process beside it that outlives its owner and leaves nothing behind.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::error::Doing as _;
use crate::{Error, folders};

const SCRIPT: &str = include_str!("end.sh");

/// The variable everything a testbed starts carries, with the testbed's folder.
pub(crate) const MARK: &str = "TESTBED_RUN";

/// The process that waits for the end of the owner.
#[derive(Debug)]
pub(crate) struct Keeper(Child);

impl Keeper {
    /// Watches over a testbed's folder from now on.
    pub(crate) fn start(run: &Path) -> Result<Self, Error> {
        let child = script(run)
            .arg("wait")
            .stdin(Stdio::piped())
            .spawn()
            .doing(|| "starting sh, which ends the testbed with its owner".to_owned())?;
        Ok(Self(child))
    }

    /// Ends the testbed and waits until nothing of it is left.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        drop(self.0.stdin.take());
        finished(self.0.wait().doing(|| "waiting for the end of the testbed".to_owned())?.success())
    }

    /// Lets the testbed stand when its owner ends.
    pub(crate) fn keep(mut self) -> Result<(), Error> {
        if let Some(mut input) = self.0.stdin.take() {
            input.write_all(b"keep\n").doing(|| "telling the keeper to keep".to_owned())?;
        }
        finished(self.0.wait().doing(|| "waiting for the keeper".to_owned())?.success())
    }
}

/// Ends a testbed that has no keeper: kept, or left over.
pub(crate) fn end(run: &Path) -> Result<(), Error> {
    finished(script(run).status().doing(|| "running sh".to_owned())?.success())
}

fn script(run: &Path) -> Command {
    let mut command = Command::new("sh");
    // A process group of its own: Ctrl-C on the terminal ends the owner, not the keeper.
    command
        .args(["-c", SCRIPT, "end.sh"])
        .arg(run)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0);
    command
}

fn finished(well: bool) -> Result<(), Error> {
    if well {
        Ok(())
    } else {
        Err(Error::NotHere("the testbed could not be ended whole; see above".to_owned()))
    }
}

/// Makes the folder of a new testbed. Its name says who owns it, so that it can be known when it is left over.
pub(crate) fn new_run() -> Result<PathBuf, Error> {
    let runs = folders::runs();
    folders::make(&runs)?;
    let pid = std::process::id();
    let begin = begin_of(pid).unwrap_or_default();
    for number in 0_u32.. {
        let run = runs.join(format!("{pid}-{begin}-{number}"));
        match std::fs::create_dir(&run) {
            Ok(()) => return Ok(run),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).at("making", &run),
        }
    }
    Err(Error::NotHere("no free name for a testbed".to_owned()))
}

/// Ends what owners that are gone left: their keeper was killed too, or the machine lost power.
pub(crate) fn sweep() -> Result<(), Error> {
    for run in all()? {
        let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !run.join("kept").exists() && !owner_lives(&name) {
            eprintln!("testbed: ending {name}, which its owner left behind");
            end(&run)?;
        }
    }
    Ok(())
}

/// The folders of all testbeds, oldest first.
pub(crate) fn all() -> Result<Vec<PathBuf>, Error> {
    let runs = folders::runs();
    if !runs.exists() {
        return Ok(vec![]);
    }
    let mut all: Vec<PathBuf> = std::fs::read_dir(&runs)
        .at("reading", &runs)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    all.sort_by_key(|path| path.metadata().and_then(|meta| meta.modified()).ok());
    Ok(all)
}

/// Whether the process that made a folder of this name still runs.
fn owner_lives(name: &str) -> bool {
    let mut fields = name.split('-').map(str::parse::<u64>);
    let (Some(Ok(pid)), Some(Ok(begin))) = (fields.next(), fields.next()) else { return false };
    u32::try_from(pid).is_ok_and(|pid| begin_of(pid) == Some(begin))
}

/// When a process began, in ticks since the machine did: with its pid it names a process for good.
fn begin_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Its name, in brackets, may hold spaces; the begin is the 20th field after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_that_had_its_pid_does_not() {
        let pid = std::process::id();
        let begin = begin_of(pid).unwrap();
        assert!(owner_lives(&format!("{pid}-{begin}-0")));
        assert!(!owner_lives(&format!("{pid}-{}-0", begin - 1)));
        assert!(!owner_lives("not-a-run"));
    }
}
