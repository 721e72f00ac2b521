//! A Prometheus-compatible source: asked within bounds, and every bad answer told apart.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use prometheus_http_query::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Identity, Response, StatusCode};

use super::answer::{self, Asked};
use super::matrix::{self, Window};
use super::promql::Checked;
use crate::model::{Credentials, Sample, SourceFault, SourceSpec};

/// One source and the connections to it.
#[derive(Clone)]
pub struct PrometheusSource {
    client: Client,
    parameters: Vec<(&'static str, String)>,
    timeout: Duration,
    max_series: usize,
    max_bytes: usize,
}

impl std::fmt::Debug for PrometheusSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrometheusSource")
            .field("url", &self.client.base_url().as_str())
            .finish_non_exhaustive()
    }
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The version the source says it is, if it says so.
    pub version: Option<String>,
    /// How long the answer took.
    pub latency: Duration,
}

impl PrometheusSource {
    /// Builds the client of a source. Nothing is sent.
    ///
    /// # Errors
    /// [`SourceFault::Misconfigured`] when a certificate, key, header or the URL cannot be used.
    pub fn new(spec: &SourceSpec, credentials: &Credentials) -> Result<Self, SourceFault> {
        let timeout = duration(spec.timeout);
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout)
            .timeout(timeout)
            .pool_max_idle_per_host(spec.limits.concurrency)
            .pool_idle_timeout(Duration::from_mins(1))
            .default_headers(headers(spec, credentials)?)
            .user_agent(concat!("bizops/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &credentials.ca {
            let chain =
                Certificate::from_pem_bundle(pem).map_err(|_| unusable("the CA certificates are not PEM"))?;
            builder = builder.tls_certs_only(chain);
        }
        if let Some(pem) = &credentials.client {
            let identity = Identity::from_pem(pem)
                .map_err(|_| unusable("the client certificate or its key is not PEM"))?;
            builder = builder.identity(identity);
        }
        let mut url = reqwest::Url::parse(&spec.url).map_err(|_| unusable("prometheus.url is not a URL"))?;
        if let Some(name) = &spec.server_name {
            let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            builder = builder.dns_resolver(Arc::new(Elsewhere { host }));
            url.set_host(Some(name)).map_err(|_| unusable("tls.serverName is not a host name"))?;
        }
        let parameters = spec.parameters.iter().map(|(name, value)| Ok((interned(name)?, value.clone())));
        let parameters = parameters.collect::<Result<Vec<_>, SourceFault>>()?;
        let inner = builder
            .build()
            .map_err(|error| unusable(&format!("the client cannot be built: {}", root(&error))))?;
        let client =
            Client::from(inner, url.as_str()).map_err(|_| unusable("prometheus.url is not a base URL"))?;
        Ok(Self {
            client,
            parameters,
            timeout,
            max_series: spec.limits.max_series,
            max_bytes: spec.limits.max_bytes,
        })
    }

    /// Asks one query as of `at` and waits at most the shorter of the source's timeout and `deadline`.
    pub async fn ask(
        &self,
        query: &Checked,
        at: Timestamp,
        deadline: Duration,
        stale_after: SignedDuration,
    ) -> Sample {
        let asked = Asked { at, has_series: query.has_series, stale_after, max_series: self.max_series };
        let wait = self.timeout.min(deadline);
        let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        let mut builder = self.client.query(&query.dated).at(at.as_second()).timeout(millis);
        for (name, value) in &self.parameters {
            builder = builder.query(name, value);
        }
        let request = builder.post_raw();
        match tokio::time::timeout(wait, self.body(request)).await {
            Err(_) => Sample::Failed(SourceFault::TimedOut { after: signed(wait) }),
            Ok(Err(fault)) => Sample::Failed(fault),
            Ok(Ok(body)) => answer::read(&body, &asked),
        }
    }

    /// Asks what a query gave at the moments of a window, and how many bytes the answer had. Waits at most the
    /// source's timeout.
    ///
    /// # Errors
    /// Why there are no numbers.
    pub(super) async fn range(
        &self,
        query: &Checked,
        window: Window,
        stale_after: SignedDuration,
    ) -> Result<(Vec<Option<f64>>, usize), SourceFault> {
        let asked =
            matrix::Asked { window, has_series: query.has_series, stale_after, max_series: self.max_series };
        let millis = i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX);
        let step = window.step as f64;
        let builder = self.client.query_range(&query.dated, window.first, window.last(), step);
        let builder = self
            .parameters
            .iter()
            .fold(builder.timeout(millis), |builder, (name, value)| builder.query(name, value));
        let timed_out = || SourceFault::TimedOut { after: signed(self.timeout) };
        let body = tokio::time::timeout(self.timeout, self.body(builder.post_raw()));
        let body = body.await.map_err(|_| timed_out())??;
        Ok((matrix::read(&body, &asked)?, body.len()))
    }

    /// Asks the source who it is.
    ///
    /// # Errors
    /// Why it gave no usable answer.
    pub async fn probe(&self) -> Result<Probe, SourceFault> {
        let begun = Instant::now();
        let mut url = self.client.base_url().clone();
        url.set_path(&format!("{}/api/v1/status/buildinfo", url.path().trim_end_matches('/')));
        let request = self.client.inner().get(url).query(&self.parameters).send();
        let sent = tokio::time::timeout(self.timeout, request).await;
        let response = match sent {
            Err(_) => return Err(SourceFault::TimedOut { after: signed(self.timeout) }),
            Ok(Err(error)) => return Err(self.transport(&error)),
            Ok(Ok(response)) => response,
        };
        let latency = begun.elapsed();
        if response.status() == StatusCode::NOT_FOUND {
            return self.probe_by_query(begun).await;
        }
        let body = tokio::time::timeout(self.timeout, self.read(response)).await;
        let body = body.map_err(|_| SourceFault::TimedOut { after: signed(self.timeout) })??;
        let whole: serde_json::Value = serde_json::from_slice(&body).map_err(|_| {
            SourceFault::NotPrometheus { detail: "the build information is not JSON".to_owned() }
        })?;
        let version = whole.pointer("/data/version").and_then(serde_json::Value::as_str);
        if whole.pointer("/status").and_then(serde_json::Value::as_str) != Some("success") {
            return Err(SourceFault::NotPrometheus {
                detail: "the build information is of an unknown shape".to_owned(),
            });
        }
        Ok(Probe { version: version.map(answer::clip), latency })
    }

    /// Some stores do not say who they are; a query they all answer shows that they are there.
    async fn probe_by_query(&self, begun: Instant) -> Result<Probe, SourceFault> {
        let request = self.client.query("vector(1)").post_raw();
        let body = tokio::time::timeout(self.timeout, self.body(request)).await;
        body.map_err(|_| SourceFault::TimedOut { after: signed(self.timeout) })??;
        Ok(Probe { version: None, latency: begun.elapsed() })
    }

    async fn body(
        &self,
        request: impl Future<Output = Result<Response, prometheus_http_query::Error>>,
    ) -> Result<Vec<u8>, SourceFault> {
        match request.await {
            Ok(response) => self.read(response).await,
            Err(prometheus_http_query::Error::Client(error)) => {
                Err(match error.source().and_then(|e| e.downcast_ref::<reqwest::Error>()) {
                    Some(cause) => self.transport(cause),
                    None => SourceFault::Unreachable { detail: root(&error) },
                })
            }
            Err(other) => Err(SourceFault::Unreachable { detail: root(&other) }),
        }
    }

    /// Reads a response's body up to the limit and tells bad statuses apart.
    async fn read(&self, mut response: Response) -> Result<Vec<u8>, SourceFault> {
        let status = response.status();
        if status.is_redirection() {
            return Err(SourceFault::Redirected { to: target_of(response.headers()) });
        }
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse::<i64>().ok())
            .map(SignedDuration::from_secs);
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.max_bytes => {
                    return Err(SourceFault::TooLarge { limit: self.max_bytes });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) if error.is_timeout() => {
                    return Err(SourceFault::TimedOut { after: signed(self.timeout) });
                }
                Err(_) => return Err(SourceFault::Truncated { bytes: body.len() }),
            }
        }
        match status {
            _ if status.is_success() => Ok(body),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(SourceFault::Refused { code: status.as_u16() })
            }
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                Err(match answer::error_of(&body) {
                    Some(detail) => SourceFault::QueryRejected { detail },
                    None => SourceFault::Status { code: status.as_u16(), retry_after },
                })
            }
            _ => Err(SourceFault::Status { code: status.as_u16(), retry_after }),
        }
    }

    fn transport(&self, error: &reqwest::Error) -> SourceFault {
        if error.is_timeout() {
            return SourceFault::TimedOut { after: signed(self.timeout) };
        }
        SourceFault::Unreachable { detail: root(error) }
    }
}

/// Sends every name to the host of the configured URL, so that a connection can be made to one host while the
/// certificate is checked against another name.
struct Elsewhere {
    host: String,
}

impl Resolve for Elsewhere {
    fn resolve(&self, _: Name) -> Resolving {
        let host = self.host.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn headers(spec: &SourceSpec, credentials: &Credentials) -> Result<HeaderMap, SourceFault> {
    let mut map = HeaderMap::new();
    for (name, value) in spec.headers.iter().chain(&credentials.headers) {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| unusable(&format!("{name:?} is not a header name")))?;
        map.insert(key, secret(value, &format!("the value of header {name}"))?);
    }
    if let Some(token) = &credentials.bearer {
        map.insert(AUTHORIZATION, secret(&format!("Bearer {}", token.trim()), "the bearer token")?);
    }
    if let Some((user, password)) = &credentials.basic {
        let pair =
            base64(format!("{}:{}", user.trim_end_matches('\n'), password.trim_end_matches('\n')).as_bytes());
        map.insert(AUTHORIZATION, secret(&format!("Basic {pair}"), "the user name or password")?);
    }
    Ok(map)
}

/// A header value that no log shows.
fn secret(value: &str, what: &str) -> Result<HeaderValue, SourceFault> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| unusable(&format!("{what} holds bytes a header cannot carry")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn base64(bytes: &[u8]) -> String {
    use k8s_openapi::ByteString;
    // The API machinery's own byte string writes itself as base64.
    serde_json::to_value(ByteString(bytes.to_vec()))
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The query builder keeps parameter names for ever, so they are kept once each, and only so many.
fn interned(name: &str) -> Result<&'static str, SourceFault> {
    const MOST: usize = 256;
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return Ok(known);
    }
    if names.len() >= MOST {
        return Err(unusable("too many different query parameters are in use; restart bizops"));
    }
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(kept);
    Ok(kept)
}

fn unusable(detail: &str) -> SourceFault {
    SourceFault::Misconfigured { detail: detail.to_owned() }
}

/// Where a redirect leads, without query, fragment or credentials.
fn target_of(headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
    let plain = location.split(['?', '#']).next().unwrap_or_default();
    let bare = plain.split_once("://").and_then(|(scheme, rest)| {
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(a, p)| (a, p));
        authority.rsplit_once('@').map(|(_, host)| format!("{scheme}://{host}/{path}"))
    });
    answer::clip(&bare.unwrap_or_else(|| plain.to_owned()))
}

/// The innermost cause, which names neither URL nor query.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    answer::clip(&cause.to_string())
}

fn duration(signed: SignedDuration) -> Duration {
    Duration::try_from(signed).unwrap_or(Duration::from_secs(3))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
pub(crate) mod tests;
