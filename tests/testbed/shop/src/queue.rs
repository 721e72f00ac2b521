//! The line in which invoices wait for a worker.

use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use hyper::{Method, StatusCode};

use crate::http::{self, Answer, Call, Front};
use crate::life::{Life, LifeArgs};
use crate::metrics::Metrics;
use crate::model::Backlog;
use crate::service::until_stopped;

/// The queue's settings.
#[derive(Debug, Clone, Args)]
pub struct QueueArgs {
    /// The most invoices that may wait; more are refused
    #[arg(long, env = "SHOP_LIMIT", default_value_t = 1_000_000)]
    pub limit: u32,
    /// Address, start-up and end.
    #[command(flatten)]
    pub life: LifeArgs,
}

#[derive(Debug)]
struct Queue {
    limit: f64,
    backlog: Mutex<Backlog>,
    metrics: Arc<Metrics>,
}

impl Queue {
    fn new(limit: u32, metrics: Arc<Metrics>) -> Self {
        for outcome in ["served", "refused"] {
            metrics.add("shop_requests_total", &[("app", "queue"), ("outcome", outcome)], 0.0);
        }
        metrics.set("shop_queue_depth", &[], 0.0);
        Self { limit: f64::from(limit), backlog: Mutex::default(), metrics }
    }

    /// `POST /jobs` puts one in line (or as many as the body says); `POST /take` takes at most as many as the
    /// body says and answers how many; `PUT /jobs` sets the length of the line.
    fn answer(&self, call: &Call) -> Answer {
        let number = if call.body.is_empty() { Ok(1) } else { call.body.trim().parse::<u32>() };
        let Ok(number) = number.map(f64::from) else {
            return Answer::new(StatusCode::BAD_REQUEST, "write a whole number\n");
        };
        let mut backlog = self.backlog.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match (&call.method, call.path.as_str()) {
            (&Method::POST, "/jobs") if backlog.depth() + number > self.limit => {
                self.count("refused", number);
                Answer::refused("the queue is full")
            }
            (&Method::POST, "/jobs") => {
                self.count("served", number);
                backlog.add(number);
                Answer::ok("in line\n")
            }
            (&Method::PUT, "/jobs") => {
                *backlog = Backlog::default();
                backlog.add(number.min(self.limit));
                Answer::ok("set\n")
            }
            (&Method::POST, "/take") => Answer::ok(format!("{}", backlog.take(number))),
            _ => Answer::new(StatusCode::NOT_FOUND, "POST /jobs, POST /take or PUT /jobs\n"),
        };
        self.metrics.set("shop_queue_depth", &[], backlog.depth());
        answer
    }

    fn count(&self, outcome: &str, number: f64) {
        self.metrics.add("shop_requests_total", &[("app", "queue"), ("outcome", outcome)], number);
    }
}

/// Runs the queue until it is stopped.
///
/// # Errors
/// When its address or the signals cannot be had.
pub async fn run(args: &QueueArgs) -> Result<(), String> {
    let front = Front { life: Arc::new(Life::new(&args.life)), metrics: Arc::new(Metrics::default()) };
    let queue = Arc::new(Queue::new(args.limit, Arc::clone(&front.metrics)));
    let listener = http::listen(&args.life.listen).await?;
    let answer = move |call: Call| {
        let queue = Arc::clone(&queue);
        async move { queue.answer(&call) }
    };
    until_stopped(front.clone(), http::serve(listener, front, answer)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(queue: &Queue, method: Method, path: &str, body: &str) -> (u16, String) {
        let answer = queue.answer(&Call { method, path: path.to_owned(), body: body.to_owned() });
        (answer.status.as_u16(), answer.body)
    }

    #[test]
    fn invoices_wait_until_they_are_taken_and_the_line_has_an_end() {
        let metrics = Arc::new(Metrics::default());
        let queue = Queue::new(12, Arc::clone(&metrics));
        assert_eq!(ask(&queue, Method::POST, "/jobs", "").0, 200);
        assert_eq!(ask(&queue, Method::POST, "/jobs", "10").0, 200);
        assert_eq!(ask(&queue, Method::POST, "/jobs", "2").0, 503, "12 is the limit");
        assert_eq!(ask(&queue, Method::POST, "/take", "4"), (200, "4".to_owned()));
        assert!((metrics.get("shop_queue_depth", &[]) - 7.0).abs() < 1e-9);
        assert_eq!(ask(&queue, Method::POST, "/take", "100"), (200, "7".to_owned()));
        assert_eq!(ask(&queue, Method::POST, "/take", "1"), (200, "0".to_owned()));
        assert_eq!(ask(&queue, Method::PUT, "/jobs", "99"), (200, "set\n".to_owned()));
        assert!((metrics.get("shop_queue_depth", &[]) - 12.0).abs() < 1e-9);
        assert_eq!(
            [ask(&queue, Method::POST, "/jobs", "-1").0, ask(&queue, Method::GET, "/x", "").0],
            [400, 404]
        );
    }
}
