//! How many requests a second visitors send, over time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::settings::{duration, share};

/// The curve of a load.
#[derive(Debug, Clone, Args)]
pub struct CurveArgs {
    /// Requests per second at the start
    #[arg(long, env = "SHOP_BASE", default_value_t = 10.0)]
    pub base: f64,
    /// A campaign: from --at on, so much more or less than --base, such as +50%
    #[arg(long, env = "SHOP_STEP", value_parser = share, allow_hyphen_values = true, default_value = "0%")]
    pub step: f64,
    /// When the campaign starts
    #[arg(long, env = "SHOP_AT", value_parser = duration, default_value = "60s")]
    pub at: Duration,
    /// Play this CSV file of `timestamp,value` instead
    #[arg(long, env = "SHOP_TRACE", value_name = "FILE.csv")]
    pub trace: Option<PathBuf>,
    /// How many times faster than real time the trace is played
    #[arg(long, env = "SHOP_SPEED", default_value_t = 1.0)]
    pub speed: f64,
    /// Requests per second at the highest sample of the trace
    #[arg(long, env = "SHOP_PEAK", default_value_t = 100.0)]
    pub peak: f64,
    /// How long to play; without it a trace is played to its end, anything else until stopped
    #[arg(long, env = "SHOP_DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// What follows the end
    #[arg(long, env = "SHOP_THEN", value_enum, default_value_t = Then::Exit)]
    pub then: Then,
}

/// What follows the end of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Then {
    /// The program prints its summary and ends
    Exit,
    /// The last rate goes on until the program is stopped
    Hold,
    /// The curve is played again
    Repeat,
}

/// A rate over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    shape: Shape,
    /// How long it is, in seconds; infinite without an end.
    length: f64,
    then: Then,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Step { base: f64, raised: f64, at: f64 },
    Trace { rates: Vec<f64>, step: f64 },
}

impl Curve {
    /// The curve that the arguments describe.
    ///
    /// # Errors
    /// When a number is not usable or the trace cannot be read; the text says which.
    pub fn new(args: &CurveArgs) -> Result<Self, String> {
        for (flag, number) in [("--base", args.base), ("--speed", args.speed), ("--peak", args.peak)] {
            if !number.is_finite() || number < 0.0 || (number == 0.0 && flag == "--speed") {
                return Err(format!("{flag} {number}: give a positive number"));
            }
        }
        let (shape, end) = if let Some(path) = &args.trace {
            let (values, step) = read_trace(path)?;
            let (rates, step) = (scaled(&values, args.peak), step / args.speed);
            let end = rates.len() as f64 * step;
            (Shape::Trace { rates, step }, end)
        } else {
            let raised = (args.base * (1.0 + args.step)).max(0.0);
            (Shape::Step { base: args.base, raised, at: args.at.as_secs_f64() }, f64::INFINITY)
        };
        let length = args.duration.map_or(end, |limit| limit.as_secs_f64());
        Ok(Self { shape, length, then: args.then })
    }

    /// Requests per second `time` seconds after the start; `None` when the curve has ended and nothing follows.
    pub fn rate(&self, time: f64) -> Option<f64> {
        if time < self.length {
            return Some(self.rate_within(time));
        }
        match self.then {
            Then::Exit => None,
            Then::Hold => Some(self.rate_within(self.length)),
            Then::Repeat => Some(self.rate_within(time % self.length)),
        }
    }

    fn rate_within(&self, time: f64) -> f64 {
        match &self.shape {
            Shape::Step { base, raised, at } => {
                if time < *at {
                    *base
                } else {
                    *raised
                }
            }
            Shape::Trace { rates, step } => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "time is not negative"
                )]
                let index = (time / step) as usize;
                rates.get(index).or(rates.last()).copied().unwrap_or(0.0)
            }
        }
    }
}

/// The values with the highest at `peak`.
fn scaled(values: &[f64], peak: f64) -> Vec<f64> {
    let highest = values.iter().copied().fold(0.0, f64::max);
    let factor = if highest > 0.0 { peak / highest } else { 0.0 };
    values.iter().map(|value| value * factor).collect()
}

/// The values of a trace and the seconds from one to the next, which must be the same throughout.
fn read_trace(path: &Path) -> Result<(Vec<f64>, f64), String> {
    let place = |line: usize, what: &str| format!("{}, line {line}: {what}", path.display());
    let text =
        fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let (mut values, mut times) = (Vec::new(), Vec::<f64>::new());
    for (index, line) in text.lines().enumerate() {
        if (index == 0 && line.starts_with("timestamp")) || line.trim().is_empty() {
            continue;
        }
        let number = |part: &str| part.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        let pair = line.split_once(',').and_then(|(time, value)| Some((number(time)?, number(value)?)));
        let (time, value) = pair.ok_or_else(|| place(index + 1, "write two numbers, timestamp,value"))?;
        if value < 0.0 {
            return Err(place(index + 1, "a rate cannot be negative"));
        }
        if let [first, second, .., last] = times[..]
            && ((time - last) - (second - first)).abs() > 1e-6
        {
            return Err(place(index + 1, "every step must be as long as the first"));
        }
        times.push(time);
        values.push(value);
    }
    match times[..] {
        [first, second, ..] if second > first => Ok((values, second - first)),
        _ => Err(format!("{}: give at least two samples, the later ones later", path.display())),
    }
}

#[cfg(test)]
mod tests;
