//! What is known ahead of an objective's goal, held between passes.
//!
//! Made anew from the indicator's history when this process takes over and when the query, its source, the zone or
//! the horizon change; fed by passes from then on.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::charge::Charge;
use super::gather::stale_after;
use super::recall::{Past, Recall, Recalled, Recalling};
use crate::engine::risk::KpiForesight;
use crate::model::{GoalOutlook, Intent, Memory, Snapshot};
use crate::observe::SourceKey;

/// From one moment of the indicator's history to the next: several in each of the five minutes whose mean is kept, so
/// that the past jitters no more than what passes see.
const STEP: SignedDuration = SignedDuration::from_mins(1);
/// A history that could not be read whole is read again after this long.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// What a forecast of the goal stands on.
#[derive(Debug, Clone, PartialEq)]
struct Ground {
    source: SourceKey,
    query: String,
    zone: TimeZone,
    history: SignedDuration,
    horizon: SignedDuration,
}

impl Ground {
    fn of(intent: &Intent, source: &SourceKey) -> Self {
        Self {
            source: source.clone(),
            query: intent.indicator.query.clone(),
            zone: intent.zone.clone(),
            history: intent.policy.forecast.history,
            horizon: intent.policy.forecast.horizon,
        }
    }

    fn blank(&self) -> KpiForesight {
        KpiForesight::new(self.zone.clone(), self.horizon)
    }
}

/// One objective's forecast of its goal.
#[derive(Debug, Default)]
pub struct Prospect {
    ground: Option<Ground>,
    foresight: Option<KpiForesight>,
    recalling: Option<Recalling<KpiForesight>>,
    again: Option<Timestamp>,
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
            *self = Self { ground: Some(ground), again: Some(snapshot.at), ..Self::default() };
        }
        self.recall(recall, charge, snapshot.at);
        self.take(at_risk, snapshot.at);
        let Some(foresight) = &mut self.foresight else {
            snapshot.outlook = GoalOutlook::Quiet("the indicator's history is being read".to_owned());
            return;
        };
        foresight.advance(snapshot.at, snapshot.indicator.present());
        snapshot.outlook = foresight.outlook(&intent.goal, memory.baseline, snapshot.at);
    }

    fn recall(&mut self, recall: &Arc<Recall>, charge: &Charge, at: Timestamp) {
        let (Some(ground), None) = (&self.ground, &self.recalling) else { return };
        if self.again.is_none_or(|again| at < again) {
            return;
        }
        let past = Past {
            source: ground.source.clone(),
            query: charge.indicator.clone(),
            beside: None,
            stale_after: stale_after(&charge.indicator),
            step: STEP,
            offset: SignedDuration::ZERO,
            reach: ground.history,
        };
        let mut blank = ground.blank();
        self.again = None;
        self.recalling = Some(Recalling::begin(recall.clone(), past, move |history, _| {
            for (at, value) in history.moments() {
                blank.advance(at, value);
            }
            blank
        }));
    }

    /// Takes up what was made of the history. One that broke off is read again; until then passes alone teach.
    fn take(&mut self, at_risk: bool, at: Timestamp) {
        let (Some(ended), Some(ground)) = (self.recalling.as_mut().and_then(Recalling::done), &self.ground)
        else {
            return;
        };
        self.recalling = None;
        if !ended.as_ref().is_ok_and(Recalled::is_whole) {
            self.again = Some(at.saturating_add(AGAIN).unwrap_or(Timestamp::MAX));
        }
        let made = ended.ok().filter(|recalled| recalled.present > 0 || self.foresight.is_none());
        let mut made = match made {
            Some(recalled) => recalled.made,
            None if self.foresight.is_none() => ground.blank(),
            None => return,
        };
        made.resume(at_risk);
        self.foresight = Some(made);
    }
}
