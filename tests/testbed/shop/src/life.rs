//! When a process is ready, and how it ends.

use std::future::Future;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::settings::duration;

/// What every role has.
#[derive(Debug, Clone, Args)]
pub struct LifeArgs {
    /// Address and port to listen on
    #[arg(long, env = "SHOP_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: String,
    /// How long the process takes until it serves: /readyz answers 503 until then
    #[arg(long, env = "SHOP_STARTUP", value_parser = duration, default_value = "0s")]
    pub startup: Duration,
    /// How long it still accepts requests after SIGTERM, while routes to it are taken away
    #[arg(long, env = "SHOP_DRAIN", value_parser = duration, default_value = "2s")]
    pub drain: Duration,
}

/// A process from its start to its end.
#[derive(Debug)]
pub struct Life {
    started: Instant,
    startup: Duration,
    drain: Duration,
    stopping: watch::Sender<bool>,
}

impl Life {
    /// A process that starts now.
    pub fn new(args: &LifeArgs) -> Self {
        let stopping = watch::Sender::new(false);
        Self { started: Instant::now(), startup: args.startup, drain: args.drain, stopping }
    }

    /// Seconds since the start.
    pub fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Whether it has started, so that it serves.
    pub fn started(&self) -> bool {
        self.started.elapsed() >= self.startup
    }

    /// Whether new requests should come here: started, and not about to end.
    pub fn ready(&self) -> bool {
        self.started() && !*self.stopping.borrow()
    }

    /// Ends it, as SIGTERM does.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns when the end has been asked for.
    pub fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut stopping = self.stopping.subscribe();
        async move {
            // An error means that nobody is left who could ask: that is an end, too.
            let _ = stopping.wait_for(|stop| *stop).await;
        }
    }

    /// How long requests are still accepted after that.
    pub fn drain(&self) -> Duration {
        self.drain
    }

    /// Asks for the end on SIGTERM or SIGINT.
    ///
    /// # Errors
    /// When signals cannot be listened to.
    pub async fn watch_signals(&self) -> Result<(), String> {
        let listen = |kind| signal(kind).map_err(|error| format!("signals cannot be listened to: {error}"));
        let (mut term, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        self.stop();
        Ok(())
    }
}
