//! A program of the test's own, such as the operator, run as part of a testbed.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::error::Doing as _;
use crate::namespace::Network;
use crate::process::signal;
use crate::{Error, Testbed, folders, keeper, wait_until};

/// A running program. It is killed when dropped, and at the latest with its testbed.
#[derive(Debug)]
pub struct Spawned {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Testbed {
    /// Starts a program in the testbed's network; its outputs go to the end of `logs/<name>.log`.
    ///
    /// ```no_run
    /// # let testbed = testbed::Testbed::start(testbed::Options::fake())?;
    /// let kubeconfig = testbed.kubeconfig_for_service_account("bizops-system", "bizops")?;
    /// let mut command = std::process::Command::new("target/debug/bizops");
    /// command.arg("run").env("KUBECONFIG", kubeconfig);
    /// let operator = testbed.spawn("operator", command)?;
    /// operator.pause();
    /// operator.resume();
    /// operator.kill()?;
    /// # Ok::<(), testbed::Error>(())
    /// ```
    pub fn spawn(&self, name: &str, command: Command) -> Result<Spawned, Error> {
        self.spawn_in(&self.site().network, name, command)
    }

    /// Starts a program in this network.
    pub(crate) fn spawn_in(
        &self,
        network: &Network,
        name: &str,
        mut command: Command,
    ) -> Result<Spawned, Error> {
        let log = self.folder().join("logs").join(format!("{name}.log"));
        let output = OpenOptions::new().create(true).append(true).open(&log).at("writing", &log)?;
        command
            .env(keeper::MARK, self.folder())
            .stdin(Stdio::null())
            .stdout(output.try_clone().at("writing", &log)?)
            .stderr(output)
            .process_group(0);
        let child = network.inside(|| command.spawn()).doing(|| format!("starting {name}"))?;
        Ok(Spawned { name: name.to_owned(), child, log })
    }
}

impl Spawned {
    /// Its process id on the host.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its outputs go.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// Its outputs so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// An error with the end of its log when it does not run any more.
    pub fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait().doing(|| format!("looking at {}", self.name))? {
            None => Ok(()),
            Some(status) => Err(Error::Ended {
                part: self.name.clone(),
                how: status.to_string(),
                log: self.log.clone(),
                tail: folders::tail(&self.log, 20),
            }),
        }
    }

    /// Stops it where it is, as `kill -STOP` does.
    pub fn pause(&self) {
        signal(self.child.id(), Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        signal(self.child.id(), Signal::CONT);
    }

    /// Kills it as `kill -9` does and waits until it is gone.
    pub fn kill(mut self) -> Result<(), Error> {
        self.end()
    }

    /// Asks it to end, as Kubernetes does, and gives its exit status.
    pub fn stop(mut self, limit: Duration) -> Result<ExitStatus, Error> {
        signal(self.child.id(), Signal::TERM);
        wait_until(&format!("the end of {}", self.name), limit, || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it runs".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// Lets it run until its testbed ends.
    pub fn leave(self) {
        std::mem::forget(self);
    }

    fn end(&mut self) -> Result<(), Error> {
        let _ = self.child.kill();
        self.child.wait().doing(|| format!("waiting for the end of {}", self.name))?;
        Ok(())
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {} ends with:\n{}", self.log.display(), folders::tail(&self.log, 40));
        }
        let _ = self.end();
    }
}
