//! One part of the cluster as a process: started, killed, paused, watched.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Doing as _;
use crate::namespace::Network;
use crate::{Error, folders, keeper, wait_until};

/// The parts of a testbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The store of the API server.
    Etcd,
    /// The API server.
    ApiServer,
    /// The controllers of Deployments, HPAs and so on.
    ControllerManager,
    /// Gives pods their nodes.
    Scheduler,
    /// Plays the fake nodes.
    Kwok,
    /// The metrics.
    Prometheus,
    /// The first process of a real node.
    Node,
    /// Runs a real node's containers.
    Containerd,
    /// Runs a real node's pods.
    Kubelet,
    /// Carries Services on a real node.
    KubeProxy,
    /// Resolves names of Services on a real node.
    Dns,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kwok => "kwok",
            Self::Prometheus => "prometheus",
            Self::Node => "node",
            Self::Containerd => "containerd",
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::Dns => "coredns",
        })
    }
}

/// How a part is started, the first time and again.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) part: Part,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) path: OsString,
    /// The network it lives in.
    pub(crate) network: Network,
    /// Whether `program` enters further namespaces before it becomes the part: then the part is its child.
    pub(crate) enters: bool,
}

/// A part that was started.
#[derive(Debug)]
pub(crate) struct Process {
    part: Part,
    child: Child,
    enters: bool,
    log: PathBuf,
}

impl Recipe {
    /// Starts the part; its output goes to the end of its log.
    pub(crate) fn start(&self, run: &Path) -> Result<Process, Error> {
        let log = run.join("logs").join(format!("{}.log", self.part));
        let output = OpenOptions::new().create(true).append(true).open(&log).at("writing", &log)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env(keeper::MARK, run)
            .env("PATH", &self.path)
            .env("HOME", run)
            .current_dir(run)
            .stdin(Stdio::null())
            .stdout(output.try_clone().at("writing", &log)?)
            .stderr(output)
            // Ctrl-C on the terminal is for the owner.
            .process_group(0);
        let child = self.network.inside(|| command.spawn()).at("starting", &self.program)?;
        Ok(Process { part: self.part, child, enters: self.enters, log })
    }
}

impl Process {
    /// An error when the part ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait().doing(|| format!("looking at {}", self.part))? {
            None => Ok(()),
            Some(status) => Err(Error::Ended {
                part: self.part.to_string(),
                how: status.to_string(),
                log: self.log.clone(),
                tail: folders::tail(&self.log, 15),
            }),
        }
    }

    /// The pid of the part itself.
    pub(crate) fn pid(&self) -> Result<u32, Error> {
        let own = self.child.id();
        if !self.enters {
            return Ok(own);
        }
        let list = format!("/proc/{own}/task/{own}/children");
        wait_until(&format!("{} in its namespaces", self.part), Duration::from_secs(5), || {
            let children = std::fs::read_to_string(&list).map_err(|error| error.to_string())?;
            children.split_whitespace().next().and_then(|pid| pid.parse().ok()).ok_or("no process".to_owned())
        })
    }

    /// Kills the part and waits until it is gone: its port is free then.
    pub(crate) fn kill(mut self) -> Result<(), Error> {
        if self.enters
            && let Ok(pid) = self.pid()
        {
            signal(pid, Signal::KILL);
            wait_until(&format!("the end of {}", self.part), Duration::from_secs(10), || is_gone(pid))?;
        }
        let _ = self.child.kill();
        self.child.wait().doing(|| format!("waiting for the end of {}", self.part))?;
        Ok(())
    }

    /// Takes note of the end of a part that others ended.
    pub(crate) fn bury(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops the part where it is.
    pub(crate) fn pause(&self) -> Result<(), Error> {
        signal(self.pid()?, Signal::STOP);
        Ok(())
    }

    /// Lets a stopped part go on.
    pub(crate) fn resume(&self) -> Result<(), Error> {
        // The entering program stops together with its child and must go on too.
        signal(self.child.id(), Signal::CONT);
        signal(self.pid()?, Signal::CONT);
        Ok(())
    }
}

/// Sends a signal; a process that is gone already needs none.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process has ended: gone, or dead and only unburied.
fn is_gone(pid: u32) -> Result<(), String> {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return Ok(()) };
    let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    if state.starts_with('Z') || state.starts_with('X') { Ok(()) } else { Err(format!("state {state}")) }
}
