//! Whether a status is worth a write. At rest nothing is written, though every figure jitters.
//!
//! | what differs | written |
//! |---|---|
//! | generation, ledger, what runs, baselines, memory that is due | at once |
//! | Ready, Met, `MetricsAvailable`, `ScalingActive`, `ForecastReady`, `AtRisk`: value or reason | at once, up to a number of times an hour; beyond that once it has lasted a minute |
//! | the guard that decides, `ScalingLimited`, Conflict, a wish that is not carried out | once it has lasted a minute |
//! | value, demand or attainment, by more than a tenth | at most once a minute |
//! | everything else: messages, reasons, smaller moves | along with something above |
//!
//! The second and third row are what keeps an objective at an edge quiet: a demand that jitters around what a
//! bound or a tolerance allows names another guard in every pass, and a source that fails every other query turns
//! `MetricsAvailable` in every pass.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::conditions::find;
use crate::api::v1alpha1::{MappingStatus, ObjectiveStatus};
use crate::model::ConditionKind;

/// Figures alone are written at most this often; a difference that may be jitter must last as long.
const REST: SignedDuration = SignedDuration::from_mins(1);

/// Turns are counted over this time.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A figure that moves by less than this share is no news.
const NEWS: f64 = 0.1;

/// The conditions whose turns are told at once, and how often in an hour. An indicator at its goal turns Met by
/// itself, so it gets few; the others turn only when something breaks or is mended.
const TURNS: [(ConditionKind, usize); 6] = [
    (ConditionKind::Met, 6),
    (ConditionKind::MetricsAvailable, 30),
    (ConditionKind::Ready, 30),
    (ConditionKind::ScalingActive, 30),
    (ConditionKind::ForecastReady, 6),
    (ConditionKind::AtRisk, 6),
];

/// The conditions that follow the demand.
const LEANINGS: [ConditionKind; 2] = [ConditionKind::ScalingLimited, ConditionKind::Conflict];

/// Why a status is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The spec, the ledger, what runs or a baseline.
    Change,
    /// A process that starts from the written memory would decide otherwise.
    Memory,
    /// A condition turned.
    Condition,
    /// Another guard decides, or another wish stands, and has for a minute.
    Leaning,
    /// A figure moved by more than a tenth.
    Figures,
}

impl Cause {
    /// The word for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "Change",
            Self::Memory => "Memory",
            Self::Condition => "Condition",
            Self::Leaning => "Leaning",
            Self::Figures => "Figures",
        }
    }
}

/// Whether a status made by `status::pending` must be written before acting: whether there is a change that is not
/// in the ledger yet. If so, note it with [`Quiet::written`] as [`Cause::Change`].
pub fn ahead_due(old: &ObjectiveStatus, ahead: &ObjectiveStatus) -> bool {
    old.decisions != ahead.decisions
}

/// What must be remembered between passes to write seldom. One per objective, in the running process only: a
/// restart costs at most one write more.
#[derive(Debug, Clone, Default)]
pub struct Quiet {
    /// When the status was last written.
    written_at: Option<Timestamp>,
    /// Since when something that follows the demand differs from what is written.
    leaning_since: Option<Timestamp>,
    /// The same for each of `TURNS`.
    turned_since: [Option<Timestamp>; TURNS.len()],
    /// When each of `TURNS` was last told at once, oldest first; never more than its number an hour.
    told: [Vec<Timestamp>; TURNS.len()],
}

impl Quiet {
    /// Whether `new` is worth a write over `old`, the status as last written, and why. Ask in every pass: what must
    /// last a minute is counted from the first time it is seen here.
    ///
    /// `memory_due` is the engine's word on the memory.
    pub fn due(
        &mut self,
        old: &ObjectiveStatus,
        new: &ObjectiveStatus,
        now: Timestamp,
        memory_due: bool,
    ) -> Option<Cause> {
        let lasts = |differs: bool, since: Option<Timestamp>| differs.then(|| since.unwrap_or(now));
        self.leaning_since = lasts(leans(old, new), self.leaning_since);
        for (index, (kind, _)) in TURNS.iter().enumerate() {
            let turned = face(&old.conditions, *kind) != face(&new.conditions, *kind);
            self.turned_since[index] = lasts(turned, self.turned_since[index]);
        }
        let rested = self.written_at.is_none_or(|at| now.duration_since(at) >= REST);
        if changed(old, new) {
            Some(Cause::Change)
        } else if memory_due {
            Some(Cause::Memory)
        } else if self.turn_due(now) {
            Some(Cause::Condition)
        } else if lasted(self.leaning_since, now) {
            Some(Cause::Leaning)
        } else if rested && figures_moved(old, new) {
            Some(Cause::Figures)
        } else {
            None
        }
    }

    /// Notes that the status was written, for the cause [`Quiet::due`] gave last.
    pub fn written(&mut self, cause: Cause, now: Timestamp) {
        for (turned, told) in self.turned_since.iter_mut().zip(&mut self.told) {
            if turned.take().is_some() && cause == Cause::Condition {
                told.retain(|at| now.duration_since(*at) < HOUR);
                told.push(now);
            }
        }
        self.leaning_since = None;
        self.written_at = Some(now);
    }

    fn turn_due(&self, now: Timestamp) -> bool {
        TURNS.iter().zip(self.turned_since).zip(&self.told).any(|(((_, most), since), told)| {
            let lately = told.iter().filter(|at| now.duration_since(**at) < HOUR).count();
            since.is_some() && (lately < *most || lasted(since, now))
        })
    }
}

fn lasted(since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| now.duration_since(since) >= REST)
}

/// What of a condition counts: its value and its reason, not its words.
fn face(conditions: &[Condition], kind: ConditionKind) -> Option<(&str, &str)> {
    find(conditions, kind).map(|condition| (condition.status.as_str(), condition.reason.as_str()))
}

/// What never jitters.
fn changed(old: &ObjectiveStatus, new: &ObjectiveStatus) -> bool {
    old.observed_generation != new.observed_generation
        || old.decisions != new.decisions
        || old.baseline != new.baseline
        || old.mappings.len() != new.mappings.len()
        || old.mappings.iter().zip(&new.mappings).any(|(old, new)| {
            let ground = |row: &MappingStatus| (row.name.clone(), row.target.clone(), row.current);
            ground(old) != ground(new) || old.reference != new.reference
        })
}

/// What follows the demand, and so may change in every pass. A wish that is carried out shows as a change; one
/// that is not leans when it moves by more than a tenth, or comes to or from what runs.
fn leans(old: &ObjectiveStatus, new: &ObjectiveStatus) -> bool {
    let wish = |old: &MappingStatus, new: &MappingStatus| {
        let at_rest = |row: &MappingStatus| row.current == Some(row.desired);
        at_rest(old) != at_rest(new) || moved(f64::from(old.desired), f64::from(new.desired))
    };
    LEANINGS.iter().any(|kind| face(&old.conditions, *kind) != face(&new.conditions, *kind))
        || old.mappings.iter().zip(&new.mappings).any(|(old, new)| {
            old.limited_by != new.limited_by || old.demand.is_some() != new.demand.is_some() || wish(old, new)
        })
}

fn figures_moved(old: &ObjectiveStatus, new: &ObjectiveStatus) -> bool {
    let indicator = match (&old.indicator, &new.indicator) {
        (Some(old), Some(new)) => {
            shown_moved(old.value.as_deref(), new.value.as_deref())
                || shown_moved(old.attainment.as_deref(), new.attainment.as_deref())
        }
        _ => false,
    };
    indicator
        || old
            .mappings
            .iter()
            .zip(&new.mappings)
            .any(|(old, new)| shown_moved(old.demand.as_deref(), new.demand.as_deref()))
}

/// Whether a figure as shown, such as `900 requests/s` or `118%`, moved by more than a tenth.
fn shown_moved(old: Option<&str>, new: Option<&str>) -> bool {
    let number = |text: &str| text.split([' ', '%']).next().and_then(|number| number.parse::<f64>().ok());
    match (old.and_then(number), new.and_then(number)) {
        (Some(old), Some(new)) => moved(old, new),
        _ => false,
    }
}

fn moved(old: f64, new: f64) -> bool {
    (new - old).abs() > NEWS * old.abs()
}

#[cfg(test)]
mod tests;
