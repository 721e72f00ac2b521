//! A comparison as the data of its page: as many points as a screen shows.

use super::table;
use crate::backtest::Comparison;
use crate::cli::page::{Page, PageDecision, PagePolicy};

/// Points a chart has at most.
const POINTS: usize = 3000;

/// The page of a comparison.
pub(super) fn page(comparison: &Comparison, title: &str, zone: &jiff::tz::TimeZone) -> Page {
    let per = comparison.demand.len().div_ceil(POINTS).max(1);
    let lines = |values: &[f32], fold: fn(&[f32]) -> f32| values.chunks(per).map(fold).collect();
    let foreseen = comparison.rows.first().map_or(&[][..], |row| &row.foreseen);
    let band = |pick: fn(&(f32, f32)) -> f32| -> Option<Vec<Option<f32>>> {
        foreseen.iter().any(Option::is_some).then(|| {
            foreseen
                .chunks(per)
                .map(|chunk| {
                    let known: Vec<f32> = chunk.iter().flatten().map(pick).collect();
                    (!known.is_empty()).then(|| average(&known))
                })
                .collect()
        })
    };
    Page {
        title: title.to_owned(),
        unit: comparison.unit.clone(),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        start: comparison.from.as_second(),
        step: comparison.step as f64 * per as f64,
        demand: comparison
            .demand
            .chunks(per)
            .map(|chunk| {
                #[expect(clippy::cast_possible_truncation, reason = "a picture needs no more digits")]
                let known: Vec<f32> = chunk.iter().flatten().map(|demand| *demand as f32).collect();
                (!known.is_empty()).then(|| average(&known))
            })
            .collect(),
        expected: band(|pair| pair.0),
        upper: band(|pair| pair.1),
        columns: table::heads(comparison).iter().map(|head| capital(head)).collect(),
        policies: comparison
            .rows
            .iter()
            .map(|row| PagePolicy {
                name: row.policy.clone(),
                cells: table::cells(comparison, row),
                capacity: lines(&row.track.capacity, least),
                lost: lines(&row.track.lost, average),
            })
            .collect(),
        decisions: comparison.rows.first().map_or_else(Vec::new, |row| {
            row.changes
                .iter()
                .map(|change| PageDecision {
                    at: change.moment / per,
                    from: change.from.0,
                    to: change.to.0,
                    why: change.why.clone(),
                })
                .collect()
        }),
        assumed: comparison.assumed.clone(),
    }
}

fn average(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn least(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::INFINITY, f32::min)
}

/// `SHORT OF CAPACITY` as `Short of capacity`.
fn capital(head: &str) -> String {
    let mut letters = head.chars();
    letters.next().map_or_else(String::new, |first| format!("{first}{}", letters.as_str().to_lowercase()))
}
