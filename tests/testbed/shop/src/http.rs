//! The least of HTTP that the shop needs: answering, and asking one address.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub mod client;

use crate::life::Life;
use crate::metrics::Metrics;

/// The most connections at a time; more wait to be accepted.
const CONNECTIONS: usize = 4096;
/// The largest request body that is read.
const BODY: usize = 64 * 1024;
/// How long requests in flight may take after the last one was accepted.
const FINISH: Duration = Duration::from_secs(6);

/// A request as the roles see it.
#[derive(Debug)]
pub struct Call {
    /// GET, POST, PUT.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its body as text; empty when it is none, or too large.
    pub body: String,
}

/// What a role answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// What became of a checkout, sent as the header `x-shop-order`.
    pub order: Option<&'static str>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// An answer with a status and a text.
    pub fn new(status: StatusCode, body: impl Into<String>) -> Self {
        Self { status, order: None, body: body.into() }
    }

    /// All went well.
    pub fn ok(body: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, body)
    }

    /// There is no capacity for this request.
    pub fn refused(why: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
    }
}

/// What every role's server knows.
#[derive(Debug, Clone)]
pub struct Front {
    /// When it is ready and when it ends.
    pub life: Arc<Life>,
    /// What it shows at /metrics.
    pub metrics: Arc<Metrics>,
}

/// Listens on an address and says so on stderr, with the port that was given.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen(address: &str) -> Result<TcpListener, String> {
    let wrong = |error| format!("{address} cannot be listened on: {error}");
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    eprintln!("listening on {}", listener.local_addr().map_err(wrong)?);
    Ok(listener)
}

/// Serves until the end is asked for: then goes on accepting for the drain time, and finishes what is in flight.
/// `/livez`, `/readyz` and `/metrics` are answered here, everything else by the role.
pub async fn serve<R, F>(listener: TcpListener, front: Front, role: R)
where
    R: Fn(Call) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send,
{
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let stopped = front.life.stopped();
    let drain = front.life.drain();
    let mut end = Box::pin(async move {
        stopped.await;
        tokio::time::sleep(drain).await;
    });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely: some connection will end.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        let (front, role) = (front.clone(), role.clone());
        let service = service_fn(move |request| {
            let (front, role) = (front.clone(), role.clone());
            async move { Ok::<_, Infallible>(route(request, &front, role).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(10))
            .serve_connection(TokioIo::new(stream), service);
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // A peer that went away is no fault of ours.
            let _ = watched.await;
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(FINISH, graceful.shutdown()).await.is_err() {
        eprintln!("some requests were not finished within {} s and are cut off", FINISH.as_secs());
    }
}

async fn route<R, F>(request: Request<Incoming>, front: &Front, role: R) -> Response<Full<Bytes>>
where
    R: Fn(Call) -> F,
    F: Future<Output = Answer>,
{
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let answer = match path.as_str() {
        "/livez" => Answer::ok("ok\n"),
        "/readyz" if front.life.ready() => Answer::ok("ok\n"),
        "/readyz" => Answer::refused("starting or ending"),
        "/metrics" => Answer::ok(front.metrics.text()),
        _ => {
            let body = Limited::new(body, BODY).collect().await.map(http_body_util::Collected::to_bytes);
            let body = body.ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).unwrap_or_default();
            role(Call { method: head.method, path, body }).await
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    if let Some(order) = answer.order {
        headers.insert("x-shop-order", HeaderValue::from_static(order));
    }
    response
}
