//! The same day at its own speed, with the forecast and without: `bizops backtest` on the recorded days.
//!
//! Three minutes are too short for a forecast that knows days and weeks. So the day is played once more by the
//! back-test of the very program the demo installed: twelve days before it are its history.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testbed::Error;

use super::day::{PEAK, root};

/// The days around the demo's.
const TRACE: &str = "benches/traces/nasa_http.csv";
/// When the demo's day ends, in seconds since 1970.
const END: i64 = 805_680_000;
/// A day in seconds.
const DAY: i64 = 86_400;
/// Share of the requests that are checkouts, as the shop's manifests have it.
const CONVERSION: f64 = 0.1;
/// The objective that is played.
const OBJECTIVE: &str = "examples/09-ahead-of-demand.yaml";

/// The table of the day at its own speed.
pub(super) fn table(program: &Path) -> Result<String, Error> {
    let trace = trace()?;
    let mut text = format!(
        "\nthe same day at its own speed, web alone, a replica serves 60 s after it is ordered; simulated by bizops \
         backtest\n{:<44}{:>9}{:>11}{:>8}{:>13}{:>17}\n",
        "", "demand", "served", "lost", "lost orders", "replica-minutes"
    );
    for (mode, unserved, name) in [
        ("Auto", "0.3%", "unserved 0.3 %, with the forecast"),
        ("Auto", "0.03%", "unserved 0.03 %, with the forecast"),
        ("Disabled", "0.3%", "without the forecast, used to 70 %"),
    ] {
        let said = play(program, &trace, (mode, unserved))?;
        let rows = said["policies"].as_array().cloned().unwrap_or_default();
        for row in rows {
            let policy = row["policy"].as_str().unwrap_or_default();
            match (policy, mode) {
                ("ahead", _) => text.push_str(&line(&format!("bizops, {name}"), &row)),
                ("HPA 70 %" | "clairvoyant", "Disabled") => text.push_str(&line(policy, &row)),
                _ => {}
            }
        }
    }
    Ok(text)
}

/// The days until the demo's ends, as many requests per second in its highest minute as in the play.
fn trace() -> Result<PathBuf, Error> {
    let from = root().join(TRACE);
    let wrong =
        |doing: &str, path: &Path, source| Error::Io { doing: format!("{doing} {}", path.display()), source };
    let text = std::fs::read_to_string(&from).map_err(|source| wrong("reading", &from, source))?;
    let rows: Vec<(i64, f64)> = text
        .lines()
        .filter_map(|line| line.split_once(','))
        .filter_map(|(at, value)| Some((at.parse::<f64>().ok()?.floor(), value.parse().ok()?)))
        .map(|(at, value)| {
            #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970")]
            let at = at as i64;
            (at, value)
        })
        .filter(|(at, _)| *at < END)
        .collect();
    let height = rows.iter().filter(|(at, _)| *at >= END - DAY).map(|(_, value)| *value).fold(1.0, f64::max);
    let mut scaled = String::from("timestamp,value\n");
    for (at, value) in rows {
        let _ = writeln!(scaled, "{at},{:.4}", value / height * PEAK);
    }
    let to = root().join("target/demo-days.csv");
    std::fs::write(&to, scaled).map_err(|source| wrong("writing", &to, source))?;
    Ok(to)
}

fn play(program: &Path, trace: &Path, (mode, unserved): (&str, &str)) -> Result<Value, Error> {
    let mut command = Command::new(program);
    command
        .args(["backtest", "-o", "json", "--judged", "1d", "--startup", "60s", "--file"])
        .arg(root().join(OBJECTIVE))
        .arg("--trace")
        .arg(trace)
        .args(["--set", "spec.timeZone=UTC", "--set", &format!("spec.policy.forecast.mode={mode}")])
        .args(["--set", &format!("spec.mappings[0].unserved={unserved}")]);
    let done = command
        .output()
        .map_err(|source| Error::Io { doing: "running bizops backtest".to_owned(), source })?;
    serde_json::from_slice(&done.stdout).map_err(|_| Error::Command {
        command: "bizops backtest".to_owned(),
        status: done.status.to_string(),
        stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
    })
}

fn line(name: &str, row: &Value) -> String {
    let number = |key: &str| row[key].as_f64().unwrap_or_default();
    let (share, lost) = (number("lostShare"), number("lost"));
    let demand = if share > 0.0 { format!("{:.0}", lost / share) } else { "-".to_owned() };
    format!(
        "{name:<44}{demand:>9}{:>9.3} %{lost:>8.0}{:>13.0}{:>17.0}\n",
        100.0 * (1.0 - share),
        lost * CONVERSION,
        number("replicaHours") * 60.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_was_lost_in_requests_and_orders() {
        let row =
            serde_json::json!({"policy": "ahead", "lostShare": 0.002, "lost": 500.0, "replicaHours": 12.5});
        let line = line("bizops", &row);
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["bizops", "250000", "99.800", "%", "500", "50", "750"]);
    }

    #[test]
    fn the_days_end_with_the_demos_and_have_its_height() {
        let path = trace().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let last = text.lines().last().unwrap().split_once(',').unwrap().0.parse::<i64>().unwrap();
        assert!((END - 120..END).contains(&last), "{last}");
        let highest = text.lines().skip(1).filter_map(|line| line.split_once(',')?.1.parse::<f64>().ok());
        assert!((highest.fold(0.0, f64::max) - PEAK).abs() < 1e-6, "the launch is the height of all days");
    }
}
