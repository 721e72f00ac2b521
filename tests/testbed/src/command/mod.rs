//! The subcommands, one file each.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod build;
mod down;
mod image;
mod pass;
mod up;

/// A real Kubernetes cluster with Prometheus on this machine, without Docker.
#[derive(Parser)]
#[command(name = "testbed", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(up::Up),
    Down(down::Down),
    Build(build::Build),
    Image(image::Image),
    Kubectl(pass::Pass),
    Helm(pass::Pass),
    #[command(hide = true)]
    Forward(up::Forward),
}

/// Runs the command line; an error is one line on standard error and status 1.
pub(crate) fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Up(up) => up.run(),
        Command::Down(down) => down.run(),
        Command::Build(build) => build.run(),
        Command::Image(image) => image.run(),
        Command::Kubectl(pass) => pass.run("kubectl"),
        Command::Helm(pass) => pass.run("helm"),
        Command::Forward(forward) => forward.run(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("testbed: {error}");
        ExitCode::FAILURE
    })
}
