//! `testbed down`: ends what was kept.

use std::process::ExitCode;

use clap::Args;
use testbed::{Error, Kept};

/// Ends every testbed that was kept
#[derive(Args)]
pub(crate) struct Down;

impl Down {
    #[expect(clippy::unused_self, reason = "every subcommand is run the same way")]
    pub(crate) fn run(&self) -> Result<ExitCode, Error> {
        let kept = Kept::all()?;
        if kept.is_empty() {
            println!("no testbed is kept");
        }
        for testbed in kept {
            println!("ending {}", testbed.folder().display());
            testbed.end()?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
