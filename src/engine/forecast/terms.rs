//! What a forecast is asked, what it is told, and what it answers.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// What a forecast is for.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The grid of the samples: 15 s to 5 min.
    pub step: SignedDuration,
    /// How long a replica takes from the order to its first unit of work.
    pub startup: SignedDuration,
    /// How old the newest sample is when it is decided upon.
    pub age: SignedDuration,
    /// What the replicas are weighed by.
    pub aim: Aim,
    /// Where "the same time yesterday" is read off the clock.
    pub zone: TimeZone,
}

/// What the replicas are weighed by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// The share of demand that may meet no capacity over the rolling window: 0.003 is 0.3 %. The price follows
    /// from what every price would have lost so far.
    Unserved(f64),
    /// What a replica must be expected to save, in replicas' worth of demand, to be held: with 0.01, a replica
    /// that is expected to serve more than a hundredth of what it could is worth having.
    Price(f64),
    /// The quantile of demand to be covered. It is the price 1 − q: the replica at the margin is used with the
    /// chance of its price (the critical fractile of the newsvendor, Arrow, Harris and Marschak 1951).
    Quantile(f64),
}

/// One moment of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// The moment of the sample.
    pub at: Timestamp,
    /// Demand, in units of what one replica carries; none where there is a gap. Negative, infinite or no number
    /// is a gap too.
    pub demand: Option<f64>,
    /// Demand that met no capacity at this moment, in the same unit, where a query says so.
    pub lost: Option<f64>,
    /// How many replicas were ready at this moment, where it is known.
    pub ready: Option<f64>,
}

/// Whether the forecast may be believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// Too little was seen. Until there is enough, the wish is never below what a reactive scaler would ask for.
    Learning {
        /// How much history there is.
        have: SignedDuration,
        /// How much it takes.
        need: SignedDuration,
    },
    /// On the recent past it was worse than taking the last value.
    Unskilled {
        /// By how much: see [`Skill::over_naive`].
        skill: f64,
    },
    /// It is used.
    Ready,
}

/// How good the forecast has been of late, on moments it had not seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skill {
    /// 1 − (its loss ÷ the naive forecast's): 0 is no better than naive, 1 is perfect. None while nothing could
    /// be compared yet. The naive forecast is the last value with the quantiles of its own errors; the loss is
    /// the mean pinball loss of the median, the .9 and the .99 quantile (Koenker and Bassett 1978).
    pub over_naive: Option<f64>,
    /// How far ahead was forecast.
    pub horizon: SignedDuration,
    /// Share of demand at or below the .5, .9 and .99 quantiles; with true quantiles it is those numbers.
    pub coverage: [f64; 3],
    /// How many forecasts were compared.
    pub compared: u64,
}

/// Demand that met no capacity, over the rolling window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Losses {
    /// Share of demand lost: 0.002 is 0.2 %.
    pub share: f64,
    /// How that is known.
    pub source: LossSource,
}

/// How a loss is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossSource {
    /// A query said so.
    Measured,
    /// Demand above the ready replicas, or above what would have been ready where only demand is known.
    Modelled,
}

/// How many replicas the forecast asks for, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// To exist from now on.
    pub replicas: u32,
    /// The price they were weighed by, in replicas' worth of demand.
    pub price: f64,
    /// What the last of them is expected to serve at the lead time, in replicas' worth of demand.
    pub saving: f64,
    /// What one more would be expected to serve.
    pub next_saving: f64,
}

/// One price, and what it asks for and would have lost: the table behind a wish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rung {
    /// The price, in replicas' worth of demand.
    pub price: f64,
    /// Replicas it asks for now.
    pub replicas: u32,
    /// Share of demand it would have lost over the rolling window.
    pub lost: f64,
}
