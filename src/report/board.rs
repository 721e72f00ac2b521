//! The read model: the last verdict on every objective, for metrics and pages.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use crate::model::{
    ConditionReason, Decision, Findings, GoalState, Intent, ObjectId, Replicas, Sample, Snapshot,
};

/// How an objective stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowState {
    /// The goal is met; one that lies ahead is on its line.
    Met,
    /// The goal is missed; one that lies ahead is behind its line.
    Missed,
    /// The indicator or its baseline is not known.
    Unknown,
    /// The spec cannot be reconciled.
    Invalid,
    /// `spec.suspend` is true.
    Suspended,
}

impl RowState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Met, Self::Missed, Self::Unknown, Self::Invalid, Self::Suspended];

    /// The word as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
            Self::Suspended => "suspended",
        }
    }
}

/// The last verdict on one objective.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveRow {
    /// What the indicator counts.
    pub unit: String,
    /// How it stands.
    pub state: RowState,
    /// The indicator, if it is known.
    pub value: Option<f64>,
    /// What the goal asks for now, if it is known.
    pub goal: Option<f64>,
    /// How far the indicator is towards its goal; 1 = met.
    pub attainment: Option<f64>,
    /// For each query that gave a number, when the newest sample behind it was taken.
    pub sampled: Vec<(String, Timestamp)>,
    /// One per mapping.
    pub mappings: Vec<MappingRow>,
}

/// The last decision on one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingRow {
    /// Its name.
    pub name: String,
    /// What its demand counts.
    pub unit: String,
    /// The demand, if it is known.
    pub demand: Option<f64>,
    /// What runs, or the floor that is set, if it is known.
    pub current: Option<Replicas>,
    /// What the demand needs before any guard, if it is known.
    pub needed: Option<Replicas>,
    /// What is wanted after the guards.
    pub desired: Replicas,
    /// The guard that decides at present, if one does.
    pub limited_by: Option<ConditionReason>,
}

impl ObjectiveRow {
    /// What a pass concluded.
    pub fn of(intent: &Intent, findings: &Findings, decisions: &[Decision], snapshot: &Snapshot) -> Self {
        let state = match findings.state {
            _ if intent.suspend => RowState::Suspended,
            GoalState::Met | GoalState::OnTrack => RowState::Met,
            GoalState::Missed | GoalState::BehindPlan => RowState::Missed,
            GoalState::MeasuringBaseline | GoalState::NoData => RowState::Unknown,
        };
        let sampled = |name: String, sample: &Sample| sample.at().map(|at| (name, at));
        let demands = intent.mappings.iter().zip(&snapshot.mappings);
        Self {
            unit: intent.indicator.unit.clone(),
            state,
            value: findings.value,
            goal: findings.goal,
            attainment: findings.attainment,
            sampled: sampled("indicator".to_owned(), &snapshot.indicator)
                .into_iter()
                .chain(demands.filter_map(|(mapping, facts)| {
                    sampled(format!("demand of {}", mapping.name), &facts.demand)
                }))
                .collect(),
            mappings: decisions.iter().map(|decision| MappingRow::of(intent, decision)).collect(),
        }
    }

    /// An objective that no pass is made for.
    pub fn without_pass(state: RowState) -> Self {
        Self {
            unit: String::new(),
            state,
            value: None,
            goal: None,
            attainment: None,
            sampled: vec![],
            mappings: vec![],
        }
    }
}

impl MappingRow {
    fn of(intent: &Intent, decision: &Decision) -> Self {
        let mapping = intent.mappings.iter().find(|mapping| mapping.name == decision.mapping);
        Self {
            name: decision.mapping.clone(),
            unit: mapping.map(|mapping| mapping.demand.unit.clone()).unwrap_or_default(),
            demand: decision.demand,
            current: decision.current,
            needed: decision.needed,
            desired: decision.desired,
            limited_by: decision.limited_by,
        }
    }
}

/// Which way replicas were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// More.
    Up,
    /// Fewer.
    Down,
}

impl Direction {
    /// The word as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// How often the replicas of a mapping were changed.
pub type Changes = BTreeMap<(ObjectId, String, Direction), u64>;

/// The last verdict on every objective. Holds nothing of objectives that are gone.
#[derive(Debug, Default)]
pub struct Board {
    rows: RwLock<BTreeMap<ObjectId, Arc<ObjectiveRow>>>,
    changes: RwLock<Changes>,
}

impl Board {
    /// Puts up the last verdict on an objective.
    pub fn put(&self, id: ObjectId, row: ObjectiveRow) {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(row));
    }

    /// Takes down everything about an objective that is gone.
    pub fn remove(&self, id: &ObjectId) {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.changes.write().unwrap_or_else(PoisonError::into_inner).retain(|(of, ..), _| of != id);
    }

    /// Takes down everything: another process decides now, and shows it.
    pub fn clear(&self) {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.changes.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Counts one change of replicas that was carried out.
    pub fn scaled(&self, id: &ObjectId, mapping: &str, from: Replicas, to: Replicas) {
        let direction = if to > from { Direction::Up } else { Direction::Down };
        let key = (id.clone(), mapping.to_owned(), direction);
        *self.changes.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    /// Every row, in the order of the objectives' names.
    pub fn rows(&self) -> BTreeMap<ObjectId, Arc<ObjectiveRow>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often replicas were changed.
    pub fn changes(&self) -> Changes {
        self.changes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
