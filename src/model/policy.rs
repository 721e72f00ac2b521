//! How far bizops may go, and how far ahead it looks.

use jiff::{SignedDuration, Timestamp};

/// How far bizops may go in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autonomy {
    /// Say what would be done; change nothing.
    Observe,
    /// Do it.
    Enforce,
}

/// How far bizops may go.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Autonomy for more replicas.
    pub up: Autonomy,
    /// Autonomy for fewer replicas.
    pub down: Autonomy,
    /// Demand may exceed capacity by this share before replicas are added.
    pub up_tolerance: f64,
    /// Demand must have needed fewer replicas for this long; `None` is [`Policy::DOWN_WINDOW`], and no window where a
    /// forecast sets the reserve.
    pub down_window: Option<SignedDuration>,
    /// Demand must lie below what the fewer replicas carry by this share.
    pub down_tolerance: f64,
    /// The most that is taken away at once, as a share of the current replicas.
    pub down_max_step: f64,
    /// What to do when a demand is not known.
    pub metric_loss: MetricLoss,
    /// When nothing may change.
    pub freezes: Vec<Freeze>,
    /// Looking ahead.
    pub forecast: ForecastPolicy,
}

impl Policy {
    /// The scale-down window unless another is written.
    pub const DOWN_WINDOW: SignedDuration = SignedDuration::from_mins(5);
}

impl Default for Policy {
    /// The documented defaults: what an objective means that writes no policy.
    fn default() -> Self {
        let day = SignedDuration::from_hours(24);
        Self {
            up: Autonomy::Enforce,
            down: Autonomy::Enforce,
            up_tolerance: 0.05,
            down_window: None,
            down_tolerance: 0.05,
            down_max_step: 0.5,
            metric_loss: MetricLoss { hold: SignedDuration::from_mins(15), then: WhenLost::Hold },
            freezes: vec![],
            forecast: ForecastPolicy { auto: true, history: day * 14, horizon: day },
        }
    }
}

/// Looking ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForecastPolicy {
    /// A forecast is used while it proves better than the last value.
    pub auto: bool,
    /// How much history is read after a start.
    pub history: SignedDuration,
    /// How far ahead a miss of the goal is looked for.
    pub horizon: SignedDuration,
}

/// What to do when a demand is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricLoss {
    /// How long to hold whatever runs.
    pub hold: SignedDuration,
    /// And then.
    pub then: WhenLost,
}

/// What follows when a demand stays unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenLost {
    /// Go on holding.
    Hold,
    /// At least the reference point's replicas.
    Baseline,
    /// `bounds.max`.
    Max,
}

/// A window in which nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// From, included.
    pub from: Timestamp,
    /// To, excluded.
    pub to: Timestamp,
    /// Why, in the owner's words.
    pub reason: String,
}
