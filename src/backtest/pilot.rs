//! An objective's mapping at the controls: the engine's own `plan`, pass by pass, with the forecast it would have had.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::engine::{Member, Sight, plan};
use crate::model::{
    ActuatorKind, Autonomy, Decision, GoalOutlook, Intent, MappingFacts, Memory, Outlook, Replicas, Sample,
    Snapshot, TargetState, Workload,
};

/// What one pass found.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// When the pass is made.
    pub now: Timestamp,
    /// When the newest sample was taken.
    pub sampled: Timestamp,
    /// The demand in it, in its unit; `None` is a gap.
    pub demand: Option<f64>,
    /// Replicas that exist.
    pub existing: u32,
    /// Replicas that serve.
    pub ready: u32,
}

/// One mapping of an objective in virtual time.
#[derive(Debug, Clone)]
pub struct Pilot {
    intent: Intent,
    memory: Memory,
    sight: Option<Sight>,
    /// Ready replicas of the passes a sample is old, so that a loss is counted against those of its moment.
    ready: VecDeque<u32>,
    /// So many passes old is a sample when it is decided on.
    age: usize,
    outlook: Outlook,
}

impl Pilot {
    /// The pilot of one mapping, on a grid of so many seconds and with samples of such an age. Its autonomy is
    /// Enforce, and its replicas are set whatever the actuator: the question is what would have happened.
    ///
    /// `None` when the objective has no mapping with this index.
    pub fn new(intent: &Intent, mapping: usize, step: i64, age: SignedDuration) -> Option<Self> {
        let mut intent = intent.clone();
        let mut kept = intent.mappings.get(mapping)?.clone();
        kept.actuator = ActuatorKind::Scale;
        intent.mappings = vec![kept];
        intent.interval = intent.interval.max(SignedDuration::from_secs(step));
        (intent.policy.up, intent.policy.down) = (Autonomy::Enforce, Autonomy::Enforce);
        let memory = Memory::default();
        let sight = Sight::new(&intent, &intent.mappings[0], &memory.mapping(&intent.mappings[0].name), age);
        let age = usize::try_from(age.as_secs() / step.max(1)).unwrap_or(0);
        Some(Self { intent, memory, sight, ready: VecDeque::new(), age, outlook: Outlook::Off })
    }

    /// What it is to do.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// What was known ahead at the last pass.
    pub fn outlook(&self) -> &Outlook {
        &self.outlook
    }

    /// Takes in the history, oldest first.
    pub fn recall(&mut self, at: Timestamp, demand: Option<f64>) {
        let mapping = &self.intent.mappings[0];
        let memory = self.memory.mapping(&mapping.name);
        if let Some(sight) = &mut self.sight {
            sight.recall(mapping, &memory, at, demand);
        }
    }

    /// Makes a pass.
    pub fn pass(&mut self, seen: &Seen) -> Decision {
        self.ready.push_back(seen.ready);
        if self.ready.len() > self.age + 1 {
            self.ready.pop_front();
        }
        let ready = self.ready.front().copied().unwrap_or(seen.ready);
        let sample = match seen.demand {
            Some(value) => Sample::Present { value, at: seen.sampled },
            None => Sample::Absent,
        };
        let workload = Workload {
            replicas: Replicas(seen.existing),
            existing: Replicas(seen.existing),
            ready: Some(Replicas(ready)),
            version: String::new(),
            changed_by: None,
            hpa: None,
        };
        let mut facts = MappingFacts::new(sample, TargetState::Known(workload));
        let mapping = &self.intent.mappings[0];
        let memory = self.memory.mapping(&mapping.name);
        if let Some(sight) = &mut self.sight {
            sight.see(mapping, &memory, &facts, seen.sampled);
            facts.outlook = sight.outlook(mapping, &memory);
            self.outlook = facts.outlook.clone();
        }
        let snapshot = Snapshot {
            at: seen.now,
            indicator: Sample::Absent,
            indicator_baseline: None,
            outlook: GoalOutlook::Off,
            mappings: vec![facts],
        };
        let member = Member { intent: &self.intent, snapshot: &snapshot, memory: &self.memory };
        let (plans, _) = plan(&[member]);
        let made = plans.into_iter().next();
        let made = made.map(|plan| (plan.memory, plan.decisions));
        let (memory, decisions) = made.unwrap_or_default();
        self.memory = memory;
        decisions.into_iter().next().unwrap_or_else(|| nothing(&self.intent, seen))
    }
}

/// The decision to leave everything as it is. The engine makes one per mapping, so it is never needed.
fn nothing(intent: &Intent, seen: &Seen) -> Decision {
    let mapping = &intent.mappings[0];
    Decision {
        mapping: mapping.name.clone(),
        target: mapping.target.clone(),
        actuator: mapping.actuator,
        demand: seen.demand,
        planned: None,
        basis: crate::model::Basis::Observed,
        current: Some(Replicas(seen.existing)),
        needed: None,
        desired: Replicas(seen.existing),
        hold: None,
        limited_by: None,
        reasons: vec![],
    }
}
