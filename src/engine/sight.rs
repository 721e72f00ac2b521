//! What one mapping sees ahead: its forecast, fed from facts and told as one decision may look at it.
//!
//! The live operator feeds a [`Sight`] from the metric source's history and from its passes, the back-test from a
//! recording; both ask the same [`Sight::outlook`].

use jiff::{SignedDuration, Timestamp};

use super::capacity;
use super::forecast::{Aim, Foresight, LossSource, Standing, Terms, Tick};
use crate::model::{
    Foreseen, Intent, Mapping, MappingFacts, MappingMemory, Money, Outlook, Priced, Replicas, Reserve,
    TargetState, Unserved,
};

/// The grid of the samples, unless an objective is looked at more seldom.
const STEP: i64 = 15;
/// An objective that is looked at more seldom than this has no forecast: it could not be used in time.
const LONGEST_STEP: i64 = 300;
/// The price of a replica where no reserve is set by it; the figures of the distribution do not depend on it.
const ANY_PRICE: f64 = 0.05;

/// One mapping's forecast.
#[derive(Debug, Clone)]
pub struct Sight {
    foresight: Foresight,
    step: i64,
}

impl Sight {
    /// A sight that knows nothing yet; `None` where no forecast is asked for, or the capacity is not known.
    ///
    /// `age` is how old the newest sample is when it is decided on.
    pub fn new(
        intent: &Intent,
        mapping: &Mapping,
        memory: &MappingMemory,
        age: SignedDuration,
    ) -> Option<Self> {
        let step = step(intent)?;
        let terms = Terms {
            step: SignedDuration::from_secs(step),
            startup: mapping.startup.max(intent.interval),
            age,
            aim: aim(mapping, memory)?,
            zone: intent.zone.clone(),
        };
        Some(Self { foresight: Foresight::new(terms), step })
    }

    /// The step of a sight's grid; `None` where no forecast is asked for, or the capacity is not known.
    pub fn step_of(intent: &Intent, mapping: &Mapping, memory: &MappingMemory) -> Option<SignedDuration> {
        aim(mapping, memory)?;
        step(intent).map(SignedDuration::from_secs)
    }

    /// From one moment of the grid to the next: 15 s, the next multiple of the interval above it, or the interval.
    pub fn step(&self) -> SignedDuration {
        SignedDuration::from_secs(self.step)
    }

    /// The newest moment taken in.
    pub fn newest(&self) -> Option<Timestamp> {
        self.foresight.newest()
    }

    /// Whether a moment of the grid has begun that is not taken in yet.
    pub fn is_due(&self, at: Timestamp) -> bool {
        let moment = |at: Timestamp| at.as_second().div_euclid(self.step);
        self.newest().is_none_or(|newest| moment(at) > moment(newest))
    }

    /// Takes in one moment of the history, oldest first. `demand` is in its own unit; `None` is a gap.
    pub fn recall(&mut self, mapping: &Mapping, memory: &MappingMemory, at: Timestamp, demand: Option<f64>) {
        self.recall_with(mapping, memory, at, demand, None);
    }

    /// The same, with what of the demand met no capacity, where that was measured.
    pub fn recall_with(
        &mut self,
        mapping: &Mapping,
        memory: &MappingMemory,
        at: Timestamp,
        demand: Option<f64>,
        lost: Option<f64>,
    ) {
        self.tick(mapping, memory, at, [demand, lost], None);
    }

    /// Takes in the facts of a pass, if a moment of the grid has begun.
    pub fn see(&mut self, mapping: &Mapping, memory: &MappingMemory, facts: &MappingFacts, at: Timestamp) {
        if !self.is_due(at) {
            return;
        }
        let present = |sample: Option<&crate::model::Sample>| sample.and_then(crate::model::Sample::present);
        let ready = match &facts.target {
            TargetState::Known(workload) => workload.ready.map(Replicas::as_f64),
            TargetState::Unknown(_) => None,
        };
        let numbers = [facts.demand.present(), present(facts.lost.as_ref())];
        self.tick(mapping, memory, at, numbers, ready);
    }

    fn tick(
        &mut self,
        mapping: &Mapping,
        memory: &MappingMemory,
        at: Timestamp,
        [asked, lost]: [Option<f64>; 2],
        ready: Option<f64>,
    ) {
        let need = |demand: f64| capacity::need(&mapping.capacity, memory, demand);
        let lost = asked.zip(lost).and_then(|(asked, lost)| Some(need(asked)? - need(asked - lost)?));
        self.foresight.advance(&Tick { at, demand: asked.and_then(need), lost, ready });
    }

    /// What a decision may look at.
    pub fn outlook(&self, mapping: &Mapping, memory: &MappingMemory) -> Outlook {
        match self.foresight.standing() {
            Standing::Learning { have, need } => Outlook::Learning { have, need },
            Standing::Unskilled { skill } => Outlook::Unskilled { skill },
            Standing::Ready => self.foreseen(mapping, memory).map_or(Outlook::Awaited, Outlook::Ready),
        }
    }

    fn foreseen(&self, mapping: &Mapping, memory: &MappingMemory) -> Option<Foreseen> {
        let seen = self.foresight.foreseen()?;
        let skill = self.foresight.skill();
        let demand = |need: f64| capacity::carried(&mapping.capacity, memory, need);
        let priced = self.foresight.wish().filter(|_| mapping.reserve.is_forecast()).map(|wish| Priced {
            replicas: Replicas(wish.replicas),
            price: wish.price,
            saving: wish.saving,
            next: wish.next_saving,
        });
        Some(Foreseen {
            horizon: seen.horizon,
            expected: demand(seen.expected)?,
            upper: demand(seen.upper)?,
            skill: skill.over_naive.unwrap_or_default(),
            coverage: skill.coverage,
            wish: priced,
            unserved: self.foresight.losses().map(|losses| Unserved {
                share: losses.share,
                measured: losses.source == LossSource::Measured,
            }),
        })
    }
}

/// The step of the grid in seconds, where a forecast is asked for.
fn step(intent: &Intent) -> Option<i64> {
    let interval = intent.interval.as_secs().max(1);
    let step = if interval >= STEP { interval } else { (STEP + interval - 1) / interval * interval };
    (intent.policy.forecast.auto && step <= LONGEST_STEP).then_some(step)
}

/// What the replicas are weighed by.
fn aim(mapping: &Mapping, memory: &MappingMemory) -> Option<Aim> {
    Some(match &mapping.reserve {
        Reserve::Headroom(_) => Aim::Price(ANY_PRICE),
        Reserve::Unserved(share) => Aim::Unserved(*share),
        Reserve::Price(price) => Aim::Price(*price),
        Reserve::Quantile(quantile) => Aim::Quantile(*quantile),
        Reserve::Worth(worth) => {
            let carries = capacity::carried(&mapping.capacity, memory, 1.0)?;
            Aim::Price(price(mapping.cost.as_ref()?, worth, carries))
        }
    })
}

/// The price of a replica, in replicas' worth of demand: what it costs, against what the demand it carries is worth.
///
/// A replica at 0.36 USD an hour that carries 100 requests/s, each worth 0.00001 USD, carries 3.60 USD an hour: it is
/// worth holding from a tenth of its capacity on.
fn price(cost: &Money, worth: &Money, carries: f64) -> f64 {
    cost.amount / (worth.amount * carries * 3600.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::scenario::{at, intent, present, snapshot};

    fn usd(amount: f64) -> Money {
        Money { amount, currency: "USD".to_owned() }
    }

    #[test]
    fn the_price_of_a_replica_follows_from_its_cost_and_the_worth_of_demand() {
        assert!((price(&usd(0.36), &usd(0.000_01), 100.0) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn the_grid_is_fifteen_seconds_or_the_next_multiple_of_the_interval() {
        for (interval, wanted) in
            [(1, Some(15)), (5, Some(15)), (10, Some(20)), (15, Some(15)), (60, Some(60)), (3600, None)]
        {
            let mut intent = intent("checkout");
            intent.policy.forecast.auto = true;
            intent.interval = SignedDuration::from_secs(interval);
            assert_eq!(step(&intent), wanted, "{interval} s");
            let (mapping, memory) = (&intent.mappings[0], &MappingMemory::default());
            assert_eq!(Sight::step_of(&intent, mapping, memory), wanted.map(SignedDuration::from_secs));
        }
    }

    #[test]
    fn passes_within_one_moment_of_the_grid_are_taken_in_once() {
        let mut intent = intent("checkout");
        intent.policy.forecast.auto = true;
        let (mapping, memory) = (intent.mappings[0].clone(), MappingMemory::default());
        let mut sight = Sight::new(&intent, &mapping, &memory, SignedDuration::ZERO).unwrap();
        for second in (0..3600).step_by(5) {
            let facts = &snapshot(second, present(250.0, second), 3).mappings[0];
            sight.see(&mapping, &memory, facts, at(second));
        }
        let Outlook::Learning { have, .. } = sight.outlook(&mapping, &memory) else { panic!("it learns") };
        assert_eq!(have, SignedDuration::from_hours(1));
        for second in (3600..4 * 3600).step_by(15) {
            sight.recall(&mapping, &memory, at(second), Some(250.0));
        }
        let Outlook::Ready(seen) = sight.outlook(&mapping, &memory) else { panic!("it has learnt") };
        assert!((seen.expected - 250.0).abs() < 5.0, "{seen:?}");
        assert_eq!(seen.wish, None, "a headroom sets the reserve");
    }

    #[test]
    fn no_forecast_is_kept_where_none_is_asked_for() {
        let intent = intent("checkout");
        assert!(
            Sight::new(&intent, &intent.mappings[0], &MappingMemory::default(), SignedDuration::ZERO)
                .is_none()
        );
    }
}
