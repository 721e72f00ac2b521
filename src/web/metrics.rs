//! `/metrics`: the page a scraper reads.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::get;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::report::metrics::{self, Metrics};

/// For so long one page is given to everybody who asks: many scrapers at once, or a rude one, cost one encoding a
/// second and the memory of one page a second. Longer, and a scrape at 1 s would see the same figures twice.
const KEPT_FOR: Duration = Duration::from_millis(900);

#[derive(Clone)]
struct Page {
    metrics: Arc<Metrics>,
    last: Arc<Mutex<Option<(Instant, Bytes)>>>,
}

/// The metrics page.
pub fn router(metrics: Arc<Metrics>) -> Router {
    let page = Page { metrics, last: Arc::default() };
    Router::new().route("/metrics", get(show)).with_state(page)
}

async fn show(State(page): State<Page>) -> Result<([(HeaderName, &'static str); 1], Bytes), StatusCode> {
    let mut last = page.last.lock().await;
    let bytes = match &*last {
        Some((made, bytes)) if made.elapsed() < KEPT_FOR => bytes.clone(),
        _ => {
            // 10,000 objectives are a page of 8 MB and more: not on a thread that others wait for.
            let metrics = page.metrics.clone();
            let made = tokio::task::spawn_blocking(move || Bytes::from(metrics.page(Timestamp::now()))).await;
            let bytes = made.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
            *last = Some((Instant::now(), bytes.clone()));
            bytes
        }
    };
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], bytes))
}
