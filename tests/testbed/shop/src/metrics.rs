//! The shop's metrics, as Prometheus text.
//!
//! Own code, since the simulated fleet adds thousands of requests, and parts of requests, at a time: client
//! libraries observe one by one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::share_within;

/// Upper bounds of the latency buckets, in seconds.
pub const BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// A metric: its name, type and what it counts.
type Family = (&'static str, &'static str, &'static str);

const FAMILIES: [Family; 10] = [
    ("shop_checkout_failures_total", "counter", "Checkouts that did not become an order, by customer tier."),
    ("shop_load_orders_total", "counter", "Checkouts as visitors saw them, by outcome: placed or lost."),
    ("shop_load_refused_total", "counter", "Requests of visitors that were not served, by cause."),
    ("shop_offered_rate", "gauge", "Requests per second that visitors send now."),
    ("shop_offered_requests_total", "counter", "Requests that visitors sent or would have sent."),
    ("shop_orders_total", "counter", "Paid orders, by customer tier."),
    ("shop_queue_depth", "gauge", "Invoices that wait for a worker."),
    ("shop_ready_replicas", "gauge", "Replicas that serve, by app, as the simulated fleet counts them."),
    ("shop_request_duration_seconds", "histogram", "How long served requests took, by app."),
    ("shop_requests_total", "counter", "Requests that reached an app, by outcome: served or refused."),
];

/// Labels of a series: names and values.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

#[derive(Debug, Clone, Default)]
struct Spread {
    buckets: [f64; BUCKETS.len()],
    sum: f64,
    count: f64,
}

type Key = (&'static str, String);

#[derive(Debug, Default)]
struct Series {
    numbers: BTreeMap<Key, f64>,
    spreads: BTreeMap<Key, Spread>,
}

/// All series of one process.
#[derive(Debug, Default)]
pub struct Metrics {
    series: Mutex<Series>,
}

impl Metrics {
    fn lock(&self) -> MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a counter. Adding 0 makes it known, so that its first increase is seen by `rate()`.
    pub fn add(&self, name: &'static str, labels: Labels<'_>, more: f64) {
        *self.lock().numbers.entry((name, render(labels))).or_insert(0.0) += more;
    }

    /// Sets a gauge.
    pub fn set(&self, name: &'static str, labels: Labels<'_>, value: f64) {
        self.lock().numbers.insert((name, render(labels)), value);
    }

    /// The value of a counter or gauge; 0 when it is not known.
    pub fn get(&self, name: &'static str, labels: Labels<'_>) -> f64 {
        self.lock().numbers.get(&(name, render(labels))).copied().unwrap_or(0.0)
    }

    /// Adds one request of an app that took so many seconds.
    pub fn took(&self, app: &str, seconds: f64) {
        self.spread(app, 1.0, seconds, |bound| if seconds <= bound { 1.0 } else { 0.0 });
    }

    /// Adds `requests` of an app whose latencies are spread around a mean of so many seconds.
    pub fn took_about(&self, app: &str, requests: f64, mean: f64) {
        self.spread(app, requests, requests * mean, |bound| requests * share_within(bound, mean));
    }

    fn spread(&self, app: &str, count: f64, sum: f64, below: impl Fn(f64) -> f64) {
        let mut series = self.lock();
        let key = ("shop_request_duration_seconds", render(&[("app", app)]));
        let spread = series.spreads.entry(key).or_default();
        for (bucket, bound) in spread.buckets.iter_mut().zip(BUCKETS) {
            *bucket += below(bound);
        }
        spread.sum += sum;
        spread.count += count;
    }

    /// Everything as Prometheus text, format 0.0.4.
    pub fn text(&self) -> String {
        let series = self.lock();
        let mut text = String::new();
        for (name, kind, help) in FAMILIES {
            let numbers: Vec<_> = series.numbers.iter().filter(|((family, _), _)| *family == name).collect();
            let spreads: Vec<_> = series.spreads.iter().filter(|((family, _), _)| *family == name).collect();
            if numbers.is_empty() && spreads.is_empty() {
                continue;
            }
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for ((_, labels), value) in numbers {
                let _ = writeln!(text, "{name}{} {value}", braced(labels));
            }
            for ((_, labels), spread) in spreads {
                write_spread(&mut text, name, labels, spread);
            }
        }
        text
    }
}

fn write_spread(text: &mut String, name: &str, labels: &str, spread: &Spread) {
    for (bucket, bound) in spread.buckets.iter().zip(BUCKETS) {
        let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {bucket}");
    }
    let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", spread.count);
    let _ = writeln!(text, "{name}_sum{{{labels}}} {}", spread.sum);
    let _ = writeln!(text, "{name}_count{{{labels}}} {}", spread.count);
}

fn render(labels: Labels<'_>) -> String {
    labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect::<Vec<_>>().join(",")
}

fn braced(labels: &str) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{labels}}}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_gauges_are_written_with_type_and_labels() {
        let metrics = Metrics::default();
        metrics.add("shop_requests_total", &[("app", "web"), ("outcome", "served")], 0.0);
        metrics.add("shop_requests_total", &[("app", "web"), ("outcome", "served")], 2.0);
        metrics.set("shop_queue_depth", &[], 7.0);
        let text = metrics.text();
        assert!(text.contains("# TYPE shop_requests_total counter\n"), "{text}");
        assert!(text.contains("shop_requests_total{app=\"web\",outcome=\"served\"} 2\n"), "{text}");
        assert!(text.contains("# TYPE shop_queue_depth gauge\nshop_queue_depth 7\n"), "{text}");
    }

    #[test]
    fn one_by_one_and_many_at_a_time_give_the_same_histogram() {
        let (single, bulk) = (Metrics::default(), Metrics::default());
        for draw in 0..10_000 {
            single.took("web", crate::model::latency_at((f64::from(draw) + 0.5) / 10_000.0, 0.1));
        }
        bulk.took_about("web", 10_000.0, 0.1);
        let read = |text: &str, bound: &str| {
            let line = text.lines().find(|line| line.contains(&format!("le=\"{bound}\""))).unwrap();
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        for bound in ["0.01", "0.1", "0.25", "0.5", "+Inf"] {
            let (one, many) = (read(&single.text(), bound), read(&bulk.text(), bound));
            assert!((one - many).abs() < 20.0, "le={bound}: {one} and {many}");
        }
    }

    #[test]
    fn the_examples_ask_only_for_metrics_the_shop_has() {
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples");
        let mut asked = 0;
        for entry in std::fs::read_dir(examples).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                if word.starts_with("shop_") {
                    asked += 1;
                    let family = word.strip_suffix("_bucket").unwrap_or(word);
                    assert!(FAMILIES.iter().any(|(name, ..)| *name == family), "{}: {word}", path.display());
                }
            }
        }
        assert!(asked > 5, "only {asked} metrics found: are the examples where they were?");
    }
}
