//! `/livez` and `/readyz`: whether the process serves, and whether it can do its work.
//!
//! Liveness never looks at anything but itself: restarting does not mend an API server or a metric source.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::report::readiness::Readiness;

/// The health pages.
pub fn router(readiness: Readiness) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state(readiness)
}

/// 200 when nothing is waited for, else 503 with one line for each thing that is.
async fn readyz(State(readiness): State<Readiness>) -> (StatusCode, String) {
    let waiting = readiness.waiting();
    if waiting.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let lines: Vec<String> = waiting.iter().map(|name| format!("waiting for {name}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines.concat())
}
