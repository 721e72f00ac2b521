//! What a query gave at past moments: range queries that a source can bear.
//!
//! The newest part is read first, so that little time still gives the most useful part. Requests are small (no store
//! refuses 10,000 points), one after the other, each within the source's own timeout and size, and smaller where the
//! source is slow. What has no number for a long stretch is taken for the end of what the store keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use super::matrix::Window;
use super::prometheus::PrometheusSource;
use super::promql::Checked;
use crate::model::{History, HistoryEnd, SourceFault};

/// Points in one request: Prometheus refuses more than 11,000.
const CHUNK: usize = 10_000;
/// A request is never made smaller than this: a source that cannot give so few is not to be had.
const LEAST: usize = 600;
/// Points in one history: six weeks at 15 s.
const MOST_POINTS: usize = 250_000;
/// Bytes of one history, over all its requests.
const MOST_BYTES: usize = 64 << 20;
/// The end of what the store keeps is where so many moments have no number: two whole requests.
const SILENCE: usize = 2 * CHUNK;
/// A request that took longer is followed by one of half its size: passes ask the same source.
const SLOW: Duration = Duration::from_secs(1);

/// A question about the past.
#[derive(Debug, Clone)]
pub struct PastQuestion {
    /// The checked query.
    pub query: Arc<Checked>,
    /// The newest moment, on a whole second.
    pub last: Timestamp,
    /// From one moment to the next, in whole seconds.
    pub step: SignedDuration,
    /// How far back.
    pub reach: SignedDuration,
    /// From which age a sample is stale.
    pub stale_after: SignedDuration,
    /// How long reading may take in all.
    pub within: Duration,
}

impl PastQuestion {
    fn step(&self) -> i64 {
        self.step.as_secs().max(1)
    }

    /// How many moments are asked for.
    fn total(&self) -> usize {
        usize::try_from(self.reach.as_secs() / self.step()).unwrap_or(0).clamp(1, MOST_POINTS)
    }

    /// The next `count` moments before the newest `have`.
    fn window(&self, have: usize, count: usize) -> Window {
        let steps = i64::try_from(have + count).unwrap_or(i64::MAX).saturating_sub(1);
        let first = self.last.as_second().saturating_sub(steps.saturating_mul(self.step()));
        Window { first, step: self.step(), count }
    }
}

/// One source, and what bounds the requests to it.
pub(super) struct Reader {
    /// The client.
    pub(super) client: PrometheusSource,
    /// Queries in flight at once, those of passes included.
    pub(super) slots: Arc<Semaphore>,
    /// Counts the queries.
    pub(super) sent: Arc<AtomicU64>,
}

impl Reader {
    /// Reads a history. Never fails: what could not be had is itself told.
    pub(super) async fn read(&self, question: &PastQuestion) -> History {
        let (begun, total) = (Instant::now(), question.total());
        let mut past = Past::default();
        let (mut size, mut most) = (CHUNK, CHUNK);
        let end = loop {
            let left = question.within.saturating_sub(begun.elapsed());
            if let Some(end) = past.ends(total, left) {
                break end;
            }
            let count = size.min(total - past.have);
            let asked = Instant::now();
            match self.chunk(question, question.window(past.have, count), left).await {
                Ok((values, bytes)) => past.take(values, bytes),
                Err(fault) if size > LEAST && eases(&fault) => {
                    (size, most) = ((count / 4).max(LEAST), (count / 2).max(LEAST));
                    continue;
                }
                Err(fault) => break HistoryEnd::Failed(fault),
            }
            size = match asked.elapsed() {
                slow if slow > SLOW => (size / 2).max(LEAST),
                fast if fast < SLOW / 4 => (size * 2).min(most),
                _ => size,
            };
        };
        past.whole(question, end)
    }

    async fn chunk(
        &self,
        question: &PastQuestion,
        window: Window,
        left: Duration,
    ) -> Result<(Vec<Option<f64>>, usize), SourceFault> {
        let timed_out =
            || SourceFault::TimedOut { after: SignedDuration::try_from(left).unwrap_or(SignedDuration::MAX) };
        let turn = tokio::time::timeout(left, self.slots.acquire()).await.map_err(|_| timed_out())?;
        let _turn =
            turn.map_err(|_| SourceFault::Misconfigured { detail: "the source was replaced".to_owned() })?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.client.range(&question.query, window, question.stale_after).await
    }
}

/// Whether a smaller request may fare better.
fn eases(fault: &SourceFault) -> bool {
    matches!(
        fault,
        SourceFault::TimedOut { .. }
            | SourceFault::TooLarge { .. }
            | SourceFault::TooManySeries { .. }
            | SourceFault::QueryRejected { .. }
    )
}

/// What has been read so far.
#[derive(Default)]
struct Past {
    /// Newest first; within each, oldest first.
    chunks: Vec<Vec<Option<f64>>>,
    /// How many moments.
    have: usize,
    /// How many of the oldest have no number.
    silent: usize,
    /// How many bytes were read.
    bytes: usize,
}

impl Past {
    fn ends(&self, total: usize, left: Duration) -> Option<HistoryEnd> {
        if self.have >= total {
            Some(HistoryEnd::Whole)
        } else if self.silent >= SILENCE {
            Some(HistoryEnd::Bottom)
        } else if self.bytes > MOST_BYTES {
            Some(HistoryEnd::Failed(SourceFault::TooLarge { limit: MOST_BYTES }))
        } else {
            left.is_zero().then_some(HistoryEnd::OutOfTime)
        }
    }

    fn take(&mut self, values: Vec<Option<f64>>, bytes: usize) {
        let silent = values.iter().take_while(|value| value.is_none()).count();
        self.silent = if silent == values.len() { self.silent + silent } else { silent };
        self.have += values.len();
        self.bytes += bytes;
        self.chunks.push(values);
    }

    /// Everything in order, from the first number on.
    fn whole(self, question: &PastQuestion, end: HistoryEnd) -> History {
        let values: Vec<Option<f64>> = self.chunks.into_iter().rev().flatten().skip(self.silent).collect();
        let first = question.window(0, values.len().max(1)).first;
        let first = Timestamp::from_second(first).unwrap_or(question.last);
        History { first, step: SignedDuration::from_secs(question.step()), values, end }
    }
}

#[cfg(test)]
pub(crate) mod tests;
