//! The memory of a pass as status keeps it: the inverse of `api::v1alpha1::restore`.

use crate::api::v1alpha1::{
    BaselineStatus, LearnedStatus, MappingMemoryStatus, MemoryStatus, NeedStatus, ReferenceStatus,
    TrimmedStatus,
};
use crate::model::{
    Bin, FrozenReference, FrozenValue, Learned, MappingMemory, Memory, Need, Replicas, Trimmed,
};

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
        trimmed: memory.trimmed.map(trimmed),
        learned: memory.learned.as_ref().map(learned),
    }
}

fn need(need: Need) -> NeedStatus {
    NeedStatus { at: need.at, replicas: stored(need.replicas) }
}

fn trimmed(kept: Trimmed) -> TrimmedStatus {
    TrimmedStatus { extra: exact(kept.extra), changed_at: kept.changed_at }
}

/// What is learned; the bins to five digits, which a thousand samples do not give.
fn learned(kept: &Learned) -> LearnedStatus {
    let bin = |bin: &Bin| format!("{}:{}:{}", short(bin.weight), short(bin.mean), short(bin.variance));
    LearnedStatus {
        carries: exact(kept.carries),
        low: exact(kept.low),
        high: exact(kept.high),
        known: kept.known,
        at: kept.at,
        bins: kept.bins.iter().map(bin).collect::<Vec<_>>().join(" "),
        drift: short(kept.drift),
        slower_since: kept.slower.map(|slower| slower.since),
        slower_by: kept.slower.map(|slower| exact(slower.share)),
    }
}

/// A number to five digits after the point.
fn short(value: f64) -> String {
    let text = format!("{value:.5}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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
