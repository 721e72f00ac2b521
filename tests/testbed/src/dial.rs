//! Metrics whose values a test sets: the demand of a shop that does not exist.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Error;
use crate::error::Doing as _;
use crate::server::Server;

/// A series: its name and labels as they are written.
type Series = String;

/// A target of Prometheus whose series a test sets and removes.
///
/// ```
/// let dial = testbed::Dial::start()?;
/// dial.set("demand", &[("app", "web")], 500.0);
/// assert_eq!(dial.text(), "demand{app=\"web\"} 500\n");
/// dial.set("demand", &[("app", "web")], f64::NAN);
/// assert_eq!(dial.text(), "demand{app=\"web\"} NaN\n");
/// dial.remove("demand", &[("app", "web")]);
/// assert_eq!(dial.text(), "");
/// # Ok::<(), testbed::Error>(())
/// ```
#[derive(Debug)]
pub struct Dial {
    values: Values,
    server: Server,
}

#[derive(Debug, Clone, Default)]
struct Values(Arc<Mutex<BTreeMap<Series, f64>>>);

impl Dial {
    /// A dial on this machine's loopback; [`crate::Testbed::dial`] makes one where its Prometheus reaches it.
    pub fn start() -> Result<Self, Error> {
        Self::on(TcpListener::bind("127.0.0.1:0").doing(|| "listening for a dial".to_owned())?)
    }

    /// A dial on this listener.
    pub(crate) fn on(listener: TcpListener) -> Result<Self, Error> {
        let values = Values::default();
        let shown = values.clone();
        let server = Server::start(listener, move |stream| {
            // A scraper that goes away in the middle is no matter.
            let _ = answer(stream, &shown);
        })
        .doing(|| "starting a dial".to_owned())?;
        Ok(Self { values, server })
    }

    /// Sets a series from now on.
    pub fn set(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.values.lock().insert(series(name, labels), value);
    }

    /// Ends a series: Prometheus marks it stale at its next scrape.
    pub fn remove(&self, name: &str, labels: &[(&str, &str)]) {
        self.values.lock().remove(&series(name, labels));
    }

    /// Ends all series.
    pub fn clear(&self) {
        self.values.lock().clear();
    }

    /// Where it is scraped: `127.0.0.1:34001`.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What it serves now.
    pub fn text(&self) -> String {
        self.values.text()
    }
}

impl Values {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Series, f64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        self.lock().iter().fold(String::new(), |mut text, (series, value)| {
            // Rust writes infinity as inf, Prometheus as Inf.
            let value = if value.is_infinite() {
                if *value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
            } else {
                value.to_string()
            };
            let _ = writeln!(text, "{series} {value}");
            text
        })
    }
}

/// `demand{app="web"}`.
fn series(name: &str, labels: &[(&str, &str)]) -> Series {
    if labels.is_empty() {
        return name.to_owned();
    }
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    let labels: Vec<String> = sorted
        .iter()
        .map(|(label, value)| {
            let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            format!("{label}=\"{value}\"")
        })
        .collect();
    format!("{name}{{{}}}", labels.join(","))
}

fn answer(mut stream: TcpStream, values: &Values) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        line.clear();
    }
    let body = values.text();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_serves_what_was_set_last() {
        let dial = Dial::start().unwrap();
        dial.set("demand", &[("app", "web")], 1.5);
        dial.set("demand", &[("app", "web")], 2.5);
        dial.set("load", &[], f64::NEG_INFINITY);
        let mut stream = TcpStream::connect(dial.address()).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: dial\r\n\r\n").unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        assert!(answer.ends_with("\r\n\r\ndemand{app=\"web\"} 2.5\nload -Inf\n"), "{answer}");
    }

    #[test]
    fn the_order_of_labels_makes_no_other_series_and_values_are_escaped() {
        assert_eq!(series("a", &[("y", "1"), ("x", "2")]), series("a", &[("x", "2"), ("y", "1")]));
        assert_eq!(series("a", &[("x", "say \"hi\"")]), r#"a{x="say \"hi\""}"#);
    }
}
