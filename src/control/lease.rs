//! One writer: leader election by a `coordination.k8s.io/v1` Lease.
//!
//! Everybody who contends runs [`Candidate::keep`]; whoever holds the lease leads, and everybody else looks once a
//! second whether it has become free. Who writes to the cluster asks [`Leadership::may_write`] before each write.
//!
//! **Guarantees.** No two processes may write at the same time, whatever the network, the API server or a paused
//! process do, as long as monotonic clocks run at about the same speed (see `contender`). A leader that was
//! stopped past its lease may not write when it wakes. A standby takes over at most `lease` + `poll` + two calls
//! after a leader died, about `poll` after it released the lease.
//!
//! **Caveats.** Nothing can stop a process between its last look at [`Leadership::may_write`] and the packet
//! leaving; so every write of a target also names the `resourceVersion` it was decided upon, and is refused when
//! the object has moved on. A status held up on its way for longer than a takeover can still land late; the leader
//! writes its own at the next change. A suspended virtual machine whose monotonic clock stands still relies on that too.
//!
//! Needs `get`, `create` and `update` on leases in its own namespace.

mod calls;
mod contender;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::Instant;

use calls::{Answer, Calls};
use contender::{Contender, Moment, Move};

/// The times of an election. [`Timing::DEFAULT`] is what the operator uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long others wait after the last change of the lease they saw.
    pub lease: Duration,
    /// How often the leader renews.
    pub renew_every: Duration,
    /// For how long after sending its last successful renewal the leader may write.
    pub renew_deadline: Duration,
    /// How long one call to the API server may take.
    pub call: Duration,
    /// How long the leader waits after a failed call.
    pub retry: Duration,
    /// How often a standby looks.
    pub poll: Duration,
}

impl Timing {
    /// - `lease` 8 s: with `poll` and two calls a standby leads 12 s after a kill at worst, within the 15 s promised;
    ///   longer breaks that, shorter makes a leader of a slow API server lose its lease for nothing.
    /// - `renew_deadline` 5 s: the 3 s up to `lease` are for writes under way when it passes. As long as `lease` or
    ///   longer, two could lead; much shorter, one slow call ends a leadership.
    /// - `renew_every` 2 s: leaves time for two more tries of `call` + `retry` before the deadline. More often only
    ///   costs writes.
    /// - `call` 1.5 s: above what a healthy API server takes (99 % within 1 s), and twice of it fit before the deadline.
    /// - `poll` 1 s: the takeover after a clean stop. Faster costs reads for nothing.
    pub const DEFAULT: Self = Self {
        lease: Duration::from_secs(8),
        renew_every: Duration::from_secs(2),
        renew_deadline: Duration::from_secs(5),
        call: Duration::from_millis(1500),
        retry: Duration::from_millis(250),
        poll: Duration::from_secs(1),
    };
}

/// Which lease is contended for, and by whom.
#[derive(Debug, Clone)]
pub struct LeaseConfig {
    namespace: String,
    name: String,
    identity: String,
    timing: Timing,
}

impl LeaseConfig {
    /// A contender on this host (the pod's name) for this lease. Its identity is the host's name and a random part:
    /// a process that restarts in its pod is another contender than the one before.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, host: &str) -> Self {
        // The standard library's hasher is seeded by the operating system for each process.
        let random = RandomState::new().hash_one(std::process::id());
        Self {
            namespace: namespace.into(),
            name: name.into(),
            identity: format!("{host}_{random:016x}"),
            timing: Timing::DEFAULT,
        }
    }

    /// The same with other times, for tests.
    #[must_use]
    pub fn with_timing(self, timing: Timing) -> Self {
        Self { timing, ..self }
    }

    /// The name this contender holds the lease under.
    pub fn identity(&self) -> &str {
        &self.identity
    }
}

/// Whether this process leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderState {
    /// Another process leads, or nobody does.
    Standby,
    /// This one does.
    Leader {
        /// Since when.
        since: Timestamp,
        /// The number of this leadership: greater than that of every one before it, of any process.
        term: i32,
    },
}

impl LeaderState {
    /// Whether it is `Leader`.
    pub fn leads(self) -> bool {
        matches!(self, Self::Leader { .. })
    }
}

/// The monotonic clock an election counts by, and until when it allows writing.
#[derive(Debug)]
struct Permit {
    origin: Instant,
    /// Nanoseconds after `origin`; 0 when nothing is allowed.
    until: AtomicU64,
}

impl Permit {
    fn now(&self) -> Moment {
        self.origin.elapsed()
    }

    fn set(&self, until: Option<Moment>) {
        let nanos = until.map_or(0, |until| u64::try_from(until.as_nanos()).unwrap_or(0));
        self.until.store(nanos, Ordering::Release);
    }

    fn allows(&self) -> bool {
        self.now() < Duration::from_nanos(self.until.load(Ordering::Acquire))
    }
}

/// Asked by whoever writes. Cheap to clone and to ask.
#[derive(Debug, Clone)]
pub struct Leadership {
    permit: Arc<Permit>,
    state: watch::Receiver<LeaderState>,
    /// Keeps the state of an unopposed leader alive.
    _sender: Option<Arc<watch::Sender<LeaderState>>>,
}

impl Leadership {
    /// The leadership of a process that nobody contends with: for an installation without election.
    pub fn unopposed(now: Timestamp) -> Self {
        let (sender, state) = watch::channel(LeaderState::Leader { since: now, term: 0 });
        let permit = Permit { origin: Instant::now(), until: AtomicU64::new(u64::MAX) };
        Self { permit: Arc::new(permit), state, _sender: Some(Arc::new(sender)) }
    }

    /// Whether a write may be sent now: the last renewal is recent enough that nobody else can lead. True for no
    /// longer than that, even if this process was stopped in between.
    pub fn may_write(&self) -> bool {
        self.permit.allows()
    }

    /// Whether this process leads, as last published.
    pub fn state(&self) -> LeaderState {
        if self.may_write() { *self.state.borrow() } else { LeaderState::Standby }
    }

    /// Changes of the state, for a loop that starts and stops by it.
    pub fn watch(&self) -> watch::Receiver<LeaderState> {
        self.state.clone()
    }

    /// Waits until this process leads. Never returns once the candidate is gone.
    pub async fn won(&self) -> LeaderState {
        let mut state = self.state.clone();
        if let Ok(state) = state.wait_for(|state| state.leads()).await {
            return *state;
        }
        std::future::pending().await
    }

    /// Waits until the leadership there is now has ended, even if another has begun since; returns at once if
    /// there is none, or if its candidate is gone.
    pub async fn lost(&self) {
        let mut state = self.state.clone();
        let now = *state.borrow_and_update();
        if now.leads() {
            // An error means that the candidate is gone, and the leadership with it.
            let _ = state.wait_for(|state| *state != now).await;
        }
    }
}

/// A contender that can be run.
#[derive(Debug)]
pub struct Candidate {
    config: LeaseConfig,
    contender: Contender,
    permit: Arc<Permit>,
    state: watch::Sender<LeaderState>,
    complaint: String,
}

impl Drop for Candidate {
    /// Whoever drops a candidate without letting it finish leads no longer.
    fn drop(&mut self) {
        self.permit.set(None);
        self.state.send_replace(LeaderState::Standby);
    }
}

/// Makes a contender and the handle its writers ask. Contends once [`Candidate::keep`] runs.
pub fn contend(config: LeaseConfig) -> (Candidate, Leadership) {
    let (sender, state) = watch::channel(LeaderState::Standby);
    let permit = Arc::new(Permit { origin: Instant::now(), until: AtomicU64::new(0) });
    let contender = Contender::new(config.identity.clone(), config.timing);
    let candidate =
        Candidate { config, contender, permit: permit.clone(), state: sender, complaint: String::new() };
    (candidate, Leadership { permit, state, _sender: None })
}

impl Candidate {
    /// Contends until `stop`, then releases the lease if it is held, so that a standby takes over at once.
    ///
    /// The caller resolves `stop` after its writers are done. Ends within four calls' time after `stop`.
    pub async fn keep(mut self, client: Client, stop: impl Future<Output = ()>) {
        let LeaseConfig { namespace, name, timing, .. } = &self.config;
        let mut calls = Calls::new(Api::namespaced(client, namespace), name, timing.call);
        let permit = self.permit.clone();
        tokio::pin!(stop);
        loop {
            let next = self.contender.next(permit.now(), Timestamp::now());
            self.publish();
            let end = self.contender.held(permit.now()).map(|held| permit.origin + held.until);
            let sent = permit.now();
            let answer = tokio::select! {
                biased;
                () = &mut stop => break,
                () = reached(end) => continue,
                answer = carry_out(&mut calls, next) => answer,
            };
            if let Some(answer) = answer {
                self.take_in(sent, answer);
                self.publish();
            }
        }
        let led = self.contender.held(permit.now()).is_some();
        self.contender.step_down();
        self.publish();
        if led {
            self.release(&mut calls).await;
        }
    }

    fn take_in(&mut self, sent: Moment, answer: Answer) {
        let now = self.permit.now();
        let mut complaint = String::new();
        match answer {
            Answer::Read(seen) => self.contender.read(now, seen),
            Answer::Wrote(seen) => self.contender.wrote(sent, now, seen),
            Answer::Refused => self.contender.refused(now),
            Answer::Failed(words) => {
                self.contender.failed(now);
                complaint = words;
            }
        }
        if !complaint.is_empty() && complaint != self.complaint {
            let LeaseConfig { namespace, name, .. } = &self.config;
            tracing::warn!(
                namespace,
                name,
                error = complaint,
                "the lease cannot be read or renewed; it is tried again"
            );
        }
        self.complaint = complaint;
    }

    /// Tells writers and watchers how it stands.
    fn publish(&self) {
        let held = self.contender.held(self.permit.now());
        self.permit.set(held.map(|held| held.until));
        self.state.send_if_modified(|state| {
            let term = match *state {
                LeaderState::Leader { term, .. } => Some(term),
                LeaderState::Standby => None,
            };
            if term == held.map(|held| held.term) {
                return false;
            }
            let identity = &self.config.identity;
            *state = if let Some(held) = held {
                tracing::info!(%identity, term = held.term, "leads");
                LeaderState::Leader { since: Timestamp::now(), term: held.term }
            } else {
                let holder = self.contender.holder();
                tracing::info!(%identity, %holder, "leads no longer");
                LeaderState::Standby
            };
            true
        });
    }

    /// Empties the lease if it is still ours. Tried twice: a renewal cut short by the stop may have gone through.
    async fn release(&self, calls: &mut Calls) {
        for _ in 0..2 {
            let Answer::Read(Some(seen)) = calls.read().await else { break };
            let Some(record) = self.contender.release(&seen.record, Timestamp::now()) else { return };
            match calls.replace(seen.version, &record).await {
                Answer::Wrote(_) => {
                    tracing::info!(identity = self.config.identity, "released the lease");
                    return;
                }
                Answer::Refused => {}
                Answer::Read(_) | Answer::Failed(_) => break,
            }
        }
        let wait = self.config.timing.lease.as_secs();
        tracing::warn!("the lease could not be released; a standby takes over after {wait}s");
    }
}

async fn carry_out(calls: &mut Calls, next: Move) -> Option<Answer> {
    match next {
        Move::Wait(wait) => {
            tokio::time::sleep(wait).await;
            None
        }
        Move::Read => Some(calls.read().await),
        Move::Create(record) => Some(calls.create(&record).await),
        Move::Replace { version, record } => Some(calls.replace(version, &record).await),
    }
}

/// Returns at that moment; never if there is none.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
