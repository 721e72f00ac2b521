//! A gate before Prometheus: who shows the right headers gets through, over TLS where that is wanted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Longer than any query: a client that sends nothing is let go.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who may pass, and where to.
#[derive(Debug, Clone)]
struct Rule {
    upstream: String,
    /// Header lines in small letters, such as `authorization: Bearer x`.
    needed: Vec<String>,
}

/// Opens a gate on this listener that ends with the process. `needed` are header lines such as
/// `Authorization: Bearer x`.
pub fn open(
    listener: TcpListener,
    upstream: &str,
    needed: &[String],
    tls: Option<Arc<ServerConfig>>,
) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    let needed = needed.iter().map(|line| normal(line)).collect();
    let rule = Rule { upstream: upstream.trim_start_matches("http://").to_owned(), needed };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (rule, tls) = (rule.clone(), tls.clone());
            // A client that goes away in the middle is no matter.
            std::thread::spawn(move || drop(serve(stream, &rule, tls)));
        }
    });
    address
}

/// An authority made for one test and a server of 127.0.0.1 that it vouches for.
pub fn certified() -> (String, Arc<ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], secret)
        .unwrap();
    (own.pem(), Arc::new(config))
}

fn normal(line: &str) -> String {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    format!("{}: {}", name.trim().to_ascii_lowercase(), value.trim())
}

fn serve(stream: TcpStream, rule: &Rule, tls: Option<Arc<ServerConfig>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    match tls {
        None => pass(stream, rule),
        Some(config) => {
            let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
            let mut stream = StreamOwned::new(session, stream);
            pass(&mut stream, rule)?;
            stream.conn.send_close_notify();
            stream.flush()
        }
    }
}

/// One request and its answer; then the connection ends.
fn pass(mut client: impl Read + Write, rule: &Rule) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut one = [0];
    while !bytes.ends_with(b"\r\n\r\n") && bytes.len() < 64 * 1024 {
        client.read_exact(&mut one)?;
        bytes.push(one[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = head.trim_end().lines();
    let first = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.map(normal).collect();
    if !rule.needed.iter().all(|line| headers.contains(line)) {
        return client
            .write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.and_then(|text| text.parse().ok()).unwrap_or(0)];
    client.read_exact(&mut body)?;
    let kept = headers.iter().filter(|line| !line.starts_with("connection:"));
    let head = kept.fold(format!("{first}\r\n"), |head, line| format!("{head}{line}\r\n"));
    let mut upstream = TcpStream::connect(&rule.upstream)?;
    write!(upstream, "{head}connection: close\r\n\r\n")?;
    upstream.write_all(&body)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    client.write_all(&answer)
}
