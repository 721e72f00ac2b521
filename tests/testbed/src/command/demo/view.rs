//! The live view: the day so far as a chart, the objectives, the last decisions. At most 80 columns wide.

use std::fmt::Write as _;
use std::time::Duration;

use super::day::{Day, PEAK};
use super::manifests::WEB;
use super::progress::{filled, time};
use super::reaction::seconds;
use super::screen::{Line, Style};
use super::world::{Decision, Look, Objective};

/// The chart's size in characters.
const COLUMNS: usize = 72;
const ROWS: usize = 7;
/// How many of the last decisions are shown.
const LAST: usize = 3;
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What every look so far has left for the chart: in each column the highest visitors and the last capacity.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    columns: Vec<Option<(f64, f64)>>,
}

impl Chart {
    pub(super) fn new() -> Self {
        Self { columns: vec![None; COLUMNS] }
    }

    /// Takes up one look.
    pub(super) fn add(&mut self, day: &Day, look: &Look) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a column")]
        let column = ((look.played / day.seconds).clamp(0.0, 1.0) * COLUMNS as f64) as usize;
        let capacity = f64::from(look.of("web").ready * WEB);
        if let Some(place) = self.columns.get_mut(column) {
            let highest = place.map_or(0.0, |(highest, _)| highest);
            *place = Some((look.rate.max(highest), capacity));
        }
    }

    fn lines(&self) -> Vec<Line> {
        let most = self.columns.iter().flatten().map(|(_, capacity)| *capacity).fold(PEAK, f64::max);
        let height = most / ROWS as f64;
        (0..ROWS)
            .rev()
            .map(|row| {
                let floor = row as f64 * height;
                let label = if row + 1 == ROWS { format!("{most:>5.0} ") } else { "      ".to_owned() };
                let cells = self.columns.iter().map(|column| cell(*column, floor, height));
                cells.fold(Line::of(Style::Faint, label), join)
            })
            .collect()
    }
}

/// One character of the chart: the capacity where it lies in this row, else the visitors.
fn cell(column: Option<(f64, f64)>, floor: f64, height: f64) -> (Style, char) {
    let Some((visitors, capacity)) = column else { return (Style::Plain, ' ') };
    if capacity > floor && capacity <= floor + height {
        return (if visitors >= floor + height { Style::Short } else { Style::Capacity }, '━');
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "eighths of a cell")]
    let eighths = ((visitors - floor) / height * 8.0).round().clamp(0.0, 8.0) as usize;
    (Style::Demand, BLOCKS[eighths])
}

/// Adds a character to the last word when its style is the same.
fn join(mut line: Line, (style, character): (Style, char)) -> Line {
    match line.0.last_mut() {
        Some((last, word)) if *last == style => word.push(character),
        _ => line.0.push((style, character.to_string())),
    }
    line
}

/// What is told beside the look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// All decisions so far, in order.
    pub(super) decisions: &'a [Decision],
    /// When the play began, in seconds since 1970.
    pub(super) begun: f64,
    /// Whether pods run, and not only say so.
    pub(super) real: bool,
}

/// The whole view.
pub(super) fn lines(day: &Day, chart: &Chart, look: &Look, told: &Told<'_>) -> Vec<Line> {
    let node = if told.real { "real pods" } else { "simulated pods" };
    let total = Duration::from_secs_f64(day.seconds);
    let played = Duration::from_secs_f64(look.played.clamp(0.0, day.seconds));
    let mut lines = vec![
        Line::of(Style::Strong, " bizops")
            .with(Style::Plain, format!("   a shuttle launch at NASA's web server, 13 July 1995, {node}")),
        Line::of(Style::Strong, format!(" {} UTC  ", day.clock(look.played)))
            .with(Style::Faint, filled(look.played / day.seconds, 50))
            .with(Style::Plain, format!("  {} of {}", time(played), time(total))),
    ];
    lines.extend(chart.lines());
    lines.push(hours());
    lines.push(figures(look));
    lines.push(Line::default());
    let title = format!(" {:<17}{:<18}{:<22}{:<5}{}", "OBJECTIVE", "NOW", "GOAL", "MET", "REPLICAS");
    lines.push(Line::of(Style::Faint, title));
    lines.extend(look.objectives.iter().flat_map(rows));
    lines.push(Line::default());
    lines.extend(told.decisions.iter().rev().take(LAST).map(|decision| said(day, told.begun, decision)));
    lines
}

/// The hours below the chart.
fn hours() -> Line {
    let mut text = String::from("     ");
    for hour in (0..24).step_by(4) {
        let _ = write!(text, " {hour:02}:00{:<width$}", "", width = COLUMNS / 6 - 6);
    }
    Line::of(Style::Faint, text)
}

fn figures(look: &Look) -> Line {
    let web = look.of("web");
    let counts = &look.counts;
    let lost = if counts.lost() > 0.0 { Style::Bad } else { Style::Good };
    Line::of(Style::Demand, format!(" █ {:.0} requests/s", look.rate))
        .with(Style::Capacity, format!("   ━ web carries {}", web.ready * WEB))
        .with(Style::Plain, format!("   served {:.0}", (counts.offered - counts.lost()).max(0.0)))
        .with(lost, format!("   lost {:.0}, {:.0} orders", counts.lost(), counts.lost_orders))
}

/// An objective's row, and one more for each further mapping.
fn rows(objective: &Objective) -> Vec<Line> {
    let (met, style) = match objective.met.as_str() {
        "True" => ("yes", Style::Good),
        "False" => ("no", Style::Bad),
        _ => ("?", Style::Faint),
    };
    let of = |(name, replicas): &(String, String)| format!("{name} {replicas}");
    let first = Line::of(Style::Plain, format!(" {:<17}", objective.name))
        .with(Style::Strong, format!("{:<18}", objective.indicator))
        .with(Style::Plain, format!("{:<22}", objective.goal))
        .with(style, format!("{met:<5}"))
        .with(Style::Capacity, objective.mappings.first().map(of).unwrap_or_default());
    let others = objective.mappings.iter().skip(1);
    let others = others.map(|mapping| Line::of(Style::Capacity, format!("{:63}{}", "", of(mapping))));
    std::iter::once(first).chain(others).collect()
}

/// The view in one line, for whoever reads a log.
pub(super) fn plain(day: &Day, look: &Look, last: Option<&Decision>) -> String {
    let pods = |app: &str| format!("{app} {}/{}", look.of(app).ready, look.of(app).wanted);
    let counts = &look.counts;
    let last = last.map_or(String::new(), |last| {
        format!("; {} {} → {}: {}", last.mapping, last.from, last.to, last.why)
    });
    format!(
        "{} UTC  {:.0} requests/s, {}, {}, served {:.0}, lost {:.0} ({:.0} orders){last}",
        day.clock(look.played),
        look.rate,
        pods("web"),
        pods("payment"),
        (counts.offered - counts.lost()).max(0.0),
        counts.lost(),
        counts.lost_orders,
    )
}

/// A decision in one line, cut to the width.
fn said(day: &Day, begun: f64, decision: &Decision) -> Line {
    let time = seconds(&decision.at).map_or_else(String::new, |at| day.clock(at - begun));
    let head = format!(" {time} {} {} → {} ", decision.mapping, decision.from, decision.to);
    let room = 79_usize.saturating_sub(head.chars().count());
    let mut why: String = decision.why.chars().take(room).collect();
    if decision.why.chars().count() > room {
        why.pop();
        why.push('…');
    }
    Line::of(Style::Strong, head).with(Style::Plain, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::demo::world::Pods;

    #[test]
    fn the_view_fits_a_terminal_of_eighty_columns() {
        let day = Day::new(false).unwrap();
        let mut chart = Chart::new();
        let objective = Objective {
            name: "checkout-latency".to_owned(),
            indicator: "0.0612 s".to_owned(),
            goal: "500 … 200,000 orders/h".to_owned(),
            met: "True".to_owned(),
            mappings: vec![
                ("payment".to_owned(), "4 → 5".to_owned()),
                ("mail".to_owned(), "1 → 1".to_owned()),
            ],
        };
        let mut look = Look { objectives: vec![objective], ..Look::default() };
        for (played, rate, ready) in [(10.0, 50.0, 2), (100.0, 380.0, 8), (101.0, 200.0, 9)] {
            look.played = played;
            look.rate = rate;
            look.pods.insert("web".to_owned(), Pods { wanted: ready, exist: ready, ready });
            chart.add(&day, &look);
        }
        let decision = Decision {
            at: "1970-01-01T00:01:40Z".to_owned(),
            objective: "browse".to_owned(),
            mapping: "web".to_owned(),
            from: 2,
            to: 8,
            why: "380 requests/s, with 20 % headroom, need 10 replicas ".repeat(3),
        };
        let told = Told { decisions: &[decision], begun: 10.0, real: true };
        let lines = lines(&day, &chart, &look, &told);
        for line in &lines {
            assert!(line.text().chars().count() <= 80, "{}", line.text());
        }
        let text: Vec<String> = lines.iter().map(Line::text).collect();
        assert!(text.iter().any(|line| line.starts_with(" 12:00 web 2 → 8 380 requests/s")), "{text:#?}");
        assert!(text[2].starts_with("  400 ") && text[2].contains('━'), "{text:#?}");
        assert!(text[8].contains('▇') && text[8].contains('█'), "{text:#?}");
    }
}
