//! The line protocol: a simulator drives the objective.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use bizops::backtest::{Pods, Recording};
use bizops::model::Reserve;

use crate::bizops;
use crate::suite::{DAY, Demand, Player};

const STARTUP: usize = 4;

/// Three days of a daily rhythm, one of them judged.
fn demand() -> Demand {
    let need = (0..3 * DAY).map(|moment| {
        let day = std::f64::consts::TAU * moment as f64 / DAY as f64;
        Some(10.0 - 6.0 * day.cos() + (moment * 7919 % 101) as f64 / 100.0)
    });
    Demand { name: "days", need: Recording { start: 0, step: 15, demand: need.collect() }, judged: 2 * DAY }
}

/// Plays a demand through the command: pods as in the library, decisions over the pipe.
fn driven(arguments: &[&str], demand: &Demand) -> (u64, f64) {
    let mut child = bizops().arg("--stdio").args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = std::io::BufWriter::new(child.stdin.take().unwrap());
    let mut output = BufReader::new(child.stdout.take().unwrap());
    writeln!(input, r#"{{"init":{{"tick":15,"startup":60,"metric_lag":30,"t0":0,"per_replica":1.0}}}}"#)
        .unwrap();
    let need: Vec<f64> = demand.need.demand.iter().flatten().copied().collect();
    let first = demand.judged - 240;
    for (moment, value) in need.iter().enumerate().take(first - 3) {
        writeln!(input, r#"{{"t":{},"value":{value}}}"#, moment * 15).unwrap();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a demand of tens")]
    let mut pods = Pods::new(need[first].ceil() as u32, STARTUP);
    let (mut paid, mut lost, mut line) = (0, 0.0, String::new());
    for moment in first..need.len() {
        pods.begin(moment);
        let (value, existing, ready) = (need[moment - 3], pods.existing(), pods.ready());
        let at = (moment - 3) * 15;
        writeln!(input, r#"{{"t":{at},"value":{value},"replicas":{existing},"ready":{ready}}}"#).unwrap();
        input.flush().unwrap();
        line.clear();
        output.read_line(&mut line).unwrap();
        let answer: serde_json::Value = serde_json::from_str(&line).unwrap();
        pods.set(moment, u32::try_from(answer["replicas"].as_u64().unwrap()).unwrap());
        if moment >= demand.judged {
            paid += u64::from(pods.existing());
            lost += (need[moment] - f64::from(pods.ready())).max(0.0);
        }
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    (paid, lost / need[demand.judged..].iter().sum::<f64>())
}

#[test]
fn over_the_pipe_it_is_decided_as_by_an_objective_with_defaults() {
    let demand = demand();
    for (arguments, reserve) in [
        (["--unserved", "0.003"], Reserve::Unserved(0.003)),
        (["--price", "0.05"], Reserve::Price(0.05)),
        (["--quantile", "0.95"], Reserve::Quantile(0.95)),
    ] {
        let played = Player::Objective(reserve).play(&demand, 60).unwrap();
        let (paid, lost) = driven(&arguments, &demand);
        assert!((paid as f64 - played.replicas * DAY as f64).abs() < 0.5, "{arguments:?}: {paid} {played:?}");
        assert!((lost - played.lost).abs() < 1e-6, "{arguments:?}: {lost} {played:?}");
    }
}

#[test]
fn what_it_cannot_read_ends_it_with_the_line() {
    let ended = |arguments: &[&str], text: &str| {
        let mut child = bizops().args(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let ran: crate::Ran = child.wait_with_output().unwrap().into();
        (ran.code, ran.told)
    };
    let init = r#"{"init":{"tick":15,"startup":60,"metric_lag":30,"t0":0,"per_replica":1.0}}"#;
    let (code, told) = ended(&["--stdio", "--price", "0.1"], &format!("{init}\n{{\"t\":\"noon\"}}\n"));
    assert!(code == 2 && told.contains("line 2"), "{code} {told}");
    let (code, told) = ended(&["--stdio", "--price", "0.1"], "{\"t\":0,\"value\":1}\n");
    assert!(code == 2 && told.contains("line 1") && told.contains("init"), "{code} {told}");
    for (arguments, words) in [
        (&["--stdio"][..], "needs one of --unserved, --price and --quantile"),
        (&["--stdio", "--unserved", "1.5"], "--unserved 1.5: write a number between 0 and 1"),
    ] {
        let (code, told) = ended(arguments, "");
        assert!(code == 2 && told.contains(words), "{code} {told}");
    }
}
