//! The few functions of real numbers the forecast needs, in one place.
//!
//! They are computed by `libm`, in Rust, and not by the C library of the machine: the same samples give the same
//! answer on every machine.

/// eˣ
pub(super) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// The natural logarithm.
pub(super) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// xʸ for x > 0.
pub(super) fn power(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// sinh, by its definition.
pub(super) fn sinh(x: f64) -> f64 {
    (exp(x) - exp(-x)) / 2.0
}

/// The inverse of [`sinh`]: ln(x + √(x² + 1)), by the size of x so that nothing cancels.
pub(super) fn asinh(x: f64) -> f64 {
    let size = x.abs();
    ln(size + (size * size + 1.0).sqrt()).copysign(x)
}

/// What is left of a weight after a time that is measured in half-lives: 2⁻ᵗ.
pub(super) fn left_after(half_lives: f64) -> f64 {
    power(0.5, half_lives)
}

/// The nearest `f32`.
#[allow(clippy::cast_possible_truncation, reason = "seven digits are enough where this is used")]
pub(super) fn short(x: f64) -> f32 {
    x as f32
}

/// A whole number of things, as an index; what is negative or no number is 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
pub(super) fn index(x: f64) -> usize {
    x as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sinh_and_its_inverse_undo_each_other() {
        for x in [-6.5, -1.0, -1e-3, 0.0, 0.3, 2.0, 6.5] {
            assert!((asinh(sinh(x)) - x).abs() < 1e-9, "{x}");
        }
        assert!((left_after(2.0) - 0.25).abs() < 1e-12);
    }
}
