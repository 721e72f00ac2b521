//! Serving a router on a socket within bounds: connections, header size, patience, and a clean end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::tls::Tls;

/// What a server allows. [`Limits::DEFAULT`] is what the operator uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// The most bytes of a request's head, and of what is buffered of it.
    pub head_bytes: usize,
    /// How long a TLS handshake may take, how long a request's head may take, and how long a connection may idle.
    pub patience: Duration,
    /// How long a connection may last, answers that nobody reads included.
    pub connection: Duration,
    /// How long requests under way may go on after the stop.
    pub farewell: Duration,
}

impl Limits {
    /// - 64 connections: a kubelet and a few scrapers need under ten; each costs some 20 KiB.
    /// - 16 KiB of head: what proxies commonly send; hyper's least is 8 KiB.
    /// - 5 s of patience: half of a scrape's usual timeout. Somebody who sends slowly on purpose holds a place for
    ///   no longer; 64 of them delay a probe by at most this.
    /// - 60 s per connection: scrapers reconnect, and nobody holds a place for ever by not reading.
    /// - 3 s of farewell: within the 10 s in which the operator ends.
    pub const DEFAULT: Self = Self {
        connections: 64,
        head_bytes: 16 * 1024,
        patience: Duration::from_secs(5),
        connection: Duration::from_mins(1),
        farewell: Duration::from_secs(3),
    };
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; is the port in use, or below 1024 without permission?")]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    /// The system's words.
    pub source: io::Error,
}

/// A server that has its port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Takes the port; port 0 takes any free one.
    ///
    /// # Errors
    /// Says which address and why not.
    pub async fn bind(address: SocketAddr, tls: Option<Tls>) -> Result<Self, BindError> {
        let unbound = |source| BindError { address, source };
        let listener = TcpListener::bind(address).await.map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        Ok(Self { listener, address, limits: Limits::DEFAULT, tls: tls.map(Arc::new) })
    }

    /// The same with other limits, for tests.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`; then takes no more connections, and lets requests under way end within
    /// [`Limits::farewell`].
    pub async fn run(self, router: Router, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        // Dropped at the end: connections see the channel close.
        let (running, stopping) = watch::channel(());
        let accepting = async {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else { return };
                match self.listener.accept().await {
                    Ok((stream, peer)) => {
                        let connection = Connection { limits: self.limits, peer, stopping: stopping.clone() };
                        let (router, tls) = (router.clone(), self.tls.clone());
                        tokio::spawn(async move {
                            connection.hold(stream, tls.as_deref(), router).await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        // Out of file descriptors, or a connection that broke before it was accepted.
                        tracing::debug!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        };
        tokio::select! { () = accepting => {}, () = stop => {} }
        drop((self.listener, running));
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        // Whoever is not done by then is cut off when the runtime ends.
        let _ = timeout(self.limits.farewell, places.acquire_many(all)).await;
    }
}

/// One connection.
struct Connection {
    limits: Limits,
    peer: SocketAddr,
    stopping: watch::Receiver<()>,
}

impl Connection {
    async fn hold(mut self, stream: TcpStream, tls: Option<&Tls>, router: Router) {
        let peer = self.peer;
        let Some(tls) = tls else { return self.serve(stream, router).await };
        let handshake = TlsAcceptor::from(tls.current()).accept(stream);
        tokio::select! {
            _ = self.stopping.changed() => {}
            stream = timeout(self.limits.patience, handshake) => match stream {
                Ok(Ok(stream)) => self.serve(stream, router).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
        }
    }

    async fn serve(mut self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, router: Router) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.patience)
            .max_buf_size(self.limits.head_bytes)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            _ = self.stopping.changed() => None,
            () = tokio::time::sleep(self.limits.connection) => None,
        };
        let ended = if let Some(ended) = ended {
            ended
        } else {
            connection.as_mut().graceful_shutdown();
            timeout(self.limits.farewell, connection).await.unwrap_or(Ok(()))
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a connection ended badly");
        }
    }
}
