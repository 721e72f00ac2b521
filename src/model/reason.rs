//! Why a decision came out as it did. Numbers only; `Display` is the one place they become a sentence.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::closed_list::closed_list;
use super::intent::ObjectId;
use super::units::{Replicas, share_text};

closed_list! {
    /// The bounded words behind [`Reason`], for metric labels, logs and the reference pages.
    pub enum ReasonCode {
        ObservedDemand => "The demand observed now, with headroom, needs so many replicas.",
        ExpectedDemand => "The demand expected when a replica ordered now can serve needs so many replicas.",
        PricedReplica => "The last replica is expected to save more demand than its price, one more would not.",
        HistoryAwaited => "The history behind the forecast is being read; until it is there nothing is lowered.",
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

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ObservedDemand { demand, planned, unit, needs } => {
                let (demand, planned) = (figure(*demand), figure(*planned));
                if demand == planned {
                    write!(f, "{demand} {unit} need {}", count(*needs))
                } else {
                    write!(f, "{demand} {unit} ({planned} with headroom) need {}", count(*needs))
                }
            }
            Self::ExpectedDemand { expected, upper, horizon, unit, needs } => write!(
                f,
                "{} {unit} are expected in {} (up to {} in 19 of 20 cases); with headroom they need {}",
                figure(*expected),
                span(*horizon),
                figure(*upper),
                count(*needs)
            ),
            Self::PricedReplica { replicas, saving, next, price, horizon, unit } => write!(
                f,
                "replica {replicas} is expected to save {} {unit} in {}, for a price of {}; one more would save {}",
                figure(*saving),
                span(*horizon),
                figure(*price),
                figure(*next)
            ),
            Self::HistoryAwaited { held } => {
                write!(f, "the history behind the forecast is being read; {} held meanwhile", are(*held))
            }
            Self::WithinTolerance { needs, tolerance } => {
                write!(
                    f,
                    "{} would fit to the letter, within the tolerance of {}",
                    count(*needs),
                    share_text(*tolerance)
                )
            }
            Self::DemandUnknown { since, held } => {
                write!(f, "the demand is unknown since {}; {} held", clock(*since), are(*held))
            }
            Self::LossFallback { hold, to } => {
                write!(
                    f,
                    "the demand has been unknown for more than {}; the fallback of {} applies",
                    span(*hold),
                    count(*to)
                )
            }
            Self::ReferenceUnknown { held } => {
                write!(f, "the baseline is not measured yet; {} held", are(*held))
            }
            Self::HeldByWindow { peak, needs, window } => {
                write!(f, "{} would do, {peak} were needed within the last {}", count(*needs), span(*window))
            }
            Self::HeldByStartup { until } => write!(f, "new replicas are starting until {}", clock(*until)),
            Self::StepCut { wanted, allowed, step } => {
                write!(
                    f,
                    "{} would do, one step down is at most {}: {allowed}",
                    count(*wanted),
                    share_text(*step)
                )
            }
            Self::CappedAtMax { wanted, max } => {
                write!(f, "{} needed, bounds.max allows {max}", are(*wanted))
            }
            Self::RaisedToMin { wanted, min } => {
                write!(f, "{} would do, bounds.min asks for {min}", count(*wanted))
            }
            Self::CappedByHpaMax { wanted, max, hpa } => {
                write!(f, "a floor of {wanted} is wanted, HorizontalPodAutoscaler {hpa} allows {max}")
            }
            Self::Frozen { until, why } => write!(f, "frozen until {}: {why}", clock(*until)),
            Self::Observing { wanted } => write!(f, "autonomy is Observe: {} would be set", count(*wanted)),
            Self::OwnedByHpa { hpa } => write!(f, "HorizontalPodAutoscaler {hpa} owns the target"),
            Self::Outbid { by, claim } => write!(f, "objective {by} claims {}", count(*claim)),
            Self::ChangedOutside { by, from, to } => {
                write!(f, "{by} changed the replicas from {from} to {to}")
            }
            Self::TargetUnusable { detail } => f.write_str(detail),
        }
    }
}

/// `1 replica`, `9 replicas`.
fn count(replicas: Replicas) -> String {
    if replicas == Replicas(1) { "1 replica".to_owned() } else { format!("{replicas} replicas") }
}

/// `1 replica is`, `9 replicas are`.
fn are(replicas: Replicas) -> String {
    format!("{} {}", count(replicas), if replicas == Replicas(1) { "is" } else { "are" })
}

/// Writes a figure with at most four significant digits, as people read it.
///
/// ```
/// use bizops::model::figure;
/// assert_eq!(figure(1234.567), "1235");
/// assert_eq!(figure(0.123456), "0.1235");
/// assert_eq!(figure(12.0), "12");
/// ```
pub fn figure(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor();
    let digits = (3.0 - magnitude).clamp(0.0, 12.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=12")]
    let text = format!("{value:.*}", digits as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Writes a time of day to the second, in UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes a duration as `5m`, `90s`, `1h30m`.
pub fn span(duration: SignedDuration) -> String {
    let total = duration.as_secs();
    if total < 1 {
        return format!("{}ms", duration.as_millis());
    }
    let (days, hours, minutes, seconds) = (total / 86_400, total / 3600 % 24, total / 60 % 60, total % 60);
    let mut text = String::new();
    for (count, unit) in [(days, 'd'), (hours, 'h'), (minutes, 'm'), (seconds, 's')] {
        if count > 0 {
            text = format!("{text}{count}{unit}");
        }
    }
    text
}
