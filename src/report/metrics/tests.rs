//! The metrics page as a scraper reads it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::{
    Basis, ConditionReason, Decision, Findings, GoalOutlook, GoalState, MappingFacts, ObjectId, Replicas,
    Sample, Snapshot, TargetFault, TargetState,
};
use crate::report::board::{ObjectiveRow, RowState};

fn id(name: &str) -> ObjectId {
    ObjectId { namespace: "shop".to_owned(), name: name.to_owned() }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000).unwrap()
}

/// 1200 orders/h where 1000 are asked, sampled 3 s ago; web needs 12 and may have 10.
fn row() -> ObjectiveRow {
    let mut intent = crate::engine::scenario::intent("checkout");
    intent.indicator.unit = "orders/h".to_owned();
    intent.mappings = vec![crate::engine::scenario::mapping("web")];
    intent.mappings[0].demand.unit = "requests/s".to_owned();
    let findings = Findings {
        value: Some(1200.0),
        goal: Some(1000.0),
        attainment: Some(1.2),
        state: GoalState::Met,
        lost: None,
    };
    let decision = Decision {
        mapping: intent.mappings[0].name.clone(),
        target: intent.mappings[0].target.clone(),
        actuator: intent.mappings[0].actuator,
        demand: Some(1440.0),
        planned: Some(1440.0),
        basis: Basis::Observed,
        current: Some(Replicas(9)),
        needed: Some(Replicas(12)),
        desired: Replicas(10),
        hold: None,
        limited_by: Some(ConditionReason::AtMaximum),
        reasons: vec![],
    };
    let at = Timestamp::from_second(997).unwrap();
    let snapshot = Snapshot {
        at: now(),
        indicator: Sample::Present { value: 1200.0, at },
        indicator_baseline: None,
        outlook: GoalOutlook::Off,
        mappings: vec![MappingFacts::new(Sample::Absent, TargetState::Unknown(TargetFault::NotFound))],
    };
    ObjectiveRow::of(&intent, &findings, &[decision], &snapshot)
}

/// One of everything.
fn full() -> Arc<Metrics> {
    let metrics = Metrics::new("1.2.3");
    metrics.set_leads(true);
    metrics.board.put(id("checkout"), row());
    metrics.board.put(id("broken"), ObjectiveRow::without_pass(RowState::Invalid));
    metrics.board.scaled(&id("checkout"), "web", Replicas(9), Replicas(10));
    metrics.passed(Duration::from_millis(3), Duration::from_millis(40));
    metrics.set_queries(QueryCounts { sent: 7, shared: 2, lost: 1 });
    metrics.status_writes.count(WriteOutcome::Done);
    metrics.scale_writes.count(WriteOutcome::Conflict);
    metrics.events.count(WriteOutcome::Failed);
    metrics
}

/// Each sample line's name and labels → its value.
fn samples(page: &str) -> BTreeMap<String, f64> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[test]
#[cfg(target_os = "linux")]
fn the_page_names_exactly_the_families_of_the_list() {
    let page = full().page(now());
    assert!(page.ends_with("# EOF\n"));
    let named: BTreeSet<(String, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind))
        .collect();
    let listed: BTreeSet<(String, &str)> = FAMILIES
        .iter()
        .map(|family| (family.name.trim_end_matches("_total").to_owned(), family.kind.as_str()))
        .collect();
    assert_eq!(named, listed);
    // Every family has a sample here, with the labels of the list and no others.
    for family in FAMILIES {
        let series = match family.kind {
            FamilyKind::Histogram => format!("{}_count", family.name),
            FamilyKind::Counter | FamilyKind::Gauge => family.name.to_owned(),
        };
        let line = page
            .lines()
            .find(|line| line.strip_prefix(&series).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let line = line.unwrap_or_else(|| panic!("no sample of {series} in\n{page}"));
        let labels: Vec<&str> = line.match_indices("=\"").map(|(at, _)| &line[..at]).collect();
        let labels: Vec<&str> = labels.iter().map(|text| text.rsplit(['{', ',']).next().unwrap()).collect();
        assert_eq!(labels, family.labels, "{line}");
    }
}

#[test]
fn the_names_keep_the_conventions_of_prometheus() {
    for family in FAMILIES {
        assert_eq!(family.name.ends_with("_total"), family.kind == FamilyKind::Counter, "{}", family.name);
        assert!(family.name.starts_with("bizops_") || family.name.starts_with("process_"), "{}", family.name);
        assert!(family.help.ends_with('.') && !family.help.contains(['\n', '"', '\\']), "{}", family.name);
        for label in family.labels {
            assert!(!["pod", "message", "instance"].contains(label), "{}", family.name);
        }
    }
}

#[test]
fn a_graph_explains_the_decision() {
    let samples = samples(&full().page(now()));
    let of = r#"namespace="shop",objective="checkout""#;
    for (series, value) in [
        ("bizops_build_info{version=\"1.2.3\"}".to_owned(), 1.0),
        ("bizops_leader".to_owned(), 1.0),
        ("bizops_objectives{state=\"met\"}".to_owned(), 1.0),
        ("bizops_objectives{state=\"invalid\"}".to_owned(), 1.0),
        ("bizops_objectives{state=\"missed\"}".to_owned(), 0.0),
        (format!("bizops_objective_indicator_value{{{of},unit=\"orders/h\"}}"), 1200.0),
        (format!("bizops_objective_goal_value{{{of},unit=\"orders/h\"}}"), 1000.0),
        (format!("bizops_objective_attainment_ratio{{{of}}}"), 1.2),
        (format!("bizops_objective_met{{{of}}}"), 1.0),
        (format!("bizops_sample_age_seconds{{{of},query=\"indicator\"}}"), 3.0),
        (format!("bizops_mapping_demand{{{of},mapping=\"web\",unit=\"requests/s\"}}"), 1440.0),
        (format!("bizops_mapping_replicas_current{{{of},mapping=\"web\"}}"), 9.0),
        (format!("bizops_mapping_replicas_needed{{{of},mapping=\"web\"}}"), 12.0),
        (format!("bizops_mapping_replicas_desired{{{of},mapping=\"web\"}}"), 10.0),
        (format!("bizops_decisions_limited{{{of},mapping=\"web\",reason=\"AtMaximum\"}}"), 1.0),
        (format!("bizops_scale_changes_total{{{of},mapping=\"web\",direction=\"up\"}}"), 1.0),
        ("bizops_queries_total{outcome=\"shared\"}".to_owned(), 2.0),
        ("bizops_status_writes_total{outcome=\"done\"}".to_owned(), 1.0),
        ("bizops_scale_writes_total{outcome=\"conflict\"}".to_owned(), 1.0),
        ("bizops_events_total{outcome=\"failed\"}".to_owned(), 1.0),
        ("bizops_pass_duration_seconds_bucket{le=\"0.025\"}".to_owned(), 0.0),
        ("bizops_pass_duration_seconds_bucket{le=\"0.05\"}".to_owned(), 1.0),
        ("bizops_pass_lag_seconds_sum".to_owned(), 0.003),
    ] {
        assert_eq!(samples.get(&series), Some(&value), "{series}");
    }
}

#[test]
fn what_is_not_known_is_absent_and_not_zero() {
    let metrics = Metrics::new("1.2.3");
    metrics.board.put(id("dark"), ObjectiveRow::without_pass(RowState::Unknown));
    let page = metrics.page(now());
    assert!(!page.contains("objective=\"dark\""), "{page}");
    assert_eq!(samples(&page).get("bizops_objectives{state=\"unknown\"}"), Some(&1.0));
}

#[test]
fn an_objective_that_is_deleted_leaves_no_series() {
    let metrics = full();
    assert!(metrics.page(now()).contains("objective=\"checkout\""));
    metrics.board.remove(&id("checkout"));
    assert!(!metrics.page(now()).contains("objective=\"checkout\""));
    assert!(metrics.board.changes().is_empty());
}

#[test]
fn a_replica_that_leads_no_longer_shows_no_objectives() {
    let metrics = full();
    metrics.set_leads(false);
    let page = metrics.page(now());
    assert!(!page.contains("{namespace="), "{page}");
    assert_eq!(samples(&page).get("bizops_leader"), Some(&0.0));
}

#[test]
fn units_with_quotes_and_line_breaks_cannot_break_the_page() {
    let metrics = full();
    let unit = "a\"b\\c\nd".to_owned();
    metrics.board.put(id("odd"), ObjectiveRow { unit, ..row() });
    let page = metrics.page(now());
    let line =
        r#"bizops_objective_indicator_value{namespace="shop",objective="odd",unit="a\"b\\c\nd"} 1200.0"#;
    assert!(page.lines().any(|it| it == line), "{page}");
}
