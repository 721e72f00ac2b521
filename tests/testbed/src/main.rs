//! The command `testbed`: a cluster by hand, its parts, and what is made for it.

mod command;

fn main() -> std::process::ExitCode {
    command::run()
}
