//! The whole shop in one step of time: how many requests each app serves with the replicas it has.
//!
//! The same stations as in the real services, fed with what the apps before them let through.

use std::collections::BTreeMap;

use crate::model::{Backlog, Profile, Station};

/// The apps that have replicas.
pub const APPS: [&str; 5] = ["web", "payment", "search", "mail", "worker"];

/// How many replicas of each app serve; an app that is not named has none.
pub type Ready = BTreeMap<String, u32>;

/// A shop's apps and what visitors do there.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What one replica of each app can do.
    pub profiles: BTreeMap<&'static str, Profile>,
    /// Share of the requests that are checkouts.
    pub conversion: f64,
    /// Share of the requests that search.
    pub searches: f64,
}

/// What an app did in a step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Work {
    /// Requests served.
    pub served: f64,
    /// Requests refused.
    pub refused: f64,
    /// Mean latency of the served ones, in seconds.
    pub latency: f64,
}

/// What the shop did in a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Step {
    /// By app.
    pub work: BTreeMap<&'static str, Work>,
    /// Checkouts that became orders.
    pub orders: f64,
    /// Checkouts that did not, at the front or at the payment.
    pub lost_orders: f64,
    /// Invoices that wait now.
    pub queue: f64,
}

/// A shop in time.
#[derive(Debug, Clone)]
pub struct Shop {
    settings: Settings,
    stations: BTreeMap<&'static str, Station>,
    queue: Backlog,
}

impl Shop {
    /// A shop without replicas at time 0.
    pub fn new(settings: Settings) -> Self {
        let stations =
            settings.profiles.iter().map(|(app, profile)| (*app, Station::new(*profile))).collect();
        Self { settings, stations, queue: Backlog::default() }
    }

    /// Sets how many invoices wait.
    pub fn set_queue(&mut self, depth: f64) {
        self.queue = Backlog::default();
        self.queue.add(depth);
    }

    /// Lets time pass until `now` (in seconds), with so many requests of visitors in between.
    pub fn step(&mut self, now: f64, requests: f64, ready: &Ready) -> Step {
        for (app, station) in &mut self.stations {
            station.advance(now, ready.get(*app).copied().unwrap_or(0));
        }
        let mut step = Step::default();
        let web = self.work(&mut step, "web", requests);
        self.work(&mut step, "search", web * self.settings.searches);
        let checkouts = web * self.settings.conversion;
        step.orders = self.work(&mut step, "payment", checkouts);
        step.lost_orders = requests * self.settings.conversion - step.orders;
        let orders = step.orders;
        self.work(&mut step, "mail", orders);
        self.queue.add(step.orders);
        let room = self.stations.get("worker").map_or(0.0, Station::room);
        let taken = self.queue.take(room);
        self.work(&mut step, "worker", taken);
        step.queue = self.queue.depth();
        step
    }

    /// Offers requests to an app and returns how many were served. An app the shop does not have serves all.
    fn work(&mut self, step: &mut Step, app: &'static str, requests: f64) -> f64 {
        let Some(station) = self.stations.get_mut(app) else { return requests };
        let served = station.offer(requests);
        let refused = requests - served;
        step.work.insert(app, Work { served, refused, latency: station.latency() });
        served
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let profile = |capacity| Profile { capacity, patience: 1.0, latency: 0.02 };
        let capacities =
            [("web", 100.0), ("payment", 10.0), ("search", 50.0), ("mail", 10.0), ("worker", 5.0)];
        let profiles = capacities.map(|(app, capacity)| (app, profile(capacity))).into();
        Settings { profiles, conversion: 0.1, searches: 0.4 }
    }

    fn ready(web: u32, payment: u32, worker: u32) -> Ready {
        [("web", web), ("payment", payment), ("search", 9), ("mail", 9), ("worker", worker)]
            .map(|(app, replicas)| (app.to_owned(), replicas))
            .into()
    }

    /// One minute at 200 requests a second, in steps of 100 ms; the sums, and the queue at the end.
    fn minute(ready: &Ready) -> (Step, f64, f64) {
        let mut shop = Shop::new(settings());
        let (mut orders, mut lost, mut end) = (0.0, 0.0, Step::default());
        let mut now = 0.0;
        while now < 59.95 {
            now += 0.1;
            end = shop.step(now, 20.0, ready);
            orders += end.orders;
            lost += end.lost_orders;
        }
        (end, orders, lost)
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 0.01 * right.abs().max(1.0)
    }

    #[test]
    fn with_capacity_everywhere_every_checkout_is_an_order_and_the_queue_stays_empty() {
        let (end, orders, lost) = minute(&ready(3, 3, 5));
        assert!(close(orders, 1200.0) && lost.abs() < 1e-6, "{orders} orders, {lost} lost");
        assert!(end.queue < 1e-6 && close(end.work["search"].served, 8.0), "{end:?}");
    }

    #[test]
    fn the_narrowest_app_decides_how_many_orders_there_are() {
        let (_, orders, lost) = minute(&ready(3, 1, 5));
        assert!(close(orders, 10.0 * 60.0 + 10.0), "payment carries 10 a second, and 10 once: {orders}");
        assert!(close(orders + lost, 1200.0), "every checkout is an order or lost");
        let (_, orders, _) = minute(&ready(1, 3, 5));
        assert!(
            close(orders, (100.0 * 60.0 + 100.0) * 0.1),
            "web carries 100 a second, and 100 once: {orders}"
        );
    }

    #[test]
    fn invoices_that_workers_cannot_keep_up_with_wait() {
        let (end, orders, _) = minute(&ready(3, 3, 2));
        let worked = 2.0 * 5.0 * 60.0;
        assert!((end.queue - (orders - worked)).abs() < 15.0, "{} wait of {orders}", end.queue);
        let (none, orders, _) = minute(&ready(3, 3, 0));
        assert!(close(none.queue, orders), "without workers all wait");
    }
}
