//! What is known ahead, beside what is observed.
//!
//! With a fixed headroom the demand expected at the lead time joins the demand observed, and the larger of the two is
//! planned for: a forecast adds before the demand is there and takes nothing away. Where the forecast sets the
//! reserve it decides alone, in both directions, from what each replica is expected to save.

use super::capacity;
use crate::model::{Basis, Foreseen, Mapping, MappingMemory, Outlook, Priced, Reason, Replicas, Reserve};

/// What the forecast asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ahead {
    /// How many replicas.
    pub(super) replicas: Replicas,
    /// The demand they are planned for.
    pub(super) planned: f64,
    /// On what it stands.
    pub(super) basis: Basis,
    /// Why.
    pub(super) reason: Reason,
}

/// What the forecast asks for beside an observed need of so many replicas, if it asks for anything.
pub(super) fn look(
    mapping: &Mapping,
    memory: &MappingMemory,
    outlook: &Outlook,
    observed: Replicas,
) -> Option<Ahead> {
    let Outlook::Ready(foreseen) = outlook else { return None };
    match (&mapping.reserve, foreseen.wish) {
        (Reserve::Headroom(headroom), _) => {
            expected(mapping, memory, foreseen, *headroom).filter(|ahead| ahead.replicas > observed)
        }
        (_, Some(wish)) => priced(mapping, memory, foreseen, to_zero(wish, observed)),
        (_, None) => None,
    }
}

fn expected(mapping: &Mapping, memory: &MappingMemory, foreseen: &Foreseen, headroom: f64) -> Option<Ahead> {
    let (expected, upper) = (foreseen.expected, foreseen.upper);
    let planned = expected * (1.0 + headroom);
    let replicas = capacity::needed(&mapping.capacity, memory, planned)?;
    let unit = mapping.demand.unit.clone();
    let reason = Reason::ExpectedDemand { expected, upper, horizon: foreseen.horizon, unit, needs: replicas };
    Some(Ahead { replicas, planned, basis: Basis::Expected, reason })
}

/// A forecast never wants less than one replica. Where nothing is asked for and the one is not expected to save its
/// price, none is wanted; the bounds say whether that may be.
fn to_zero(wish: Priced, observed: Replicas) -> Priced {
    let idle = observed == Replicas(0) && wish.replicas == Replicas(1) && wish.saving < wish.price;
    if idle { Priced { replicas: Replicas(0), saving: 0.0, next: wish.saving, ..wish } } else { wish }
}

fn priced(mapping: &Mapping, memory: &MappingMemory, foreseen: &Foreseen, wish: Priced) -> Option<Ahead> {
    let demand = |need| capacity::carried(&mapping.capacity, memory, need);
    let planned = demand(wish.replicas.as_f64())?;
    // What the last replica carries: the unit in which savings and prices are told.
    let carries = planned - demand(wish.replicas.as_f64() - 1.0)?;
    let reason = Reason::PricedReplica {
        replicas: wish.replicas,
        saving: wish.saving * carries,
        next: wish.next * carries,
        price: wish.price * carries,
        horizon: foreseen.horizon,
        unit: mapping.demand.unit.clone(),
    };
    Some(Ahead { replicas: wish.replicas, planned, basis: Basis::Priced, reason })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::engine::{Member, plan};
    use crate::model::scenario::{intent, present, snapshot};

    /// 500 requests/s are expected in 75 s, 700 in one case of twenty; the reserve wants seven replicas.
    fn foreseen() -> Foreseen {
        Foreseen {
            horizon: SignedDuration::from_secs(75),
            expected: 500.0,
            upper: 700.0,
            skill: 0.2,
            coverage: [0.5, 0.9, 0.99],
            wish: Some(Priced { replicas: Replicas(7), price: 0.05, saving: 0.09, next: 0.01 }),
            unserved: None,
        }
    }

    fn decided(reserve: Reserve, demand: f64, running: u32, outlook: Outlook) -> crate::model::Decision {
        let mut intent = intent("checkout");
        intent.mappings[0].reserve = reserve;
        let mut snapshot = snapshot(0, present(demand, 0), running);
        snapshot.mappings[0].outlook = outlook;
        let memory = crate::model::Memory::default();
        let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
        plans[0].decisions[0].clone()
    }

    #[test]
    fn with_a_headroom_the_larger_of_observed_and_expected_is_planned_for() {
        for (demand, wanted, basis) in [(300.0, 6, Basis::Expected), (900.0, 11, Basis::Observed)] {
            let made = decided(Reserve::Headroom(0.2), demand, 1, Outlook::Ready(foreseen()));
            assert_eq!((made.desired, made.basis), (Replicas(wanted), basis), "{demand}");
        }
        let made = decided(Reserve::Headroom(0.2), 300.0, 1, Outlook::Ready(foreseen()));
        let words: Vec<String> = made.reasons.iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            [
                "300 requests/s (360 with headroom) need 4 replicas",
                "500 requests/s are expected in 1m15s (up to 700 in 19 of 20 cases); with headroom they need 6 replicas"
            ]
        );
    }

    #[test]
    fn where_the_forecast_sets_the_reserve_it_decides_in_both_directions_and_says_what_a_replica_saves() {
        for running in [3, 12] {
            let made = decided(Reserve::Unserved(0.003), 600.0, running, Outlook::Ready(foreseen()));
            assert_eq!((made.desired, made.basis), (Replicas(7), Basis::Priced), "from {running}");
            let words = made.reasons.last().map(ToString::to_string).unwrap();
            assert_eq!(
                words,
                "replica 7 is expected to save 9 requests/s in 1m15s, for a price of 5; one more would save 1"
            );
        }
    }

    #[test]
    fn a_workload_that_nobody_asks_for_goes_to_zero_where_the_bounds_let_it() {
        let idle = Priced { replicas: Replicas(1), price: 0.05, saving: 0.01, next: 0.0 };
        let outlook =
            || Outlook::Ready(Foreseen { expected: 0.5, upper: 2.0, wish: Some(idle), ..foreseen() });
        let mut intent = intent("checkout");
        intent.mappings[0].reserve = Reserve::Unserved(0.003);
        intent.mappings[0].bounds.min = Replicas(0);
        for (demand, wanted) in [(0.0, 0), (20.0, 1)] {
            let mut snapshot = snapshot(0, present(demand, 0), 1);
            snapshot.mappings[0].outlook = outlook();
            let memory = crate::model::Memory::default();
            let (plans, _) = plan(&[Member { intent: &intent, snapshot: &snapshot, memory: &memory }]);
            assert_eq!(plans[0].decisions[0].desired, Replicas(wanted), "{demand}");
        }
    }

    #[test]
    fn without_a_forecast_such_a_reserve_uses_replicas_to_seventy_percent() {
        for outlook in [Outlook::Off, Outlook::Unskilled { skill: -0.1 }] {
            let made = decided(Reserve::Unserved(0.003), 700.0, 3, outlook.clone());
            assert_eq!((made.desired, made.basis), (Replicas(10), Basis::Observed), "{outlook:?}");
        }
    }

    #[test]
    fn while_the_history_is_read_what_runs_stays_unless_the_demand_needs_more() {
        for (running, wanted) in [(3, 7), (7, 7), (8, 8), (12, 12)] {
            let made = decided(Reserve::Unserved(0.003), 700.0, running, Outlook::Awaited);
            assert_eq!(made.desired, Replicas(wanted), "from {running}");
        }
    }
}
