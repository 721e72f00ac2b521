//! What a pass concludes: findings, decisions, the plan, and what the next pass must remember.

use jiff::Timestamp;

use super::condition::ConditionReason;
use super::intent::ObjectId;
use super::learned::Learned;
use super::mapping::{ActuatorKind, TargetRef};
use super::reason::Reason;
use super::units::Replicas;

/// What the measurements of one objective mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// The indicator's number, if it is known.
    pub value: Option<f64>,
    /// What the goal asks for now; for `between` the end that is nearer.
    pub goal: Option<f64>,
    /// How far the indicator is towards its goal; 1 = met.
    pub attainment: Option<f64>,
    /// Whether the goal is met.
    pub state: GoalState,
    /// The first measurement that is not usable, with the name of its query, if there is one.
    pub lost: Option<(String, ConditionReason, String)>,
}

/// Whether the goal is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoalState {
    /// It is.
    Met,
    /// It is not.
    Missed,
    /// The date lies ahead and the indicator is on or above the line to it.
    OnTrack,
    /// The date lies ahead and the indicator is below the line to it.
    BehindPlan,
    /// The baseline is not measured yet.
    MeasuringBaseline,
    /// The indicator is not known.
    NoData,
}

/// What the next pass must know of this one. Kept in status: a restart or a new leader forgets nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// The indicator's frozen baseline.
    pub baseline: Option<FrozenValue>,
    /// The re-measure token that was last obeyed.
    pub measure_token: Option<String>,
    /// One entry per mapping, by name.
    pub mappings: Vec<MappingMemory>,
}

impl Memory {
    /// The memory of one mapping; an empty one if there is none yet.
    pub fn mapping(&self, name: &str) -> MappingMemory {
        self.mappings
            .iter()
            .find(|memory| memory.name == name)
            .cloned()
            .unwrap_or_else(|| MappingMemory { name: name.to_owned(), ..MappingMemory::default() })
    }
}

/// A number measured once and kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrozenValue {
    /// The number.
    pub value: f64,
    /// When it was measured.
    pub at: Timestamp,
}

/// A proportional model's reference point, measured once and kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrozenReference {
    /// The average demand.
    pub demand: f64,
    /// The replicas at that moment.
    pub replicas: Replicas,
    /// When it was measured.
    pub at: Timestamp,
}

/// What the next pass must know of one mapping.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MappingMemory {
    /// The mapping's name.
    pub name: String,
    /// The needs of the scale-down window: times ascending, needs strictly descending, at most
    /// [`MappingMemory::MAX_NEEDS`] entries. The first is the highest need within the window.
    pub needs: Vec<Need>,
    /// Since when the demand is not known.
    pub lost_since: Option<Timestamp>,
    /// What bizops last set, or found when it last looked.
    pub last_set: Option<Replicas>,
    /// When bizops last added replicas.
    pub last_up: Option<Timestamp>,
    /// When bizops last took replicas away.
    pub last_down: Option<Timestamp>,
    /// What ran when the present step down began; steps within one window are measured against it.
    pub step_from: Option<Need>,
    /// The model's measured reference point.
    pub reference: Option<FrozenReference>,
    /// What measurements out of bounds have added.
    pub trimmed: Option<Trimmed>,
    /// What one replica carries, as learned so far.
    pub learned: Option<Learned>,
}

/// Capacity added because a measurement was out of bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trimmed {
    /// As a share of the capacity the demand needs.
    pub extra: f64,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl MappingMemory {
    /// Room for every part of a scale-down window of ten parts, and the two it overlaps.
    pub const MAX_NEEDS: usize = 12;
}

/// So many replicas were needed at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The end of the part of the window it was seen in.
    pub at: Timestamp,
    /// The need.
    pub replicas: Replicas,
}

/// What was decided for one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The mapping's name.
    pub mapping: String,
    /// The target.
    pub target: TargetRef,
    /// How it is changed.
    pub actuator: ActuatorKind,
    /// The demand, if it is known.
    pub demand: Option<f64>,
    /// The demand capacity is planned for: what is observed or expected, with headroom; where a forecast sets the
    /// reserve, what the wanted replicas carry.
    pub planned: Option<f64>,
    /// What the wish stands on.
    pub basis: Basis,
    /// What runs (or the floor that is set); `None` if the target is not readable.
    pub current: Option<Replicas>,
    /// What the demand needs, before any guard.
    pub needed: Option<Replicas>,
    /// What is wanted after the guards, within the bounds.
    pub desired: Replicas,
    /// Why `desired` is not put into effect, if it is not.
    pub hold: Option<Hold>,
    /// The guard that decides at present, if one does.
    pub limited_by: Option<ConditionReason>,
    /// Why, in the order things happened.
    pub reasons: Vec<Reason>,
}

/// What a wish stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// The demand as observed.
    #[default]
    Observed,
    /// The demand expected when a replica ordered now can serve.
    Expected,
    /// What each replica is expected to save, against its price.
    Priced,
}

/// Why a decision is not put into effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// A freeze window is open: what runs is claimed as it is.
    Frozen,
    /// Autonomy is Observe in this direction: advice only.
    Observe,
    /// An autoscaler owns the target.
    Conflict,
    /// The target cannot be used.
    Unusable(ConditionReason),
}

/// How many replicas of a target one objective's mapping asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who asks.
    pub objective: ObjectId,
    /// For which mapping.
    pub mapping: String,
    /// Of which target, in the objective's namespace.
    pub target: TargetRef,
    /// How it is changed.
    pub actuator: ActuatorKind,
    /// How many.
    pub replicas: Replicas,
}

/// What one objective's pass leads to.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a plan that is not acted on and reported is lost"]
pub struct Plan {
    /// Whose.
    pub objective: ObjectId,
    /// What the measurements mean.
    pub findings: Findings,
    /// One per mapping, in the order of the intent.
    pub decisions: Vec<Decision>,
    /// The changes this objective makes. A target several objectives share is changed by the winner only.
    pub steps: Vec<Step>,
    /// What the next pass must know.
    pub memory: Memory,
}

/// One change to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The mapping it serves.
    pub mapping: String,
    /// The namespace of the target.
    pub namespace: String,
    /// The workload.
    pub target: TargetRef,
    /// How it is changed.
    pub actuator: ActuatorKind,
    /// For `HpaFloor`: the autoscaler's name.
    pub hpa: Option<String>,
    /// What was there.
    pub from: Replicas,
    /// What is to be there.
    pub to: Replicas,
    /// The version of the object the decision was made on.
    pub version: String,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutcome {
    /// The step.
    pub step: Step,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out; the object's version after it.
    Done {
        /// `resourceVersion` after the change.
        version: String,
    },
    /// Somebody else changed the object first: read again and decide again.
    Superseded,
    /// It failed.
    Failed {
        /// The condition reason.
        reason: ConditionReason,
        /// The API server's words.
        detail: String,
    },
}
