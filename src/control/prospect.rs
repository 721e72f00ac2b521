//! What is known ahead of an objective's goal, held between passes.
//!
//! Made anew from the indicator's history when this process takes over and when the query, its source, the zone or
//! the horizon change; fed by passes from then on.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::charge::Charge;
use super::gather::stale_after;
use super::keeping::{Keeping, View};
use super::recall::{Past, Recall, Recalling};
use super::schedule;
use crate::engine::risk::KpiForesight;
use crate::model::{GoalOutlook, Intent, Memory, Snapshot};
use crate::observe::SourceKey;

/// From one moment of the indicator's history to the next: several in each of the five minutes whose mean is kept, so
/// that the past jitters no more than what passes see.
const STEP: SignedDuration = SignedDuration::from_mins(1);

/// What a forecast of the goal stands on.
#[derive(Debug, Clone, PartialEq)]
struct Ground {
    source: SourceKey,
    query: String,
    zone: TimeZone,
    history: SignedDuration,
    horizon: SignedDuration,
    /// How long after five minutes are complete they are looked at.
    delay: SignedDuration,
}

impl Ground {
    fn of(intent: &Intent, source: &SourceKey) -> Self {
        Self {
            source: source.clone(),
            query: intent.indicator.query.clone(),
            zone: intent.zone.clone(),
            history: intent.policy.forecast.history,
            horizon: intent.policy.forecast.horizon,
            delay: schedule::offset(SignedDuration::from_mins(5), &intent.id.to_string()),
        }
    }

    /// A forecast that knows nothing but what was last told.
    fn blank(&self, at_risk: bool) -> KpiForesight {
        let mut blank = KpiForesight::new(self.zone.clone(), self.horizon).delayed(self.delay);
        blank.resume(at_risk);
        blank
    }

    /// Begins to read the indicator's history.
    fn recalling(&self, recall: &Arc<Recall>, charge: &Charge, at_risk: bool) -> Recalling<KpiForesight> {
        let past = Past {
            source: self.source.clone(),
            query: charge.indicator.clone(),
            beside: None,
            stale_after: stale_after(&charge.indicator),
            step: STEP,
            offset: SignedDuration::ZERO,
            reach: self.history,
        };
        let mut made = self.blank(at_risk);
        Recalling::begin(recall.clone(), past, move |history, _| {
            for (at, value) in history.moments() {
                made.advance(at, value);
            }
            made
        })
    }
}

impl View for KpiForesight {
    type Seen = Option<f64>;
    type Light<'a> = ();

    fn see(&mut self, (): (), at: Timestamp, seen: &Option<f64>) {
        self.advance(at, *seen);
    }
}

/// One objective's forecast of its goal.
#[derive(Debug, Default)]
pub struct Prospect {
    ground: Option<Ground>,
    foresight: Keeping<KpiForesight>,
}

impl Prospect {
    /// Takes in the indicator of a pass, and puts into the facts what is known ahead of the goal. `at_risk` is what was
    /// last told.
    pub fn look(
        &mut self,
        recall: &Arc<Recall>,
        charge: &Charge,
        memory: &Memory,
        source: Option<&SourceKey>,
        at_risk: bool,
        snapshot: &mut Snapshot,
    ) {
        let intent = &charge.intent;
        if !intent.policy.forecast.auto {
            *self = Self::default();
            return;
        }
        if let Some(ground) = source.map(|source| Ground::of(intent, source))
            && self.ground.as_ref() != Some(&ground)
        {
            *self = Self { ground: Some(ground), foresight: Keeping::default() };
        }
        let (at, indicator) = (snapshot.at, snapshot.indicator.present());
        if indicator.is_some() {
            self.foresight.lit(at);
        }
        if let Some(ground) = self.ground.as_ref().filter(|_| source.is_some() && self.foresight.is_due(at)) {
            self.foresight.begin(ground.recalling(recall, charge, at_risk));
        }
        let blank = || self.ground.as_ref().map(|ground| ground.blank(at_risk));
        self.foresight.pass((), at, STEP, &indicator, blank);
        snapshot.outlook = match self.foresight.view() {
            Some(foresight) => foresight.outlook(&intent.goal, memory.baseline, at),
            None => GoalOutlook::Quiet("the indicator's history is being read".to_owned()),
        };
    }
}
