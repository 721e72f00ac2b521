//! Values for tests: an objective and what a pass said of it.

use super::status::Told;
use crate::model::scenario;
pub(super) use crate::model::scenario::at;
use crate::model::*;

pub(super) fn target(name: &str) -> TargetRef {
    scenario::mapping(name).target
}

pub(super) fn mapping(name: &str) -> Mapping {
    Mapping {
        capacity: CapacityModel::PerReplica(120.0),
        reserve: Reserve::Headroom(0.2),
        bounds: Bounds { min: Replicas(1), max: Replicas(12) },
        ..scenario::mapping(name)
    }
}

/// `shop/checkout`, at least 1000 orders/h, carried by the mappings named.
pub(super) fn intent(mappings: &[&str]) -> Intent {
    Intent {
        generation: 3,
        mappings: mappings.iter().map(|name| mapping(name)).collect(),
        ..scenario::intent("checkout")
    }
}

/// A decision for 900 requests/s, 1080 with headroom, which need 9 replicas.
pub(super) fn decision(name: &str, current: Option<u32>, desired: u32) -> Decision {
    Decision {
        mapping: name.to_owned(),
        target: target(name),
        actuator: ActuatorKind::Scale,
        demand: Some(900.0),
        planned: Some(1080.0),
        basis: Basis::Observed,
        current: current.map(Replicas),
        needed: Some(Replicas(9)),
        desired: Replicas(desired),
        hold: None,
        limited_by: None,
        reasons: vec![Reason::ObservedDemand {
            demand: 900.0,
            planned: 1080.0,
            unit: "requests/s".to_owned(),
            needs: Replicas(9),
        }],
    }
}

/// A plan without steps for a goal that is met by 1180 orders/h.
pub(super) fn plan(decisions: Vec<Decision>) -> Plan {
    Plan {
        objective: intent(&[]).id,
        findings: Findings {
            value: Some(1180.0),
            goal: Some(1000.0),
            attainment: Some(1.18),
            state: GoalState::Met,
            lost: None,
        },
        decisions,
        steps: vec![],
        memory: Memory::default(),
    }
}

pub(super) fn step(name: &str, from: u32, to: u32) -> Step {
    Step {
        mapping: name.to_owned(),
        namespace: "shop".to_owned(),
        target: target(name),
        actuator: ActuatorKind::Scale,
        hpa: None,
        from: Replicas(from),
        to: Replicas(to),
        version: "7".to_owned(),
        reasons: decision(name, Some(from), to).reasons,
    }
}

pub(super) fn done(step: Step) -> StepOutcome {
    StepOutcome { step, outcome: Outcome::Done { version: "8".to_owned() } }
}

pub(super) fn failed(step: Step) -> StepOutcome {
    let outcome = Outcome::Failed {
        reason: ConditionReason::TargetForbidden,
        detail: "deployments is forbidden".to_owned(),
    };
    StepOutcome { step, outcome }
}

pub(super) fn snapshot(second: i64, replicas: &[u32]) -> Snapshot {
    let present = |value: f64| Sample::Present { value, at: at(second) };
    Snapshot {
        at: at(second),
        indicator: present(1180.0),
        indicator_baseline: None,
        outlook: GoalOutlook::Off,
        mappings: replicas
            .iter()
            .map(|replicas| {
                let workload = Workload {
                    replicas: Replicas(*replicas),
                    existing: Replicas(*replicas),
                    ready: Some(Replicas(*replicas)),
                    version: "7".to_owned(),
                    changed_by: None,
                    hpa: None,
                };
                MappingFacts::new(present(900.0), TargetState::Known(workload))
            })
            .collect(),
    }
}

/// Everything one pass left behind.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) intent: Intent,
    pub(super) snapshot: Snapshot,
    pub(super) plan: Plan,
    pub(super) outcomes: Vec<StepOutcome>,
}

impl Passed {
    /// A pass at a second, with these decisions.
    pub(super) fn new(second: i64, decisions: Vec<Decision>) -> Self {
        let names: Vec<&str> = decisions.iter().map(|decision| decision.mapping.as_str()).collect();
        let standing: Vec<u32> =
            decisions.iter().map(|decision| decision.current.unwrap_or_default().0).collect();
        Self {
            intent: intent(&names),
            snapshot: snapshot(second, &standing),
            plan: plan(decisions),
            outcomes: vec![],
        }
    }

    pub(super) fn told(&self) -> Told<'_> {
        Told {
            intent: &self.intent,
            snapshot: &self.snapshot,
            plan: &self.plan,
            memory: &self.plan.memory,
            outcomes: &self.outcomes,
            source: Ok("ClusterMetricSource default"),
        }
    }
}
