//! The server behind a proxy, and answers as they are written to a client.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use ureq::http;

use super::Request;

/// Longer than any client waits, so that it is the client's limit that shows.
const TIMEOUT: Duration = Duration::from_mins(2);
const MAX_BODY: u64 = 256 * 1024 * 1024;

/// Where good answers come from.
pub(super) struct Upstream {
    agent: ureq::Agent,
    base: String,
}

/// An answer to a client.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Upstream {
    pub(super) fn new(base: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        Self { agent, base: base.trim_end_matches('/').to_owned() }
    }

    /// Passes a request on; when nobody answers it is `502`, as of any gateway.
    pub(super) fn ask(&self, request: &Request) -> Answer {
        self.pass(request).unwrap_or_else(|error| Answer::new(502, "text/plain", &error.to_string()))
    }

    fn pass(&self, request: &Request) -> Result<Answer, ureq::Error> {
        let mut passed = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{}{}", self.base, request.path));
        for (name, value) in &request.headers {
            if matches!(name.as_str(), "content-type" | "authorization" | "accept" | "user-agent") {
                passed = passed.header(name, value);
            }
        }
        let mut answer = self.agent.run(passed.body(request.body.clone())?)?;
        let kind =
            answer.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = answer.body_mut().with_config().limit(MAX_BODY).read_to_vec()?;
        let headers = kind.map(|kind| ("Content-Type".to_owned(), kind)).into_iter().collect();
        Ok(Answer { status: answer.status().as_u16(), headers, body })
    }
}

impl Answer {
    pub(super) fn new(status: u16, kind: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    pub(super) fn json(body: &str) -> Self {
        Self::new(200, "application/json", body)
    }

    /// Adds warnings to a JSON object; leaves anything else as it is.
    pub(super) fn with_warnings(mut self, warnings: &[String]) -> Self {
        if let Ok(Value::Object(mut answer)) = serde_json::from_slice(&self.body) {
            answer.insert("warnings".to_owned(), warnings.into());
            self.body = Value::Object(answer).to_string().into_bytes();
        }
        self
    }

    /// Writes the head, which promises the whole body, and at most `limit` bytes of the body.
    pub(super) fn write(&self, stream: &mut TcpStream, limit: usize) -> io::Result<()> {
        let reason =
            http::StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason.unwrap_or("Unknown"));
        for (name, value) in &self.headers {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        head.push_str("Content-Length: ");
        head.push_str(&self.body.len().to_string());
        head.push_str("\r\n\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.body[..self.body.len().min(limit)])?;
        stream.flush()
    }
}
