//! Metric sources: anything that speaks the Prometheus HTTP API.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scalar::Span;

/// A Prometheus-compatible source for the objectives of one namespace.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bizops.dev",
    version = "v1alpha1",
    kind = "MetricSource",
    namespaced,
    category = "bizops",
    status = "MetricSourceStatus",
    derive = "PartialEq",
    doc = "A Prometheus-compatible metric source for the objectives of its namespace. It reads only Secrets of its own namespace.",
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.prometheus.url"),
    printcolumn(name = "Default", type_ = "boolean", json_path = ".spec.default"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Latency", type_ = "string", json_path = ".status.latency"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct MetricSourceSpec {
    /// The Prometheus API to ask.
    pub prometheus: PrometheusSpec,
    /// What the source may cost.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// Ask this source when an objective of the namespace names none.
    #[serde(default)]
    pub default: bool,
}

/// A Prometheus-compatible source for objectives of every namespace.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bizops.dev",
    version = "v1alpha1",
    kind = "ClusterMetricSource",
    category = "bizops",
    status = "MetricSourceStatus",
    derive = "PartialEq",
    doc = "A Prometheus-compatible metric source for the objectives of every namespace. It reads only Secrets of the operator's namespace.",
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.prometheus.url"),
    printcolumn(name = "Default", type_ = "boolean", json_path = ".spec.default"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Latency", type_ = "string", json_path = ".status.latency"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct ClusterMetricSourceSpec {
    /// The Prometheus API to ask.
    pub prometheus: PrometheusSpec,
    /// What the source may cost.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// Ask this source when an objective names none and its namespace has no default of its own.
    #[serde(default)]
    pub default: bool,
}

/// Where the Prometheus API is and how to be let in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusSpec {
    /// The base URL, e.g. `http://prometheus.monitoring:9090`; `/api/v1/query` is appended.
    #[schemars(length(min = 8, max = 512))]
    #[x_kube(
        validation = Rule::new("self.matches('^https?://[^/?#@ ]+(/[^?# ]*)?$')")
            .message("write a base URL such as https://prometheus.monitoring:9090 or https://mimir.example.com/prometheus, without user, query or fragment")
    )]
    pub url: String,
    /// Credentials, from a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthSpec>,
    /// How its certificate is checked and ours is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSpec>,
    /// Headers sent with every query, e.g. X-Scope-OrgID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub headers: Vec<HeaderSpec>,
    /// Parameters sent with every query, e.g. dedup=true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub parameters: Vec<NameValue>,
    /// How long one query may take, from 100ms to 30s.
    #[serde(default = "three_seconds")]
    #[schemars(with = "String", length(max = 24))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9]{1,2}s)?([0-9]{1,5}ms)?$') && self != '' && duration(self) >= duration('100ms') && duration(self) <= duration('30s')").message("write a timeout from 100ms to 30s, such as 3s"))]
    pub timeout: Span,
}

/// Credentials: exactly one of bearerToken and basic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.bearerToken) != has(self.basic)").message("write exactly one of bearerToken and basic"))]
pub struct AuthSpec {
    /// A bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<SecretKeyRef>,
    /// User name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<BasicSpec>,
}

/// User name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BasicSpec {
    /// The user name.
    pub username: SecretKeyRef,
    /// The password.
    pub password: SecretKeyRef,
}

/// One key of one Secret, in the source's own namespace (the operator's, for a ClusterMetricSource).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// How the server's certificate is checked and ours is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.certificate) == has(self.key)").message("write certificate and key together, or neither"))]
pub struct TlsSpec {
    /// PEM certificates the server's chain must lead to, instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKeyRef>,
    /// PEM certificate to show to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SecretKeyRef>,
    /// PEM key of that certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretKeyRef>,
    /// The name the server's certificate carries, when it is not the URL's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub server_name: Option<String>,
}

/// A header: a name and exactly one of value and secretKeyRef.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.value) != has(self.secretKeyRef)").message("write exactly one of value and secretKeyRef"),
    validation = Rule::new("!has(self.value) || !(self.name.lowerAscii() in ['authorization', 'cookie', 'proxy-authorization'])")
        .message("credentials belong in a Secret: write auth, or secretKeyRef instead of value")
)]
pub struct HeaderSpec {
    /// The header's name.
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9-]+$')").message("write a header name of letters, digits and dashes, such as X-Scope-OrgID"))]
    pub name: String,
    /// Its value, when it is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub value: Option<String>,
    /// Its value, from a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyRef>,
}

/// A query parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[x_kube(
    validation = Rule::new("!(self.name in ['query', 'time', 'timeout'])").message("query, time and timeout are written by bizops itself: choose another parameter")
)]
pub struct NameValue {
    /// Its name.
    #[schemars(length(min = 1, max = 64))]
    pub name: String,
    /// Its value.
    #[schemars(length(max = 512))]
    pub value: String,
}

/// What the source may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsSpec {
    /// Queries in flight at once.
    #[serde(default = "eight")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: i32,
    /// Series in one answer; more is a fault of the query.
    #[serde(default = "a_hundred")]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_series: i32,
    /// Bytes in one answer.
    #[serde(default = "one_mebibyte")]
    #[schemars(range(min = 1024, max = 67_108_864))]
    pub max_bytes: i32,
}

impl Default for LimitsSpec {
    fn default() -> Self {
        Self { concurrency: eight(), max_series: a_hundred(), max_bytes: one_mebibyte() }
    }
}

/// Whether a source can be used.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSourceStatus {
    /// The generation of the spec this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready is True while the source answers and speaks the Prometheus API.
    #[serde(default)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// The version the source says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How long its last probe took, e.g. 4ms; rewritten when it changes by more than half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<String>,
    /// What went wrong last, kept after recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

fn three_seconds() -> Span {
    Span::from("3s")
}

fn eight() -> i32 {
    8
}

fn a_hundred() -> i32 {
    100
}

fn one_mebibyte() -> i32 {
    1 << 20
}
