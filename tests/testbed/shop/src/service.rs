//! A service with a capacity: payment, search, mail, and what web is before it asks others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;

use crate::http::{self, Answer, Front};
use crate::life::{Life, LifeArgs};
use crate::metrics::Metrics;
use crate::model::{Even, Profile, Station, latency_at};
use crate::settings::duration;

/// Capacity and latency of one replica.
#[derive(Debug, Clone, Args)]
pub struct ServiceArgs {
    /// Requests per second that one replica serves
    #[arg(long, env = "SHOP_CAPACITY", default_value_t = 40.0)]
    pub capacity: f64,
    /// How many seconds of its capacity may wait before it refuses
    #[arg(long, env = "SHOP_PATIENCE", value_parser = duration, default_value = "2s")]
    pub patience: Duration,
    /// Mean latency without load; it rises as the utilisation nears 1
    #[arg(long, env = "SHOP_LATENCY", value_parser = duration, default_value = "20ms")]
    pub latency: Duration,
    /// Address, start-up and end.
    #[command(flatten)]
    pub life: LifeArgs,
}

impl ServiceArgs {
    /// The replica as the model sees it.
    pub fn profile(&self) -> Profile {
        let (patience, latency) = (self.patience.as_secs_f64(), self.latency.as_secs_f64());
        Profile { capacity: self.capacity.max(0.0), patience, latency }
    }
}

/// One replica of an app.
#[derive(Debug)]
pub struct Service {
    app: &'static str,
    state: Mutex<(Station, Even)>,
    front: Front,
}

impl Service {
    /// A replica that starts now.
    pub fn new(app: &'static str, args: &ServiceArgs) -> Self {
        let metrics = Arc::new(Metrics::default());
        for outcome in ["served", "refused"] {
            metrics.add("shop_requests_total", &[("app", app), ("outcome", outcome)], 0.0);
        }
        metrics.took_about(app, 0.0, 0.0);
        let state = Mutex::new((Station::new(args.profile()), Even::new(2f64.sqrt())));
        Self { app, state, front: Front { life: Arc::new(Life::new(&args.life)), metrics } }
    }

    /// Its life and metrics.
    pub fn front(&self) -> Front {
        self.front.clone()
    }

    /// Lets one request in, or refuses it; who is let in waits as long as it takes. Says whether it was served.
    pub async fn work(&self) -> bool {
        let latency = self.admit();
        let outcome = if latency.is_some() { "served" } else { "refused" };
        self.count(outcome);
        if let Some(latency) = latency {
            tokio::time::sleep(Duration::from_secs_f64(latency)).await;
        }
        latency.is_some()
    }

    /// Adds the time a served request took.
    pub fn took(&self, seconds: f64) {
        self.front.metrics.took(self.app, seconds);
    }

    fn count(&self, outcome: &str) {
        self.front.metrics.add("shop_requests_total", &[("app", self.app), ("outcome", outcome)], 1.0);
    }

    fn admit(&self) -> Option<f64> {
        if !self.front.life.started() {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (station, draws) = &mut *state;
        station.advance(self.front.life.now(), 1);
        let draw = draws.next().unwrap_or(0.5);
        station.admit().then(|| latency_at(draw, station.latency()))
    }
}

/// Runs a plain service until it is stopped.
///
/// # Errors
/// When its address or the signals cannot be had.
pub async fn run(app: &'static str, args: &ServiceArgs) -> Result<(), String> {
    let service = Arc::new(Service::new(app, args));
    let front = service.front();
    let listener = http::listen(&args.life.listen).await?;
    let answer = move |_| {
        let service = Arc::clone(&service);
        async move {
            let began = service.front.life.now();
            if !service.work().await {
                return Answer::refused("no capacity");
            }
            service.took(service.front.life.now() - began);
            Answer::ok("done\n")
        }
    };
    until_stopped(front.clone(), http::serve(listener, front, answer)).await
}

/// Serves while signals are watched; returns when all requests are finished.
///
/// # Errors
/// When signals cannot be listened to.
pub async fn until_stopped(front: Front, serving: impl Future<Output = ()>) -> Result<(), String> {
    let signals = async { front.life.watch_signals().await };
    let (watched, ()) = tokio::join!(signals, serving);
    watched
}
