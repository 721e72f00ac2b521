//! The memory of a pass as status keeps it: the inverse of `api::v1alpha1::restore`.

use crate::api::v1alpha1::{BaselineStatus, MappingMemoryStatus, MemoryStatus, NeedStatus, ReferenceStatus};
use crate::model::{FrozenReference, FrozenValue, MappingMemory, Memory, Need, Replicas};

/// What status keeps under `memory`. The baseline and the references are kept beside it, where people look.
pub(super) fn remember(memory: &Memory) -> MemoryStatus {
    MemoryStatus {
        measure_token: memory.measure_token.clone(),
        mappings: memory.mappings.iter().map(mapping).collect(),
    }
}

fn mapping(memory: &MappingMemory) -> MappingMemoryStatus {
    MappingMemoryStatus {
        name: memory.name.clone(),
        needs: memory.needs.iter().copied().map(need).collect(),
        lost_since: memory.lost_since,
        last_set: memory.last_set.map(stored),
        last_up: memory.last_up,
        last_down: memory.last_down,
        step_from: memory.step_from.map(need),
        carries: memory.carries.map(exact),
    }
}

fn need(need: Need) -> NeedStatus {
    NeedStatus { at: need.at, replicas: stored(need.replicas) }
}

/// The frozen baseline, to full precision.
pub(super) fn baseline(kept: FrozenValue) -> BaselineStatus {
    BaselineStatus { value: exact(kept.value), measured_at: kept.at }
}

/// The measured reference point, to full precision.
pub(super) fn reference(kept: FrozenReference) -> ReferenceStatus {
    ReferenceStatus { demand: exact(kept.demand), replicas: stored(kept.replicas), measured_at: kept.at }
}

/// Replicas as Kubernetes stores them.
pub(super) fn stored(replicas: Replicas) -> i32 {
    i32::try_from(replicas.0).unwrap_or(i32::MAX)
}

/// The shortest text that reads back as the same number; with an exponent where that is shorter to read.
fn exact(value: f64) -> String {
    if value == 0.0 || (1e-6..1e15).contains(&value.abs()) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}
