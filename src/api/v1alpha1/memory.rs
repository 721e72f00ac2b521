//! The memory a status keeps for the next pass.

use jiff::Timestamp;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::{MappingStatus, ObjectiveStatus};
use crate::model::{
    Bin, FrozenReference, FrozenValue, Learned, MappingMemory, Memory, Need, Replicas, Slower, Trimmed,
};

/// What the next pass must know.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryStatus {
    /// The re-measure annotation's value that was last obeyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure_token: Option<String>,
    /// One entry per mapping.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub mappings: Vec<MappingMemoryStatus>,
}

/// What the next pass must know of one mapping.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MappingMemoryStatus {
    /// The mapping's name.
    pub name: String,
    /// The highest needs of the scale-down window, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub needs: Vec<NeedStatus>,
    /// Since when the demand is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub lost_since: Option<Timestamp>,
    /// What bizops last set, or found when it last looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_set: Option<i32>,
    /// When bizops last added replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_up: Option<Timestamp>,
    /// When bizops last took replicas away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub last_down: Option<Timestamp>,
    /// What ran when the present step down began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_from: Option<NeedStatus>,
    /// What measurements out of bounds have added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trimmed: Option<TrimmedStatus>,
    /// What one replica carries, as learned so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<LearnedStatus>,
}

/// Capacity added because a measurement was out of its bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrimmedStatus {
    /// As a share of the capacity the demand needs; 0.1 is a tenth.
    pub extra: String,
    /// When it last changed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub changed_at: Timestamp,
}

/// What one replica carries, as learned so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LearnedStatus {
    /// The demand one replica carries.
    pub carries: String,
    /// At least this in 19 of 20 cases.
    pub low: String,
    /// At most this in 19 of 20 cases.
    pub high: String,
    /// Whether enough is known.
    pub known: bool,
    /// When something was last learned from.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// For each bin of load: samples, mean and variance of the signal's logarithm.
    pub bins: String,
    /// How far the signal has lately been above what it was for the load.
    pub drift: String,
    /// Since when pods have been slower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub slower_since: Option<Timestamp>,
    /// By how much the signal rose then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slower_by: Option<String>,
}

/// So many replicas were needed at that time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NeedStatus {
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// How many.
    pub replicas: i32,
}

/// Reads the memory back from a status. What cannot be read is forgotten, which at worst delays a scale-down.
pub fn restore(status: &ObjectiveStatus) -> Memory {
    let kept = status.memory.clone().unwrap_or_default();
    let mappings = kept
        .mappings
        .iter()
        .map(|memory| MappingMemory {
            name: memory.name.clone(),
            needs: memory
                .needs
                .iter()
                .map(|need| Need { at: need.at, replicas: replicas(need.replicas) })
                .collect(),
            lost_since: memory.lost_since,
            last_set: memory.last_set.map(replicas),
            last_up: memory.last_up,
            last_down: memory.last_down,
            step_from: memory.step_from.as_ref().map(need),
            trimmed: memory.trimmed.as_ref().and_then(trimmed),
            learned: memory.learned.as_ref().and_then(learned),
            reference: status.mappings.iter().find(|m| m.name == memory.name).and_then(reference),
        })
        .collect();
    let baseline = status
        .baseline
        .as_ref()
        .and_then(|kept| kept.value.parse().ok().map(|value| FrozenValue { value, at: kept.measured_at }));
    Memory { baseline, measure_token: kept.measure_token, mappings }
}

fn need(stored: &NeedStatus) -> Need {
    Need { at: stored.at, replicas: replicas(stored.replicas) }
}

fn reference(mapping: &MappingStatus) -> Option<FrozenReference> {
    let kept = mapping.reference.as_ref()?;
    let demand = kept.demand.parse().ok()?;
    Some(FrozenReference { demand, replicas: replicas(kept.replicas), at: kept.measured_at })
}

/// A stored number of replicas; what is negative by somebody's hand counts as none.
fn replicas(stored: i32) -> Replicas {
    Replicas(u32::try_from(stored).unwrap_or(0))
}

fn trimmed(stored: &TrimmedStatus) -> Option<Trimmed> {
    Some(Trimmed { extra: stored.extra.parse().ok()?, changed_at: stored.changed_at })
}

fn learned(stored: &LearnedStatus) -> Option<Learned> {
    let bin = |text: &str| {
        let mut numbers = text.split(':').map(|number| number.parse::<f64>().ok().filter(|n| n.is_finite()));
        Some(Bin { weight: numbers.next()??, mean: numbers.next()??, variance: numbers.next()?? })
    };
    let bins: Vec<Bin> = stored.bins.split(' ').map(bin).collect::<Option<_>>()?;
    let positive = |text: &str| text.parse::<f64>().ok().filter(|number| *number > 0.0 && number.is_finite());
    (bins.len() == Learned::BINS).then_some(())?;
    Some(Learned {
        carries: positive(&stored.carries)?,
        low: positive(&stored.low)?,
        high: positive(&stored.high)?,
        known: stored.known,
        at: stored.at,
        bins,
        drift: stored.drift.parse().ok()?,
        slower: stored
            .slower_since
            .zip(stored.slower_by.as_ref().and_then(|share| share.parse().ok()))
            .map(|(since, share)| Slower { since, share }),
    })
}
