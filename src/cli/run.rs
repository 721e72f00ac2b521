//! `bizops run`: the operator with its pages.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::args::RunArgs;
use crate::control::{Config, Operator, Waiting};
use crate::report::metrics::Metrics;
use crate::report::readiness::{Flag, Readiness};
use crate::telemetry;
use crate::web::serve::Server;
use crate::web::tls::{Tls, TlsFiles};
use crate::web::{health, metrics as metrics_page};

/// Where a pod finds the name of its own namespace.
const OWN_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Everything ends within this time of a signal; what still runs then is cut off.
const STOP_WITHIN: Duration = Duration::from_secs(9);
/// An API server that says nothing on an open connection for this long is given up on: longer than a watch lasts.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(args: RunArgs) -> Result<(), String> {
    telemetry::init(args.log_format, &args.log_level).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot start: {error}"))?;
    let outcome = runtime.block_on(serve(args));
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

async fn serve(args: RunArgs) -> Result<(), String> {
    let stop = signals()?;
    let mut client_config = kube::Config::infer()
        .await
        .map_err(|error| format!("no cluster to talk to: {error}; run in a pod, or set KUBECONFIG"))?;
    client_config.connect_timeout = Some(Duration::from_secs(5));
    client_config.read_timeout = Some(READ_TIMEOUT);
    client_config.reset_reader_on_write = true;
    // Every loop here tries again by itself, at its own pace and with what it knows by then.
    client_config.default_retry = false;
    let config = config(&args, &client_config.default_namespace);
    let client = Client::try_from(client_config)
        .map_err(|error| format!("the client of the API server cannot be built: {error}"))?;
    let metrics = Metrics::new(telemetry::VERSION);
    tracing::info!(
        version = telemetry::VERSION, identity = %config.identity, namespace = %config.namespace,
        watches = if config.watch_namespaces.is_empty() { "the cluster".to_owned() } else { config.watch_namespaces.join(",") },
        "bizops starts"
    );
    let operator = Operator::prepare(client, config, metrics.clone());
    let readiness = Readiness::new();
    // Named before the page is served: what is not named yet is not waited for.
    let lists = named(&operator.waiting(), &readiness);
    let follow = tokio::spawn(follow(operator.waiting(), lists));
    let pages = pages(&args, &readiness, &metrics, &stop).await?;
    let work = async {
        operator.run(stopped(stop.clone())).await;
        pages.await;
    };
    tokio::select! {
        () = work => {}
        () = async { stopped(stop.clone()).await; tokio::time::sleep(STOP_WITHIN).await } => {
            tracing::warn!("not everything ended in time");
        }
    }
    follow.abort();
    tracing::info!("bizops stopped");
    Ok(())
}

fn config(args: &RunArgs, kubeconfig_namespace: &str) -> Config {
    let own = || std::fs::read_to_string(OWN_NAMESPACE).ok().map(|name| name.trim().to_owned());
    let host = || std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned());
    let watch = args.watch_namespaces.iter().map(|name| name.trim().to_owned());
    Config {
        watch_namespaces: watch.filter(|name| !name.is_empty()).collect(),
        namespace: args.namespace.clone().or_else(own).unwrap_or_else(|| kubeconfig_namespace.to_owned()),
        identity: args
            .identity
            .clone()
            .or_else(|| std::env::var("HOSTNAME").ok())
            .or_else(|| host().ok())
            .unwrap_or_else(|| "bizops".to_owned()),
        lease_name: args.lease_name.clone(),
    }
}

/// Takes both ports and serves the pages until the stop.
async fn pages(
    args: &RunArgs,
    readiness: &Readiness,
    metrics: &Arc<Metrics>,
    stop: &watch::Receiver<bool>,
) -> Result<impl Future<Output = ()> + use<>, String> {
    let tls = match (&args.tls_certificate, &args.tls_key) {
        (Some(certificate), Some(key)) => {
            let files = TlsFiles { certificate: certificate.clone(), key: key.clone() };
            Some(Tls::load(files).map_err(|error| error.to_string())?)
        }
        _ => None,
    };
    let health = Server::bind(args.health_listen, None).await.map_err(|error| error.to_string())?;
    let scrape = Server::bind(args.metrics_listen, tls).await.map_err(|error| error.to_string())?;
    tracing::info!(health = %health.address(), metrics = %scrape.address(), "serves");
    let health = health.run(health::router(readiness.clone()), stopped(stop.clone()));
    let scrape = scrape.run(metrics_page::router(metrics.clone()), stopped(stop.clone()));
    let both = tokio::spawn(async { tokio::join!(health, scrape) });
    Ok(async {
        if both.await.is_err() {
            tracing::error!("the pages broke off");
        }
    })
}

/// The first lists that must come in.
fn named(waiting: &Waiting, readiness: &Readiness) -> Vec<(&'static str, Flag)> {
    let kinds = waiting.kinds().into_iter();
    kinds.map(|kind| (kind, readiness.wait_for(format!("list of {kind}")))).collect()
}

/// Turns the first lists that come in into readiness.
async fn follow(waiting: Waiting, lists: Vec<(&'static str, Flag)>) {
    loop {
        let open = waiting.kinds();
        for (kind, flag) in &lists {
            flag.set(!open.contains(kind));
        }
        if open.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Becomes true at the first SIGTERM or SIGINT; a second one ends the process at once.
fn signals() -> Result<watch::Receiver<bool>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("signals cannot be received: {error}"));
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
            if sender.send_replace(true) {
                std::process::exit(2);
            }
        }
    });
    Ok(receiver)
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that nobody listens for signals any more: as good as one.
    let _ = stop.wait_for(|stop| *stop).await;
}
