//! Metric sources looked at by themselves: reachable, which version, how fast.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::context::Context;
use super::mirror::Seen;
use super::resolve::{Found, of_cluster, of_namespace};
use crate::api::v1alpha1::{ClusterMetricSource, MetricSource, MetricSourceStatus};
use crate::model::{ConditionReason, ObjectId, SourceFault};
use crate::report::publish::{self, Subject, Written};
use crate::report::source::{self, Answer};

/// Sources are probed this often: a source that fails is known from the objectives' own queries at once; the
/// probe is for people who look at the source itself.
const EVERY: Duration = Duration::from_secs(15);
/// A new or changed source is probed within this time.
const NOTICE: Duration = Duration::from_secs(1);

/// Connections to a source that nobody asked for this long are closed.
const FORGET_AFTER: SignedDuration = SignedDuration::from_hours(2);

type Pages = BTreeMap<Key, Kept>;
type Key = (String, ObjectId);

/// What was last written about one source.
#[derive(Debug, Clone)]
struct Kept {
    uid: Option<String>,
    generation: Option<i64>,
    status: MetricSourceStatus,
    at: Option<Timestamp>,
}

/// Probes every source until the future is dropped.
pub async fn keep(ctx: Context) {
    let mut kept = Pages::new();
    let mut ticks = 0_u64;
    loop {
        let all = sources(&ctx);
        kept.retain(|key, _| all.iter().any(|one| one.key() == *key));
        ctx.books.keep_only(|id| all.iter().any(|one| one.found.id == *id)).await;
        ctx.asker.forget_unused(Timestamp::now() - FORGET_AFTER);
        let whole_round = ticks.is_multiple_of(EVERY.as_secs() / NOTICE.as_secs());
        let due = all.into_iter().filter(|one| whole_round || one.is_news(kept.get(&one.key())));
        let written = join_all(due.map(|one| {
            let before = kept.get(&one.key()).cloned();
            look(&ctx, one, before)
        }))
        .await;
        kept.extend(written);
        ticks += 1;
        tokio::time::sleep(NOTICE).await;
    }
}

/// One source as it stands.
struct Source {
    subject: Subject,
    found: Found,
    generation: Option<i64>,
    status: MetricSourceStatus,
}

impl Source {
    fn key(&self) -> Key {
        (self.subject.resource.kind.clone(), self.subject.id.clone())
    }

    fn is_news(&self, kept: Option<&Kept>) -> bool {
        kept.is_none_or(|kept| kept.uid != self.subject.uid || kept.generation != self.generation)
    }
}

fn sources(ctx: &Context) -> Vec<Source> {
    let namespaced = ctx.sources.namespaced.all().into_iter().filter_map(|(id, seen)| match &seen {
        Seen::Sound(object) => Some(Source {
            subject: Subject::of::<MetricSource>(object),
            generation: object.metadata.generation,
            status: object.status.clone().unwrap_or_default(),
            found: of_namespace(id, &seen),
        }),
        Seen::Broken { .. } => None,
    });
    let cluster = ctx.sources.cluster.iter().flat_map(|mirror| mirror.all());
    let cluster = cluster.filter_map(|(id, seen)| match &seen {
        Seen::Sound(object) => Some(Source {
            subject: Subject::of::<ClusterMetricSource>(object),
            generation: object.metadata.generation,
            status: object.status.clone().unwrap_or_default(),
            found: of_cluster(id, &seen),
        }),
        Seen::Broken { .. } => None,
    });
    namespaced.chain(cluster).collect()
}

async fn look(ctx: &Context, one: Source, before: Option<Kept>) -> (Key, Kept) {
    let same = before.filter(|kept| kept.uid == one.subject.uid);
    let (old, at) = same.map_or((one.status.clone(), None), |kept| (kept.status, kept.at));
    let (generation, now) = (one.generation.unwrap_or(0), Timestamp::now());
    let new = match &one.found.request {
        Err(issues) => source::invalid(&old, issues, generation, now),
        Ok(_) => source::of_probe(&old, &probe(ctx, &one.found).await, generation, now),
    };
    let key = one.key();
    let mut kept = Kept { uid: one.subject.uid.clone(), generation: one.generation, status: old, at };
    if source::due(&kept.status, &new, at, now) && ctx.leadership.may_write() {
        let written = publish::status(&ctx.client, &one.subject, &new).await;
        match written {
            Written::Done => (kept.status, kept.at) = (new, Some(now)),
            Written::Gone => {}
            Written::Failed(detail) => {
                tracing::warn!(source = %one.subject.id, %detail, "the status of a source could not be written");
            }
        }
    }
    (key, kept)
}

async fn probe(ctx: &Context, found: &Found) -> Result<Answer, (ConditionReason, String)> {
    let words = |fault: SourceFault| (fault.reason(), fault.to_string());
    let key = ctx.books.ready(found, &ctx.asker, Timestamp::now()).await.map_err(words)?;
    let client = ctx.asker.client(&key).map_err(words)?;
    let probe = client.probe().await.map_err(words)?;
    Ok(Answer { version: probe.version, latency: probe.latency })
}
