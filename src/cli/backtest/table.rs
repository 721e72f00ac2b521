//! A comparison as a table, as JSON, as CSV.

use serde_json::{Value, json};

use crate::backtest::{Comparison, Row};
use crate::model::figure;

/// The heads of the table.
pub(super) fn heads(comparison: &Comparison) -> Vec<String> {
    let mut heads = vec!["POLICY", "LOST", "LOST DEMAND", "REPLICA-HOURS"];
    if comparison.rows.iter().any(|row| row.cost.is_some()) {
        heads.push("COST");
    }
    heads.extend(["SHORT OF CAPACITY", "CHANGES/DAY", "WORST HOUR"]);
    heads.into_iter().map(str::to_owned).collect()
}

/// One policy's cells, under the heads.
pub(super) fn cells(comparison: &Comparison, row: &Row) -> Vec<String> {
    let outcome = &row.outcome;
    let mut cells = vec![
        row.policy.clone(),
        percent(outcome.lost_share),
        format!("{} {}", figure(outcome.lost), amount_unit(&comparison.unit)),
        format!("{:.1}", outcome.replica_hours),
    ];
    if comparison.rows.iter().any(|row| row.cost.is_some()) {
        cells.push(row.cost.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string));
    }
    cells.push(percent(outcome.under));
    cells.push(format!("{:.0}", outcome.actions_per_day));
    cells.push(outcome.worst.map_or_else(
        || "-".to_owned(),
        |(at, share)| format!("{} lost {}", at.strftime("%a %d %b %H:%M"), percent(share)),
    ));
    cells
}

/// A share in percent, to three digits after the point.
fn percent(share: f64) -> String {
    format!("{:.3}%", share * 100.0)
}

/// What so much of a rate over time is counted in: of requests/s, requests.
fn amount_unit(unit: &str) -> String {
    unit.strip_suffix("/s").map_or_else(|| format!("{unit}·s"), str::to_owned)
}

/// The table as text.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut lines = vec![heads(comparison)];
    lines.extend(comparison.rows.iter().map(|row| cells(comparison, row)));
    let wide = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(wide).collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, wide))| {
                    if column == 0 { format!("{cell:<wide$}") } else { format!("{cell:>wide$}") }
                },
            )
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The table as CSV.
pub(super) fn csv(comparison: &Comparison) -> String {
    let mut text =
        "policy,lost_share,lost,replica_hours,cost,currency,under,actions_per_day,worst_hour,worst_share\n"
            .to_owned();
    for row in &comparison.rows {
        let (cost, currency) = row.cost.as_ref().map_or_else(
            || (String::new(), String::new()),
            |cost| (cost.amount.to_string(), cost.currency.clone()),
        );
        let (hour, share) = row
            .outcome
            .worst
            .map_or_else(|| (String::new(), String::new()), |(at, s)| (at.to_string(), s.to_string()));
        let outcome = &row.outcome;
        let cells = [
            format!("\"{}\"", row.policy.replace('"', "\"\"")),
            outcome.lost_share.to_string(),
            outcome.lost.to_string(),
            outcome.replica_hours.to_string(),
            cost,
            currency,
            outcome.under.to_string(),
            outcome.actions_per_day.to_string(),
            hour,
            share,
        ];
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// The table as JSON.
pub(super) fn json(comparison: &Comparison) -> Value {
    let rows: Vec<Value> = comparison
        .rows
        .iter()
        .map(|row| {
            let outcome = &row.outcome;
            json!({
                "policy": row.policy,
                "lostShare": outcome.lost_share,
                "lost": outcome.lost,
                "replicaHours": outcome.replica_hours,
                "cost": row.cost.as_ref().map(|cost| json!({"amount": cost.amount, "currency": cost.currency})),
                "under": outcome.under,
                "actions": outcome.actions,
                "actionsPerDay": outcome.actions_per_day,
                "worstHour": outcome.worst.map(|(at, share)| json!({"at": at.to_string(), "lostShare": share})),
            })
        })
        .collect();
    json!({
        "from": comparison.from.to_string(),
        "step": comparison.step,
        "unit": comparison.unit,
        "policies": rows,
        "assumed": comparison.assumed,
    })
}
