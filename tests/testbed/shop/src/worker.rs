//! Works off the queue, as fast as its capacity allows.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use hyper::Method;

use crate::http::client::Client;
use crate::http::{self, Answer, Front};
use crate::life::Life;
use crate::metrics::Metrics;
use crate::model::Station;
use crate::service::{ServiceArgs, until_stopped};

/// How often it looks into the queue.
const LOOK: Duration = Duration::from_millis(100);

/// The worker's settings.
#[derive(Debug, Clone, Args)]
pub struct WorkerArgs {
    /// Capacity (jobs per second) and latency.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// The queue it works off
    #[arg(long, env = "SHOP_QUEUE_URL", default_value = "http://queue:8080/")]
    pub queue_url: String,
}

/// Runs a worker until it is stopped; what it has taken by then it finishes.
///
/// # Errors
/// When the URL is none, or its address or the signals cannot be had.
pub async fn run(args: &WorkerArgs) -> Result<(), String> {
    let queue = Client::new(&args.queue_url, Duration::from_secs(3))?;
    let life = Arc::new(Life::new(&args.service.life));
    let front = Front { life, metrics: Arc::new(Metrics::default()) };
    front.metrics.add("shop_requests_total", &[("app", "worker"), ("outcome", "served")], 0.0);
    front.metrics.took_about("worker", 0.0, 0.0);
    let listener = http::listen(&args.service.life.listen).await?;
    let idle = |_| async { Answer::ok("workers take their work from the queue\n") };
    let working = work(args, &queue, &front);
    let serving = http::serve(listener, front.clone(), idle);
    until_stopped(front.clone(), async {
        tokio::join!(serving, working);
    })
    .await
}

async fn work(args: &WorkerArgs, queue: &Client, front: &Front) {
    let mut station = Station::new(args.service.profile());
    let mut stopped = Box::pin(front.life.stopped());
    let mut reachable = true;
    loop {
        tokio::select! {
            () = &mut stopped => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if !front.life.started() {
            continue;
        }
        station.advance(front.life.now(), 1);
        let most = station.room().floor();
        if most < 1.0 {
            continue;
        }
        match queue.call(Method::POST, "/take", &format!("{most}")).await {
            Ok(reply) => {
                reachable = true;
                let taken = station.offer(reply.body.trim().parse().unwrap_or(0.0));
                front.metrics.add("shop_requests_total", &[("app", "worker"), ("outcome", "served")], taken);
                front.metrics.took_about("worker", taken, station.latency());
            }
            Err(error) => {
                if reachable {
                    eprintln!("the queue cannot be reached, trying again: {error}");
                }
                reachable = false;
            }
        }
    }
}
