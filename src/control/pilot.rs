//! The leader's loop: which objectives there are, and when each is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinSet;

use super::charge::{Charge, understand};
use super::context::Context;
use super::life::Life;
use super::mirror::Seen;
use super::pass::{self, Seat};
use super::schedule::{Group, falls_on, next_second, partition};
use super::tell::{self, Resting};
use crate::api::v1alpha1::{Issues, Objective, ObjectiveStatus};
use crate::model::{Intent, ObjectId};
use crate::report::board::{ObjectiveRow, RowState};
use crate::report::metrics::QueryCounts;
use crate::report::publish::Subject;
use crate::report::status;

/// Changes are collected for this long before they are taken up: one `kubectl apply` of many files is one change.
const SETTLE: Duration = Duration::from_millis(20);
/// Objectives that no pass is made of are told again after this many seconds, in case a write was lost.
const REST: i64 = 60;

/// What is known of one objective besides its life.
#[derive(Debug)]
enum Standing {
    /// It can be looked at.
    Sound(Arc<Charge>),
    /// Its owner suspended it.
    Suspended,
    /// Its spec contradicts itself.
    Invalid(Issues),
    /// Its shape is not known.
    Unreadable(String),
}

#[derive(Debug)]
struct Entry {
    subject: Subject,
    /// Generation and annotations: what a new look at the spec depends on.
    edition: Edition,
    standing: Standing,
    life: Arc<Mutex<Life>>,
}

/// All objectives in the hands of the leader. Dropping it ends every pass that runs.
#[derive(Debug)]
pub struct Pilot {
    ctx: Context,
    entries: BTreeMap<ObjectId, Entry>,
    groups: Vec<Group>,
    /// Objectives to be looked at without waiting for their second.
    fresh: BTreeSet<ObjectId>,
    passes: JoinSet<()>,
    /// What the leader before left of objectives that the mirror does not show yet.
    inherited: Statuses,
}

/// Objectives' uids and statuses.
pub type Statuses = BTreeMap<ObjectId, (Option<String>, ObjectiveStatus)>;

impl Pilot {
    /// Takes over with the statuses as the API server holds them now: a mirror may lag behind the last write of
    /// the leader before.
    pub fn begin(ctx: Context, inherited: Statuses) -> Self {
        let mut pilot = Self {
            entries: BTreeMap::new(),
            groups: vec![],
            fresh: BTreeSet::new(),
            passes: JoinSet::new(),
            inherited,
            ctx,
        };
        pilot.ctx.objectives.take_changed();
        for (id, seen) in pilot.ctx.objectives.all() {
            pilot.take_up(&id, Some(seen));
        }
        pilot.regroup();
        pilot
    }

    /// Flies until `stop`, and then lets the passes that run finish. Dropping the future ends them at once.
    pub async fn fly(mut self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        loop {
            let second = next_second(Timestamp::now());
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = until(second) => {
                    self.take_changes();
                    self.look(second, false);
                }
                () = wake.notified() => {
                    tokio::time::sleep(SETTLE).await;
                    self.take_changes();
                    if !self.fresh.is_empty() {
                        let now = Timestamp::now();
                        self.look(Timestamp::from_second(now.as_second()).unwrap_or(now), true);
                    }
                }
            }
            self.settle();
        }
        while self.passes.join_next().await.is_some() {}
    }

    /// Takes in what has ended since.
    fn settle(&mut self) {
        let asked = self.ctx.asker.stats();
        let counts = QueryCounts { sent: asked.sent, shared: asked.shared, lost: asked.lost };
        self.ctx.metrics.set_queries(counts);
        while let Some(ended) = self.passes.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "a pass broke off; its objectives are looked at again at their next second");
            }
        }
    }

    fn take_changes(&mut self) {
        let changed = self.ctx.objectives.take_changed();
        let mut regroup = false;
        for id in changed {
            let seen = self.ctx.objectives.get(&id);
            regroup |= self.take_up(&id, seen);
        }
        if regroup {
            self.regroup();
        }
    }

    /// Takes up an object that came, changed or went; whether its spec is new.
    fn take_up(&mut self, id: &ObjectId, seen: Option<Seen<Objective>>) -> bool {
        let Some(seen) = seen else {
            self.ctx.metrics.board.remove(id);
            self.fresh.remove(id);
            return self.entries.remove(id).is_some();
        };
        let (subject, edition) = face(id, &seen);
        let known = self.entries.get(id).filter(|entry| entry.subject.uid == subject.uid);
        if known.is_some_and(|entry| entry.edition == edition) {
            return false;
        }
        let life = known.map(|entry| entry.life.clone()).unwrap_or_else(|| {
            let left = self.inherited.remove(id).filter(|(uid, _)| *uid == subject.uid);
            Arc::new(Mutex::new(Life::begin(left.map(|(_, status)| status))))
        });
        let standing = stand(seen);
        if !matches!(standing, Standing::Sound(..)) {
            self.ctx.metrics.board.put(id.clone(), ObjectiveRow::without_pass(standing.word()));
        }
        self.entries.insert(id.clone(), Entry { subject, edition, standing, life });
        self.fresh.insert(id.clone());
        true
    }

    fn regroup(&mut self) {
        let intents: Vec<&Intent> = self
            .entries
            .values()
            .filter_map(|entry| match &entry.standing {
                Standing::Sound(charge) => Some(&charge.intent),
                _ => None,
            })
            .collect();
        self.groups = partition(&intents);
    }

    /// Starts the passes that fall on this second, and those of objectives that are fresh.
    fn look(&mut self, second: Timestamp, only_fresh: bool) {
        let fresh = std::mem::take(&mut self.fresh);
        let groups = std::mem::take(&mut self.groups);
        for group in &groups {
            let is_fresh = !fresh.is_empty() && group.members.iter().any(|id| fresh.contains(id));
            if is_fresh || (!only_fresh && group.falls_on(second.as_second())) {
                self.start(group, second, is_fresh);
            }
        }
        self.groups = groups;
        let resting: Vec<ObjectId> = self
            .entries
            .iter()
            .filter(|(id, entry)| {
                let due = !only_fresh
                    && falls_on(second.as_second(), jiff::SignedDuration::from_secs(REST), &id.namespace);
                !matches!(entry.standing, Standing::Sound(..)) && (due || fresh.contains(*id))
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in resting {
            self.rest(&id);
        }
    }

    /// Starts one group's pass, unless its last one is still running.
    fn start(&mut self, group: &Group, at: Timestamp, fresh: bool) {
        let mut seats = Vec::with_capacity(group.members.len());
        for id in &group.members {
            let Some(entry) = self.entries.get(id) else { continue };
            let Standing::Sound(charge) = &entry.standing else { continue };
            let Ok(life) = entry.life.clone().try_lock_owned() else {
                self.ctx.left_out.fetch_add(1, Ordering::Relaxed);
                if fresh {
                    self.fresh.extend(group.members.iter().cloned());
                }
                return;
            };
            seats.push(Seat { subject: entry.subject.clone(), charge: charge.clone(), life });
        }
        let ctx = self.ctx.clone();
        self.passes.spawn(async move {
            let lag = Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default();
            let begun = Instant::now();
            pass::make(&ctx, seats, at).await;
            ctx.metrics.passed(lag, begun.elapsed());
        });
    }

    /// Tells the standing of an objective that no pass is made of.
    fn rest(&mut self, id: &ObjectId) {
        let Some(entry) = self.entries.get(id) else { return };
        let Ok(life) = entry.life.clone().try_lock_owned() else {
            self.fresh.insert(id.clone());
            return;
        };
        let (written, now) = (&life.written, Timestamp::now());
        let generation = entry.edition.0.unwrap_or(0);
        let after = match &entry.standing {
            Standing::Sound(_) => return,
            Standing::Suspended => status::suspended(generation, written, now),
            Standing::Invalid(issues) => status::invalid(issues, generation, written, now),
            Standing::Unreadable(detail) => status::unreadable(detail, generation, written, now),
        };
        let (ctx, mut resting) = (self.ctx.clone(), Resting { subject: entry.subject.clone(), life });
        self.passes.spawn(async move {
            tell::standing(&ctx, &mut resting, after).await;
        });
    }
}

impl Standing {
    /// The state the operator's metrics count it under.
    fn word(&self) -> RowState {
        match self {
            Self::Suspended => RowState::Suspended,
            _ => RowState::Invalid,
        }
    }
}

fn stand(seen: Seen<Objective>) -> Standing {
    match seen {
        Seen::Broken { detail, .. } => Standing::Unreadable(detail),
        Seen::Sound(object) if object.spec.suspend => Standing::Suspended,
        Seen::Sound(object) => match understand(&object) {
            Ok(charge) => Standing::Sound(Arc::new(charge)),
            Err(issues) => Standing::Invalid(issues),
        },
    }
}

type Edition = (Option<i64>, Option<BTreeMap<String, String>>);

fn face(id: &ObjectId, seen: &Seen<Objective>) -> (Subject, Edition) {
    let meta = match seen {
        Seen::Sound(object) => &object.metadata,
        Seen::Broken { meta, .. } => &**meta,
    };
    let resource = kube::api::ApiResource::erase::<Objective>(&());
    let subject = Subject { id: id.clone(), uid: meta.uid.clone(), resource };
    (subject, (meta.generation, meta.annotations.clone()))
}

/// Sleeps until a moment of the wall clock.
async fn until(moment: Timestamp) {
    let left = moment.duration_since(Timestamp::now());
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
}
