//! The decisions get no worse: a part of `make bench-decisions` against what was recorded.

use std::fmt::Write as _;
use std::path::Path;

use bizops::model::Reserve;

use crate::suite::{Demand, Played, Player, TRACES};

const RECORD: &str = "tests/backtest/decisions.txt";
const UPDATE: &str = "BIZOPS_UPDATE_GOLDEN";
/// What a total may get worse by.
const MAY: f64 = 0.03;

/// The traces with a sample at least every ten minutes; five days of history, three judged.
const PART: [&str; 3] = ["nasa_http", "crane_diurnal", "llm_msmall"];

fn games() -> Vec<(String, Played)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/traces");
    let mut games = vec![];
    for origin in TRACES.iter().filter(|origin| PART.contains(&origin.name)) {
        let demand = Demand::read(&folder, origin).unwrap().part(5, 3);
        for startup in [60, 180] {
            for (name, reserve) in
                [("unserved 0.3%", Reserve::Unserved(0.003)), ("price 0.05", Reserve::Price(0.05))]
            {
                let played = Player::Objective(reserve).play(&demand, startup).unwrap();
                games.push((format!("{} {startup}s {name}", origin.name), played));
            }
        }
    }
    games
}

fn written(games: &[(String, Played)]) -> String {
    let mut text =
        "# What the decisions of tests/backtest/decisions.rs came to; `make golden` writes it anew.\n\
         # game | replicas on average | share of demand lost | changes a day\n"
            .to_owned();
    for (name, played) in games {
        let _ =
            writeln!(text, "{name} | {:.4} | {:.7} | {:.1}", played.replicas, played.lost, played.actions);
    }
    text
}

/// The sums of the columns, over the games of that name.
fn totals(text: &str, games: &[(String, Played)]) -> [f64; 3] {
    let mut totals = [0.0; 3];
    for (name, _) in games {
        let line = text.lines().find(|line| line.split(" | ").next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("{RECORD} has no {name}: run `make golden`"));
        for (total, cell) in totals.iter_mut().zip(line.split(" | ").skip(1)) {
            *total += cell.parse::<f64>().unwrap();
        }
    }
    totals
}

#[test]
fn golden_decisions_cost_lose_and_change_no_more_than_recorded() {
    let games = games();
    let now = written(&games);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORD);
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        std::fs::write(&path, &now).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap();
    let (before, after) = (totals(&recorded, &games), totals(&now, &games));
    for ((what, before), after) in ["replicas", "demand lost", "changes a day"].iter().zip(before).zip(after)
    {
        assert!(
            after <= before * (1.0 + MAY),
            "{what}: {after} in all, {before} recorded. If this is meant, run `make golden` and review the \
             difference.\nrecorded:\n{recorded}\nnow:\n{now}"
        );
    }
}
