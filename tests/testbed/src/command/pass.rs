//! `testbed kubectl` and `testbed helm`: the cluster's own versions, pointed at the testbed kept last.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use clap::Args;
use testbed::{Error, Kept};

/// Runs the cluster's own version of this program against the testbed kept last
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Pass {
    /// Whatever the program takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Pass {
    pub(crate) fn run(&self, name: &str) -> Result<ExitCode, Error> {
        let kept = Kept::latest()?;
        let mut command = match name {
            "helm" => Command::new(kept.helm()),
            _ => Command::new(kept.kube()),
        };
        if name == "kubectl" {
            command.arg("kubectl");
        }
        // Only comes back when it could not start.
        let source =
            command.args(&self.arguments).env("KUBECONFIG", kept.kubeconfig()).env("KUBERC", "off").exec();
        Err(Error::Io { doing: format!("running {name}"), source })
    }
}
