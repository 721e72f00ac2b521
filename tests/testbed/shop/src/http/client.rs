//! Asks one address, with a new connection for each request.
//!
//! A connection that is kept stays with the pod it was made to, and a pod that starts later gets none: with a
//! new one each time, a Service spreads requests over all pods that are ready.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};

/// How long an address is believed. Services keep theirs; asking for each request would make DNS the bottleneck.
const BELIEVED: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const BODY: usize = 64 * 1024;

/// One URL that is asked again and again.
#[derive(Debug)]
pub struct Client {
    host: String,
    port: u16,
    base: String,
    timeout: Duration,
    address: Mutex<Option<(Instant, SocketAddr)>>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The header `x-shop-order`.
    pub order: Option<String>,
    /// The body as text.
    pub body: String,
}

impl Client {
    /// Asks `url`, each time for at most `timeout`.
    ///
    /// # Errors
    /// When it is no `http://` URL.
    pub fn new(url: &str, timeout: Duration) -> Result<Self, String> {
        let wrong = || format!("{url:?}: write a URL such as http://web:8080/");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong());
        }
        let host = uri.host().ok_or_else(wrong)?.to_owned();
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { host, port: uri.port_u16().unwrap_or(80), base, timeout, address: Mutex::new(None) })
    }

    /// Sends one request to a path below the URL.
    ///
    /// # Errors
    /// When no answer came in time; the text says why.
    pub async fn call(&self, method: Method, path: &str, body: &str) -> Result<Reply, String> {
        match tokio::time::timeout(self.timeout, self.exchange(method, path, body)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => {
                *self.address.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(format!("{}:{} did not answer: {error}", self.host, self.port))
            }
            Err(_) => Err(format!("{}:{} did not answer within {:?}", self.host, self.port, self.timeout)),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.address().await?).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(HOST, format!("{}:{}", self.host, self.port))
            .header(CONNECTION, "close")
            .body(Full::new(Bytes::from(body.to_owned())))?;
        let answered = async {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let order =
                head.headers.get("x-shop-order").and_then(|order| order.to_str().ok()).map(str::to_owned);
            let bytes = Limited::new(body, BODY).collect().await?.to_bytes();
            Ok(Reply { status: head.status, order, body: String::from_utf8_lossy(&bytes).into_owned() })
        };
        let reply = answered.await;
        connection.abort();
        reply
    }

    async fn address(&self) -> std::io::Result<SocketAddr> {
        let known = *self.address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, address)) = known
            && at.elapsed() < BELIEVED
        {
            return Ok(address);
        }
        let found = lookup_host((self.host.as_str(), self.port)).await?.next();
        let address = found.ok_or_else(|| std::io::Error::other("the name has no address"))?;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), address));
        Ok(address)
    }
}
