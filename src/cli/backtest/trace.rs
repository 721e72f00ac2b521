//! A recording from a CSV file, `timestamp,value` a line: read as a stream, so that a file may be larger than memory.
//!
//! What can be mended is mended and said: a byte order mark, a missing header, lines that are missing, several lines
//! of one moment, `NaN`. What cannot is refused with its line: text instead of a number, times that go back, a
//! negative demand.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;

use crate::backtest::Recording;

/// Moments a recording may have: four years at 15 s take 128 MB.
const MOST: usize = 8_000_000;
/// Lines after which the step between two samples is taken to be known.
const ENOUGH: usize = 1000;
/// Steps finer than this are averaged: nothing decides more often.
const FINEST: i64 = 15;
/// Numbers of seconds above this are milliseconds (it would be the year 5138).
const MILLISECONDS: f64 = 1e11;

/// A recording, and what was mended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trace {
    /// The samples as they were recorded.
    pub(super) samples: Recording,
    /// What was mended, in sentences.
    pub(super) warnings: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// What is wrong, in which line, and what to do.
pub(super) fn read_file(path: &Path) -> Result<Trace, String> {
    let file = std::fs::File::open(path)
        .map_err(|error| format!("{}: cannot be opened: {error}; check the name", path.display()))?;
    read(std::io::BufReader::new(file)).map_err(|words| format!("{}: {words}", path.display()))
}

/// Reads a stream.
///
/// # Errors
/// What is wrong, in which line, and what to do.
pub(super) fn read(input: impl Read) -> Result<Trace, String> {
    // A line ends with its line feed: with the reader's own CRLF the number of a line would be one too small.
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(input);
    let (mut record, mut gathered) = (csv::StringRecord::new(), Gathered::default());
    loop {
        let more =
            rows.read_record(&mut record).map_err(|error| format!("{error}; save it as UTF-8 text"))?;
        if !more {
            return gathered.close();
        }
        let line = record.position().map_or(0, csv::Position::line);
        gathered.take(line, &record).map_err(|words| format!("line {line}: {words}"))?;
    }
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Gathered {
    /// The first samples, until the step is known.
    first: Vec<(i64, Option<f64>)>,
    newest: Option<i64>,
    grid: Option<Grid>,
    rows: u64,
    doubled: u64,
    no_numbers: u64,
    headless: bool,
}

/// Samples on their own step.
#[derive(Debug)]
struct Grid {
    start: i64,
    step: i64,
    /// Sum and number of the samples of each moment.
    cells: Vec<(f64, u32)>,
}

impl Gathered {
    fn take(&mut self, line: u64, record: &csv::StringRecord) -> Result<(), String> {
        let (Some(time), Some(value)) = (record.get(0), record.get(1)) else {
            return Err(format!("{} columns instead of two: write timestamp,value", record.len()));
        };
        let Some(at) = time_of(time.trim_start_matches('\u{feff}')) else {
            // A head names the columns; anything else in the first line is a mistake like in any other.
            if line == 1 && value.parse::<f64>().is_err() {
                return Ok(());
            }
            return Err(format!("{time:?} is no time: write seconds since 1970, or 2026-11-25T18:00:00Z"));
        };
        self.headless |= line == 1;
        let value = match value {
            "" | "NaN" | "nan" | "null" => None,
            text => match text.parse::<f64>() {
                Ok(number) if number.is_nan() || number.is_infinite() => None,
                Ok(number) if number < 0.0 => {
                    return Err(format!("{number} is a negative demand: correct it, or leave the line out"));
                }
                Ok(number) => Some(number),
                Err(_) => return Err(format!("{text:?} is no number: write one such as 12.5, with a point")),
            },
        };
        self.no_numbers += u64::from(value.is_none());
        match self.newest {
            Some(newest) if at < newest => {
                return Err(format!(
                    "the time goes back from {} to {}: sort the file, for instance with sort -n",
                    shown(newest),
                    shown(at)
                ));
            }
            Some(newest) if at == newest => self.doubled += 1,
            _ => {}
        }
        self.newest = Some(at);
        self.rows += 1;
        self.put(at, value)
    }

    fn put(&mut self, at: i64, value: Option<f64>) -> Result<(), String> {
        if let Some(grid) = &mut self.grid {
            return grid.put(at, value);
        }
        self.first.push((at, value));
        if self.first.len() >= ENOUGH { self.settle() } else { Ok(()) }
    }

    /// Takes the most usual step between two moments for the step of the recording.
    fn settle(&mut self) -> Result<(), String> {
        let mut steps: Vec<i64> =
            self.first.windows(2).map(|pair| pair[1].0 - pair[0].0).filter(|step| *step > 0).collect();
        steps.sort_unstable();
        let Some(step) = steps.get(steps.len().saturating_sub(1) / 2) else {
            return Err("there are not two moments in it: record at least an hour".to_owned());
        };
        let step = if *step < FINEST { FINEST } else { *step };
        let mut grid = Grid { start: self.first[0].0, step, cells: vec![] };
        for (at, value) in self.first.drain(..) {
            grid.put(at, value)?;
        }
        self.grid = Some(grid);
        Ok(())
    }

    fn close(mut self) -> Result<Trace, String> {
        if self.grid.is_none() {
            if self.first.is_empty() {
                return Err(
                    "there is no sample in it: write timestamp,value, a line for each sample".to_owned()
                );
            }
            self.settle()?;
        }
        let Some(grid) = self.grid.take() else { return Err("there is no sample in it".to_owned()) };
        let demand: Vec<Option<f64>> =
            grid.cells.iter().map(|(sum, count)| (*count > 0).then(|| sum / f64::from(*count))).collect();
        let missing = demand.iter().filter(|demand| demand.is_none()).count();
        let mut warnings = vec![];
        let mut warn = |count: u64, words: &str| {
            if count > 0 {
                warnings.push(format!("{count} {words}"));
            }
        };
        warn(self.doubled, "lines repeat the time of the line before: their average is taken");
        warn(self.no_numbers, "lines have no number: they are gaps");
        warn(missing as u64, "moments have no sample: nothing is lost and nothing decided on in them");
        if self.headless {
            warnings.push("the first line is no head: it is taken for a sample".to_owned());
        }
        Ok(Trace { samples: Recording { start: grid.start, step: grid.step, demand }, warnings })
    }
}

impl Grid {
    fn put(&mut self, at: i64, value: Option<f64>) -> Result<(), String> {
        let index = usize::try_from((at - self.start) / self.step).unwrap_or(usize::MAX);
        if index >= MOST {
            return Err(format!(
                "{} is more than {MOST} steps of {} s after the first sample: cut the file, or check its times",
                shown(at),
                self.step
            ));
        }
        if index >= self.cells.len() {
            self.cells.resize(index + 1, (0.0, 0));
        }
        if let Some(value) = value {
            let (sum, count) = &mut self.cells[index];
            (*sum, *count) = (*sum + value, count.saturating_add(1));
        }
        Ok(())
    }
}

/// Seconds since 1970: as a number, in milliseconds, or as a date and time.
fn time_of(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<f64>() {
        let seconds = if number.abs() >= MILLISECONDS { number / 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "a year that far off is refused by the grid")]
        return seconds.is_finite().then_some(seconds.floor() as i64);
    }
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

fn shown(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests;
