//! Traces that are not as they should be.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use crate::{Folder, backtest, bizops, objective};

/// Two hours of 100 requests/s, a line a minute, with some lines written otherwise.
fn hours(changed: &[(usize, &str)]) -> String {
    let mut text = "timestamp,value\n".to_owned();
    for minute in 0..120 {
        match changed.iter().find(|(line, _)| *line == minute + 2) {
            Some((_, line)) => text.push_str(line),
            None => {
                let _ = writeln!(text, "{},100", minute * 60);
            }
        }
    }
    text
}

#[test]
fn what_cannot_be_mended_is_refused_with_the_line_and_what_to_do() {
    let folder = Folder::new();
    for (name, text, words) in [
        ("empty", String::new(), "write timestamp,value, a line for each sample"),
        ("a head alone", "timestamp,value\n".to_owned(), "there is no sample in it"),
        ("one sample", "timestamp,value\n0,1\n".to_owned(), "there are not two moments in it"),
        ("unsorted", hours(&[(50, "10,100\n")]), "line 50: the time goes back"),
        ("words", hours(&[(30, "1680,lots\n")]), "line 30: \"lots\" is no number"),
        ("a decimal comma", hours(&[(30, "1680,\"100,5\"\n")]), "line 30: \"100,5\" is no number"),
        (
            "a date nobody knows",
            hours(&[(7, "25.11.2026 18:00,100\n")]),
            "line 7: \"25.11.2026 18:00\" is no time",
        ),
        ("negative", hours(&[(99, "5820,-4\n")]), "line 99: -4 is a negative demand"),
        ("one column", hours(&[(12, "600\n")]), "line 12: 1 columns instead of two"),
        ("a time far off", hours(&[(121, "9000000000,100\n")]), "cut the file, or check its times"),
    ] {
        let trace = folder.file("trace.csv", &text);
        let ran = backtest(&["-f", &objective(), "--trace", &trace]);
        assert_eq!(ran.code, 2, "{name}: {}{}", ran.said, ran.told);
        assert!(ran.told.contains(&trace) && ran.told.contains(words), "{name}: {}", ran.told);
        assert!(ran.said.is_empty(), "{name}: {}", ran.said);
    }
}

#[test]
fn what_can_be_mended_is_mended_and_told() {
    let folder = Folder::new();
    let plain = folder.file("plain.csv", &hours(&[]));
    let wanted = backtest(&["-f", &objective(), "--trace", &plain, "-o", "csv"]);
    assert!(wanted.told.is_empty(), "{}", wanted.told);
    for (name, text, words) in [
        ("a byte order mark", format!("\u{feff}{}", hours(&[])), ""),
        ("lines that end as on Windows", hours(&[]).replace('\n', "\r\n"), ""),
        ("no head", hours(&[]).replace("timestamp,value\n", ""), "the first line is no head"),
        (
            "a line twice",
            hours(&[(40, "2280,100\n2280,100\n")]),
            "1 lines repeat the time of the line before",
        ),
        ("quoted", hours(&[]).replace("\n60,100", "\n\"60\",\"100\""), ""),
        ("a column more", hours(&[]).replace(",100\n", ",100,eu\n").replace("value\n", "value,region\n"), ""),
    ] {
        let trace = folder.file("trace.csv", &text);
        let ran = backtest(&["-f", &objective(), "--trace", &trace, "-o", "csv"]);
        assert_eq!((ran.code, &ran.said), (0, &wanted.said), "{name}: {}", ran.told);
        assert!(ran.told.contains(words) && ran.told.is_empty() == words.is_empty(), "{name}: {}", ran.told);
    }
}

#[test]
fn gaps_are_told_and_nothing_is_lost_in_them() {
    let folder = Folder::new();
    for (name, text, words) in [
        ("NaN", hours(&[(70, "4080,NaN\n")]), "1 lines have no number: they are gaps"),
        ("nothing", hours(&[(70, "4080,\n")]), "1 lines have no number: they are gaps"),
        ("no line", hours(&[(70, ""), (71, ""), (72, "")]), "3 moments have no sample"),
    ] {
        let trace = folder.file("trace.csv", &text);
        let ran = backtest(&["-f", &objective(), "--trace", &trace]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.told);
        assert!(ran.told.contains(words), "{name}: {}", ran.told);
        let ours = ran.said.lines().find(|line| line.starts_with("ahead")).unwrap();
        assert!(ours.contains("0.000%"), "{name}: {ours}");
    }
}

/// The most memory a process has had so far, in KiB.
fn most_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_trace_is_read_as_a_stream_whatever_its_length() {
    // Thirty samples a second for hours, through a pipe: what is kept grows with the hours, not with the lines.
    let mut child =
        bizops().args(["-f", &objective(), "--trace", "/dev/stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = std::io::BufWriter::new(child.stdin.take().unwrap());
    writeln!(input, "timestamp,value").unwrap();
    let mut seen = vec![];
    for line in 0..600_000_u32 {
        writeln!(input, "{},100", line / 30).unwrap();
        if line == 150_000 || line == 599_999 {
            input.flush().unwrap();
            seen.push(most_memory(child.id()));
        }
    }
    drop(input);
    let ran: crate::Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.code, 0, "{}", ran.told);
    assert!(ran.told.contains("lines repeat the time of the line before"), "{}", ran.told);
    // 450,000 samples of 16 bytes would be 7,000 KiB.
    assert!(seen[1] - seen[0] < 2000, "{seen:?} KiB");
}
