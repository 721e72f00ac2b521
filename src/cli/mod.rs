//! The commands: parse, call, print. Data goes to stdout, talk to stderr.
//!
//! Exit codes: 0 fine, 1 findings, 2 broken.

mod args;
mod backtest;
pub mod manifests;
pub mod page;
mod permissions;
mod reference;
mod run;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};

/// Parses the command line and runs what it asks for.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.command {
        Command::Run(run) => run::run(*run),
        Command::Backtest(args) => match backtest::run(&args) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::from(1),
            Err(words) => Err(words),
        },
        Command::Manifests { write } => manifests(write.as_deref()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("bizops: {words}");
            ExitCode::from(2)
        }
    }
}

/// Writes every generated file below a folder, or prints the definitions.
fn manifests(root: Option<&Path>) -> Result<(), String> {
    if let Some(root) = root {
        let count = manifests::write(root)?;
        eprintln!("{count} files written below {}", root.display());
        return Ok(());
    }
    let stream =
        manifests::stream().map_err(|error| format!("a definition cannot be written as YAML: {error}"))?;
    match std::io::stdout().write_all(stream.as_bytes()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("the definitions cannot be printed: {error}"))
        }
        _ => Ok(()),
    }
}
