//! The view as a picture: SVG, one text element a line, for the README.

use std::fmt::Write as _;

use super::screen::{Line, Style};

/// Width and height of a character, in the picture's units.
const CELL: (f64, f64) = (8.4, 18.0);
/// Empty space around the lines.
const MARGIN: f64 = 18.0;
const BLOCKS: &str = " ▁▂▃▄▅▆▇█";

/// These lines as an SVG, as wide as the longest of them.
pub(super) fn svg(lines: &[Line]) -> String {
    let columns = lines.iter().map(length).max().unwrap_or(0);
    let width = columns as f64 * CELL.0 + 2.0 * MARGIN;
    let height = lines.len() as f64 * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"make demo in a terminal\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#14181f\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,DejaVu Sans Mono,monospace\" font-size=\"14\" \
         xml:space=\"preserve\">\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let mut column = 0;
        for (style, word) in &line.0 {
            place(&mut svg, *style, word, row, column);
            column += word.chars().count();
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn length(line: &Line) -> usize {
    line.0.iter().map(|(_, word)| word.chars().count()).sum()
}

/// Bars are drawn, since fonts differ in how they fill a cell; everything else is text of a fixed width.
fn place(svg: &mut String, style: Style, word: &str, row: usize, column: usize) {
    let colour = colour(style);
    let top = MARGIN + row as f64 * CELL.1;
    let left = |index: usize| MARGIN + (column + index) as f64 * CELL.0;
    let mut plain = String::new();
    for (index, character) in word.chars().enumerate() {
        let eighths = BLOCKS.chars().position(|block| block == character).filter(|eighths| *eighths > 0);
        let (height, lift) = match (character, eighths) {
            (_, Some(eighths)) => (CELL.1 * eighths as f64 / 8.0, 0.0),
            ('━', _) => (3.0, CELL.1 / 2.0 - 1.5),
            _ => {
                plain.push(character);
                continue;
            }
        };
        plain.push(' ');
        if style == Style::Short {
            block(svg, (left(index), top), CELL.1, self::colour(Style::Demand));
        }
        block(svg, (left(index), top + CELL.1 - height - lift), height, colour);
    }
    let text = plain.trim_start();
    if text.trim_end().is_empty() {
        return;
    }
    let first = plain.chars().count() - text.chars().count();
    let text = text.trim_end();
    let weight = if style == Style::Strong { " font-weight=\"bold\"" } else { "" };
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" fill=\"{colour}\"{weight}>{}</text>",
        left(first),
        top + CELL.1 * 0.75,
        text.chars().count() as f64 * CELL.0,
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    );
}

/// A part of a cell, a hair wider than it, so that neighbours touch.
fn block(svg: &mut String, (left, top): (f64, f64), height: f64, colour: &str) {
    let width = CELL.0 + 0.3;
    let _ = writeln!(
        svg,
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
    );
}

fn colour(style: Style) -> &'static str {
    match style {
        Style::Plain => "#d5dbe5",
        Style::Strong => "#ffffff",
        Style::Faint => "#7d8899",
        Style::Good => "#5fd38d",
        Style::Bad => "#ff7b72",
        Style::Demand => "#56b6e9",
        Style::Capacity | Style::Short => "#f2c14e",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_columns_and_bars_are_drawn() {
        let line = Line::of(Style::Plain, "a < b ").with(Style::Demand, "▄█").with(Style::Strong, " end");
        let svg = svg(&[line]);
        assert!(svg.contains(">a &lt; b</text>"), "{svg}");
        assert_eq!(svg.matches("<rect x=").count(), 2, "{svg}");
        let end = MARGIN + 9.0 * CELL.0;
        assert!(svg.contains(&format!("<text x=\"{end:.1}\"")), "{svg}");
    }
}
