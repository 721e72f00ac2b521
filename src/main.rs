//! The bizops binary: hands over to the commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One TLS provider for every client and server; without it, the first connection would panic.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("bizops: the TLS provider was set up twice, which is a fault of the build");
        return ExitCode::from(2);
    }
    bizops::cli::main()
}
