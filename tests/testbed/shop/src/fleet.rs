//! Stands for every pod of the shop, and its visitors, where nodes are fake and pods do nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use hyper::{Method, StatusCode};
use tokio::time::{MissedTickBehavior, interval};

use crate::curve::{Curve, CurveArgs};
use crate::http::{self, Answer, Call, Front};
use crate::life::{Life, LifeArgs};
use crate::metrics::Metrics;
use crate::model::{Profile, TIERS};
use crate::ready::{Counts, ReadyArgs, watch};
use crate::settings::{duration, share};
use crate::simulation::{APPS, Settings, Shop, Step};
use crate::tally::{Counter, Override, Tally};

/// The step of the simulation.
const TICK: Duration = Duration::from_millis(50);

/// The fleet's settings.
#[derive(Debug, Clone, Args)]
pub struct FleetArgs {
    /// Requests per second that one replica of web serves
    #[arg(long, env = "SHOP_WEB_CAPACITY", default_value_t = 100.0)]
    pub web_capacity: f64,
    /// Checkouts per second that one replica of payment serves
    #[arg(long, env = "SHOP_PAYMENT_CAPACITY", default_value_t = 40.0)]
    pub payment_capacity: f64,
    /// Searches per second that one replica of search serves
    #[arg(long, env = "SHOP_SEARCH_CAPACITY", default_value_t = 50.0)]
    pub search_capacity: f64,
    /// Mails per second that one replica of mail sends
    #[arg(long, env = "SHOP_MAIL_CAPACITY", default_value_t = 60.0)]
    pub mail_capacity: f64,
    /// Invoices per second that one worker writes
    #[arg(long, env = "SHOP_WORKER_CAPACITY", default_value_t = 10.0)]
    pub worker_capacity: f64,
    /// How many seconds of its capacity may wait at a replica before it refuses
    #[arg(long, env = "SHOP_PATIENCE", value_parser = duration, default_value = "2s")]
    pub patience: Duration,
    /// Mean latency without load
    #[arg(long, env = "SHOP_LATENCY", value_parser = duration, default_value = "20ms")]
    pub latency: Duration,
    /// Share of the requests that are checkouts
    #[arg(long, env = "SHOP_CONVERSION", value_parser = share, default_value = "10%")]
    pub conversion: f64,
    /// Share of the requests that search
    #[arg(long, env = "SHOP_SEARCHES", value_parser = share, default_value = "40%")]
    pub searches: f64,
    /// Where ready counts come from.
    #[command(flatten)]
    pub ready: ReadyArgs,
    /// The curve.
    #[command(flatten)]
    pub curve: CurveArgs,
    /// Address, start-up and end.
    #[command(flatten)]
    pub life: LifeArgs,
}

impl FleetArgs {
    fn settings(&self) -> Settings {
        let capacities = [
            self.web_capacity,
            self.payment_capacity,
            self.search_capacity,
            self.mail_capacity,
            self.worker_capacity,
        ];
        let (patience, latency) = (self.patience.as_secs_f64(), self.latency.as_secs_f64());
        let profile = |capacity: f64| Profile { capacity: capacity.max(0.0), patience, latency };
        let profiles = APPS.into_iter().zip(capacities.map(profile)).collect();
        Settings { profiles, conversion: self.conversion, searches: self.searches }
    }
}

struct Fleet {
    shop: Mutex<Shop>,
    counts: Counts,
    given: Override,
    counter: Counter,
    front: Front,
}

/// Simulates until the curve ends, or it is stopped, and prints the summary as JSON on stdout.
///
/// # Errors
/// When the curve is none, or the address or the signals cannot be had.
pub async fn run(args: &FleetArgs) -> Result<(), String> {
    let curve = Curve::new(&args.curve)?;
    let metrics = Arc::new(Metrics::default());
    let fleet = Arc::new(Fleet {
        shop: Mutex::new(Shop::new(args.settings())),
        counts: Counts::default(),
        given: Override::default(),
        counter: Counter::new(Arc::clone(&metrics)),
        front: Front { life: Arc::new(Life::new(&args.life)), metrics },
    });
    // All series are there before anyone can read them.
    fleet.step(0.0, 0.0, 0.0);
    let listener = http::listen(&args.life.listen).await?;
    let commanded = Arc::clone(&fleet);
    let answer = move |call: Call| {
        let answer = commanded.answer(&call);
        async move { answer }
    };
    let serving = tokio::spawn(http::serve(listener, fleet.front.clone(), answer));
    let began = Instant::now();
    tokio::select! {
        () = fleet.play(&curve) => {}
        () = watch(&args.ready, &fleet.counts) => {}
        watched = fleet.front.life.watch_signals() => watched?,
    }
    println!("{}", fleet.counter.tally().summary(began.elapsed().as_secs_f64()));
    serving.abort();
    Ok(())
}

impl Fleet {
    /// `PUT /ready/APP` with a number, `PUT /queue` with a number, `PUT /rate` with a number.
    fn answer(&self, call: &Call) -> Answer {
        if let Some(answer) = self.given.answer(call) {
            return answer;
        }
        let number = call.body.trim().parse::<u32>();
        match (&call.method, call.path.split_once("/ready/"), call.path.as_str(), number) {
            (&Method::PUT, Some(("", app)), _, Ok(replicas)) if self.counts.set(app, replicas) => {
                Answer::ok("set\n")
            }
            (&Method::PUT, _, "/queue", Ok(depth)) => {
                self.shop.lock().unwrap_or_else(PoisonError::into_inner).set_queue(f64::from(depth));
                Answer::ok("set\n")
            }
            _ => Answer::new(
                StatusCode::BAD_REQUEST,
                format!("PUT /rate, /queue or /ready/APP with a number; APP is one of {}\n", APPS.join(", ")),
            ),
        }
    }

    async fn play(&self, curve: &Curve) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (began, mut last) = (Instant::now(), 0.0);
        loop {
            ticks.tick().await;
            let now = began.elapsed().as_secs_f64();
            let Some(rate) = self.given.rate().or_else(|| curve.rate(now)) else { return };
            self.step(now, rate, rate * (now - last));
            last = now;
        }
    }

    fn step(&self, now: f64, rate: f64, requests: f64) {
        let ready = self.counts.now();
        let step = self.shop.lock().unwrap_or_else(PoisonError::into_inner).step(now, requests, &ready);
        self.front.metrics.set("shop_offered_rate", &[], rate);
        for app in APPS {
            let replicas = ready.get(app).copied().unwrap_or(0);
            self.front.metrics.set("shop_ready_replicas", &[("app", app)], f64::from(replicas));
        }
        self.show(requests, &step);
    }

    fn show(&self, requests: f64, step: &Step) {
        let metrics = &self.front.metrics;
        for (app, work) in &step.work {
            metrics.add("shop_requests_total", &[("app", app), ("outcome", "served")], work.served);
            if *app != "worker" {
                metrics.add("shop_requests_total", &[("app", app), ("outcome", "refused")], work.refused);
            }
            metrics.took_about(app, work.served, work.latency);
        }
        for (tier, part) in TIERS {
            metrics.add("shop_orders_total", &[("customer_tier", tier)], step.orders * part);
            metrics.add("shop_checkout_failures_total", &[("customer_tier", tier)], step.lost_orders * part);
        }
        metrics.set("shop_queue_depth", &[], step.queue);
        let web = step.work.get("web").copied().unwrap_or_default();
        self.counter.add(&Tally {
            offered: requests,
            served: web.served,
            refused: web.refused,
            orders: step.orders,
            lost_orders: step.lost_orders,
            ..Tally::default()
        });
    }
}
