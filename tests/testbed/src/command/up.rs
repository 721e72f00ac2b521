//! `testbed up`: a cluster that stands until Ctrl-C, or until `testbed down`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use testbed::{Error, Nodes, Options, Testbed};

/// Starts a cluster with Prometheus and says how to reach it
#[derive(Args)]
pub(crate) struct Up {
    /// none, fake, fake:N for N fake nodes, or real for one node that runs containers (root on Linux)
    #[arg(long, default_value = "fake:3", value_parser = nodes)]
    nodes: Nodes,
    /// An image archive for the real node; may be given several times
    #[arg(long = "image", value_name = "FILE.tar")]
    images: Vec<PathBuf>,
    /// Leave the cluster standing; `testbed down` ends it
    #[arg(long)]
    keep: bool,
}

/// Keeps a kept real node reachable from the host
#[derive(Args)]
pub(crate) struct Forward {
    pid: u32,
    ports: Vec<u16>,
}

fn nodes(text: &str) -> Result<Nodes, String> {
    match text {
        "none" => Ok(Nodes::None),
        "real" => Ok(Nodes::Real { images: vec![] }),
        "fake" => Ok(Nodes::Fake { count: 3 }),
        _ => text
            .strip_prefix("fake:")
            .and_then(|count| count.parse().ok())
            .map(|count| Nodes::Fake { count })
            .ok_or_else(|| "write none, fake, fake:N or real".to_owned()),
    }
}

impl Up {
    pub(crate) fn run(self) -> Result<ExitCode, Error> {
        let nodes = match self.nodes {
            Nodes::Real { .. } => Nodes::Real { images: self.images },
            nodes if self.images.is_empty() => nodes,
            _ => {
                return Err(Error::NotHere("--image is for --nodes=real: fake nodes run nothing".to_owned()));
            }
        };
        let testbed = Testbed::start(Options { nodes, ..Options::default() })?;
        let told = format!(
            "export KUBECONFIG={}\n# Prometheus: {}\n# logs: {}",
            testbed.kubeconfig().display(),
            testbed.prometheus_url(),
            testbed.folder().join("logs").display()
        );
        if self.keep {
            let own = std::env::current_exe();
            let own = own.map_err(|source| Error::Io { doing: "finding this program".to_owned(), source })?;
            testbed.keep(&own)?;
            println!("{told}");
            println!("# it stands until `testbed down`; `testbed kubectl …` and `testbed helm …` talk to it");
            return Ok(ExitCode::SUCCESS);
        }
        println!("{told}");
        println!("# Ctrl-C ends it");
        // Before this moment the signal ends this process, and the testbed ends with it.
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|source| Error::Io { doing: "listening for Ctrl-C".to_owned(), source })?;
        signals.forever().next();
        eprintln!("testbed: ending");
        drop(testbed);
        Ok(ExitCode::SUCCESS)
    }
}

impl Forward {
    pub(crate) fn run(&self) -> Result<ExitCode, Error> {
        let _wires = testbed::forward(self.pid, &self.ports)?;
        loop {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_as_people_write_them() {
        assert_eq!(nodes("fake:7"), Ok(Nodes::Fake { count: 7 }));
        assert_eq!(nodes("real"), Ok(Nodes::Real { images: vec![] }));
        assert_eq!(nodes("fake:many"), Err("write none, fake, fake:N or real".to_owned()));
    }
}
