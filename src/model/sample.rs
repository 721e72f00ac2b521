//! One number from outside, and how far it can be believed.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// One number asked of a metric source.
///
/// Only `Present` may ever lower capacity. `Partial` may raise it: what is missing from a partial answer can
/// only add. The rest hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// A finite number with its own age.
    Present {
        /// The number, in the query's unit.
        value: f64,
        /// When the newest sample behind it was taken.
        at: Timestamp,
    },
    /// A number, but the source says its answer is not complete.
    Partial {
        /// The number.
        value: f64,
        /// When the newest sample behind it was taken.
        at: Timestamp,
        /// The source's own words.
        warning: String,
    },
    /// A number whose newest sample is too old to decide on.
    Stale {
        /// The number.
        value: f64,
        /// When the newest sample behind it was taken.
        at: Timestamp,
        /// The age from which a sample counts as stale.
        limit: SignedDuration,
    },
    /// The source answered, and there was no series.
    Absent,
    /// The source did not give a usable number.
    Failed(SourceFault),
}

impl Sample {
    /// The number, if it is whole and fresh.
    pub fn present(&self) -> Option<f64> {
        match self {
            Self::Present { value, .. } => Some(*value),
            Self::Partial { .. } | Self::Stale { .. } | Self::Absent | Self::Failed(_) => None,
        }
    }

    /// The moment the newest sample behind the number was taken, if there is a number.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Present { at, .. } | Self::Partial { at, .. } | Self::Stale { at, .. } => Some(*at),
            Self::Absent | Self::Failed(_) => None,
        }
    }
}

/// Why a metric source gave no usable number. Each has its own message; none ever lowers capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFault {
    /// The result is NaN, as a division by zero gives.
    NotANumber,
    /// The result is plus or minus infinity.
    Infinite,
    /// Several series where one number is meant.
    SeveralSeries {
        /// How many came.
        count: usize,
    },
    /// A number such as `or vector(0)` with not one sample of the series it is computed from.
    Unbacked,
    /// The connection was refused or broke.
    Unreachable {
        /// The transport's words, without the URL.
        detail: String,
    },
    /// Connected, but no answer in time.
    TimedOut {
        /// How long was waited.
        after: SignedDuration,
    },
    /// Something other than a Prometheus answered.
    NotPrometheus {
        /// What came instead, e.g. its content type.
        detail: String,
    },
    /// The answer broke off.
    Truncated {
        /// How many bytes had come.
        bytes: usize,
    },
    /// The answer is larger than the source's `limits.maxBytes`.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// More series than the source's `limits.maxSeries`.
    TooManySeries {
        /// The limit.
        limit: usize,
    },
    /// An HTTP status that is neither success nor a query error.
    Status {
        /// The status code.
        code: u16,
        /// What `Retry-After` asked for.
        retry_after: Option<SignedDuration>,
    },
    /// The source wants the query sent elsewhere; bizops does not carry credentials to another address.
    Redirected {
        /// Where to, without query or credentials.
        to: String,
    },
    /// The credentials were refused (401 or 403).
    Refused {
        /// The status code.
        code: u16,
    },
    /// The source understood and rejected the query.
    QueryRejected {
        /// The source's words.
        detail: String,
    },
    /// The query gave a kind of result that is not a number, such as a string or a histogram.
    WrongType {
        /// The kind of result.
        got: String,
    },
    /// The source cannot be used as configured: a missing Secret, key, certificate, or the source itself.
    Misconfigured {
        /// What is missing and where.
        detail: String,
    },
}

impl SourceFault {
    /// The condition reason this fault appears under.
    pub fn reason(&self) -> crate::model::ConditionReason {
        use crate::model::ConditionReason as R;
        match self {
            Self::NotANumber => R::NotANumber,
            Self::Infinite => R::Infinite,
            Self::SeveralSeries { .. } => R::SeveralSeries,
            Self::Unbacked => R::NoSamples,
            Self::Unreachable { .. } => R::SourceUnreachable,
            Self::TimedOut { .. } => R::SourceTimedOut,
            Self::NotPrometheus { .. } => R::NotPrometheus,
            Self::Truncated { .. } => R::AnswerTruncated,
            Self::TooLarge { .. } => R::AnswerTooLarge,
            Self::TooManySeries { .. } => R::TooManySeries,
            Self::Status { .. } => R::SourceUnavailable,
            Self::Redirected { .. } => R::SourceRedirects,
            Self::Refused { .. } => R::SourceRefused,
            Self::QueryRejected { .. } => R::QueryRejected,
            Self::WrongType { .. } => R::WrongResultType,
            Self::Misconfigured { .. } => R::SourceMisconfigured,
        }
    }
}

impl fmt::Display for SourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => {
                f.write_str("the result is NaN; a division by zero does this, guard it with `> 0` or `or vector(0)`")
            }
            Self::Infinite => f.write_str("the result is infinite; a division by zero does this, guard the divisor with `> 0`"),
            Self::SeveralSeries { count } => {
                write!(f, "{count} series came back where one number is meant; wrap the query in sum(), max() or avg()")
            }
            Self::Unbacked => f.write_str(
                "the query gave a number but not one sample of its series exists; check that the metric is scraped",
            ),
            Self::Unreachable { detail } => write!(f, "cannot be reached ({detail}); check the URL, the network policy and that it runs"),
            Self::TimedOut { after } => {
                write!(f, "no answer within {:.1}s; check its load or raise prometheus.timeout", after.as_secs_f64())
            }
            Self::NotPrometheus { detail } => {
                write!(f, "the answer is not the Prometheus API ({detail}); check the URL's path and any login page before it")
            }
            Self::Truncated { bytes } => write!(f, "the answer broke off after {bytes} bytes; check proxies on the way"),
            Self::TooLarge { limit } => {
                write!(f, "the answer is larger than {limit} bytes; aggregate in the query or raise limits.maxBytes")
            }
            Self::TooManySeries { limit } => {
                write!(f, "more than {limit} series came back; aggregate in the query or raise limits.maxSeries")
            }
            Self::Status { code, retry_after: Some(wait) } => {
                write!(f, "HTTP status {code}, asks to retry after {}s; it is overloaded or starting", wait.as_secs())
            }
            Self::Status { code, retry_after: None } => write!(f, "HTTP status {code}; look at its own log"),
            Self::Redirected { to } => write!(f, "redirects to {to}; write that address into prometheus.url"),
            Self::Refused { code } => write!(f, "HTTP status {code}: the credentials were refused; check auth and its Secret"),
            Self::QueryRejected { detail } => write!(f, "the query was rejected: {detail}"),
            Self::WrongType { got } => write!(f, "the result is a {got}, not a number; use a query that gives one number"),
            Self::Misconfigured { detail } => f.write_str(detail),
        }
    }
}
