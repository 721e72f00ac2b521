//! The operator as a whole: watches, the lease, and the leader's loop. Wiring and order only.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, Client, ResourceExt};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::books::Books;
use super::context::{Context, MANAGERS};
use super::lease::{Candidate, LeaseConfig, contend};
use super::mirror::{Mirror, mirror_cluster, mirror_namespaced};
use super::pilot::{Pilot, Statuses};
use super::probe;
use super::recall::Recall;
use super::resolve::Sources;
use crate::api::v1alpha1::Objective;
use crate::model::ObjectId;
use crate::observe::{Asker, Cluster};
use crate::report::herald::Herald;
use crate::report::metrics::Metrics;

/// How long a new leader tries to read what the one before left, before it looks again whether it still leads.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long passes that run may go on after the stop: within the 10 s in which the operator ends, with time left
/// to release the lease.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// Objectives in one page of a list.
const PAGE: u32 = 500;

/// What an operator must be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The namespaces to watch; empty for the whole cluster.
    pub watch_namespaces: Vec<String>,
    /// Its own namespace: the lease, and the Secrets of cluster sources.
    pub namespace: String,
    /// Its own name, as the lease and events show it.
    pub identity: String,
    /// The lease's name.
    pub lease_name: String,
}

/// Which first lists have not come in yet.
#[derive(Debug, Clone)]
pub struct Waiting {
    objectives: Arc<Mirror<Objective>>,
    sources: Sources,
}

impl Waiting {
    /// The plural names of the kinds whose first list has not come in.
    pub fn kinds(&self) -> Vec<&'static str> {
        let cluster = self.sources.cluster.as_ref().is_none_or(|mirror| mirror.is_synced());
        [
            ("objectives", self.objectives.is_synced()),
            ("metricsources", self.sources.namespaced.is_synced()),
            ("clustermetricsources", cluster),
        ]
        .into_iter()
        .filter_map(|(kind, synced)| (!synced).then_some(kind))
        .collect()
    }
}

/// An operator, ready to run.
#[derive(Debug)]
pub struct Operator {
    ctx: Context,
    config: Config,
    candidate: Candidate,
    wake: Arc<Notify>,
    watches: JoinSet<()>,
}

impl Operator {
    /// Begins to watch. Must be called within a tokio runtime.
    pub fn prepare(client: Client, config: Config, metrics: Arc<Metrics>) -> Self {
        let wake = Arc::new(Notify::new());
        let mut watches = JoinSet::new();
        let objectives = Mirror::<Objective>::new(wake.clone());
        let watched = config.watch_namespaces.clone();
        watches.spawn(mirror_namespaced(client.clone(), watched.clone(), objectives.clone(), |objective| {
            objective.status = None;
        }));
        let namespaced = Mirror::new(wake.clone());
        watches.spawn(mirror_namespaced(client.clone(), watched.clone(), namespaced.clone(), |_| {}));
        let cluster = watched.is_empty().then(|| {
            let mirror = Mirror::new(wake.clone());
            watches.spawn(mirror_cluster(client.clone(), mirror.clone(), |_| {}));
            mirror
        });
        let lease = LeaseConfig::new(&config.namespace, &config.lease_name, &config.identity);
        let (candidate, leadership) = contend(lease);
        let asker = Arc::new(Asker::default());
        let ctx = Context {
            leadership,
            objectives,
            sources: Sources { namespaced, cluster },
            books: Arc::new(Books::new(client.clone(), config.namespace.clone())),
            recall: Arc::new(Recall::new(asker.clone())),
            asker,
            cluster: Arc::new(Cluster::new(client.clone(), watched, MANAGERS)),
            herald: Herald::start(client.clone(), config.identity.clone(), metrics.clone()),
            metrics,
            left_out: Arc::new(AtomicU64::new(0)),
            client,
        };
        Self { ctx, config, candidate, wake, watches }
    }

    /// What readiness waits for.
    pub fn waiting(&self) -> Waiting {
        Waiting { objectives: self.ctx.objectives.clone(), sources: self.ctx.sources.clone() }
    }

    /// Contends for the lease and leads while it holds it, until `stop`. Writers end before the lease is
    /// released, so that a standby that takes over at once finds nobody else writing.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Self { ctx, config, candidate, wake, watches } = self;
        let released = Arc::new(Notify::new());
        let release = released.clone();
        let lease = tokio::spawn(candidate.keep(ctx.client.clone(), async move { release.notified().await }));
        let (stopping, stopped) = watch::channel(false);
        let work = lead_again_and_again(&ctx, &config, &wake, stopped);
        tokio::pin!(work);
        tokio::select! {
            () = &mut work => {}
            () = stop => {
                tracing::info!("asked to stop; no new pass begins");
                stopping.send_replace(true);
                if tokio::time::timeout(FINISH_WITHIN, work).await.is_err() {
                    tracing::warn!("some passes did not end in time; what they were doing is in the ledgers");
                }
            }
        }
        released.notify_one();
        if lease.await.is_err() {
            tracing::error!("the election broke off; the lease runs out by itself");
        }
        drop(watches);
    }
}

async fn lead_again_and_again(
    ctx: &Context,
    config: &Config,
    wake: &Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        tokio::select! {
            _ = ctx.leadership.won() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        ctx.metrics.set_leads(true);
        tokio::select! {
            () = lead(ctx, config, wake, stop.clone()) => {}
            () = ctx.leadership.lost() => tracing::warn!("no longer leads; another instance may"),
        }
        ctx.metrics.set_leads(false);
    }
}

async fn lead(ctx: &Context, config: &Config, wake: &Arc<Notify>, stop: watch::Receiver<bool>) {
    while !ctx.objectives.is_synced() {
        wake.notified().await;
    }
    let statuses = loop {
        let listed = statuses(&ctx.client, &config.watch_namespaces);
        match tokio::time::timeout(TAKEOVER_TIMEOUT, listed).await {
            Ok(Ok(statuses)) => break statuses,
            Ok(Err(error)) => {
                tracing::warn!(%error, "what the leader before left could not be read; it is tried again");
            }
            Err(_) => {
                tracing::warn!("what the leader before left could not be read in time; it is tried again");
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let pilot = Pilot::begin(ctx.clone(), statuses);
    tokio::select! {
        () = pilot.fly(wake.clone(), stop) => {}
        () = probe::keep(ctx.clone()) => {}
    }
}

/// Every objective's uid and status as the API server holds them now.
async fn statuses(client: &Client, namespaces: &[String]) -> Result<Statuses, kube::Error> {
    let apis: Vec<Api<DeserializeGuard<Objective>>> = if namespaces.is_empty() {
        vec![Api::all(client.clone())]
    } else {
        namespaces.iter().map(|name| Api::namespaced(client.clone(), name)).collect()
    };
    let mut statuses = Statuses::new();
    for api in apis {
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let list = match api.list(&page).await {
                // Its objects are not known either; the mirror says so.
                Err(kube::Error::Api(status)) if status.code == 403 && !namespaces.is_empty() => break,
                list => list?,
            };
            for object in list.items {
                let Ok(object) = object.0 else { continue };
                let id =
                    ObjectId { namespace: object.namespace().unwrap_or_default(), name: object.name_any() };
                statuses.insert(id, (object.uid(), object.status.unwrap_or_default()));
            }
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(statuses)
}
