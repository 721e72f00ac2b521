//! Baselines: measured once, frozen, and measured anew when the owner asks.

use crate::model::{
    BaselineSpec, CapacityModel, FrozenReference, FrozenValue, Goal, Intent, Mapping, Memory, Reference,
    Replicas, Snapshot, TargetState,
};

/// Which baselines are to be measured in the next pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Due {
    /// The indicator's.
    pub indicator: bool,
    /// Each mapping's, in the order of the intent.
    pub mappings: Vec<bool>,
}

impl Due {
    /// Whether anything is due.
    pub fn any(&self) -> bool {
        self.indicator || self.mappings.contains(&true)
    }
}

/// Which baselines are to be measured: those that are declared as measured and are not frozen yet, and all of
/// them when the re-measure token is not the one last obeyed.
pub fn measurements_due(intent: &Intent, memory: &Memory) -> Due {
    let anew = asked_anew(intent, memory);
    let measured = matches!(intent.goal, Goal::GrowBy { baseline: BaselineSpec::Measured { .. }, .. });
    Due {
        indicator: measured && (anew || memory.baseline.is_none()),
        mappings: intent
            .mappings
            .iter()
            .map(|mapping| {
                is_measured(mapping) && (anew || memory.mapping(&mapping.name).reference.is_none())
            })
            .collect(),
    }
}

/// Whether the owner asks for a new measurement; taking the annotation away asks for nothing.
fn asked_anew(intent: &Intent, memory: &Memory) -> bool {
    intent.measure_token.is_some() && intent.measure_token != memory.measure_token
}

fn is_measured(mapping: &Mapping) -> bool {
    matches!(mapping.capacity, CapacityModel::Proportional { reference: Reference::Measured { .. }, .. })
}

/// Freezes what was measured in this pass. A re-measurement is taken up only when all of it succeeded; until
/// then the old baselines stand.
pub(super) fn freeze(intent: &Intent, snapshot: &Snapshot, memory: &mut Memory) {
    let due = measurements_due(intent, memory);
    let indicator = if due.indicator { measured_value(snapshot) } else { None };
    let references: Vec<Option<FrozenReference>> = due
        .mappings
        .iter()
        .enumerate()
        .map(|(index, due)| if *due { measured_reference(snapshot, index) } else { None })
        .collect();
    let complete = (!due.indicator || indicator.is_some())
        && due.mappings.iter().zip(&references).all(|(due, measured)| !due || measured.is_some());
    if asked_anew(intent, memory) && !complete && memory.measure_token.is_some() {
        return;
    }
    memory.baseline = indicator.or(memory.baseline);
    for (mapping, measured) in intent.mappings.iter().zip(references) {
        if measured.is_some() {
            let mut kept = memory.mapping(&mapping.name);
            kept.reference = measured;
            put(memory, kept);
        }
    }
    if complete && intent.measure_token.is_some() {
        memory.measure_token.clone_from(&intent.measure_token);
    }
    given_baseline(intent, snapshot, memory);
}

/// A baseline given as a number is dated when it is first seen: the line of a `growBy` goal starts there.
fn given_baseline(intent: &Intent, snapshot: &Snapshot, memory: &mut Memory) {
    if let Goal::GrowBy { baseline: BaselineSpec::Value(value), .. } = intent.goal {
        let at = memory.baseline.map_or(snapshot.at, |kept| kept.at);
        memory.baseline = Some(FrozenValue { value, at });
    }
}

fn measured_value(snapshot: &Snapshot) -> Option<FrozenValue> {
    let value = snapshot.indicator_baseline.as_ref()?.present().filter(|value| *value > 0.0)?;
    Some(FrozenValue { value, at: snapshot.at })
}

fn measured_reference(snapshot: &Snapshot, index: usize) -> Option<FrozenReference> {
    let facts = snapshot.mappings.get(index)?;
    let demand = facts.reference.as_ref()?.present().filter(|demand| *demand > 0.0)?;
    let TargetState::Known(workload) = &facts.target else {
        return None;
    };
    (workload.replicas > Replicas(0)).then_some(FrozenReference {
        demand,
        replicas: workload.replicas,
        at: snapshot.at,
    })
}

/// Puts a mapping's memory in its place.
pub(super) fn put(memory: &mut Memory, mapping: crate::model::MappingMemory) {
    match memory.mappings.iter_mut().find(|kept| kept.name == mapping.name) {
        Some(kept) => *kept = mapping,
        None => memory.mappings.push(mapping),
    }
}
