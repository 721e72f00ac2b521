//! Demand → replicas.

use crate::model::{CapacityModel, LearnedModel, MappingMemory, Reference, Replicas};

/// How many replicas the demand needs, or `None` while a measured reference point is missing.
///
/// With elasticity 0.8, 50 % more demand needs 1.5^0.8 − 1 = 38.3 % more capacity: 100 replicas become 139.
pub(super) fn needed(model: &CapacityModel, memory: &MappingMemory, demand: f64) -> Option<Replicas> {
    need(model, memory, demand).map(Replicas::ceil)
}

/// The need of a demand: how many replicas it asks for, not rounded up.
///
/// - `PerReplica(c)`: d / c.
/// - `Proportional`: r · (d / d₀)^e, the constant-elasticity curve through the reference point (d₀, r);
///   e is the elasticity: d ln(capacity) / d ln(demand).
/// - `Steps`: the replicas of the last step whose demand is not above d.
/// - `Learned`: d / c, with the c that is learned so far.
pub fn need(model: &CapacityModel, memory: &MappingMemory, demand: f64) -> Option<f64> {
    let demand = demand.max(0.0);
    match model {
        CapacityModel::PerReplica(carries) => Some(demand / carries),
        CapacityModel::Proportional { reference, elasticity } => {
            let (at, replicas) = point(reference, memory)?;
            let share = if demand == 0.0 { 0.0 } else { (demand / at).powf(*elasticity) };
            Some(replicas.as_f64() * share)
        }
        CapacityModel::Steps(points) => {
            let last = points.iter().rev().find(|point| point.demand <= demand);
            Some(last.or(points.first()).map_or(0.0, |point| point.replicas.as_f64()))
        }
        CapacityModel::Learned(model) => Some(demand / carries(model, memory)),
    }
}

/// The demand that has this need: the inverse of [`need`]. Of a step model it is the demand at which the step of so
/// many replicas ends, or the last step begins.
pub fn carried(model: &CapacityModel, memory: &MappingMemory, need: f64) -> Option<f64> {
    let need = need.max(0.0);
    match model {
        CapacityModel::PerReplica(carries) => Some(need * carries),
        CapacityModel::Proportional { reference, elasticity } => {
            let (at, replicas) = point(reference, memory)?;
            Some(at * (need / replicas.as_f64()).powf(1.0 / elasticity))
        }
        CapacityModel::Steps(points) => {
            let above = points.iter().find(|point| point.replicas.as_f64() > need);
            above.or(points.last()).map(|point| point.demand)
        }
        CapacityModel::Learned(model) => Some(need * carries(model, memory)),
    }
}

fn point(reference: &Reference, memory: &MappingMemory) -> Option<(f64, Replicas)> {
    match reference {
        Reference::Given { demand, replicas } => Some((*demand, *replicas)),
        Reference::Measured { .. } => memory.reference.map(|point| (point.demand, point.replicas)),
    }
}

fn carries(model: &LearnedModel, memory: &MappingMemory) -> f64 {
    memory.learned.as_ref().map_or(model.initial, |learned| learned.carries)
}

/// The replicas a proportional model's reference point stands for: what `onMetricLoss.then: Baseline` raises to.
pub(super) fn reference_replicas(model: &CapacityModel, memory: &MappingMemory) -> Option<Replicas> {
    match model {
        CapacityModel::Proportional { reference, .. } => {
            point(reference, memory).map(|(_, replicas)| replicas)
        }
        CapacityModel::PerReplica(_) | CapacityModel::Steps(_) | CapacityModel::Learned(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FrozenReference, StepPoint};

    fn proportional(demand: f64, replicas: u32, elasticity: f64) -> CapacityModel {
        let reference = Reference::Given { demand, replicas: Replicas(replicas) };
        CapacityModel::Proportional { reference, elasticity }
    }

    #[test]
    fn worked_numbers() {
        let steps = CapacityModel::Steps(vec![
            StepPoint { demand: 0.0, replicas: Replicas(2) },
            StepPoint { demand: 1000.0, replicas: Replicas(10) },
        ]);
        for (name, model, demand, wanted) in [
            ("one carries 120, 1200 need ten", CapacityModel::PerReplica(120.0), 1200.0, 10),
            ("one more request needs one more", CapacityModel::PerReplica(120.0), 1201.0, 11),
            ("nothing needs nothing", CapacityModel::PerReplica(120.0), 0.0, 0),
            ("a counter reset is not negative demand", CapacityModel::PerReplica(120.0), -3.0, 0),
            ("+50 % demand, elasticity 1: +50 %", proportional(1000.0, 10, 1.0), 1500.0, 15),
            ("+50 % demand, elasticity 0.8: +38.3 %", proportional(1000.0, 1000, 0.8), 1500.0, 1384),
            ("+50 % demand, elasticity 0.8, of a hundred", proportional(1000.0, 100, 0.8), 1500.0, 139),
            ("+20 % demand, elasticity 1.5: +31.5 %", proportional(50.0, 1000, 1.5), 60.0, 1315),
            ("at the reference point, its replicas", proportional(333.0, 7, 0.8), 333.0, 7),
            ("proportional to nothing is nothing", proportional(333.0, 7, 0.8), 0.0, 0),
            ("below the second step", steps.clone(), 999.9, 2),
            ("on the second step", steps.clone(), 1000.0, 10),
            ("far above the last step", steps, 1e12, 10),
        ] {
            assert_eq!(needed(&model, &MappingMemory::default(), demand), Some(Replicas(wanted)), "{name}");
        }
    }

    #[test]
    fn a_reference_point_not_measured_yet_needs_nobody_knows_how_many() {
        let reference = Reference::Measured { window: jiff::SignedDuration::from_mins(10) };
        let model = CapacityModel::Proportional { reference, elasticity: 1.0 };
        assert_eq!(needed(&model, &MappingMemory::default(), 10.0), None);
        let point = FrozenReference { demand: 5.0, replicas: Replicas(4), at: jiff::Timestamp::UNIX_EPOCH };
        let memory = MappingMemory { reference: Some(point), ..MappingMemory::default() };
        assert_eq!(needed(&model, &memory, 10.0), Some(Replicas(8)));
    }

    fn learned(carries: f64) -> crate::model::Learned {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let (low, high, bins) = (carries, carries, vec![]);
        crate::model::Learned { carries, low, high, known: true, at, bins, drift: 0.0, slower: None }
    }

    #[test]
    fn what_a_need_carries_needs_it() {
        let memory = MappingMemory { learned: Some(learned(40.0)), ..MappingMemory::default() };
        let signal = crate::model::DemandQuery { query: "latency".to_owned(), unit: "s".to_owned() };
        let learned = CapacityModel::Learned(LearnedModel { signal, limit: 0.5, initial: 100.0 });
        for (model, need_of, demand) in [
            (CapacityModel::PerReplica(120.0), 2.5, 300.0),
            (proportional(1000.0, 10, 0.8), 15.0, 1000.0 * 1.5_f64.powf(1.25)),
            (learned, 2.0, 80.0),
        ] {
            let there = carried(&model, &memory, need_of).unwrap();
            assert!((there - demand).abs() < 1e-9, "{there}");
            assert!((need(&model, &memory, there).unwrap() - need_of).abs() < 1e-9);
        }
        let steps = [(0.0, 2), (1000.0, 10)].map(|(demand, n)| StepPoint { demand, replicas: Replicas(n) });
        let steps = CapacityModel::Steps(steps.to_vec());
        assert_eq!(carried(&steps, &memory, 2.0), Some(1000.0), "two replicas carry up to the second step");
    }
}
