//! Why a decision came out as it did. Numbers only; `Display` is the one place they become a sentence.

use jiff::{SignedDuration, Timestamp};

use super::closed_list::closed_list;
use super::intent::ObjectId;
use super::units::Replicas;

mod words;

pub use words::{figure, span};

closed_list! {
    /// The bounded words behind [`Reason`], for metric labels, logs and the reference pages.
    pub enum ReasonCode {
        ObservedDemand => "The demand observed now, with headroom, needs so many replicas.",
        ExpectedDemand => "The demand expected when a replica ordered now can serve needs so many replicas.",
        PricedReplica => "The last replica is expected to save more demand than its price, one more would not.",
        HistoryAwaited => "The history behind the forecast is being read; until it is there nothing is lowered.",
        Trimmed => "A measurement is or was out of its bound: capacity is added.",
        LearnedCapacity => "What one replica carries is learned from its signal.",
        WithinTolerance => "The change would be smaller than the tolerance.",
        DemandUnknown => "The demand is not known; what runs is held.",
        LossFallback => "The demand has been unknown longer than onMetricLoss.hold; the declared fallback applies.",
        ReferenceUnknown => "The proportional model's baseline is not measured yet; what runs is held.",
        HeldByWindow => "A higher need within policy.scaleDown.window holds the replicas up.",
        HeldByStartup => "Replicas ordered less than capacity.startup ago may not be serving yet; none is taken away.",
        StepCut => "One step down is cut to policy.scaleDown.maxStep.",
        CappedAtMax => "More would be needed than bounds.max allows.",
        RaisedToMin => "Fewer would do than bounds.min asks for.",
        CappedByHpaMax => "The floor is capped at the HorizontalPodAutoscaler's maxReplicas.",
        Frozen => "A freeze window is open.",
        Observing => "Autonomy is Observe in this direction.",
        OwnedByHpa => "A HorizontalPodAutoscaler owns the target.",
        Outbid => "Another objective claims more replicas of the same target.",
        ChangedOutside => "Somebody else changed the replicas.",
        TargetUnusable => "The target cannot be read or scaled.",
    }
}

/// Why, typed. The same trail is shown in status, events, logs and metrics.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// The demand observed now, with headroom, needs so many replicas.
    ObservedDemand {
        /// The demand.
        demand: f64,
        /// The demand with headroom.
        planned: f64,
        /// Its unit.
        unit: String,
        /// What it needs.
        needs: Replicas,
    },
    /// The demand expected at the lead time.
    ExpectedDemand {
        /// The demand expected then.
        expected: f64,
        /// The demand that is exceeded in one case of twenty.
        upper: f64,
        /// How far ahead.
        horizon: SignedDuration,
        /// Its unit.
        unit: String,
        /// What the demand expected needs, with headroom.
        needs: Replicas,
    },
    /// The last replica pays for itself, one more would not.
    PricedReplica {
        /// How many replicas.
        replicas: Replicas,
        /// The demand the last of them is expected to save.
        saving: f64,
        /// The demand one more would save.
        next: f64,
        /// The demand a replica must save to be worth its while.
        price: f64,
        /// When it can serve.
        horizon: SignedDuration,
        /// The unit of the demand.
        unit: String,
    },
    /// The history behind the forecast is being read.
    HistoryAwaited {
        /// What is held.
        held: Replicas,
    },
    /// A measurement is or was out of its bound.
    Trimmed {
        /// What is added, as a share.
        extra: f64,
        /// The number and the bound it is beyond now.
        violated: Option<(f64, f64)>,
    },
    /// What one replica carries is learned.
    LearnedCapacity {
        /// The demand one replica carries.
        carries: f64,
        /// At least this …
        low: f64,
        /// … and at most this, in 19 of 20 cases.
        high: f64,
        /// The unit of the demand.
        unit: String,
        /// Pods became slower: since when, and by what share the signal rose.
        slower: Option<(Timestamp, f64)>,
    },
    /// The change would be smaller than the tolerance.
    WithinTolerance {
        /// What the demand needs to the letter.
        needs: Replicas,
        /// The tolerance as a share.
        tolerance: f64,
    },
    /// The demand is not known.
    DemandUnknown {
        /// Since when.
        since: Timestamp,
        /// What is held.
        held: Replicas,
    },
    /// The demand has been unknown for too long.
    LossFallback {
        /// How long was held.
        hold: SignedDuration,
        /// What applies now.
        to: Replicas,
    },
    /// The model's baseline is not measured yet.
    ReferenceUnknown {
        /// What is held.
        held: Replicas,
    },
    /// A higher need within the window.
    HeldByWindow {
        /// The highest need within the window.
        peak: Replicas,
        /// What the demand needs now.
        needs: Replicas,
        /// The window.
        window: SignedDuration,
    },
    /// New replicas may not be serving yet.
    HeldByStartup {
        /// Until when.
        until: Timestamp,
    },
    /// One step down is cut.
    StepCut {
        /// What was wanted.
        wanted: Replicas,
        /// What one step allows.
        allowed: Replicas,
        /// The largest step as a share.
        step: f64,
    },
    /// More would be needed than the maximum.
    CappedAtMax {
        /// What was wanted.
        wanted: Replicas,
        /// The maximum.
        max: Replicas,
    },
    /// Fewer would do than the minimum.
    RaisedToMin {
        /// What was wanted.
        wanted: Replicas,
        /// The minimum.
        min: Replicas,
    },
    /// The floor is capped at the autoscaler's own maximum.
    CappedByHpaMax {
        /// What was wanted.
        wanted: Replicas,
        /// The autoscaler's maximum.
        max: Replicas,
        /// Its name.
        hpa: String,
    },
    /// A freeze window is open.
    Frozen {
        /// Until when.
        until: Timestamp,
        /// The owner's words.
        why: String,
    },
    /// Autonomy is Observe in this direction.
    Observing {
        /// What would be done.
        wanted: Replicas,
    },
    /// An autoscaler owns the target.
    OwnedByHpa {
        /// Its name.
        hpa: String,
    },
    /// Another objective claims more.
    Outbid {
        /// Which.
        by: ObjectId,
        /// How much it claims.
        claim: Replicas,
    },
    /// Somebody else changed the replicas.
    ChangedOutside {
        /// The field manager's name.
        by: String,
        /// What bizops had set.
        from: Replicas,
        /// What was found.
        to: Replicas,
    },
    /// The target cannot be used.
    TargetUnusable {
        /// Why, in a sentence.
        detail: String,
    },
}

impl Reason {
    /// The bounded word for this reason.
    pub fn code(&self) -> ReasonCode {
        match self {
            Self::ObservedDemand { .. } => ReasonCode::ObservedDemand,
            Self::ExpectedDemand { .. } => ReasonCode::ExpectedDemand,
            Self::PricedReplica { .. } => ReasonCode::PricedReplica,
            Self::HistoryAwaited { .. } => ReasonCode::HistoryAwaited,
            Self::Trimmed { .. } => ReasonCode::Trimmed,
            Self::LearnedCapacity { .. } => ReasonCode::LearnedCapacity,
            Self::WithinTolerance { .. } => ReasonCode::WithinTolerance,
            Self::DemandUnknown { .. } => ReasonCode::DemandUnknown,
            Self::LossFallback { .. } => ReasonCode::LossFallback,
            Self::ReferenceUnknown { .. } => ReasonCode::ReferenceUnknown,
            Self::HeldByWindow { .. } => ReasonCode::HeldByWindow,
            Self::HeldByStartup { .. } => ReasonCode::HeldByStartup,
            Self::StepCut { .. } => ReasonCode::StepCut,
            Self::CappedAtMax { .. } => ReasonCode::CappedAtMax,
            Self::RaisedToMin { .. } => ReasonCode::RaisedToMin,
            Self::CappedByHpaMax { .. } => ReasonCode::CappedByHpaMax,
            Self::Frozen { .. } => ReasonCode::Frozen,
            Self::Observing { .. } => ReasonCode::Observing,
            Self::OwnedByHpa { .. } => ReasonCode::OwnedByHpa,
            Self::Outbid { .. } => ReasonCode::Outbid,
            Self::ChangedOutside { .. } => ReasonCode::ChangedOutside,
            Self::TargetUnusable { .. } => ReasonCode::TargetUnusable,
        }
    }
}
