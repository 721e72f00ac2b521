//! Demand → replicas.

use crate::model::{CapacityModel, FrozenReference, Reference, Replicas};

/// How many replicas the planned demand needs, or `None` while a measured reference point is missing.
///
/// - `PerReplica(c)`: ⌈d / c⌉.
/// - `Proportional`: ⌈r · (d / d₀)^e⌉, the constant-elasticity curve through the reference point (d₀, r);
///   e is the elasticity: d ln(capacity) / d ln(demand).
/// - `Steps`: the replicas of the last step whose demand is not above d.
///
/// With elasticity 0.8, 50 % more demand needs 1.5^0.8 − 1 = 38.3 % more capacity: 100 replicas become 139.
pub(super) fn needed(
    model: &CapacityModel,
    measured: Option<FrozenReference>,
    demand: f64,
) -> Option<Replicas> {
    let demand = demand.max(0.0);
    match model {
        CapacityModel::PerReplica(carries) => Some(Replicas::ceil(demand / carries)),
        CapacityModel::Proportional { reference, elasticity } => {
            let (at, replicas) = match reference {
                Reference::Given { demand, replicas } => (*demand, *replicas),
                Reference::Measured { .. } => measured.map(|point| (point.demand, point.replicas))?,
            };
            let share = if demand == 0.0 { 0.0 } else { (demand / at).powf(*elasticity) };
            Some(Replicas::ceil(replicas.as_f64() * share))
        }
        CapacityModel::Steps(points) => {
            let last = points.iter().rev().find(|point| point.demand <= demand);
            Some(last.or(points.first()).map_or(Replicas(0), |point| point.replicas))
        }
    }
}

/// The replicas a proportional model's reference point stands for: what `onMetricLoss.then: Baseline` raises to.
pub(super) fn reference_replicas(
    model: &CapacityModel,
    measured: Option<FrozenReference>,
) -> Option<Replicas> {
    match model {
        CapacityModel::Proportional { reference: Reference::Given { replicas, .. }, .. } => Some(*replicas),
        CapacityModel::Proportional { reference: Reference::Measured { .. }, .. } => {
            measured.map(|point| point.replicas)
        }
        CapacityModel::PerReplica(_) | CapacityModel::Steps(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepPoint;

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
            assert_eq!(needed(&model, None, demand), Some(Replicas(wanted)), "{name}");
        }
    }

    #[test]
    fn a_reference_point_not_measured_yet_needs_nobody_knows_how_many() {
        let reference = Reference::Measured { window: jiff::SignedDuration::from_mins(10) };
        let model = CapacityModel::Proportional { reference, elasticity: 1.0 };
        assert_eq!(needed(&model, None, 10.0), None);
        let point = FrozenReference { demand: 5.0, replicas: Replicas(4), at: jiff::Timestamp::UNIX_EPOCH };
        assert_eq!(needed(&model, Some(point), 10.0), Some(Replicas(8)));
    }
}
