//! One look at the running demo: what Prometheus counted and what the API server shows.

use std::collections::BTreeMap;

use serde_json::Value;
use testbed::{Error, Testbed};

/// What visitors met with since the play began, as the shop's counters in Prometheus say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) offered: f64,
    pub(super) refused: f64,
    pub(super) failed: f64,
    pub(super) unsent: f64,
    pub(super) lost_orders: f64,
}

impl Counts {
    /// Requests that got no page, for whatever reason.
    pub(super) fn lost(&self) -> f64 {
        self.refused + self.failed + self.unsent
    }

    pub(super) fn read(testbed: &Testbed) -> Result<Self, Error> {
        let by = |query: &str, label: &str| -> Result<BTreeMap<String, f64>, Error> {
            let samples = testbed.query(query)?;
            Ok(samples
                .into_iter()
                .map(|sample| (sample.labels.get(label).cloned().unwrap_or_default(), sample.value))
                .collect())
        };
        let causes = by("sum by (cause) (shop_load_refused_total)", "cause")?;
        let outcomes = by("sum by (outcome) (shop_load_orders_total)", "outcome")?;
        let of = |counts: &BTreeMap<String, f64>, name: &str| counts.get(name).copied().unwrap_or(0.0);
        Ok(Self {
            offered: testbed.query("sum(shop_offered_requests_total)")?.first().map_or(0.0, |one| one.value),
            refused: of(&causes, "refused"),
            failed: of(&causes, "failed"),
            unsent: of(&causes, "unsent"),
            lost_orders: of(&outcomes, "lost"),
        })
    }
}

/// A workload's replicas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pods {
    /// How many there should be.
    pub(super) wanted: u32,
    /// How many there are.
    pub(super) exist: u32,
    /// How many serve.
    pub(super) ready: u32,
}

/// An objective, as its status shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Objective {
    pub(super) name: String,
    pub(super) indicator: String,
    pub(super) goal: String,
    pub(super) met: String,
    /// Each mapping's name, and its replicas now and wanted.
    pub(super) mappings: Vec<(String, String)>,
}

/// A change that bizops decided on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decision {
    /// When, as the status writes it: RFC 3339 in UTC.
    pub(super) at: String,
    pub(super) objective: String,
    pub(super) mapping: String,
    pub(super) from: u32,
    pub(super) to: u32,
    /// The sentences that say why.
    pub(super) why: String,
}

/// What one look saw.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Look {
    /// Seconds since the play began.
    pub(super) played: f64,
    /// Requests per second that visitors send, over five seconds.
    pub(super) rate: f64,
    pub(super) counts: Counts,
    pub(super) pods: BTreeMap<String, Pods>,
    pub(super) objectives: Vec<Objective>,
    /// The decisions that the status still holds, in the order in which they were made.
    pub(super) decisions: Vec<Decision>,
}

impl Look {
    /// Looks now.
    pub(super) fn now(testbed: &Testbed, played: f64) -> Result<Self, Error> {
        let rate = testbed.query("sum(rate(shop_offered_requests_total[5s]))")?;
        let list = testbed.api().get("/apis/bizops.dev/v1alpha1/namespaces/shop/objectives")?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let mut objectives: Vec<Objective> = items.iter().map(objective).collect();
        freshen(testbed, &mut objectives)?;
        let mut decisions: Vec<Decision> = items.iter().flat_map(decisions_of).collect();
        decisions.sort();
        Ok(Self {
            played,
            rate: rate.first().map_or(0.0, |one| one.value),
            counts: Counts::read(testbed)?,
            pods: pods(testbed)?,
            objectives,
            decisions,
        })
    }

    /// The replicas of an app.
    pub(super) fn of(&self, app: &str) -> Pods {
        self.pods.get(app).copied().unwrap_or_default()
    }
}

/// The replicas of every Deployment and `StatefulSet` of the shop.
pub(super) fn pods(testbed: &Testbed) -> Result<BTreeMap<String, Pods>, Error> {
    let mut pods = BTreeMap::new();
    for kind in ["deployments", "statefulsets"] {
        let list = testbed.api().get(&format!("/apis/apps/v1/namespaces/shop/{kind}"))?;
        for item in list["items"].as_array().into_iter().flatten() {
            let count = Pods {
                wanted: number(&item["spec"]["replicas"]),
                exist: number(&item["status"]["replicas"]),
                ready: number(&item["status"]["readyReplicas"]),
            };
            pods.insert(text(&item["metadata"]["name"]), count);
        }
    }
    Ok(pods)
}

fn objective(item: &Value) -> Objective {
    let status = &item["status"];
    let conditions = status["conditions"].as_array();
    let met = conditions.into_iter().flatten().find(|condition| condition["type"] == "Met");
    let mappings = status["mappings"].as_array().into_iter().flatten();
    Objective {
        name: text(&item["metadata"]["name"]),
        indicator: text(&status["indicator"]["display"]),
        goal: text(&status["indicator"]["goalDisplay"]),
        met: met.map(|condition| text(&condition["status"])).unwrap_or_default(),
        mappings: mappings
            .map(|mapping| {
                let now = mapping["current"].as_u64().map_or_else(|| "?".to_owned(), |now| now.to_string());
                (text(&mapping["name"]), format!("{now} → {}", number(&mapping["desired"])))
            })
            .collect(),
    }
}

/// Indicators as bizops' own metrics show them: the status follows a figure alone only once a minute.
fn freshen(testbed: &Testbed, objectives: &mut [Objective]) -> Result<(), Error> {
    for metric in ["bizops_objective_indicator_value", "bizops_objective_met"] {
        for sample in testbed.query(metric)? {
            let of = |label: &str| sample.labels.get(label).map(String::as_str).unwrap_or_default();
            let Some(objective) = objectives.iter_mut().find(|one| one.name == of("objective")) else {
                continue;
            };
            match (metric, sample.value.is_finite()) {
                (_, false) => {}
                ("bizops_objective_met", _) => {
                    (if sample.value > 0.5 { "True" } else { "False" }).clone_into(&mut objective.met);
                }
                _ => objective.indicator = format!("{} {}", figure(sample.value), of("unit")),
            }
        }
    }
    Ok(())
}

/// A figure with as many digits as are read.
fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        some if some >= 1.0 => format!("{value:.1}"),
        zero if zero < 0.0005 => "0".to_owned(),
        _ => format!("{value:.3}"),
    }
}

fn decisions_of(item: &Value) -> Vec<Decision> {
    let decisions = item["status"]["decisions"].as_array().into_iter().flatten();
    let done = decisions.filter(|decision| decision["outcome"] == "Done");
    done.map(|decision| {
        let reasons = decision["reasons"].as_array().into_iter().flatten();
        let why: Vec<String> = reasons.map(|reason| text(&reason["message"])).collect();
        Decision {
            at: text(&decision["at"]),
            objective: text(&item["metadata"]["name"]),
            mapping: text(&decision["mapping"]),
            from: number(&decision["from"]),
            to: number(&decision["to"]),
            why: why.join("; "),
        }
    })
    .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_have_the_digits_that_are_read() {
        assert_eq!([62_079.4, 52.25, 0.0712, 0.0].map(figure), ["62079", "52.2", "0.071", "0"]);
    }

    #[test]
    fn an_objective_is_read_from_its_status_and_only_done_decisions_count() {
        let item = json!({"metadata": {"name": "browse"}, "status": {
            "indicator": {"display": "120 requests/s", "goalDisplay": "≥ 20 requests/s"},
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Met", "status": "False"}],
            "mappings": [{"name": "web", "current": 3, "desired": 5}, {"name": "mail", "desired": 1}],
            "decisions": [
                {"at": "2026-01-01T00:00:05Z", "mapping": "web", "from": 3, "to": 5, "outcome": "Pending", "reasons": []},
                {"at": "2026-01-01T00:00:01Z", "mapping": "web", "from": 2, "to": 3, "outcome": "Done",
                 "reasons": [{"message": "120 requests/s need 3 replicas"}]},
            ],
        }});
        let seen = objective(&item);
        assert_eq!((seen.met.as_str(), seen.goal.as_str()), ("False", "≥ 20 requests/s"));
        let mappings = [("web", "3 → 5"), ("mail", "? → 1")];
        assert_eq!(seen.mappings, mappings.map(|(name, now)| (name.to_owned(), now.to_owned())));
        let decisions = decisions_of(&item);
        assert_eq!(decisions.len(), 1);
        assert_eq!((decisions[0].to, decisions[0].why.as_str()), (3, "120 requests/s need 3 replicas"));
    }
}
