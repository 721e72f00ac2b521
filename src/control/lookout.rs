//! What each mapping of an objective sees ahead, held between passes.
//!
//! A sight is made anew from history when this process takes over and when what it stands on changes: the query, its
//! source, the interval, the start-up, the reserve, the capacity. Whatever else changes leaves it as it is.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::charge::{Charge, MappingQueries};
use super::gather::stale_after;
use super::keeping::{Keeping, View};
use super::recall::{Past, Recall, Recalling};
use super::schedule;
use crate::engine::Sight;
use crate::model::{
    CapacityModel, FrozenReference, Intent, Mapping, MappingFacts, MappingMemory, Memory, Money, Outlook,
    Reference, Reserve, Snapshot, SourceFault,
};
use crate::observe::SourceKey;

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
            let scene = Scene { intent, mapping, memory: &kept, queries, at: snapshot.at };
            facts.outlook = post.look(recall, &scene, source.as_ref().ok(), facts);
        }
    }
}

/// What one mapping's sight is made of and fed with, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    intent: &'a Intent,
    mapping: &'a Mapping,
    memory: &'a MappingMemory,
    queries: &'a MappingQueries,
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

    /// How far the moments of the sight are apart, where one is asked for.
    fn step(&self) -> Option<SignedDuration> {
        Sight::step_of(self.intent, self.mapping, self.memory)
    }

    fn past(&self, source: &SourceKey, step: SignedDuration) -> Past {
        Past {
            source: source.clone(),
            query: self.queries.demand.clone(),
            beside: self.queries.lost.clone(),
            stale_after: stale_after(&self.queries.demand),
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

impl View for Sight {
    type Seen = MappingFacts;
    type Light<'a> = &'a Scene<'a>;

    fn see(&mut self, scene: &Scene<'_>, at: Timestamp, facts: &MappingFacts) {
        Sight::see(self, scene.mapping, scene.memory, facts, at);
    }
}

/// One mapping's sight.
#[derive(Debug, Default)]
struct Post {
    ground: Option<Ground>,
    sight: Keeping<Sight>,
}

impl Post {
    fn look(
        &mut self,
        recall: &Arc<Recall>,
        scene: &Scene<'_>,
        source: Option<&SourceKey>,
        facts: &MappingFacts,
    ) -> Outlook {
        let Some(step) = scene.step() else {
            *self = Self::default();
            return Outlook::Off;
        };
        if let Some(source) = source.filter(|_| scene.is_measured()) {
            self.stand_on(scene, source);
            if facts.demand.present().is_some() {
                self.sight.lit(scene.at);
            }
            if self.sight.is_due(scene.at)
                && let Some(recalling) = recalling(recall, scene, source)
            {
                self.sight.begin(recalling);
            }
        }
        self.sight.pass(scene, scene.at, step, facts, || scene.sight());
        match self.sight.view() {
            Some(sight) => sight.outlook(scene.mapping, scene.memory),
            None => Outlook::Awaited,
        }
    }

    /// Takes up what is to be stood on. A sight that merely drifted stays in use until its successor is there.
    fn stand_on(&mut self, scene: &Scene<'_>, source: &SourceKey) {
        match self.ground.as_ref().map_or(Footing::Other, |ground| ground.under(scene, source)) {
            Footing::Firm => {}
            Footing::Drifted if self.sight.is_recalling() => {}
            Footing::Drifted => {
                self.ground = Some(Ground::of(scene, source));
                self.sight.renew(scene.at);
            }
            Footing::Other => {
                *self = Self { ground: Some(Ground::of(scene, source)), ..Self::default() };
            }
        }
    }
}

/// Begins to read the history of a scene's demand, and of what of it was lost where a query says so.
fn recalling(recall: &Arc<Recall>, scene: &Scene<'_>, source: &SourceKey) -> Option<Recalling<Sight>> {
    let mut sight = scene.sight()?;
    let past = scene.past(source, sight.step());
    let (mapping, memory) = (scene.mapping.clone(), scene.memory.clone());
    Some(Recalling::begin(recall.clone(), past, move |demand, lost| {
        for (at, demand) in demand.moments() {
            let lost = lost.and_then(|lost| lost.at(at));
            sight.recall_with(&mapping, &memory, at, demand, lost);
        }
        sight
    }))
}

#[cfg(test)]
mod tests;
