//! Values for tests: an objective with one mapping, and the facts of a moment.

use jiff::{SignedDuration, Timestamp};

use super::{
    ActuatorKind, Bounds, CapacityModel, DemandQuery, ForecastPolicy, Goal, GoalOutlook, Indicator, Intent,
    Mapping, MappingFacts, ObjectId, Policy, Replicas, Reserve, Sample, Snapshot, TargetRef, TargetState,
    WhenEmpty, Workload,
};

/// A moment, in seconds from an arbitrary one.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// The documented defaults, without a forecast.
pub(crate) fn policy() -> Policy {
    let forecast = ForecastPolicy { auto: false, ..Policy::default().forecast };
    Policy { forecast, ..Policy::default() }
}

/// 100 requests/s per replica, 1 to 100 replicas.
pub(crate) fn mapping(name: &str) -> Mapping {
    Mapping {
        name: name.to_owned(),
        demand: DemandQuery { query: "demand".to_owned(), unit: "requests/s".to_owned() },
        target: TargetRef {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: name.to_owned(),
        },
        capacity: CapacityModel::PerReplica(100.0),
        reserve: Reserve::Headroom(0.0),
        startup: SignedDuration::ZERO,
        bounds: Bounds { min: Replicas(1), max: Replicas(100) },
        actuator: ActuatorKind::Scale,
        cost: None,
        lost: None,
        trims: vec![],
    }
}

/// An objective `shop/NAME` with one mapping `web`.
pub(crate) fn intent(name: &str) -> Intent {
    Intent {
        id: ObjectId { namespace: "shop".to_owned(), name: name.to_owned() },
        generation: 1,
        suspend: false,
        interval: SignedDuration::from_secs(5),
        zone: jiff::tz::TimeZone::UTC,
        source: None,
        indicator: Indicator {
            query: "kpi".to_owned(),
            unit: "orders/h".to_owned(),
            when_empty: WhenEmpty::Unknown,
        },
        goal: Goal::AtLeast(1000.0),
        mappings: vec![mapping("web")],
        policy: policy(),
        measure_token: None,
    }
}

/// A fresh sample.
pub(crate) fn present(value: f64, second: i64) -> Sample {
    Sample::Present { value, at: at(second) }
}

/// A workload bizops itself scaled last.
pub(crate) fn workload(replicas: u32) -> Workload {
    Workload {
        replicas: Replicas(replicas),
        existing: Replicas(replicas),
        ready: Some(Replicas(replicas)),
        version: "7".to_owned(),
        changed_by: None,
        hpa: None,
    }
}

/// The facts of one moment for an objective of one mapping.
pub(crate) fn snapshot(second: i64, demand: Sample, replicas: u32) -> Snapshot {
    Snapshot {
        at: at(second),
        indicator: present(1200.0, second),
        indicator_baseline: None,
        outlook: GoalOutlook::Off,
        mappings: vec![MappingFacts::new(demand, TargetState::Known(workload(replicas)))],
    }
}
