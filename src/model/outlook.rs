//! What forecasts say at one moment, as one decision may look at it.

use jiff::{SignedDuration, Timestamp};

use super::units::Replicas;

/// What is known ahead of one mapping's demand.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Outlook {
    /// No forecast is asked for.
    #[default]
    Off,
    /// The history is being read: until it is there, nothing is lowered.
    Awaited,
    /// There is not enough history yet.
    Learning {
        /// How much there is.
        have: SignedDuration,
        /// How much it takes.
        need: SignedDuration,
    },
    /// The forecast has not been better than the last value lately, so it is not used.
    Unskilled {
        /// 0 is as good as the last value, below 0 is worse.
        skill: f64,
    },
    /// The forecast is used.
    Ready(Foreseen),
}

/// A forecast at the lead time: when a replica ordered now can serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    /// How far ahead.
    pub horizon: SignedDuration,
    /// The demand expected then, in its unit.
    pub expected: f64,
    /// The demand that is exceeded in one case of twenty.
    pub upper: f64,
    /// By how much the forecast beat the last value lately: 0.2 is an error smaller by a fifth.
    pub skill: f64,
    /// How often the need lay below the quantiles .5, .9 and .99 that were foreseen.
    pub coverage: [f64; 3],
    /// What the reserve asks for, where the forecast sets it.
    pub wish: Option<Priced>,
    /// The share of demand that met no capacity lately.
    pub unserved: Option<Unserved>,
}

/// So many replicas, for a price. Savings and prices are counted in *need*: how many replicas a demand asks for, not
/// rounded up. 250 requests/s at 100 for each replica are a need of 2.5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priced {
    /// How many.
    pub replicas: Replicas,
    /// What a replica must be expected to save, in need.
    pub price: f64,
    /// What the last of them is expected to save.
    pub saving: f64,
    /// What one more would save.
    pub next: f64,
}

/// A share of demand that met no capacity, over the rolling window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unserved {
    /// The share.
    pub share: f64,
    /// A query measured it; otherwise it is modelled from demand and ready replicas.
    pub measured: bool,
}

/// What is known ahead of the goal itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum GoalOutlook {
    /// No forecast is asked for.
    #[default]
    Off,
    /// Nothing can be said, and why.
    Quiet(String),
    /// A miss within the horizon is possible; how likely, and how it stands.
    Told(MissAhead),
}

/// A miss of the goal that may lie ahead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MissAhead {
    /// Whether it counts as a risk; turns with a hysteresis, so that it does not flap.
    pub at_risk: bool,
    /// How likely the goal is missed within the horizon, 0 to 1.
    pub probability: f64,
    /// When the miss is expected, if one is.
    pub miss_at: Option<Timestamp>,
    /// How far the indicator is expected to be beyond its goal then, in its unit.
    pub shortfall: f64,
    /// How far ahead was looked.
    pub horizon: SignedDuration,
    /// By how much the forecast beat the last value lately: 0.2 is an error smaller by a fifth.
    pub skill: f64,
}
