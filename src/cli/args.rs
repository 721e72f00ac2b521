//! What may be typed, and its environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::backtest::BacktestArgs;
use crate::telemetry::LogFormat;

/// Keeps the capacity behind business goals right, and says why.
#[derive(Debug, clap::Parser)]
#[command(name = "bizops", version, about, long_about = None)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Run the operator.
    Run(Box<RunArgs>),
    /// Play recorded demand against an objective, and against what others would have done.
    Backtest(Box<BacktestArgs>),
    /// Print the custom resource definitions, or write every generated file of the repository.
    Manifests {
        /// Write the definitions, the chart's copies and permissions, and the reference pages below this folder.
        #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = ".")]
        write: Option<PathBuf>,
    },
}

/// The settings of the operator.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// Watch these namespaces only, separated by commas; left out: the whole cluster.
    #[arg(long, env = "BIZOPS_WATCH_NAMESPACES", value_name = "NAMES", value_delimiter = ',')]
    pub(super) watch_namespaces: Vec<String>,
    /// The operator's own namespace: its lease, and the Secrets of cluster metric sources. Default: the
    /// namespace of its pod, or the kubeconfig's.
    #[arg(long, env = "BIZOPS_NAMESPACE", value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// The name of this instance in the lease and in events. Default: the host's name.
    #[arg(long, env = "BIZOPS_IDENTITY", value_name = "NAME")]
    pub(super) identity: Option<String>,
    /// The lease the instances contend for.
    #[arg(long, env = "BIZOPS_LEASE_NAME", value_name = "NAME", default_value = "bizops")]
    pub(super) lease_name: String,
    /// Where /metrics is served.
    #[arg(long, env = "BIZOPS_METRICS_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    pub(super) metrics_listen: SocketAddr,
    /// Where /livez and /readyz are served.
    #[arg(long, env = "BIZOPS_HEALTH_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8081")]
    pub(super) health_listen: SocketAddr,
    /// Serve /metrics over TLS with this certificate (PEM file; read again when it changes).
    #[arg(long, env = "BIZOPS_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    pub(super) tls_certificate: Option<PathBuf>,
    /// The certificate's key (PEM file).
    #[arg(long, env = "BIZOPS_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    pub(super) tls_key: Option<PathBuf>,
    /// off, error, warn, info, debug or trace; or a list such as info,bizops=debug.
    #[arg(long, env = "BIZOPS_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub(super) log_level: String,
    /// How a log line is written.
    #[arg(long, env = "BIZOPS_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
}
