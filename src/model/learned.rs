//! What is learned of a replica's capacity. Kept in status: a restart or a new leader forgets nothing.

use jiff::Timestamp;

/// What one replica carries, as learned so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The demand one replica is taken to carry.
    pub carries: f64,
    /// It carries this at least, in 19 of 20 cases.
    pub low: f64,
    /// It carries this at most, in 19 of 20 cases.
    pub high: f64,
    /// Whether enough is known; until then `carries` is what the owner wrote.
    pub known: bool,
    /// When something was last learned from.
    pub at: Timestamp,
    /// What the signal was for each load; [`Learned::BINS`] of them.
    pub bins: Vec<Bin>,
    /// How far the signal has lately been above what it was for the load, in standard deviations added up.
    pub drift: f64,
    /// The last time pods were found to be slower than before.
    pub slower: Option<Slower>,
}

impl Learned {
    /// Loads are told apart in so many bins, from nothing to twice what the owner wrote.
    pub const BINS: usize = 16;
}

/// The signal at one load, in logarithms: signals such as latencies are as often twice as half the usual.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// Samples behind it; old ones fade.
    pub weight: f64,
    /// The mean of the signal's natural logarithm.
    pub mean: f64,
    /// The variance of it.
    pub variance: f64,
}

/// Pods have become slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slower {
    /// Since when.
    pub since: Timestamp,
    /// By how much the signal rose for the same load: 0.3 is 30 %.
    pub share: f64,
}
