//! Two bytes for a number that is never negative.
//!
//! Days of past demand are kept per mapping, and there may be ten thousand mappings. Six bits of exponent and
//! ten of mantissa hold what a look at yesterday needs: zero, and 2⁻³² to 2³² with an error of at most 0.05 %.

/// Where there is no number: a gap.
pub(super) const HOLE: u16 = u16::MAX;
/// Bits of the mantissa of an `f32` that are dropped.
const DROPPED: u32 = 13;
/// The exponent of an `f32` that becomes the lowest one here.
const LOWEST: u32 = 95;

/// The nearest number that fits; what is too large becomes the largest, what is too small or no number zero.
///
/// 12.34 is kept as 12.343 75, which is 0.03 % more.
pub(super) fn pack(value: f64) -> u16 {
    #[allow(clippy::cast_possible_truncation, reason = "less precision is the purpose")]
    let value = value as f32;
    if !value.is_finite() || value <= 0.0 {
        return 0;
    }
    let rounded = (value.to_bits() + (1 << (DROPPED - 1))) >> DROPPED;
    let packed = rounded.saturating_sub(LOWEST << (23 - DROPPED));
    u16::try_from(packed).unwrap_or(u16::MAX).min(HOLE - 1)
}

/// The number [`pack`] kept.
pub(super) fn unpack(packed: u16) -> f64 {
    if packed == 0 {
        return 0.0;
    }
    f64::from(f32::from_bits((u32::from(packed) + (LOWEST << (23 - DROPPED))) << DROPPED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_within_a_twentieth_of_a_percent() {
        assert!((unpack(pack(12.34)) - 12.343_75).abs() < 1e-9);
        let mut value = 1e-9;
        while value < 4e9 {
            let back = unpack(pack(value));
            assert!((back / value - 1.0).abs() <= 0.0005, "{value} came back as {back}");
            value *= 1.37;
        }
    }

    #[test]
    fn zero_is_zero_and_what_is_no_number_too() {
        for value in [0.0, -3.0, f64::NAN, f64::NEG_INFINITY, 1e-30] {
            assert!(unpack(pack(value)).abs() < f64::EPSILON, "{value}");
        }
        assert!(unpack(pack(1e30)) > 4.29e9, "the largest number that fits");
    }
}
