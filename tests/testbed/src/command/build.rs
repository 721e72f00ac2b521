//! `testbed build`: the cluster's parts, built ahead of the first start.

use std::process::ExitCode;

use clap::Args;
use testbed::Error;

/// Builds every part of a cluster that is not built yet, and says where it lies
#[derive(Args)]
pub(crate) struct Build;

impl Build {
    #[expect(clippy::unused_self, reason = "every subcommand is run the same way")]
    pub(crate) fn run(&self) -> Result<ExitCode, Error> {
        for (name, path) in testbed::build_all()? {
            println!("{name}\t{}", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
