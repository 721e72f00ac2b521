//! What the command prints and writes, and how it ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Folder, backtest, bizops, objective, repository};

/// The policies of a comparison in JSON, by name.
fn policies(text: &str) -> BTreeMap<String, Value> {
    let comparison: Value = serde_json::from_str(text).unwrap();
    let policies = comparison["policies"].as_array().unwrap().iter();
    policies.map(|policy| (policy["policy"].as_str().unwrap().to_owned(), policy.clone())).collect()
}

fn number(policies: &BTreeMap<String, Value>, policy: &str, field: &str) -> f64 {
    policies[policy][field].as_f64().unwrap()
}

#[test]
fn the_table_says_what_everybody_would_have_lost_and_cost_and_what_was_assumed() {
    let folder = Folder::new();
    let ran = backtest(&["-f", &objective(), "--trace", &folder.days(4), "--cost", "0.12USD"]);
    assert_eq!(ran.code, 0, "{}", ran.told);
    let lines: Vec<&str> = ran.said.lines().collect();
    for head in ["POLICY", "LOST", "REPLICA-HOURS", "COST", "CHANGES/DAY", "WORST HOUR"] {
        assert!(lines[0].contains(head), "{}", lines[0]);
    }
    for (line, policy) in lines[1..].iter().zip(["ahead", "HPA 70 %", "KEDA 70 %", "fixed", "clairvoyant"]) {
        assert!(line.starts_with(policy) && line.contains("USD"), "{line}");
    }
    assert!(lines[5].contains("0.000%") && lines[5].contains("0 requests"), "{}", lines[5]);
    assert!(ran.said.contains("- A replica serves 10s after it is ordered"), "{}", ran.said);
    assert!(ran.told.is_empty(), "there is nothing to tell about a sound trace: {}", ran.told);
}

#[test]
fn table_json_and_csv_are_one_comparison() {
    let folder = Folder::new();
    let trace = folder.days(3);
    let printed = |format: &str| {
        let ran = backtest(&["-f", &objective(), "--trace", &trace, "--cost", "0.12USD", "-o", format]);
        assert_eq!(ran.code, 0, "{}", ran.told);
        ran.said
    };
    let (table, json) = (printed("table"), policies(&printed("json")));
    let mut rows = csv::Reader::from_reader(printed("csv").into_bytes().as_slice().to_vec().leak() as &[u8]);
    let records: Vec<csv::StringRecord> = rows.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), json.len());
    for record in records {
        let policy = &json[&record[0]];
        for (column, field) in [(1, "lostShare"), (2, "lost"), (3, "replicaHours"), (6, "under")] {
            let (cell, wanted) = (record[column].parse::<f64>().unwrap(), policy[field].as_f64().unwrap());
            assert!((cell - wanted).abs() <= 1e-9 * wanted.abs(), "{field}: {cell} {wanted}");
        }
        let hours = format!("{:.1}", policy["replicaHours"].as_f64().unwrap());
        let line = table.lines().find(|line| line.starts_with(&record[0])).unwrap();
        assert!(line.contains(&hours), "{line} without {hours}");
        let money = policy["cost"]["amount"].as_f64().unwrap();
        assert!((money - 0.12 * policy["replicaHours"].as_f64().unwrap()).abs() < 1e-6);
    }
}

#[test]
fn the_same_question_has_the_same_answer_and_the_seed_draws_another_path() {
    let folder = Folder::new();
    let trace = folder.days(3);
    let ask =
        |seed: &str| backtest(&["-f", &objective(), "--trace", &trace, "-o", "json", "--seed", seed]).said;
    assert_eq!(ask("1"), ask("1"));
    let (one, two) = (policies(&ask("1")), policies(&ask("2")));
    assert_ne!(one["HPA 70 %"], two["HPA 70 %"]);
    let hours = |policies| number(policies, "HPA 70 %", "replicaHours");
    assert!((hours(&one) / hours(&two) - 1.0).abs() < 0.02, "the samples are the same: {one:?} {two:?}");
}

#[test]
fn what_if_questions_are_answered_side_by_side() {
    let folder = Folder::new();
    let trace = folder.days(4);
    let text = std::fs::read_to_string(objective()).unwrap();
    let careful = folder.file("careful.yaml", &text.replace("unserved: 0.3%", "unserved: 0.01%"));
    let careful = format!("careful={careful}");
    let ran = backtest(&[
        "-f",
        &objective(),
        "--set",
        "spec.mappings[0].unserved=5%",
        "--variant",
        &careful,
        "--trace",
        &trace,
        "-o",
        "json",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.told);
    let names: Vec<Value> = {
        let comparison: Value = serde_json::from_str(&ran.said).unwrap();
        comparison["policies"].as_array().unwrap().iter().map(|policy| policy["policy"].clone()).collect()
    };
    assert_eq!(names[..3], ["ahead", "careful", "HPA 70 %"]);
    let policies = policies(&ran.said);
    let hours = |name| number(&policies, name, "replicaHours");
    assert!(hours("ahead") < hours("careful"), "losing less costs more: {policies:?}");
    assert!(number(&policies, "careful", "lostShare") <= number(&policies, "ahead", "lostShare"));
}

#[test]
fn start_up_replicas_and_what_is_judged_can_be_chosen() {
    let folder = Folder::new();
    let trace = folder.days(4);
    let ask = |more: &[&str]| {
        let objective = objective();
        let arguments = [&["-f", &objective, "--trace", &trace, "-o", "json"], more].concat();
        let ran = backtest(&arguments);
        assert!(ran.code < 2, "{}", ran.told);
        ran.said
    };
    let (soon, late) = (policies(&ask(&["--startup", "15s"])), policies(&ask(&["--startup", "5m"])));
    let lost = |policies| number(policies, "HPA 70 %", "lostShare");
    assert!(lost(&soon) <= lost(&late));
    let hours = |policies| number(policies, "clairvoyant", "replicaHours");
    assert!(hours(&soon) < hours(&late), "who starts slowly is ordered earlier");
    let day: Value = serde_json::from_str(&ask(&["--judged", "1d"])).unwrap();
    assert_eq!(day["from"], "2027-01-18T08:00:00Z", "the last of four days from 15 January, 08:00");
    let (few, many) = (
        policies(&ask(&["--replicas", "1", "--judged", "1h"])),
        policies(&ask(&["--replicas", "60", "--judged", "1h"])),
    );
    assert!(lost(&few) > lost(&many));
}

#[test]
fn an_objective_that_loses_more_than_it_may_is_a_finding() {
    let folder = Folder::new();
    // A thousandfold demand from one moment to the next: nobody can know.
    let line = |index: u32| format!("{},{}\n", index * 60, if index < 2800 { 50 } else { 4000 });
    let text: String = (0..2880).map(line).collect();
    let trace = folder.file("step.csv", &format!("timestamp,value\n{text}"));
    let ran = backtest(&["-f", &objective(), "--trace", &trace, "--startup", "3m"]);
    assert_eq!(ran.code, 1, "{}", ran.told);
    assert!(ran.told.contains("ahead would have lost") && ran.told.contains("0.3%"), "{}", ran.told);
    assert!(ran.said.contains("clairvoyant"), "the comparison is printed all the same: {}", ran.said);
}

#[test]
fn what_cannot_be_done_is_refused_with_what_to_do() {
    let folder = Folder::new();
    let (objective, days) = (objective(), folder.days(2));
    let source = repository("examples/00-source.yaml");
    let cases: [(&[&str], &str); 10] = [
        (&["--trace", &days], "--file"),
        (&["-f", &objective], "write --trace CSV, or --source URL --from TIME"),
        (&["-f", &objective, "--trace", "absent.csv"], "absent.csv: cannot be opened"),
        (&["-f", "absent.yaml", "--trace", &days], "absent.yaml: cannot be read"),
        (&["-f", &source, "--trace", &days], "there is no Objective in it"),
        (&["-f", &objective, "--trace", &days, "--mapping", "api"], "there are web"),
        (&["-f", &objective, "--trace", &days, "--judged", "9d"], "there are only 2d of demand"),
        (&["-f", &objective, "--trace", &days, "--startup", "soon"], "write a duration such as 60s"),
        (&["-f", &objective, "--trace", &days, "--cost", "12"], "such as 0.12USD"),
        (&["-f", &objective, "--trace", &days, "--variant", "other"], "write name=FILE"),
    ];
    for (arguments, words) in cases {
        let ran = backtest(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.said);
        assert!(ran.told.contains(words), "{arguments:?}: {}", ran.told);
        assert!(ran.said.is_empty(), "{arguments:?} prints nothing: {}", ran.said);
    }
}

#[test]
fn a_source_that_does_not_answer_is_named() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let ran = backtest(&[
        "-f",
        &objective(),
        "--source",
        &url,
        "--from",
        "2026-11-01T00:00:00Z",
        "--to",
        "2026-11-02T00:00:00Z",
    ]);
    assert_eq!(ran.code, 2);
    assert!(ran.told.contains(&url), "{}", ran.told);
}

#[test]
fn the_page_is_whole_and_asks_nothing_of_anybody() {
    let folder = Folder::new();
    let (trace, page) = (folder.days(3), folder.path("page.html"));
    let ran = backtest(&["-f", &objective(), "--trace", &trace, "--html", &page.display().to_string()]);
    assert_eq!(ran.code, 0, "{}", ran.told);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.trim_end().ends_with("</html>") && html.contains("clairvoyant"));
    for asks in ["src=\"http", "href=\"http", "fetch(", "XMLHttpRequest", "@import", "url(http"] {
        assert!(!html.contains(asks), "the page has {asks}");
    }
    let nowhere = folder.path("absent/page.html").display().to_string();
    let ran = backtest(&["-f", &objective(), "--trace", &trace, "--html", &nowhere]);
    assert_eq!((ran.code, ran.told.contains("cannot be written")), (2, true), "{}", ran.told);
    assert_eq!(folder.names(), ["days.csv", "page.html"]);
}

#[test]
fn a_run_that_is_interrupted_leaves_the_page_as_it_was() {
    let folder = Folder::new();
    let (trace, page) = (folder.days(90), folder.file("page.html", "as it was"));
    let mut child = bizops().args(["-f", &objective(), "--trace", &trace, "--html", &page]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let sent = Instant::now();
    let status = child.wait().unwrap();
    assert!(!status.success() && sent.elapsed() < Duration::from_secs(5), "{status}");
    assert_eq!(std::fs::read_to_string(page).unwrap(), "as it was");
    assert_eq!(folder.names(), ["days.csv", "page.html"]);
}
