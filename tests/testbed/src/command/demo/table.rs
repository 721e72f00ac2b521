//! What is said at the end: the day with bizops, measured, beside the same day without, simulated.

use super::day::{Day, PEAK};
use super::manifests::{HEADROOM, PAYMENT, WEB, WINDOW};
use super::play::Course;
use super::reaction::{Reactions, middle_and_most};
use super::replay::{self, Outcome};

/// The HPA's target: 70 % of what a replica can do.
const TARGET: f64 = 0.7;
/// How long a replica takes to serve in the simulation when the play measured none.
const STARTUP: f64 = 3.0;

/// Where it was played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Whether pods ran, and not only said so.
    pub(super) real: bool,
    /// The share of the machine that something else used, when it was much.
    pub(super) busy: Option<f64>,
}

/// The whole of it.
pub(super) fn text(day: &Day, course: &Course, reactions: &Reactions, place: &Place) -> String {
    let startup = middle_and_most(&reactions.serving).map_or(STARTUP, |(middle, _)| middle);
    let (height, mean) = day.height_and_mean();
    let (large, large_sizes) = replay::fixed(day, height);
    let (small, small_sizes) = replay::fixed(day, mean);
    let size = |name: &str, sizes: [u32; 2]| format!("fixed at {} + {}, the {name}", sizes[0], sizes[1]);
    // The headroom of the objectives, as an HPA's target.
    let equal = (1.0 / (1.0 + HEADROOM.0), 1.0 / (1.0 + HEADROOM.1));
    let counts = &course.last.counts;
    let measured = Outcome {
        offered: counts.offered,
        lost: counts.lost(),
        lost_orders: counts.lost_orders,
        replica_minutes: course.replica_minutes,
        most: course.most,
    };
    let rows = [
        ("bizops".to_owned(), "measured", measured),
        (size("height", large_sizes), "simulated", large),
        (size("mean", small_sizes), "simulated", small),
        (
            format!("HPA on CPU, {:.0} %", TARGET * 100.0),
            "simulated",
            replay::hpa(day, (TARGET, TARGET), startup),
        ),
        (
            format!("HPA on CPU, {:.0} % and {:.0} %", equal.0 * 100.0, equal.1 * 100.0),
            "simulated",
            replay::hpa(day, equal, startup),
        ),
    ];
    let mut text = format!(
        "{:<28}{:<10}{:>8}{:>10}{:>7}{:>13}{:>17}{:>6}\n",
        "web + payment", "", "demand", "served", "lost", "lost orders", "replica-minutes", "most"
    );
    for (name, how, outcome) in &rows {
        text.push_str(&row(name, how, outcome));
    }
    text.push('\n');
    text.push_str(&reaction(reactions));
    text.push_str(&notes(course, place, startup));
    text
}

fn row(name: &str, how: &str, outcome: &Outcome) -> String {
    let served = 100.0 * (outcome.offered - outcome.lost) / outcome.offered.max(1.0);
    format!(
        "{name:<28}{how:<10}{:>8.0}{served:>8.2} %{:>7.0}{:>13.0}{:>17.1}{:>6}\n",
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
        "reaction of web, {} times up\n  demand in Prometheus → decided      {}\n  decided → so many replicas serve    {}\n",
        reactions.decided.len(),
        said(&reactions.decided),
        said(&reactions.serving)
    )
}

fn notes(course: &Course, place: &Place, startup: f64) -> String {
    let counts = &course.last.counts;
    let busy = place.busy.map_or_else(String::new, |share| {
        let share = share * 100.0;
        format!("\n           THE MACHINE WAS {share:.0} % BUSY with something else before the demo began.")
    });
    let node = if place.real {
        "real pods on a real node; bizops' own image, installed by its chart."
    } else {
        "FAKE NODES: the shop was simulated; bizops ran as a process, not as a pod."
    };
    format!(
        "\nmeasured   {node} At most {PEAK:.0} requests/s.{busy}
           Demand and what was lost as the shop's visitors counted it, in Prometheus: {:.0} refused,
           {:.0} without an answer, {:.0} not sent. Replicas from the API server, two looks a second.
simulated  by the shop's own model, with the same visitors; a replica of web serves {WEB}/s, of payment
           {PAYMENT}/s. Fixed: sized with the objectives' headroom, {:.0} % and {:.0} %. HPA: at a usual target,
           and at those that leave the objectives' headroom; tolerance 10 %, up by at most 4 or 100 % a
           period, its 15 s are 3 s as bizops' 5 s are 1 s here, its window is the objectives' {WINDOW} s,
           a replica serves {startup:.1} s after it is ordered, as measured.
",
        counts.refused,
        counts.failed,
        counts.unsent,
        HEADROOM.0 * 100.0,
        HEADROOM.1 * 100.0
    )
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
        let text = text(&day, &course, &reactions, &Place { real: true, busy: Some(0.4) });
        let row = text.lines().find(|line| line.starts_with("bizops")).unwrap();
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words[1..], ["measured", "10000", "99.75", "%", "25", "2", "12.3", "11"], "{text}");
        assert!(text.contains("decided      median 0.6 s, most 0.9 s"), "{text}");
        assert!(text.contains("THE MACHINE WAS 40 % BUSY"), "{text}");
        assert!(text.contains("20 refused,\n           5 without an answer, 0 not sent"), "{text}");
        assert!(text.contains("simulated  by the shop's own model"), "{text}");
    }
}
