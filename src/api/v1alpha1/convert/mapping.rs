//! Mappings, from what was written to what is meant.

use jiff::SignedDuration;

use super::super::mapping::{
    ActuatorSpec, CapacitySpec, MappingSpec, MoneySpec, ProportionalSpec, StepSpec, TrimSpec,
};
use super::{Issues, MOST_GROWTH, NO_TIME, window_of};
use crate::model::{
    ActuatorKind, Bounds, CapacityModel, DemandQuery, LearnedModel, Mapping, Money, Reference, Replicas,
    Reserve, StepPoint, TargetRef, Trim, TrimBound,
};

/// The least share of demand that may be said to go unserved: less cannot be told from noise within ten days.
const LEAST_UNSERVED: f64 = 0.0001;
/// The most: who may lose more needs no forecast.
const MOST_UNSERVED: f64 = 0.2;

pub(super) fn mappings(specs: &[MappingSpec], issues: &mut Issues) -> Vec<Mapping> {
    for (index, spec) in specs.iter().enumerate() {
        if specs[..index].iter().any(|earlier| earlier.name == spec.name) {
            issues.add(
                format!("spec.mappings[{index}].name"),
                format!("{:?} is used twice: choose another", spec.name),
            );
        }
        if specs[..index]
            .iter()
            .any(|earlier| earlier.target == spec.target && earlier.actuator == spec.actuator)
        {
            let path = format!("spec.mappings[{index}].target");
            issues.add(
                path,
                "another mapping of this objective has the same target: join the two demands in one query",
            );
        }
    }
    specs.iter().enumerate().map(|(index, spec)| mapping(index, spec, issues)).collect()
}

fn mapping(index: usize, spec: &MappingSpec, issues: &mut Issues) -> Mapping {
    let path = format!("spec.mappings[{index}]");
    let bounds = Bounds {
        min: issues.replicas(&format!("{path}.bounds.min"), spec.bounds.min),
        max: issues.replicas(&format!("{path}.bounds.max"), spec.bounds.max),
    };
    if bounds.min > bounds.max {
        issues.add(format!("{path}.bounds"), "min is above max: write a max that is at least min");
    }
    let longest_start = SignedDuration::from_hours(2);
    Mapping {
        name: spec.name.clone(),
        demand: DemandQuery { query: spec.demand.query.clone(), unit: spec.demand.unit.clone() },
        target: TargetRef {
            api_version: spec.target.api_version.clone(),
            kind: spec.target.kind.clone(),
            name: spec.target.name.clone(),
        },
        capacity: capacity(&format!("{path}.capacity"), &spec.capacity, issues),
        reserve: reserve(&path, spec, issues),
        startup: issues.span(
            &format!("{path}.capacity.startup"),
            &spec.capacity.startup,
            NO_TIME,
            longest_start,
        ),
        bounds,
        actuator: match spec.actuator {
            ActuatorSpec::Scale => ActuatorKind::Scale,
            ActuatorSpec::HpaFloor => ActuatorKind::HpaFloor,
        },
        cost: spec
            .cost
            .as_ref()
            .map(|cost| money(&format!("{path}.cost.perReplicaHour"), &cost.per_replica_hour, issues)),
        lost: spec.lost.as_ref().map(|lost| lost.query.clone()),
        trims: spec
            .trim
            .iter()
            .enumerate()
            .map(|(index, trim)| trimmed(&format!("{path}.trim[{index}]"), trim, issues))
            .collect(),
    }
}

fn money(path: &str, spec: &MoneySpec, issues: &mut Issues) -> Money {
    Money {
        amount: issues.quantity(&format!("{path}.amount"), &spec.amount),
        currency: spec.currency.clone(),
    }
}

fn reserve(path: &str, spec: &MappingSpec, issues: &mut Issues) -> Reserve {
    let headroom = issues.share(&format!("{path}.capacity.headroom"), &spec.capacity.headroom, MOST_GROWTH);
    match (&spec.unserved, &spec.worth) {
        (None, None) => Reserve::Headroom(headroom),
        (Some(share), None) => {
            let path = format!("{path}.unserved");
            let value = issues.share(&path, share, MOST_UNSERVED);
            if value < LEAST_UNSERVED {
                issues
                    .add(path, format!("{share} is too small: write at least 0.01%, or a capacity.headroom"));
            }
            Reserve::Unserved(value)
        }
        (None, Some(worth)) => {
            let worth = money(&format!("{path}.worth"), worth, issues);
            if worth.amount <= 0.0 {
                issues.add(
                    format!("{path}.worth.amount"),
                    "what is worth nothing needs no capacity: write an amount above zero",
                );
            }
            let paid =
                spec.cost.as_ref().is_some_and(|cost| cost.per_replica_hour.currency == worth.currency);
            if !paid {
                issues.add(
                    format!("{path}.worth"),
                    "worth needs the cost of a replica in the same currency: write cost.perReplicaHour",
                );
            }
            Reserve::Worth(worth)
        }
        (Some(_), Some(_)) => {
            issues.add(path, "unserved and worth both set the reserve: write one of them");
            Reserve::Headroom(headroom)
        }
    }
}

fn trimmed(path: &str, spec: &TrimSpec, issues: &mut Issues) -> Trim {
    let bound = match (&spec.at_most, &spec.at_least) {
        (Some(most), None) => TrimBound::AtMost(issues.quantity(&format!("{path}.atMost"), most)),
        (None, Some(least)) => TrimBound::AtLeast(issues.quantity(&format!("{path}.atLeast"), least)),
        _ => {
            issues.add(path, "write exactly one of atMost and atLeast");
            TrimBound::AtMost(0.0)
        }
    };
    Trim { query: spec.query.clone(), bound }
}

fn capacity(path: &str, spec: &CapacitySpec, issues: &mut Issues) -> CapacityModel {
    match (&spec.per_replica, &spec.proportional, &spec.steps, &spec.learned) {
        (Some(per), None, None, None) => {
            CapacityModel::PerReplica(issues.positive(&format!("{path}.perReplica"), per))
        }
        (None, Some(model), None, None) => proportional(&format!("{path}.proportional"), model, issues),
        (None, None, Some(points), None) => {
            CapacityModel::Steps(steps(&format!("{path}.steps"), points, issues))
        }
        (None, None, None, Some(model)) => CapacityModel::Learned(LearnedModel {
            signal: DemandQuery { query: model.signal.query.clone(), unit: model.signal.unit.clone() },
            limit: issues.positive(&format!("{path}.learned.limit"), &model.limit),
            initial: issues
                .positive(&format!("{path}.learned.initialPerReplica"), &model.initial_per_replica),
        }),
        _ => {
            issues.add(path, "write exactly one of perReplica, proportional, steps and learned");
            CapacityModel::PerReplica(1.0)
        }
    }
}

fn proportional(path: &str, spec: &ProportionalSpec, issues: &mut Issues) -> CapacityModel {
    let elasticity = issues.positive(&format!("{path}.elasticity"), &spec.elasticity);
    if elasticity > 3.0 {
        issues.add(format!("{path}.elasticity"), format!("{elasticity} is too large: write at most 3"));
    }
    let reference = match (&spec.demand, spec.replicas, &spec.baseline) {
        (Some(demand), Some(replicas), None) => Reference::Given {
            demand: issues.positive(&format!("{path}.demand"), demand),
            replicas: issues.replicas(&format!("{path}.replicas"), replicas),
        },
        (None, None, Some(measured)) => Reference::Measured {
            window: window_of(&format!("{path}.baseline.window"), &measured.window, issues),
        },
        _ => {
            issues.add(path, "write demand and replicas, or baseline alone");
            Reference::Given { demand: 1.0, replicas: Replicas(1) }
        }
    };
    CapacityModel::Proportional { reference, elasticity }
}

fn steps(path: &str, specs: &[StepSpec], issues: &mut Issues) -> Vec<StepPoint> {
    let points: Vec<StepPoint> = specs
        .iter()
        .enumerate()
        .map(|(index, spec)| StepPoint {
            demand: issues.quantity(&format!("{path}[{index}].demand"), &spec.demand),
            replicas: issues.replicas(&format!("{path}[{index}].replicas"), spec.replicas),
        })
        .collect();
    if points.first().is_none_or(|first| first.demand != 0.0) {
        issues.add(path, "the first step must be for demand 0: write {demand: 0, replicas: …} first");
    }
    for (index, pair) in points.windows(2).enumerate() {
        if pair[1].demand <= pair[0].demand || pair[1].replicas < pair[0].replicas {
            let path = format!("{path}[{}]", index + 1);
            issues.add(
                path,
                "steps must ascend: write a larger demand and at least as many replicas as before",
            );
        }
    }
    points
}
