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
        (_, Some(wish)) => priced(mapping, memory, foreseen, wish),
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
