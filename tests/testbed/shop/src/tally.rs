//! What became of the visitors' requests, summed up at the end.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::http::{Answer, Call};
use crate::metrics::Metrics;

/// Counts of one play. They are counts of requests, and may be fractional in a simulation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Requests that visitors wanted to send.
    pub offered: f64,
    /// Requests that got their page.
    pub served: f64,
    /// Requests the shop had no capacity for.
    pub refused: f64,
    /// Requests without an answer in time.
    pub failed: f64,
    /// Requests that were not sent, since too many were in flight.
    pub unsent: f64,
    /// Checkouts that became orders.
    pub orders: f64,
    /// Checkouts that did not.
    pub lost_orders: f64,
}

/// A tally that is also shown as metrics.
#[derive(Debug)]
pub struct Counter {
    tally: Mutex<Tally>,
    metrics: Arc<Metrics>,
}

impl Counter {
    /// Nothing counted yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        let counter = Self { tally: Mutex::default(), metrics };
        counter.add(&Tally::default());
        counter
    }

    /// Adds to every count.
    pub fn add(&self, more: &Tally) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.offered += more.offered;
        tally.served += more.served;
        tally.refused += more.refused;
        tally.failed += more.failed;
        tally.unsent += more.unsent;
        tally.orders += more.orders;
        tally.lost_orders += more.lost_orders;
        self.metrics.add("shop_offered_requests_total", &[], more.offered);
        for (cause, number) in [("refused", more.refused), ("failed", more.failed), ("unsent", more.unsent)] {
            self.metrics.add("shop_load_refused_total", &[("cause", cause)], number);
        }
        for (outcome, number) in [("placed", more.orders), ("lost", more.lost_orders)] {
            self.metrics.add("shop_load_orders_total", &[("outcome", outcome)], number);
        }
    }

    /// The counts so far.
    pub fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// The counts, rounded, as JSON.
    pub fn summary(&self, seconds: f64) -> Value {
        #[expect(clippy::cast_possible_truncation, reason = "counts of requests are far below 2^63")]
        let round = |number: f64| number.round() as i64;
        json!({
            "offered": round(self.offered),
            "served": round(self.served),
            "refused": round(self.refused),
            "failed": round(self.failed),
            "unsent": round(self.unsent),
            "orders": round(self.orders),
            "lost_orders": round(self.lost_orders),
            "seconds": (seconds * 10.0).round() / 10.0,
        })
    }
}

/// A rate that replaces the curve from now on, given by `PUT /rate`.
#[derive(Debug, Default)]
pub struct Override {
    rate: Mutex<Option<f64>>,
}

impl Override {
    /// The rate that was given, if any.
    pub fn rate(&self) -> Option<f64> {
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `PUT /rate` with a number sets it, with an empty body goes back to the curve; `None` for any other request.
    pub fn answer(&self, call: &Call) -> Option<Answer> {
        if call.path != "/rate" || call.method != hyper::Method::PUT {
            return None;
        }
        let given = match call.body.trim() {
            "" => Some(None),
            text => text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.0).map(Some),
        };
        let Some(rate) = given else {
            let status = hyper::StatusCode::BAD_REQUEST;
            return Some(Answer::new(status, "write requests per second, such as 150\n"));
        };
        *self.rate.lock().unwrap_or_else(PoisonError::into_inner) = rate;
        Some(Answer::ok("set\n"))
    }
}
