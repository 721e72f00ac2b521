//! Units as types, and their one way of being written.

use std::fmt;

/// A number of replicas of a workload; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Replicas(pub u32);

impl Replicas {
    /// The most replicas bizops ever asks for; Kubernetes stores `int32`, and a larger number is a mistake.
    pub const CEILING: Self = Self(1_000_000);

    /// Rounds a fractional need up to whole replicas.
    ///
    /// A need that lies less than one part in a billion above a whole number is that number: binary fractions
    /// such as `1.1 * 10` must not cost a replica. NaN and anything negative are 0, anything above
    /// [`Replicas::CEILING`] is the ceiling.
    ///
    /// ```
    /// use bizops::model::Replicas;
    /// assert_eq!(Replicas::ceil(10.2), Replicas(11));
    /// assert_eq!(Replicas::ceil(1.1 * 10.0), Replicas(11)); // 11.000000000000002
    /// assert_eq!(Replicas::ceil(f64::NAN), Replicas(0));
    /// ```
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=CEILING before"
    )]
    pub fn ceil(need: f64) -> Self {
        let whole = (need - need.abs() * 1e-9).ceil();
        if whole.is_nan() { Self(0) } else { Self(whole.clamp(0.0, f64::from(Self::CEILING.0)) as u32) }
    }

    /// The number as a float, for arithmetic.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0)
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An amount of money in one currency (ISO 4217 code).
#[derive(Debug, Clone, PartialEq)]
pub struct Money {
    /// How much, in the currency's main unit.
    pub amount: f64,
    /// The currency's three-letter code.
    pub currency: String,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} {}", self.amount, self.currency)
    }
}

/// Writes a share as people write it.
///
/// ```
/// assert_eq!(bizops::model::share_text(0.05), "5%");
/// assert_eq!(bizops::model::share_text(0.003), "0.3%");
/// ```
pub fn share_text(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}
