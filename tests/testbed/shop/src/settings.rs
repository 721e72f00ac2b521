//! How settings are written: durations and shares.

use std::time::Duration;

/// A duration such as `500ms`, `10s`, `2m` or `1h`.
///
/// # Errors
/// When the text is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?}: write a number and ms, s, m or h, such as 500ms or 10s");
    let end = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(end);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

/// A share such as `5%` or `+50%`, as a number: 0.05, 0.5.
///
/// # Errors
/// When the text is none.
pub fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    match number {
        Some(number) if number.is_finite() => Ok(number / 100.0),
        _ => Err(format!("{text:?}: write a number and %, such as 5% or +50%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_shares_are_read_as_written() {
        for (text, millis) in
            [("500ms", 500), ("10s", 10_000), ("1.5m", 90_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (text, expected) in [("5%", 0.05), ("+50%", 0.5), ("-20%", -0.2), ("0%", 0.0)] {
            assert!((share(text).unwrap() - expected).abs() < 1e-12, "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "10", "s", "-1s", "1d", "NaNs", "1e999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for text in ["", "5", "%", "x%", "inf%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
