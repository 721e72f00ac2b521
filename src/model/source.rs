//! A metric source after validation: everything needed to build its client but the secrets themselves.

use jiff::SignedDuration;

/// Bounds on what one source may cost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceLimits {
    /// Queries in flight at once.
    pub concurrency: usize,
    /// Series in one answer.
    pub max_series: usize,
    /// Bytes in one answer, after decompression.
    pub max_bytes: usize,
}

/// Secret material, read from Kubernetes Secrets; its `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// A bearer token.
    pub bearer: Option<String>,
    /// User name and password.
    pub basic: Option<(String, String)>,
    /// PEM certificates the server's chain must lead to, instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// PEM client certificate and key.
    pub client: Option<Vec<u8>>,
    /// Headers whose value comes from a Secret.
    pub headers: Vec<(String, String)>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

/// A Prometheus-compatible source, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// Base URL without trailing slash; `/api/v1/query` is appended.
    pub url: String,
    /// The name the server's certificate must carry, when it differs from the URL's host.
    pub server_name: Option<String>,
    /// Fixed headers without secrets, e.g. a tenant.
    pub headers: Vec<(String, String)>,
    /// Fixed query parameters, e.g. `dedup=true`.
    pub parameters: Vec<(String, String)>,
    /// How long one query may take.
    pub timeout: SignedDuration,
    /// What one source may cost.
    pub limits: SourceLimits,
}
