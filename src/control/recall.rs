//! Histories read in the background, and what becomes of them: a pass never waits for one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::model::{History, HistoryEnd};
use crate::observe::{Asker, Checked, PastQuestion, SourceKey};

/// How long reading one history may take: a hundred requests at a second each. A source that is slower gives less.
const WITHIN: Duration = Duration::from_mins(2);
/// So many histories are held in memory at once, over all sources: a few megabytes.
const HELD: usize = 8;
/// So many are worked through at once: each takes a core for about a second.
const WORKED: usize = 1;

/// What bounds the reading of histories.
pub struct Recall {
    asker: Arc<Asker>,
    held: Semaphore,
    worked: Semaphore,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for Recall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recall").field("asker", &self.asker).finish_non_exhaustive()
    }
}

/// What is to be read.
#[derive(Debug, Clone)]
pub struct Past {
    /// The source.
    pub source: SourceKey,
    /// The checked query.
    pub query: Arc<Checked>,
    /// A second one to be read at the same moments, if there is one.
    pub beside: Option<Arc<Checked>>,
    /// From which age a sample is stale.
    pub stale_after: SignedDuration,
    /// From one moment to the next.
    pub step: SignedDuration,
    /// How long after a whole multiple of the step the moments are: passes look at that second.
    pub offset: SignedDuration,
    /// How far back.
    pub reach: SignedDuration,
}

impl Past {
    /// The newest moment that has begun by `now`.
    fn newest(&self, now: Timestamp) -> Timestamp {
        let (step, offset) = (self.step.as_secs().max(1), self.offset.as_secs());
        let moment = (now.as_second() - offset).div_euclid(step) * step + offset;
        Timestamp::from_second(moment).unwrap_or(now)
    }
}

/// What was made of a history.
#[derive(Debug)]
pub struct Recalled<T> {
    /// It.
    pub made: T,
    /// How many moments had a number.
    pub present: usize,
    /// Why the history begins where it does.
    pub end: HistoryEnd,
}

impl<T> Recalled<T> {
    /// Whether asking again may bring more.
    pub fn is_whole(&self) -> bool {
        matches!(self.end, HistoryEnd::Whole | HistoryEnd::Bottom)
    }
}

/// A history that is being read. Dropping it ends the reading.
#[derive(Debug)]
pub struct Recalling<T>(JoinSet<Option<Recalled<T>>>);

impl<T: Send + 'static> Recalling<T> {
    /// Begins to read. `make` works through the history, off the threads that passes run on.
    pub fn begin(
        recall: Arc<Recall>,
        past: Past,
        make: impl FnOnce(&History, Option<&History>) -> T + Send + 'static,
    ) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { recall.recalled(&past, make).await });
        Self(tasks)
    }

    /// What was made of it, once that is done; `Err` if it broke off, which the log tells.
    pub fn done(&mut self) -> Option<Result<Recalled<T>, ()>> {
        let ended = self.0.try_join_next()?;
        Some(ended.ok().flatten().ok_or(()))
    }
}

impl Recall {
    /// Reads through `asker`.
    pub fn new(asker: Arc<Asker>) -> Self {
        Self {
            asker,
            held: Semaphore::new(HELD),
            worked: Semaphore::new(WORKED),
            now: Box::new(Timestamp::now),
        }
    }

    /// The same by another clock.
    #[cfg(test)]
    pub fn by_clock(asker: Arc<Asker>, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Box::new(now), ..Self::new(asker) }
    }

    async fn recalled<T: Send + 'static>(
        &self,
        past: &Past,
        make: impl FnOnce(&History, Option<&History>) -> T + Send + 'static,
    ) -> Option<Recalled<T>> {
        let turn = self.asker.turn(&past.source).await;
        let held = self.held.acquire().await;
        let begun = Instant::now();
        let last = past.newest((self.now)());
        let question = |query: &Arc<Checked>| PastQuestion {
            query: query.clone(),
            last,
            step: past.step,
            reach: past.reach,
            stale_after: past.stale_after,
            within: WITHIN,
        };
        let history = self.asker.history(&past.source, &question(&past.query)).await;
        // What is not known of the second is left out: the first is what matters.
        let beside = match &past.beside {
            Some(query) => Some(self.asker.history(&past.source, &question(query)).await),
            None => None,
        };
        let read = begun.elapsed();
        let worked = self.worked.acquire().await;
        let (begun, present, end) = (Instant::now(), history.present(), history.end.clone());
        let made = tokio::task::spawn_blocking(move || make(&history, beside.as_ref())).await;
        drop((worked, held, turn));
        // A source that is not there is told in conditions; here it would be told again at every try.
        if present > 0 {
            tracing::debug!(
                source = %past.source, moments = present, end = ?end, read_ms = read.as_millis(),
                worked_ms = begun.elapsed().as_millis(), "a history was read"
            );
        } else {
            tracing::trace!(source = %past.source, end = ?end, "a history has no number");
        }
        match made {
            Ok(made) => Some(Recalled { made, present, end }),
            Err(error) => {
                tracing::error!(%error, "working through a history broke off; it is read again");
                None
            }
        }
    }
}
