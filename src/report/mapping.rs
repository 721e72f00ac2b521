//! One row of status per mapping, and the column of replicas.

use super::memory::{reference, stored};
use super::outlook;
use super::status::Told;
use super::text::cut;
use crate::api::v1alpha1::{MappingStatus, ReasonStatus};
use crate::model::{
    ActuatorKind, CapacityModel, ConditionReason, Decision, Mapping, Money, Outcome, Reason, Replicas,
    StepOutcome, TargetState, figure,
};

/// A reason's sentence is cut to so many bytes: the words of an API server can be long, and 20 decisions keep them.
const LONGEST_REASON: usize = 400;

/// Reasons as status and ledger show them.
pub(super) fn reasons(reasons: &[Reason]) -> Vec<ReasonStatus> {
    reasons
        .iter()
        .map(|reason| ReasonStatus {
            code: reason.code().as_str().to_owned(),
            message: cut(&reason.to_string(), LONGEST_REASON),
        })
        .collect()
}

/// What runs after acting: what a carried-out step set, else what was read.
pub(super) fn running(decision: &Decision, outcomes: &[StepOutcome]) -> Option<Replicas> {
    outcomes
        .iter()
        .find(|done| done.step.mapping == decision.mapping && matches!(done.outcome, Outcome::Done { .. }))
        .map(|done| done.step.to)
        .or(decision.current)
}

/// The rows, in the order of the intent. A measured reference is kept in its row, whatever became of the target.
pub(super) fn rows(told: &Told<'_>, old: &[MappingStatus]) -> Vec<MappingStatus> {
    let one = |(index, mapping): (usize, &Mapping)| {
        let decision = told.plan.decisions.iter().find(|decision| decision.mapping == mapping.name);
        let mut row = decision.map_or_else(
            || {
                let before = old.iter().find(|row| row.name == mapping.name).cloned();
                before.unwrap_or_else(|| blank(mapping))
            },
            |decision| row(told, index, mapping, decision),
        );
        let kept = told.memory.mapping(&mapping.name);
        row.last_scale_at = kept.last_up.max(kept.last_down);
        row.reference = kept.reference.map(reference);
        row.per_replica =
            kept.learned.filter(|_| matches!(mapping.capacity, CapacityModel::Learned(_))).map(|learned| {
                let [carries, low, high] = [learned.carries, learned.low, learned.high].map(figure);
                format!("{carries} {} ({low} to {high})", mapping.demand.unit)
            });
        row
    };
    told.intent.mappings.iter().enumerate().map(one).collect()
}

fn blank(mapping: &Mapping) -> MappingStatus {
    MappingStatus {
        name: mapping.name.clone(),
        target: mapping.target.to_string(),
        desired: stored(mapping.bounds.min),
        ..MappingStatus::default()
    }
}

fn row(told: &Told<'_>, index: usize, mapping: &Mapping, decision: &Decision) -> MappingStatus {
    let with_unit = |value: f64| format!("{} {}", figure(value), mapping.demand.unit);
    let current = running(decision, told.outcomes);
    let paid = match (decision.actuator, told.snapshot.mappings.get(index).map(|facts| &facts.target)) {
        (ActuatorKind::Scale, _) => current,
        // A floor costs nothing; what the autoscaler runs above it does.
        (ActuatorKind::HpaFloor, Some(TargetState::Known(workload))) => Some(workload.replicas),
        (ActuatorKind::HpaFloor, _) => None,
    };
    let cost = mapping.cost.as_ref().zip(paid).map(|(cost, paid)| {
        Money { amount: cost.amount * paid.as_f64(), currency: cost.currency.clone() }.to_string()
    });
    MappingStatus {
        demand: decision.demand.map(with_unit),
        planned: decision.planned.map(with_unit),
        current: current.map(stored),
        needed: decision.needed.map(stored),
        desired: stored(decision.desired),
        limited_by: decision.limited_by.map(|reason| reason.as_str().to_owned()),
        reasons: reasons(&decision.reasons),
        cost_per_hour: cost,
        forecast: outlook::row(told, index, decision),
        ..blank(mapping)
    }
}

/// The column of replicas, now → wanted: `6 → 9`, or `web 6 → 9, payment 4`. Where another objective's larger
/// claim stands, what this one would want is not shown: it is nobody's plan.
pub(super) fn column(rows: &[MappingStatus]) -> String {
    let one = |row: &MappingStatus| {
        let outbid = row.limited_by.as_deref() == Some(ConditionReason::Outbid.as_str());
        match row.current {
            None => "?".to_owned(),
            Some(current) if current == row.desired || outbid => current.to_string(),
            Some(current) => format!("{current} → {}", row.desired),
        }
    };
    match rows {
        [only] => one(only),
        many => many.iter().map(|row| format!("{} {}", row.name, one(row))).collect::<Vec<_>>().join(", "),
    }
}

/// The rows while nothing is measured: what was measured once and what runs stay, figures and wishes go.
pub(super) fn at_rest(old: &[MappingStatus]) -> Vec<MappingStatus> {
    old.iter()
        .map(|row| MappingStatus {
            demand: None,
            forecast: None,
            planned: None,
            needed: None,
            limited_by: None,
            reasons: vec![],
            desired: row.current.unwrap_or(row.desired),
            ..row.clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_says_now_and_wanted() {
        let row = |name: &str, current: Option<i32>, desired: i32, limit: Option<&str>| MappingStatus {
            name: name.to_owned(),
            current,
            desired,
            limited_by: limit.map(str::to_owned),
            ..MappingStatus::default()
        };
        let web = row("web", Some(6), 9, None);
        assert_eq!(column(&[]), "");
        assert_eq!(column(std::slice::from_ref(&web)), "6 → 9");
        assert_eq!(column(&[web, row("payment", Some(4), 4, None)]), "web 6 → 9, payment 4");
        assert_eq!(column(&[row("web", Some(12), 6, Some("Outbid"))]), "12");
        assert_eq!(column(&[row("web", None, 2, None)]), "?");
    }
}
