//! `bizops backtest --stdio`: the objective's pilot driven line by line, so that any simulator can judge it.
//!
//! One JSON object per line. First `{"init":{"tick":15,"startup":60,"metric_lag":30,…}}`, in seconds; then the history
//! as `{"t":…,"value":…}`; then every tick `{"t":…,"value":…,"replicas":n,"ready":n}`, with the newest sample, its time,
//! and the replicas that exist and serve. Each of those is answered by `{"replicas":n}`. Demand counts what one replica
//! carries as 1.

use std::io::{BufRead, Write};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::backtest::{Pilot, Seen};
use crate::model::{
    ActuatorKind, Bounds, CapacityModel, DemandQuery, Goal, Indicator, Intent, Mapping, ObjectId, Policy,
    Replicas, Reserve, TargetRef, WhenEmpty,
};

/// The longest line that is read.
const LONGEST: usize = 4096;

/// The first line.
#[derive(Debug, Deserialize)]
struct First {
    init: Init,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Init {
    tick: i64,
    startup: i64,
    #[serde(default)]
    metric_lag: i64,
    #[serde(default = "one")]
    per_replica: f64,
}

fn one() -> f64 {
    1.0
}

/// Every further line.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Line {
    t: i64,
    value: Option<f64>,
    replicas: Option<u32>,
    ready: Option<u32>,
}

/// Answers until the input ends.
///
/// # Errors
/// The number of a line that cannot be read, and why.
pub(super) fn serve(
    reserve: &Reserve,
    mut input: impl BufRead,
    mut output: impl Write,
) -> Result<(), String> {
    let mut text = String::new();
    let mut pilot: Option<(Pilot, Init)> = None;
    for number in 1_u64.. {
        text.clear();
        let read = std::io::Read::take(&mut input, LONGEST as u64).read_line(&mut text);
        if read.map_err(|error| format!("line {number}: cannot be read: {error}"))? == 0 {
            return Ok(());
        }
        let wrong = |error: serde_json::Error| format!("line {number}: {error}: {}", text.trim_end());
        let Some((pilot, init)) = &mut pilot else {
            let first: First = serde_json::from_str(&text).map_err(wrong)?;
            pilot = Some((begin(reserve, first.init)?, first.init));
            continue;
        };
        let line: Line = serde_json::from_str(&text).map_err(wrong)?;
        if let Some(answer) = advance(pilot, *init, line).map_err(|why| format!("line {number}: {why}"))? {
            writeln!(output, "{{\"replicas\":{answer}}}")
                .and_then(|()| output.flush())
                .map_err(|error| format!("an answer cannot be written: {error}"))?;
        }
    }
    Ok(())
}

fn begin(reserve: &Reserve, init: Init) -> Result<Pilot, String> {
    if init.tick < 1 || init.startup < 0 || init.metric_lag < 0 || init.per_replica <= 0.0 {
        return Err(format!("line 1: {init:?} is not a setting: write seconds above zero"));
    }
    // The newest sample ends `metric_lag` before the tick; it began a tick earlier.
    let age = SignedDuration::from_secs(init.metric_lag + init.tick);
    Pilot::new(&intent(reserve.clone(), init), 0, init.tick, age)
        .ok_or_else(|| "line 1: there is nothing to pilot".to_owned())
}

fn advance(pilot: &mut Pilot, init: Init, line: Line) -> Result<Option<u32>, String> {
    let moment = |second: i64| Timestamp::from_second(second).map_err(|error| format!("t: {error}"));
    let sampled = moment(line.t)?;
    let Some(existing) = line.replicas else {
        pilot.recall(sampled, line.value);
        return Ok(None);
    };
    let decided = pilot.pass(&Seen {
        now: moment(line.t.saturating_add(init.metric_lag + init.tick))?,
        sampled,
        demand: line.value,
        existing,
        ready: line.ready.unwrap_or(existing),
    });
    Ok(Some(decided.desired.0))
}

/// An objective with nothing but a demand and a reserve.
fn intent(reserve: Reserve, init: Init) -> Intent {
    let mapping = Mapping {
        name: "demand".to_owned(),
        demand: DemandQuery { query: String::new(), unit: "replicas".to_owned() },
        target: TargetRef {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "demand".to_owned(),
        },
        capacity: CapacityModel::PerReplica(init.per_replica),
        reserve,
        startup: SignedDuration::from_secs(init.startup),
        bounds: Bounds { min: Replicas(1), max: Replicas::CEILING },
        actuator: ActuatorKind::Scale,
        cost: None,
        lost: None,
        trims: vec![],
    };
    Intent {
        id: ObjectId { namespace: String::new(), name: "stdio".to_owned() },
        generation: 1,
        suspend: false,
        interval: SignedDuration::from_secs(init.tick),
        zone: jiff::tz::TimeZone::UTC,
        source: None,
        indicator: Indicator { query: String::new(), unit: String::new(), when_empty: WhenEmpty::Unknown },
        goal: Goal::AtLeast(0.0),
        mappings: vec![mapping],
        policy: Policy::default(),
        measure_token: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &str) -> Result<String, String> {
        let mut output = vec![];
        serve(&Reserve::Unserved(0.003), lines.as_bytes(), &mut output)?;
        Ok(String::from_utf8(output).unwrap())
    }

    const INIT: &str = r#"{"init":{"tick":15,"startup":60,"metric_lag":30,"t0":0,"per_replica":1.0}}"#;

    #[test]
    fn every_tick_is_answered_and_history_is_not() {
        let lines =
            format!("{INIT}\n{{\"t\":0,\"value\":7}}\n{{\"t\":15,\"value\":7,\"replicas\":3,\"ready\":3}}\n");
        assert_eq!(told(&lines).unwrap(), "{\"replicas\":10}\n", "without history, used to 70 %");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        assert!(told("{\"t\":0}\n").unwrap_err().starts_with("line 1: missing field `init`"));
        assert!(told(&format!("{INIT}\nnonsense\n")).unwrap_err().starts_with("line 2: "));
        let zero = INIT.replace("15", "0");
        assert!(told(&format!("{zero}\n")).unwrap_err().contains("write seconds above zero"));
    }
}
