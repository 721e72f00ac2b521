//! The pages over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::serve::{Limits, Server};
use super::tls::{Tls, TlsFiles};
use super::{health, metrics};
use crate::report::metrics::Metrics;
use crate::report::readiness::Readiness;

/// Far longer than anything here takes, even on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// A server on a port of its own that is stopped by dropping this.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

async fn run(router: axum::Router, limits: Limits, tls: Option<Tls>) -> Running {
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), tls).await.unwrap().with_limits(limits);
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let done = tokio::spawn(server.run(router, async {
        let _ = stopped.await;
    }));
    Running { address, stop, done }
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![];
    // A server that closes without a farewell is an answer too.
    let _ = timeout(SOON, stream.read_to_end(&mut answer)).await.expect("no end of the answer");
    String::from_utf8(answer).unwrap()
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    ask(&mut stream, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn health_names_what_is_waited_for_and_lives_meanwhile() {
    let readiness = Readiness::new();
    let flag = readiness.wait_for("list of objectives");
    let server = run(health::router(readiness), Limits::DEFAULT, None).await;
    let answer = get(server.address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nwaiting for list of objectives\n"), "{answer}");
    assert!(get(server.address, "/livez").await.starts_with("HTTP/1.1 200"));
    flag.set(true);
    assert!(get(server.address, "/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(get(server.address, "/other").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn metrics_come_in_the_format_scrapers_ask_for() {
    let metrics = Metrics::new("1.2.3");
    let server = run(metrics::router(metrics), Limits::DEFAULT, None).await;
    let answer = get(server.address, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-type: application/openmetrics-text; version=1.0.0"), "{answer}");
    assert!(answer.contains("bizops_build_info{version=\"1.2.3\"} 1"), "{answer}");
    assert!(answer.ends_with("# EOF\n"), "{answer}");
}

#[tokio::test]
async fn a_request_half_sent_blocks_nobody_and_is_cut_off() {
    let limits = Limits { patience: Duration::from_secs(2), ..Limits::DEFAULT };
    let server = run(health::router(Readiness::new()), limits, None).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost:").await.unwrap();
    assert!(get(server.address, "/livez").await.starts_with("HTTP/1.1 200"));
    let held = slow.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(held.kind(), std::io::ErrorKind::WouldBlock, "the slow one was cut off before its time");
    let mut rest = vec![];
    let _ = timeout(SOON, slow.read_to_end(&mut rest)).await.expect("the slow request is not cut off");
}

#[tokio::test]
async fn one_connection_too_many_waits_for_a_place() {
    let limits = Limits { connections: 4, patience: Duration::from_secs(30), ..Limits::DEFAULT };
    let server = run(health::router(Readiness::new()), limits, None).await;
    let mut slow = vec![];
    for _ in 0..4 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET /").await.unwrap();
        slow.push(stream);
    }
    let address = server.address;
    let mut fifth = tokio::spawn(async move { get(address, "/livez").await });
    let early = timeout(Duration::from_millis(300), &mut fifth).await;
    assert!(early.is_err(), "a fifth connection was served beside four: {early:?}");
    slow.pop();
    let answer = timeout(SOON, fifth).await.expect("the place was not given on").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn somebody_who_never_reads_loses_the_place() {
    let limits = Limits {
        connections: 1,
        connection: Duration::from_millis(300),
        farewell: Duration::from_millis(300),
        ..Limits::DEFAULT
    };
    // More than the socket's buffers hold.
    let page = "x".repeat(64 << 20);
    let router = axum::Router::new().route("/", axum::routing::get(move || async move { page }));
    let server = run(router, limits, None).await;
    let mut deaf = TcpStream::connect(server.address).await.unwrap();
    deaf.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let answer = timeout(SOON, get(server.address, "/other")).await.expect("the place was never given up");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn a_head_beyond_the_limit_and_nonsense_are_refused() {
    let server = run(health::router(Readiness::new()), Limits::DEFAULT, None).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let big = format!("GET /livez HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    let answer = ask(&mut stream, &big).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    assert!(!ask(&mut stream, "\x16\x03\x01 not http\r\n\r\n").await.contains("200 OK"));
    assert!(get(server.address, "/livez").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_end_and_takes_no_more() {
    let router = axum::Router::new().route(
        "/",
        axum::routing::get(|| async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            "late"
        }),
    );
    let Running { address, stop, done } = run(router, Limits::DEFAULT, None).await;
    let asked = tokio::spawn(async move { get(address, "/").await });
    let mut idle = TcpStream::connect(address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let from = Instant::now();
    drop(stop);
    assert!(asked.await.unwrap().ends_with("late"));
    timeout(SOON, done).await.expect("the server does not end").unwrap();
    assert!(from.elapsed() < Limits::DEFAULT.farewell, "{:?}", from.elapsed());
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0, "the idle connection is not closed");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it() {
    let server = run(health::router(Readiness::new()), Limits::DEFAULT, None).await;
    let error = Server::bind(server.address, None).await.unwrap_err().to_string();
    assert!(error.contains(&server.address.to_string()) && error.contains("in use"), "{error}");
}

/// A certificate for `bizops` in files of its own.
struct Certificate {
    folder: std::path::PathBuf,
}

impl Certificate {
    fn new(test: &str) -> (Self, CertificateDer<'static>) {
        let folder = std::env::temp_dir().join(format!("bizops-web-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let certificate = Self { folder };
        let root = certificate.renew();
        (certificate, root)
    }

    fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.folder.join("tls.crt"), key: self.folder.join("tls.key") }
    }

    /// Puts a new certificate and key in place.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["bizops".to_owned()]).unwrap();
        std::fs::write(self.files().certificate, made.cert.pem()).unwrap();
        std::fs::write(self.files().key, made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Asks over TLS, trusting this certificate only.
async fn get_tls(address: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("bizops").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(ask(&mut stream, "GET /metrics HTTP/1.1\r\nhost: bizops\r\nconnection: close\r\n\r\n").await)
}

#[tokio::test]
async fn metrics_are_served_over_tls_and_not_in_the_clear_beside_it() {
    let (certificate, root) = Certificate::new("serve");
    let tls = Tls::load(certificate.files()).unwrap();
    let server = run(metrics::router(Metrics::new("1")), Limits::DEFAULT, Some(tls)).await;
    let answer = get_tls(server.address, &root).await.unwrap();
    assert!(answer.contains("bizops_leader 0"), "{answer}");
    let clear = get(server.address, "/metrics").await;
    assert!(!clear.contains("bizops_leader"), "{clear}");
    let (other, stranger) = Certificate::new("stranger");
    assert!(get_tls(server.address, &stranger).await.is_err());
    drop(other);
}

#[tokio::test]
async fn a_handshake_that_stalls_blocks_nobody_and_is_cut_off() {
    let (certificate, root) = Certificate::new("stall");
    let limits = Limits { patience: Duration::from_secs(2), ..Limits::DEFAULT };
    let tls = Tls::load(certificate.files()).unwrap();
    let server = run(metrics::router(Metrics::new("1")), limits, Some(tls)).await;
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    assert!(get_tls(server.address, &root).await.unwrap().contains("bizops_leader"));
    let cut = timeout(SOON, slow.read(&mut [0; 16])).await.expect("the handshake is not cut off");
    assert_eq!(cut.unwrap_or(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
    let (certificate, _) = Certificate::new("renew");
    let tls = Tls::load(certificate.files()).unwrap();
    let first = tls.current();
    // The size of a key does not change; its time does, at the file system's precision.
    std::thread::sleep(Duration::from_millis(20));
    certificate.renew();
    assert!(Arc::ptr_eq(&first, &tls.current()), "the files are looked at once in ten seconds only");
    tokio::time::advance(Duration::from_secs(10)).await;
    let second = tls.current();
    assert!(!Arc::ptr_eq(&first, &second));
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(certificate.files().key, "not a key").unwrap();
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(Arc::ptr_eq(&second, &tls.current()), "the old certificate serves on");
    certificate.renew();
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(!Arc::ptr_eq(&second, &tls.current()), "and is replaced once the new one is whole");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let (certificate, _) = Certificate::new("bad");
    let files = certificate.files();
    let error = |files: &TlsFiles| Tls::load(files.clone()).unwrap_err().to_string();
    let (other, _) = Certificate::new("other");
    let mixed = TlsFiles { key: other.files().key, ..files.clone() };
    assert!(error(&mixed).contains("cannot be used together"), "{}", error(&mixed));
    let swapped = TlsFiles { certificate: files.key.clone(), key: files.certificate.clone() };
    assert!(error(&swapped).contains("tls.key holds no certificate in PEM"), "{}", error(&swapped));
    let absent = TlsFiles { key: files.key.with_file_name("none"), ..files };
    assert!(error(&absent).contains("none cannot be read"), "{}", error(&absent));
}
