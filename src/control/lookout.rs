//! What each mapping of an objective sees ahead, held between passes.
//!
//! A sight is made anew from history when this process takes over and when what it stands on changes: the query, its
//! source, the interval, the start-up, the reserve, the capacity. That happens in the background; what passes see
//! meanwhile is kept and joins the history where it ends, so that no moment is missing and none counts twice.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::charge::Charge;
use super::gather::stale_after;
use super::recall::{Past, Recall, Recalled, Recalling};
use super::schedule;
use crate::engine::Sight;
use crate::model::{
    CapacityModel, FrozenReference, Intent, Mapping, MappingFacts, MappingMemory, Memory, Money, Outlook,
    Reference, Reserve, Snapshot, SourceFault,
};
use crate::observe::{Checked, SourceKey};

/// So many moments are kept while a history is read: an hour at 15 s, many times what reading may take.
const KEPT: usize = 240;
/// A history that could not be read whole is read again after this long, then after twice as long, and so on.
const FIRST_AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// And at most after this long.
const LAST_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// After so many failures decisions stop waiting for the history and stand on what passes see: a source that has no
/// history to give must not keep capacity high for ever.
const PATIENCE: u32 = 3;
/// A demand that passes did not see for longer than this is looked up in the history.
const DARK: SignedDuration = SignedDuration::from_mins(5);
/// What one replica is learned to carry may move this far before the history is seen in its light anew.
const DRIFT: f64 = 0.02;

/// The sights of an objective's mappings.
#[derive(Debug, Default)]
pub struct Lookout {
    posts: Vec<Post>,
}

impl Lookout {
    /// Takes in the facts of a pass and puts into them what is known ahead.
    pub fn look(
        &mut self,
        recall: &Arc<Recall>,
        charge: &Charge,
        memory: &Memory,
        source: &Result<SourceKey, SourceFault>,
        snapshot: &mut Snapshot,
    ) {
        let intent = &charge.intent;
        self.posts.resize_with(intent.mappings.len(), Post::default);
        let mappings = intent.mappings.iter().zip(&charge.mappings).zip(&mut snapshot.mappings);
        for (post, ((mapping, queries), facts)) in self.posts.iter_mut().zip(mappings) {
            let kept = memory.mapping(&mapping.name);
            let scene = Scene { intent, mapping, memory: &kept, query: &queries.demand, at: snapshot.at };
            facts.outlook = post.look(recall, &scene, source.as_ref().ok(), facts);
        }
    }
}

/// What one mapping's sight is made of and fed with, at one moment.
#[derive(Debug, Clone, Copy)]
struct Scene<'a> {
    intent: &'a Intent,
    mapping: &'a Mapping,
    memory: &'a MappingMemory,
    query: &'a Arc<Checked>,
    at: Timestamp,
}

impl Scene<'_> {
    /// Whether a demand can be told in replicas yet.
    fn is_measured(&self) -> bool {
        let measured = matches!(
            self.mapping.capacity,
            CapacityModel::Proportional { reference: Reference::Measured { .. }, .. }
        );
        !measured || self.memory.reference.is_some()
    }

    /// What one replica carries, where that is learned.
    fn carries(&self) -> Option<f64> {
        let CapacityModel::Learned(model) = &self.mapping.capacity else { return None };
        Some(self.memory.learned.as_ref().map_or(model.initial, |learned| learned.carries))
    }

    /// A sight that knows nothing yet, where one is asked for.
    fn sight(&self) -> Option<Sight> {
        Sight::new(self.intent, self.mapping, self.memory, SignedDuration::ZERO)
    }

    fn past(&self, source: &SourceKey, step: SignedDuration) -> Past {
        Past {
            source: source.clone(),
            query: self.query.clone(),
            stale_after: stale_after(self.query),
            step,
            offset: schedule::offset(self.intent.interval, &self.intent.id.namespace),
            reach: self.intent.policy.forecast.history,
        }
    }
}

/// What a sight stands on. Whatever else changes, it goes on as it is.
#[derive(Debug)]
struct Ground {
    source: SourceKey,
    query: String,
    interval: SignedDuration,
    history: SignedDuration,
    zone: TimeZone,
    startup: SignedDuration,
    capacity: CapacityModel,
    reserve: Reserve,
    cost: Option<Money>,
    reference: Option<FrozenReference>,
    carries: Option<f64>,
}

impl Ground {
    fn of(scene: &Scene<'_>, source: &SourceKey) -> Self {
        let Scene { intent, mapping, memory, .. } = scene;
        Self {
            source: source.clone(),
            query: mapping.demand.query.clone(),
            interval: intent.interval,
            history: intent.policy.forecast.history,
            zone: intent.zone.clone(),
            startup: mapping.startup,
            capacity: mapping.capacity.clone(),
            reserve: mapping.reserve.clone(),
            cost: mapping.cost.clone(),
            reference: memory.reference,
            carries: scene.carries(),
        }
    }

    /// How a scene compares with this.
    fn under(&self, scene: &Scene<'_>, source: &SourceKey) -> Footing {
        let Scene { intent, mapping, memory, .. } = scene;
        let same = self.source == *source
            && self.query == mapping.demand.query
            && self.interval == intent.interval
            && self.history == intent.policy.forecast.history
            && self.zone == intent.zone
            && self.startup == mapping.startup
            && self.capacity == mapping.capacity
            && self.reserve == mapping.reserve
            && self.cost == mapping.cost
            && self.reference == memory.reference;
        match (self.carries, scene.carries()) {
            _ if !same => Footing::Other,
            (Some(then), Some(now)) if (now / then - 1.0).abs() > DRIFT => Footing::Drifted,
            _ => Footing::Firm,
        }
    }
}

/// How what a sight stands on compares with what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Footing {
    /// The same.
    Firm,
    /// Only what a replica is learned to carry has moved.
    Drifted,
    /// Something else.
    Other,
}

/// One mapping's sight.
#[derive(Debug, Default)]
struct Post {
    ground: Option<Ground>,
    sight: Option<Sight>,
    /// How many moments of its history had a number.
    present: usize,
    recalling: Option<Recalling<Sight>>,
    /// What passes saw since the history is being read.
    seen: VecDeque<(Timestamp, MappingFacts)>,
    /// When a pass last saw a demand.
    lit: Option<Timestamp>,
    /// When the history is read again, and how often it could not be read whole.
    again: Option<Timestamp>,
    failures: u32,
}

impl Post {
    fn look(
        &mut self,
        recall: &Arc<Recall>,
        scene: &Scene<'_>,
        source: Option<&SourceKey>,
        facts: &MappingFacts,
    ) -> Outlook {
        if !Sight::is_asked_for(scene.intent, scene.mapping, scene.memory) {
            *self = Self::default();
            return Outlook::Off;
        }
        if let Some(source) = source.filter(|_| scene.is_measured()) {
            self.stand_on(scene, source);
            self.notice_dark(scene, facts);
            if self.recalling.is_none() && self.is_due(scene.at) {
                self.begin(recall, scene, source);
            }
        }
        self.note(scene, facts);
        if let Some(ended) = self.recalling.as_mut().and_then(Recalling::done) {
            self.recalling = None;
            self.take(ended, scene);
        }
        let Some(sight) = &mut self.sight else { return Outlook::Awaited };
        sight.see(scene.mapping, scene.memory, facts, scene.at);
        sight.outlook(scene.mapping, scene.memory)
    }

    /// Whether its history is to be read now.
    fn is_due(&self, at: Timestamp) -> bool {
        self.again.map_or(self.sight.is_none(), |again| at >= again)
    }

    /// Takes up what is to be stood on. A sight that merely drifted stays in use until its successor is there.
    fn stand_on(&mut self, scene: &Scene<'_>, source: &SourceKey) {
        match self.ground.as_ref().map_or(Footing::Other, |ground| ground.under(scene, source)) {
            Footing::Firm => {}
            Footing::Drifted if self.recalling.is_some() => {}
            Footing::Drifted => {
                (self.ground, self.again) = (Some(Ground::of(scene, source)), Some(scene.at));
            }
            Footing::Other => *self = Self { ground: Some(Ground::of(scene, source)), ..Self::default() },
        }
    }

    /// Has the history read again once the demand is seen after a long time: the source may know what passes missed.
    fn notice_dark(&mut self, scene: &Scene<'_>, facts: &MappingFacts) {
        if facts.demand.present().is_none() {
            return;
        }
        let dark = self.lit.replace(scene.at).is_some_and(|lit| scene.at.duration_since(lit) > DARK);
        if dark && self.sight.is_some() {
            self.again = Some(scene.at);
        }
    }

    fn begin(&mut self, recall: &Arc<Recall>, scene: &Scene<'_>, source: &SourceKey) {
        let Some(mut blank) = scene.sight() else { return };
        let past = scene.past(source, blank.step());
        let (mapping, memory) = (scene.mapping.clone(), scene.memory.clone());
        self.seen.clear();
        self.again = None;
        self.recalling = Some(Recalling::begin(recall.clone(), past, move |history| {
            for (at, demand) in history.moments() {
                blank.recall(&mapping, &memory, at, demand);
            }
            blank
        }));
    }

    /// Keeps what passes see while the history is read.
    fn note(&mut self, scene: &Scene<'_>, facts: &MappingFacts) {
        if self.recalling.is_some() {
            if self.seen.len() == KEPT {
                self.seen.pop_front();
            }
            self.seen.push_back((scene.at, facts.clone()));
        }
    }

    /// Takes up what was made of the history, unless what is there stands on more.
    fn take(&mut self, ended: Result<Recalled<Sight>, ()>, scene: &Scene<'_>) {
        let seen = std::mem::take(&mut self.seen);
        let whole = ended.as_ref().is_ok_and(Recalled::is_whole);
        self.failures = if whole { 0 } else { self.failures.saturating_add(1) };
        self.again = (!whole).then(|| scene.at.saturating_add(wait(self.failures)).unwrap_or(Timestamp::MAX));
        let (made, present) = ended.map_or((None, 0), |recalled| (Some(recalled.made), recalled.present));
        let more = whole
            || match self.sight {
                Some(_) => present > self.present,
                None => present > 0 || self.failures >= PATIENCE,
            };
        let Some(mut sight) = made.or_else(|| scene.sight()).filter(|_| more) else { return };
        for (at, facts) in seen {
            sight.see(scene.mapping, scene.memory, &facts, at);
        }
        (self.sight, self.present) = (Some(sight), present);
    }
}

/// How long to wait after so many failures.
fn wait(failures: u32) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_AGAIN.saturating_mul(1 << doublings).min(LAST_AGAIN)
}

#[cfg(test)]
mod tests;
