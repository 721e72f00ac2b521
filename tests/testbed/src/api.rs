//! HTTP to the parts: the API server with the administrator's certificate, Prometheus and etcd without.
//!
//! Every request makes its own connection: nothing stale is left when a server was killed and is back.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Request;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use crate::Error;
use crate::pki::Identity;

/// How long an answer may take; a hanging server is an error, not a hanging test.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The most that is read of an answer: lists of ten thousand objects fit.
const MAX_BODY: u64 = 256 * 1024 * 1024;

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Api {
    agent: ureq::Agent,
    base: String,
}

impl Api {
    /// A client without identity, for Prometheus and etcd.
    pub(crate) fn plain(base: &str) -> Self {
        Self { agent: agent(TlsConfig::builder().build()), base: base.to_owned() }
    }

    /// A client that trusts `authority` and shows `identity`.
    pub(crate) fn trusted(base: &str, authority: &str, identity: &Identity) -> Result<Self, Error> {
        let wrong = |error: ureq::Error| Error::Http {
            method: "TLS",
            url: base.to_owned(),
            detail: error.to_string(),
            status: None,
        };
        let root = Certificate::from_pem(authority.as_bytes()).map_err(wrong)?;
        let chain = [Certificate::from_pem(identity.certificate.as_bytes()).map_err(wrong)?];
        let key = PrivateKey::from_pem(identity.key.as_bytes()).map_err(wrong)?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[root]))
            .client_cert(Some(ClientCert::new_with_certs(&chain, key)))
            .build();
        Ok(Self { agent: agent(tls), base: base.to_owned() })
    }

    /// The address of the server: `https://127.0.0.1:20443`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The body of a GET as text.
    pub fn text(&self, path: &str) -> Result<String, Error> {
        self.send("GET", path, None)
    }

    /// The body of a GET as JSON.
    pub fn get(&self, path: &str) -> Result<Value, Error> {
        self.json("GET", path, None)
    }

    /// Creates an object, or asks etcd.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.json("POST", path, Some(("application/json", body)))
    }

    /// Replaces an object.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.json("PUT", path, Some(("application/json", body)))
    }

    /// Changes some fields of an object by a JSON merge patch.
    pub fn merge(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.json("PATCH", path, Some(("application/merge-patch+json", body)))
    }

    /// Deletes an object.
    pub fn delete(&self, path: &str) -> Result<Value, Error> {
        self.json("DELETE", path, None)
    }

    fn json(&self, method: &'static str, path: &str, body: Option<(&str, &Value)>) -> Result<Value, Error> {
        let text = self.send(method, path, body)?;
        serde_json::from_str(&text)
            .map_err(|error| self.failed(method, path, format!("{error} in {text}"), None))
    }

    fn send(&self, method: &'static str, path: &str, body: Option<(&str, &Value)>) -> Result<String, Error> {
        let failed = |detail: String| self.failed(method, path, detail, None);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some((kind, _)) = body {
            request = request.header("Content-Type", kind);
        }
        let bytes = body.map(|(_, value)| value.to_string()).unwrap_or_default();
        let request = request.body(bytes).map_err(|error| failed(error.to_string()))?;
        let mut answer = self.agent.run(request).map_err(|error| failed(error.to_string()))?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_string()
            .map_err(|error| failed(error.to_string()))?;
        if status.is_success() {
            return Ok(text);
        }
        Err(self.failed(method, path, format!("{status}: {}", message(&text)), Some(status.as_u16())))
    }

    fn failed(&self, method: &'static str, path: &str, detail: String, status: Option<u16>) -> Error {
        Error::Http { method, url: format!("{}{path}", self.base), detail, status }
    }
}

fn agent(tls: TlsConfig) -> ureq::Agent {
    ureq::Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_idle_connections(0)
        .build()
        .new_agent()
}

/// The sentence in a Kubernetes Status or a Prometheus error; the whole text of anything else.
fn message(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    ["message", "error"]
        .iter()
        .find_map(|field| value[field].as_str())
        .map_or_else(|| text.trim().to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_the_sentence_in_the_answer() {
        assert_eq!(message(r#"{"kind":"Status","message":"pods \"a\" not found"}"#), "pods \"a\" not found");
        assert_eq!(message(r#"{"status":"error","error":"parse error"}"#), "parse error");
        assert_eq!(message(" busy\n"), "busy");
    }
}
