//! One objective as understood: what its owner means, and its queries checked and ready to be asked.

use std::sync::Arc;

use crate::api::v1alpha1::{Issues, Objective, intent};
use crate::model::{BaselineSpec, CapacityModel, Goal, Intent, Mapping, Reference};
use crate::observe::Checked;
use crate::observe::promql::{average_over, check};

/// An objective that can be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Charge {
    /// What its owner means.
    pub intent: Intent,
    /// The indicator.
    pub indicator: Arc<Checked>,
    /// The indicator's average over the baseline window, where the baseline is measured.
    pub baseline: Option<Arc<Checked>>,
    /// One per mapping, in the order of the intent.
    pub mappings: Vec<MappingQueries>,
}

/// The queries of one mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingQueries {
    /// The demand.
    pub demand: Arc<Checked>,
    /// The demand's average over the reference window, where the reference is measured.
    pub reference: Option<Arc<Checked>>,
    /// The demand that met no capacity.
    pub lost: Option<Arc<Checked>>,
    /// The signal of a learned capacity.
    pub signal: Option<Arc<Checked>>,
    /// The measurements that trim.
    pub trims: Vec<Arc<Checked>>,
}

/// Converts and checks an objective: what the schema cannot say, and the language of its queries.
///
/// # Errors
/// Every issue with its field path; a query's with line and column.
pub fn understand(object: &Objective) -> Result<Charge, Issues> {
    let intent = intent(object)?;
    let mut issues = Issues::default();
    let indicator = query(&mut issues, "spec.indicator.query", &intent.indicator.query);
    let baseline = match &intent.goal {
        Goal::GrowBy { baseline: BaselineSpec::Measured { window }, .. } if indicator.is_some() => {
            let average = average_over(&intent.indicator.query, *window);
            query(&mut issues, "spec.goal.baseline.window", &average)
        }
        _ => None,
    };
    let mappings =
        intent.mappings.iter().enumerate().map(|(index, mapping)| {
            mapping_queries(&mut issues, &format!("spec.mappings[{index}]"), mapping)
        });
    let mappings: Vec<Option<MappingQueries>> = mappings.collect();
    let mappings: Option<Vec<MappingQueries>> = mappings.into_iter().collect();
    match (indicator, mappings) {
        (Some(indicator), Some(mappings)) if issues.0.is_empty() => {
            Ok(Charge { intent, indicator, baseline, mappings })
        }
        _ => Err(issues),
    }
}

/// The queries of the mapping at `path`, or `None` when one of them is not `PromQL`.
fn mapping_queries(issues: &mut Issues, path: &str, mapping: &Mapping) -> Option<MappingQueries> {
    let demand = query(issues, &format!("{path}.demand.query"), &mapping.demand.query)?;
    let reference = match &mapping.capacity {
        CapacityModel::Proportional { reference: Reference::Measured { window }, .. } => {
            let average = average_over(&mapping.demand.query, *window);
            query(issues, &format!("{path}.capacity.proportional.baseline.window"), &average)
        }
        _ => None,
    };
    let lost = mapping.lost.as_ref().and_then(|text| query(issues, &format!("{path}.lost.query"), text));
    let signal = match &mapping.capacity {
        CapacityModel::Learned(model) => {
            query(issues, &format!("{path}.capacity.learned.signal.query"), &model.signal.query)
        }
        _ => None,
    };
    let trims = mapping
        .trims
        .iter()
        .enumerate()
        .filter_map(|(index, trim)| query(issues, &format!("{path}.trim[{index}].query"), &trim.query));
    let trims = trims.collect();
    Some(MappingQueries { demand, reference, lost, signal, trims })
}

fn query(issues: &mut Issues, path: &str, text: &str) -> Option<Arc<Checked>> {
    match check(text) {
        Ok(checked) => Some(Arc::new(checked)),
        Err(issue) => {
            issues.add(path, issue.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(indicator: &str, demand: &str) -> Objective {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
            "metadata": {"name": "checkout", "namespace": "shop"},
            "spec": {
                "indicator": {"query": indicator, "unit": "orders/h"},
                "goal": {"growBy": "50%", "baseline": {"window": "1d"}},
                "mappings": [{
                    "name": "web",
                    "demand": {"query": demand, "unit": "requests/s"},
                    "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                    "capacity": {"proportional": {"baseline": {"window": "1h"}}},
                    "bounds": {"min": 1, "max": 5}
                }]
            }
        }))
        .unwrap()
    }

    #[test]
    fn every_query_is_checked_and_each_issue_has_its_field_and_place() {
        let issues = understand(&objective("sum(rate(x[5m])", "sum(y) +")).unwrap_err().to_string();
        assert!(issues.contains("spec.indicator.query: line 1, column"), "{issues}");
        assert!(issues.contains("spec.mappings[0].demand.query: line 1, column"), "{issues}");
    }

    #[test]
    fn measured_baselines_are_averages_over_their_windows() {
        let charge = understand(&objective("sum(x)", "sum(y)")).unwrap();
        assert!(charge.baseline.unwrap().dated.contains("avg_over_time"));
        assert!(charge.mappings[0].reference.as_ref().unwrap().dated.contains("[3600s:"));
    }
}
