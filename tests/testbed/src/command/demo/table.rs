//! What is said at the end: the day with bizops, measured, beside the same day without, simulated.

use std::fmt::Write as _;

use super::day::{Day, PEAK};
use super::manifests::{HEADROOM, PAYMENT, WEB, WINDOW};
use super::play::Course;
use super::reaction::{Reactions, middle_and_most};
use super::replay::{self, Outcome};

/// The HPA's target: 70 % of what a replica can do.
const TARGET: f64 = 0.7;
/// How long a replica takes to serve in the simulation when the play measured none.
const STARTUP: f64 = 3.0;

/// The whole of it.
pub(super) fn text(day: &Day, course: &Course, reactions: &Reactions, real: bool) -> String {
    let startup = middle_and_most(&reactions.serving).map_or(STARTUP, |(middle, _)| middle);
    let (height, mean) = day.height_and_mean();
    let (large, large_sizes) = replay::fixed(day, height);
    let (small, small_sizes) = replay::fixed(day, mean);
    let size =
        |name: &str, sizes: [u32; 2]| format!("fixed for the {name}: web {}, payment {}", sizes[0], sizes[1]);
    let counts = &course.last.counts;
    let measured = Outcome {
        offered: counts.offered,
        lost: counts.lost(),
        orders: counts.orders,
        lost_orders: counts.lost_orders,
        replica_minutes: course.replica_minutes,
        most: course.most,
    };
    let rows = [
        ("bizops, measured".to_owned(), measured),
        (size("day's height", large_sizes), large),
        (size("day's mean", small_sizes), small),
        (format!("HPA on CPU, target {:.0} %", TARGET * 100.0), replay::hpa(day, TARGET, startup)),
    ];
    let mut text = format!(
        "{:<44}{:>9}{:>10}{:>9}{:>12}{:>12}{:>8}\n",
        "the day", "demand", "served", "lost", "lost orders", "replica-min", "most"
    );
    for (name, outcome) in &rows {
        text.push_str(&row(name, outcome));
    }
    text.push('\n');
    text.push_str(&reaction(reactions));
    text.push_str(&notes(course, real, startup));
    text
}

fn row(name: &str, outcome: &Outcome) -> String {
    let served = 100.0 * (outcome.offered - outcome.lost) / outcome.offered.max(1.0);
    format!(
        "{name:<44}{:>9.0}{served:>8.2} %{:>9.0}{:>12.0}{:>12.1}{:>8}\n",
        outcome.offered, outcome.lost, outcome.lost_orders, outcome.replica_minutes, outcome.most
    )
}

fn reaction(reactions: &Reactions) -> String {
    let said = |times: &[f64]| {
        middle_and_most(times).map_or_else(
            || "not seen".to_owned(),
            |(middle, most)| format!("median {middle:.1} s, most {most:.1} s"),
        )
    };
    format!(
        "reaction of web, {} times up: demand in Prometheus → decided: {}; decided → so many serve: {}\n",
        reactions.decided.len(),
        said(&reactions.decided),
        said(&reactions.serving)
    )
}

fn notes(course: &Course, real: bool, startup: f64) -> String {
    let counts = &course.last.counts;
    let mut text = String::from("\n");
    let node = if real {
        "real pods on a real node; bizops' own image, installed by its chart"
    } else {
        "FAKE NODES: the shop was simulated, and bizops ran as a process, not as a pod"
    };
    let _ = writeln!(text, "measured:  {node}. Demand, served and lost as the shop counted them in");
    let _ = writeln!(
        text,
        "           Prometheus (lost: {:.0} refused, {:.0} without an answer, {:.0} unsent); replica-minutes of web",
        counts.refused, counts.failed, counts.unsent
    );
    let _ = writeln!(
        text,
        "           and payment from the API server, two looks a second; at most {PEAK:.0} requests/s."
    );
    let _ = writeln!(
        text,
        "simulated: the other rows, by the shop's own model (web {WEB}/s and payment {PAYMENT}/s a replica) with the same\n\
         \x20          visitors. Fixed: sized with the objectives' headroom of {:.0} % and {:.0} %. HPA: its rule with a\n\
         \x20          tolerance of 10 % and at most 4 or 100 % more a period; its 15 s are 3 s, as bizops' 5 s are 1 s\n\
         \x20          here, its window is the objectives' {WINDOW} s, a replica serves {startup:.1} s after it is ordered.",
        HEADROOM.0 * 100.0,
        HEADROOM.1 * 100.0
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::demo::world::{Counts, Look};

    #[test]
    fn the_table_says_what_was_measured_and_what_was_simulated() {
        let day = Day::new(true).unwrap();
        let counts =
            Counts { offered: 10_000.0, refused: 20.0, failed: 5.0, lost_orders: 2.0, ..Counts::default() };
        let last = Look { counts, ..Look::default() };
        let course = Course { last, replica_minutes: 12.34, most: 11, ..Course::default() };
        let reactions = Reactions { decided: vec![0.4, 0.9, 0.6], serving: vec![2.0] };
        let text = text(&day, &course, &reactions, true);
        let row = text.lines().find(|line| line.starts_with("bizops")).unwrap();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words[2..], ["10000", "99.75", "%", "25", "2", "12.3", "11"], "{text}");
        assert!(
            text.contains("3 times up: demand in Prometheus → decided: median 0.6 s, most 0.9 s"),
            "{text}"
        );
        assert!(text.contains("20 refused, 5 without an answer, 0 unsent"), "{text}");
        assert!(text.contains("simulated: the other rows"), "{text}");
    }
}
