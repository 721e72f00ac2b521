//! What is shown: lines of styled words, on a terminal in place, elsewhere not at all, and as a picture.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

/// How a word looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Strong,
    Faint,
    Good,
    Bad,
    Demand,
    Capacity,
    /// Capacity where demand is higher still.
    Short,
}

/// One line: its words in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(pub(super) Vec<(Style, String)>);

impl Line {
    /// A line in one style.
    pub(super) fn of(style: Style, text: impl Into<String>) -> Self {
        Self(vec![(style, text.into())])
    }

    /// The line with one more word.
    pub(super) fn with(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push((style, text.into()));
        self
    }

    /// The words without their styles.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(_, word)| word.as_str()).collect()
    }
}

impl Style {
    /// What a terminal is told before the word.
    fn ansi(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Faint => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
            Self::Demand => "\x1b[36m",
            Self::Capacity => "\x1b[33m",
            Self::Short => "\x1b[33;46m",
        }
    }
}

/// The terminal, when standard output is one.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: bool,
}

impl Screen {
    /// Takes the terminal's other page, so that what was there before is there again afterwards.
    pub(super) fn open() -> Self {
        let screen = Self { terminal: std::io::stdout().is_terminal() };
        screen.tell("\x1b[?1049h\x1b[?25l");
        screen
    }

    /// Whether somebody watches the lines in place.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Shows these lines in the place of those before.
    pub(super) fn show(&self, lines: &[Line]) {
        let mut text = String::from("\x1b[H");
        for line in lines {
            for (style, word) in &line.0 {
                let _ = write!(text, "{}{word}\x1b[0m", style.ansi());
            }
            text.push_str("\x1b[K\r\n");
        }
        text.push_str("\x1b[J");
        self.tell(&text);
    }

    fn tell(&self, text: &str) {
        if self.terminal {
            let mut out = std::io::stdout().lock();
            let _ = out.write_all(text.as_bytes());
            let _ = out.flush();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tell("\x1b[?25h\x1b[?1049l");
    }
}
