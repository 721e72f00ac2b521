//! Questions of one pass: each asked once, however many objectives ask it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::history::{PastQuestion, Reader};
use super::prometheus::PrometheusSource;
use super::promql::Checked;
use crate::model::{Credentials, History, HistoryEnd, ObjectId, Sample, SourceFault, SourceSpec};

/// So many histories of one source are read at once: a thousand objectives that start together must not take it away
/// from the passes.
const HISTORIES: usize = 2;

/// One question to a source.
#[derive(Debug, Clone)]
pub struct Question {
    /// The checked query.
    pub query: Arc<Checked>,
    /// The time it is evaluated at, to the second.
    pub at: Timestamp,
    /// How long the asker can wait.
    pub deadline: Duration,
    /// From which age a sample is stale.
    pub stale_after: SignedDuration,
}

/// Names a source; the namespace is empty for a cluster source.
pub type SourceKey = ObjectId;

/// What the asker has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AskStats {
    /// Queries sent.
    pub sent: u64,
    /// Questions that were answered by a query already sent.
    pub shared: u64,
    /// Queries that gave no present number.
    pub lost: u64,
}

type Answer = Shared<BoxFuture<'static, Sample>>;
/// A question's text and its patience: askers that wait equally long share an answer.
type Slot = (String, SignedDuration);

struct Source {
    made_of: (SourceSpec, Credentials),
    client: Result<PrometheusSource, SourceFault>,
    slots: Arc<Semaphore>,
    histories: Arc<Semaphore>,
    /// The questions of the newest moment only.
    asked: (Timestamp, HashMap<Slot, Answer>),
    used_at: Timestamp,
}

/// Asks sources, each within its own bounds: a source that hangs delays nobody else's questions.
#[derive(Default)]
pub struct Asker {
    sources: Mutex<HashMap<SourceKey, Source>>,
    sent: Arc<AtomicU64>,
    shared: AtomicU64,
    lost: Arc<AtomicU64>,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Asker {
    /// Makes a source known, or takes up its change; connections are kept while nothing changed.
    pub fn configure(&self, key: &SourceKey, spec: &SourceSpec, credentials: &Credentials, now: Timestamp) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (spec.clone(), credentials.clone());
        match sources.get_mut(key) {
            Some(source) if source.made_of == wanted => source.used_at = now,
            _ => {
                let source = Source {
                    client: PrometheusSource::new(spec, credentials),
                    slots: Arc::new(Semaphore::new(spec.limits.concurrency)),
                    histories: Arc::new(Semaphore::new(HISTORIES)),
                    made_of: wanted,
                    asked: (now, HashMap::new()),
                    used_at: now,
                };
                sources.insert(key.clone(), source);
            }
        }
    }

    /// Forgets sources that were not configured since `before`.
    pub fn forget_unused(&self, before: Timestamp) {
        self.sources
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, source| source.used_at >= before);
    }

    /// The client of a source, for a probe.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn client(&self, key: &SourceKey) -> Result<PrometheusSource, SourceFault> {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.get(key).map_or_else(|| Err(unknown(key)), |source| source.client.clone())
    }

    /// Asks, or joins whoever is asking the same of the same source as of the same time.
    pub async fn ask(&self, key: &SourceKey, question: Question) -> Sample {
        let answer = {
            let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(source) = sources.get_mut(key) else { return Sample::Failed(unknown(key)) };
            let client = match &source.client {
                Ok(client) => client.clone(),
                Err(fault) => return Sample::Failed(fault.clone()),
            };
            if source.asked.0 != question.at {
                source.asked = (question.at, HashMap::new());
            }
            let slot = (question.query.dated.clone(), question.stale_after);
            if let Some(asked) = source.asked.1.get(&slot) {
                self.shared.fetch_add(1, Ordering::Relaxed);
                asked.clone()
            } else {
                let answer = self.send(client, source.slots.clone(), question);
                source.asked.1.insert(slot, answer.clone());
                answer
            }
        };
        answer.await
    }

    /// Waits for one's turn to read the history of a source. Whoever holds a turn may keep what was read in memory.
    ///
    /// # Errors
    /// Why the source cannot be used.
    pub async fn turn(&self, key: &SourceKey) -> Result<OwnedSemaphorePermit, SourceFault> {
        let turns = {
            let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
            sources.get(key).ok_or_else(|| unknown(key))?.histories.clone()
        };
        turns.acquire_owned().await.map_err(|_| unknown(key))
    }

    /// Reads what a query gave at past moments. Never fails: what could not be had is itself told.
    pub async fn history(&self, key: &SourceKey, question: &PastQuestion) -> History {
        let reader = {
            let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
            let source = sources.get(key).ok_or_else(|| unknown(key));
            source.and_then(|source| {
                let client = source.client.clone()?;
                Ok(Reader { client, slots: source.slots.clone(), sent: self.sent.clone() })
            })
        };
        match reader {
            Ok(reader) => reader.read(question).await,
            Err(fault) => History {
                first: question.last,
                step: question.step,
                values: vec![],
                end: HistoryEnd::Failed(fault),
            },
        }
    }

    /// What the asker has done so far.
    pub fn stats(&self) -> AskStats {
        AskStats {
            sent: self.sent.load(Ordering::Relaxed),
            shared: self.shared.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
        }
    }

    /// One query within the source's concurrency; waiting for a turn counts against the deadline.
    fn send(&self, client: PrometheusSource, slots: Arc<Semaphore>, question: Question) -> Answer {
        let (sent, lost) = (self.sent.clone(), self.lost.clone());
        let ask = async move {
            let wait = question.deadline;
            let whole = async {
                let Ok(_turn) = slots.acquire_owned().await else {
                    return Sample::Failed(SourceFault::Misconfigured {
                        detail: "the source was replaced".to_owned(),
                    });
                };
                sent.fetch_add(1, Ordering::Relaxed);
                client.ask(&question.query, question.at, wait, question.stale_after).await
            };
            let sample = tokio::time::timeout(wait, whole).await.unwrap_or_else(|_| {
                let after = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
                Sample::Failed(SourceFault::TimedOut { after })
            });
            if sample.present().is_none() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
            sample
        };
        ask.boxed().shared()
    }
}

fn unknown(key: &SourceKey) -> SourceFault {
    SourceFault::Misconfigured { detail: format!("the metric source {key} is not known yet") }
}
