//! From a source as written to the source as meant, and the Secrets it needs.

use jiff::SignedDuration;

use super::convert::Issues;
use super::source::{LimitsSpec, PrometheusSpec, SecretKeyRef};
use crate::model::{SourceLimits, SourceSpec};

/// A source without its secrets, and where those are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRequest {
    /// Everything but the secrets.
    pub spec: SourceSpec,
    /// What to read from Secrets, and for what.
    pub secrets: Vec<(SecretNeed, SecretKeyRef)>,
}

/// What a secret value is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretNeed {
    /// The bearer token.
    Bearer,
    /// The user name of basic authentication.
    Username,
    /// The password of basic authentication.
    Password,
    /// The certificates the server is checked against.
    Ca,
    /// The client certificate.
    Certificate,
    /// The client key.
    Key,
    /// The value of this header.
    Header(String),
}

/// Converts a source.
///
/// # Errors
/// Every issue with its field path.
pub fn source_request(prometheus: &PrometheusSpec, limits: LimitsSpec) -> Result<SourceRequest, Issues> {
    let mut issues = Issues::default();
    let timeout = issues.span(
        "spec.prometheus.timeout",
        &prometheus.timeout,
        SignedDuration::from_millis(100),
        SignedDuration::from_secs(30),
    );
    let url = prometheus.url.trim_end_matches('/').to_owned();
    if !(url.starts_with("http://") || url.starts_with("https://")) || url.contains(['@', '?', '#', ' ']) {
        issues.add(
            "spec.prometheus.url",
            "write a base URL such as https://prometheus.monitoring:9090, without user, query or fragment",
        );
    }
    let at_least_one = |number: i32| usize::try_from(number).unwrap_or(1).max(1);
    let spec = SourceSpec {
        url,
        server_name: prometheus.tls.as_ref().and_then(|tls| tls.server_name.clone()),
        headers: prometheus
            .headers
            .iter()
            .filter_map(|header| header.value.clone().map(|value| (header.name.clone(), value)))
            .collect(),
        parameters: prometheus.parameters.iter().map(|p| (p.name.clone(), p.value.clone())).collect(),
        timeout,
        limits: SourceLimits {
            concurrency: at_least_one(limits.concurrency),
            max_series: at_least_one(limits.max_series),
            max_bytes: at_least_one(limits.max_bytes),
        },
    };
    if issues.0.is_empty() { Ok(SourceRequest { spec, secrets: secrets(prometheus) }) } else { Err(issues) }
}

fn secrets(prometheus: &PrometheusSpec) -> Vec<(SecretNeed, SecretKeyRef)> {
    let mut needs = Vec::new();
    let mut want =
        |need: SecretNeed, at: Option<&SecretKeyRef>| needs.extend(at.map(|at| (need, at.clone())));
    if let Some(auth) = &prometheus.auth {
        want(SecretNeed::Bearer, auth.bearer_token.as_ref());
        want(SecretNeed::Username, auth.basic.as_ref().map(|basic| &basic.username));
        want(SecretNeed::Password, auth.basic.as_ref().map(|basic| &basic.password));
    }
    if let Some(tls) = &prometheus.tls {
        want(SecretNeed::Ca, tls.ca.as_ref());
        want(SecretNeed::Certificate, tls.certificate.as_ref());
        want(SecretNeed::Key, tls.key.as_ref());
    }
    for header in &prometheus.headers {
        want(SecretNeed::Header(header.name.clone()), header.secret_key_ref.as_ref());
    }
    needs
}
