//! Visitors: sends requests along a curve, whether or not the shop keeps up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use hyper::{Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};

use crate::curve::{Curve, CurveArgs};
use crate::http::client::Client;
use crate::http::{self, Answer, Call, Front};
use crate::life::{Life, LifeArgs};
use crate::metrics::Metrics;
use crate::settings::duration;
use crate::tally::{Counter, Override, Tally};

/// How often requests that are due are sent.
const TICK: Duration = Duration::from_millis(5);

/// The visitors' settings.
#[derive(Debug, Clone, Args)]
pub struct LoadArgs {
    /// The shop's front
    #[arg(long, env = "SHOP_URL", default_value = "http://web:8080/")]
    pub url: String,
    /// The curve.
    #[command(flatten)]
    pub curve: CurveArgs,
    /// The most requests that wait for an answer at a time; more are counted as unsent
    #[arg(long, env = "SHOP_IN_FLIGHT", default_value_t = 1000)]
    pub in_flight: usize,
    /// How long a visitor waits for an answer
    #[arg(long, env = "SHOP_TIMEOUT", value_parser = duration, default_value = "5s")]
    pub timeout: Duration,
    /// How long the curve waits, at most, for the shop to be ready before it starts
    #[arg(long, env = "SHOP_OPEN_WITHIN", value_parser = duration, default_value = "60s")]
    pub open_within: Duration,
    /// Address, start-up and end.
    #[command(flatten)]
    pub life: LifeArgs,
}

struct Load {
    client: Arc<Client>,
    counter: Arc<Counter>,
    slots: Arc<Semaphore>,
    front: Front,
}

/// Waits until the shop is ready, plays the curve to its end, or until it is stopped, and prints the summary as JSON on stdout.
///
/// # Errors
/// When the URL or the curve is none, or the address or the signals cannot be had.
pub async fn run(args: &LoadArgs) -> Result<(), String> {
    let curve = Curve::new(&args.curve)?;
    let metrics = Arc::new(Metrics::default());
    let load = Load {
        client: Arc::new(Client::new(&args.url, args.timeout)?),
        counter: Arc::new(Counter::new(Arc::clone(&metrics))),
        slots: Arc::new(Semaphore::new(args.in_flight)),
        front: Front { life: Arc::new(Life::new(&args.life)), metrics },
    };
    let listener = http::listen(&args.life.listen).await?;
    let given = Arc::new(Override::default());
    let commands = Arc::clone(&given);
    let answer = move |call: Call| {
        let answer =
            commands.answer(&call).unwrap_or_else(|| Answer::new(StatusCode::NOT_FOUND, "PUT /rate\n"));
        async move { answer }
    };
    let serving = tokio::spawn(http::serve(listener, load.front.clone(), answer));
    let mut began = Instant::now();
    let playing = async {
        if tokio::time::timeout(args.open_within, load.open(&args.url)).await.is_err() {
            eprintln!("{} is not ready after {:?}; visitors come all the same", args.url, args.open_within);
        }
        began = Instant::now();
        load.play(&curve, &given).await;
    };
    tokio::select! {
        () = playing => {}
        watched = load.front.life.watch_signals() => watched?,
    }
    load.wait(args).await;
    println!("{}", load.counter.tally().summary(began.elapsed().as_secs_f64()));
    serving.abort();
    Ok(())
}

impl Load {
    /// Waits until the shop is open: visitors before that would count as lost.
    async fn open(&self, url: &str) {
        let mut waiting = false;
        while !self.client.call(Method::GET, "/readyz", "").await.is_ok_and(|reply| reply.status.is_success())
        {
            if !waiting {
                eprintln!("waiting until {url} is ready");
            }
            waiting = true;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn play(&self, curve: &Curve, given: &Override) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (began, mut last, mut due) = (Instant::now(), 0.0, 0.0);
        loop {
            ticks.tick().await;
            let now = began.elapsed().as_secs_f64();
            let Some(rate) = given.rate().or_else(|| curve.rate(now)) else { return };
            self.front.metrics.set("shop_offered_rate", &[], rate);
            due += rate * (now - last);
            last = now;
            while due >= 1.0 {
                due -= 1.0;
                self.send();
            }
        }
    }

    fn send(&self) {
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            self.counter.add(&Tally { offered: 1.0, unsent: 1.0, ..Tally::default() });
            return;
        };
        let (client, counter) = (Arc::clone(&self.client), Arc::clone(&self.counter));
        tokio::spawn(async move {
            let mut tally = Tally { offered: 1.0, ..Tally::default() };
            match client.call(Method::GET, "/", "").await {
                Ok(reply) => {
                    match reply.status {
                        StatusCode::OK => tally.served = 1.0,
                        StatusCode::SERVICE_UNAVAILABLE => tally.refused = 1.0,
                        _ => tally.failed = 1.0,
                    }
                    match reply.order.as_deref() {
                        Some("placed") => tally.orders = 1.0,
                        Some(_) => tally.lost_orders = 1.0,
                        None => {}
                    }
                }
                Err(_) => tally.failed = 1.0,
            }
            counter.add(&tally);
            drop(slot);
        });
    }

    /// Waits for the requests in flight, as long as each may take.
    async fn wait(&self, args: &LoadArgs) {
        let all = u32::try_from(args.in_flight).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout(args.timeout, self.slots.acquire_many(all)).await;
    }
}
