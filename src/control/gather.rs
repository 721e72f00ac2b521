//! The facts of one objective at one moment, asked of its source and of the cluster.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all, join3};
use jiff::{SignedDuration, Timestamp};

use super::charge::{Charge, MappingQueries};
use crate::engine::Due;
use crate::model::{GoalOutlook, MappingFacts, Sample, Snapshot, SourceFault, TargetRef};
use crate::observe::{Asker, Checked, Cluster, Question, SourceKey};

/// From this age on a sample is stale: two scrapes missed at Prometheus' default interval of a minute. Less, and
/// ordinary stores look stale; more, and a rate is decided on that ended minutes ago.
const STALE_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// No sample is believed longer than Prometheus itself would look back.
const LOOKBACK: SignedDuration = SignedDuration::from_mins(5);

/// Whom to ask, and how long an answer is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Inquiry<'a> {
    /// Metric sources.
    pub asker: &'a Asker,
    /// Workloads.
    pub cluster: &'a Cluster,
    /// The source, or why there is none.
    pub source: &'a Result<SourceKey, SourceFault>,
    /// The moment the facts are of, on a whole second.
    pub at: Timestamp,
}

impl Inquiry<'_> {
    /// Asks everything at once. Never fails: what could not be had is itself a fact.
    pub async fn facts(&self, charge: &Charge, due: &Due) -> Snapshot {
        let wait = patience(charge.intent.interval);
        let indicator = self.ask(&charge.indicator, wait);
        let baseline = self.ask_due(charge.baseline.as_ref(), due.indicator, wait);
        let mappings = charge.intent.mappings.iter().zip(&charge.mappings).enumerate();
        let namespace = &charge.intent.id.namespace;
        let mappings = join_all(mappings.map(|(index, (mapping, queries))| {
            let reference_due = due.mappings.get(index).copied().unwrap_or(false);
            self.mapping(namespace, &mapping.target, queries, reference_due, wait)
        }));
        let (indicator, indicator_baseline, mappings) = join3(indicator, baseline, mappings).await;
        Snapshot { at: self.at, indicator, indicator_baseline, outlook: GoalOutlook::Off, mappings }
    }

    async fn mapping(
        &self,
        namespace: &str,
        target: &TargetRef,
        queries: &MappingQueries,
        due: bool,
        wait: Duration,
    ) -> MappingFacts {
        let samples =
            join(self.ask(&queries.demand, wait), self.ask_due(queries.reference.as_ref(), due, wait));
        let beside = join3(
            self.ask_due(queries.lost.as_ref(), true, wait),
            self.ask_due(queries.signal.as_ref(), true, wait),
            join_all(queries.trims.iter().map(|query| self.ask(query, wait))),
        );
        let target = self.cluster.state(namespace, target);
        let ((demand, reference), (lost, signal, trims), target) = join3(samples, beside, target).await;
        MappingFacts { reference, lost, signal, trims, ..MappingFacts::new(demand, target) }
    }

    async fn ask_due(&self, query: Option<&Arc<Checked>>, due: bool, wait: Duration) -> Option<Sample> {
        match query.filter(|_| due) {
            Some(query) => Some(self.ask(query, wait).await),
            None => None,
        }
    }

    async fn ask(&self, query: &Arc<Checked>, wait: Duration) -> Sample {
        let source = match self.source {
            Ok(source) => source,
            Err(fault) => return Sample::Failed(fault.clone()),
        };
        let question =
            Question { query: query.clone(), at: self.at, deadline: wait, stale_after: stale_after(query) };
        self.asker.ask(source, question).await
    }
}

/// From which age a sample of a query is stale, in a pass as in history.
pub(super) fn stale_after(query: &Checked) -> SignedDuration {
    (query.widest / 2).clamp(STALE_AFTER, LOOKBACK)
}

/// How long a pass waits for an answer: nine tenths of the interval, so that a source that hangs never costs the
/// next pass. With the default of 5 s that is 4.5 s, and the source's own timeout (3 s) comes first.
fn patience(interval: SignedDuration) -> Duration {
    Duration::try_from(interval).unwrap_or(Duration::from_secs(5)).mul_f64(0.9)
}
