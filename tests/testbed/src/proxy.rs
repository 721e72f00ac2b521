//! A proxy in front of Prometheus that answers in every bad way a source of metrics is known to.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Doing as _;
use crate::namespace::Network;
use crate::server::Server;
use crate::{Error, Testbed};

mod upstream;

use upstream::{Answer, Upstream};

/// The most that is read of a request; a form with a query of a megabyte fits.
const MAX_REQUEST: u64 = 4 * 1024 * 1024;
/// How often a hanging answer looks whether it may go on.
const LOOK: Duration = Duration::from_millis(20);

/// What a proxy does to each answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fault {
    /// Passes it on.
    #[default]
    None,
    /// Listens no more and cuts every connection: clients see "connection refused".
    Refuse,
    /// Accepts, reads the request and never answers.
    Hang,
    /// Passes it on later.
    Delay(Duration),
    /// Answers with this status and these headers, such as `429` with `Retry-After`.
    Status(u16, Vec<(String, String)>),
    /// Answers `200` with a page of HTML, as a gateway or a login does.
    Html,
    /// Passes on the first bytes of the body and closes, though more was promised.
    HalfJson(usize),
    /// Answers `302` to elsewhere.
    Redirect(String),
    /// Answers every query with a valid, empty vector.
    Empty,
    /// Answers `200` with this body as JSON.
    Raw(String),
    /// Adds these warnings to a good answer, as a partial answer has them.
    Warnings(Vec<String>),
}

/// An HTTP proxy whose fault is set while it runs.
///
/// ```no_run
/// use testbed::{Fault, Options, Testbed};
/// let testbed = Testbed::start(Options::fake())?;
/// let proxy = testbed.proxy()?;
/// // … point the operator's source to proxy.url() …
/// proxy.set(Fault::Status(429, vec![("Retry-After".into(), "5".into())]))?;
/// proxy.set(Fault::None)?;
/// # Ok::<(), testbed::Error>(())
/// ```
pub struct Proxy {
    url: String,
    address: SocketAddr,
    network: Network,
    shared: Arc<Shared>,
    server: Mutex<Option<Server>>,
}

struct Shared {
    fault: Mutex<Fault>,
    ended: AtomicBool,
    requests: AtomicU64,
    upstream: Upstream,
}

impl Testbed {
    /// A proxy in front of this testbed's Prometheus, where the parts and pods of the testbed reach it.
    pub fn proxy(&self) -> Result<Proxy, Error> {
        Proxy::between(
            self.listen()?,
            self.site().network.clone(),
            &self.prometheus_url(),
            &self.address().to_string(),
        )
    }
}

impl Proxy {
    /// A proxy on a free port of loopback in front of `upstream`, such as `http://127.0.0.1:9090`.
    pub fn to(upstream: &str) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").doing(|| "listening for a proxy".to_owned())?;
        Self::between(listener, Network::default(), upstream, "127.0.0.1")
    }

    fn between(listener: TcpListener, network: Network, upstream: &str, host: &str) -> Result<Self, Error> {
        let address = listener.local_addr().doing(|| "asking for a proxy's address".to_owned())?;
        let shared = Arc::new(Shared {
            fault: Mutex::default(),
            ended: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            upstream: Upstream::new(upstream),
        });
        let url = format!("http://{host}:{}", address.port());
        let proxy = Self { url, address, network, shared, server: Mutex::default() };
        proxy.serve(listener)?;
        Ok(proxy)
    }

    /// The address to give as that of Prometheus: `http://127.0.0.1:34001`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests came so far, whatever became of them.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Does this from now on. A request that hangs is answered by the next fault that does not hang.
    pub fn set(&self, fault: Fault) -> Result<(), Error> {
        let refuse = fault == Fault::Refuse;
        *self.shared.fault() = fault;
        if refuse {
            self.server().take();
        } else if self.server().is_none() {
            let listener = self.network.inside(|| TcpListener::bind(self.address));
            self.serve(listener.doing(|| format!("listening again on {}", self.address))?)?;
        }
        Ok(())
    }

    fn serve(&self, listener: TcpListener) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let server = Server::start(listener, move |stream| {
            // A client that goes away in the middle is no matter.
            let _ = connection(stream, &shared);
        });
        *self.server() = Some(server.doing(|| "starting a proxy".to_owned())?);
        Ok(())
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn fault(&self) -> MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault, once it is not to hang; none when the proxy ended or refuses meanwhile.
    fn settled(&self) -> Option<Fault> {
        loop {
            let fault = self.fault().clone();
            match fault {
                _ if self.ended.load(Ordering::Relaxed) => return None,
                Fault::Refuse => return None,
                Fault::Hang => std::thread::sleep(LOOK),
                fault => return Some(fault),
            }
        }
    }
}

/// A request as it came.
struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read(&mut reader)? {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        let Some(fault) = shared.settled() else { return Ok(()) };
        if !answer(&mut stream, &request, fault, &shared.upstream)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads one request; none when the client closed or sent what is not HTTP.
fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut head = reader.take(MAX_REQUEST);
    let mut line = String::new();
    head.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = Vec::new();
    loop {
        line.clear();
        head.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0_u64);
    let mut body = Vec::new();
    reader.take(length.min(MAX_REQUEST)).read_to_end(&mut body)?;
    Ok(Some(Request { method, path, headers, body }))
}

/// Answers one request; false when the connection must be closed after it.
fn answer(stream: &mut TcpStream, request: &Request, fault: Fault, upstream: &Upstream) -> io::Result<bool> {
    let answer = match fault {
        Fault::None | Fault::Refuse | Fault::Hang => upstream.ask(request),
        Fault::Delay(time) => {
            std::thread::sleep(time);
            upstream.ask(request)
        }
        Fault::Status(status, headers) => Answer { status, headers, body: b"refused by the proxy".to_vec() },
        Fault::Html => Answer::new(200, "text/html", "<html><body><h1>Sign in</h1></body></html>"),
        Fault::HalfJson(bytes) => {
            let whole = upstream.ask(request);
            whole.write(stream, bytes)?;
            return Ok(false);
        }
        Fault::Redirect(url) => {
            Answer { status: 302, headers: vec![("Location".to_owned(), url)], body: Vec::new() }
        }
        Fault::Empty => Answer::json(r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#),
        Fault::Raw(body) => Answer::json(&body),
        Fault::Warnings(warnings) => upstream.ask(request).with_warnings(&warnings),
    };
    answer.write(stream, usize::MAX)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
