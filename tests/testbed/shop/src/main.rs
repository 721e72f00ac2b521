//! The shop's one program: each role is a subcommand, every setting a flag or a variable of the environment.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shop::{fleet, load, queue, service, web, worker};

/// A small web shop for tests and demonstrations
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The front: pages, searches, checkouts
    Web(web::WebArgs),
    /// Takes payments
    Payment(service::ServiceArgs),
    /// Answers searches
    Search(service::ServiceArgs),
    /// Sends confirmations
    Mail(service::ServiceArgs),
    /// Keeps invoices in line
    Queue(queue::QueueArgs),
    /// Writes the invoices in the queue
    Worker(worker::WorkerArgs),
    /// Visitors of a shop, along a curve
    Load(load::LoadArgs),
    /// All of the shop at once, simulated
    Fleet(fleet::FleetArgs),
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let done = match &Cli::parse().role {
        Role::Web(args) => web::run(args).await,
        Role::Payment(args) => service::run("payment", args).await,
        Role::Search(args) => service::run("search", args).await,
        Role::Mail(args) => service::run("mail", args).await,
        Role::Queue(args) => queue::run(args).await,
        Role::Worker(args) => worker::run(args).await,
        Role::Load(args) => load::run(args).await,
        Role::Fleet(args) => fleet::run(args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::from(2)
        }
    }
}
