//! The one place where a reason becomes a sentence.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::super::units::{Replicas, share_text};
use super::Reason;

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
            Self::ExpectedDemand { .. }
            | Self::PricedReplica { .. }
            | Self::Trimmed { .. }
            | Self::LearnedCapacity { .. } => self.beside_the_demand(f),
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

impl Reason {
    /// What is decided on beside the demand observed: forecasts, measurements, what is learned.
    fn beside_the_demand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
            Self::Trimmed { extra, violated: Some((value, bound)) } => write!(
                f,
                "a measurement is {} where {} is its bound: {} more are added",
                figure(*value),
                figure(*bound),
                share_text(*extra)
            ),
            Self::Trimmed { extra, violated: None } => {
                write!(
                    f,
                    "{} more are kept until every measurement has kept its bound for a while",
                    share_text(*extra)
                )
            }
            Self::LearnedCapacity { carries, low, high, unit, slower } => {
                write!(
                    f,
                    "one replica carries {} {unit} ({} to {})",
                    figure(*carries),
                    figure(*low),
                    figure(*high)
                )?;
                match slower {
                    Some((since, share)) => {
                        write!(
                            f,
                            "; since {} the signal is {} higher for the same load",
                            clock(*since),
                            share_text(*share)
                        )
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
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
