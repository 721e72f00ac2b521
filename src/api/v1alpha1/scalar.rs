//! Numbers, shares and durations as people write them in manifests; never floats.

use std::borrow::Cow;
use std::fmt;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Written as an integer or a string, kept as text until it is converted.
fn text_of_int_or_string<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "write a whole number, or text such as \"0.95\" or \"1.5k\"")]
    enum Either {
        Int(i64),
        Text(String),
    }
    Ok(match Either::deserialize(from)? {
        Either::Int(number) => number.to_string(),
        Either::Text(text) => text,
    })
}

/// Reads `1200`, `0.95`, `1.5k`; `None` when it is not such a number.
fn parse_quantity(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    digits.parse::<f64>().ok().filter(|number| plain && number.is_finite()).map(|number| number * factor)
}

macro_rules! quantity {
    ($(#[$outer:meta])* $name:ident, $rule:literal, $message:literal, $description:literal) => {
        $(#[$outer])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct $name(pub String);

        impl $name {
            /// The number, or `None` when the text is not one.
            pub fn value(&self) -> Option<f64> {
                parse_quantity(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self.0.parse::<i64>() {
                    Ok(number) => to.serialize_i64(number),
                    Err(_) => to.serialize_str(&self.0),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                text_of_int_or_string(from).map(Self)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $description,
                    "x-kubernetes-int-or-string": true,
                    "maxLength": 26,
                    "x-kubernetes-validations": [{ "rule": $rule, "message": $message }],
                })
            }
        }
    };
}

quantity!(
    /// A number that is zero or more: `1200`, `"0.95"`, `"1.5k"` (suffixes m, k, M, G, T).
    ///
    /// ```
    /// use bizops::api::v1alpha1::Quantity;
    /// assert_eq!(Quantity("1.5k".into()).value(), Some(1500.0));
    /// assert_eq!(Quantity("1,5".into()).value(), None);
    /// ```
    Quantity,
    r"type(self) == int ? int(self) >= 0 : string(self).matches('^[0-9]{1,15}([.][0-9]{1,9})?[mkMGT]?$')",
    "write a number that is zero or more, such as 1200, \"0.95\" or \"1.5k\"",
    "A number that is zero or more: 1200, \"0.95\" or \"1.5k\" (suffixes m, k, M, G, T)."
);

quantity!(
    /// A number above zero: `1200`, `"0.95"`, `"1.5k"` (suffixes m, k, M, G, T).
    PositiveQuantity,
    r"type(self) == int ? int(self) > 0 : string(self).matches('^[0-9]{1,15}([.][0-9]{1,9})?[mkMGT]?$') && string(self).matches('[1-9]')",
    "write a number above zero, such as 1200, \"0.95\" or \"1.5k\"",
    "A number above zero: 1200, \"0.95\" or \"1.5k\" (suffixes m, k, M, G, T)."
);

macro_rules! text_scalar {
    ($(#[$outer:meta])* $name:ident, $rule:literal, $message:literal, $description:literal) => {
        $(#[$outer])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $description,
                    "type": "string",
                    "maxLength": 24,
                    "x-kubernetes-validations": [{ "rule": $rule, "message": $message }],
                })
            }
        }
    };
}

text_scalar!(
    /// A share of something, written with a percent sign: `20%`, `0.3%`.
    ///
    /// ```
    /// use bizops::api::v1alpha1::Share;
    /// assert_eq!(Share::from("0.3%").value(), Some(0.003));
    /// assert_eq!(Share::from("0.3").value(), None);
    /// ```
    Share,
    r"self.matches('^[0-9]{1,6}(\\.[0-9]{1,6})?%$')",
    "write a share with a percent sign, such as 20% or 0.3%",
    "A share with a percent sign, such as 20% or 0.3%."
);

text_scalar!(
    /// A duration as Prometheus writes it: `30s`, `5m`, `1h30m`, `28d`.
    ///
    /// ```
    /// use bizops::api::v1alpha1::Span;
    /// assert_eq!(Span::from("1h30m").value(), Some(jiff::SignedDuration::from_mins(90)));
    /// assert_eq!(Span::from("90").value(), None);
    /// ```
    Span,
    r"self.matches('^([0-9]{1,6}w)?([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?$') && self != ''",
    "write a duration such as 30s, 5m, 1h30m or 28d",
    "A duration such as 30s, 5m, 1h30m or 28d."
);

impl Share {
    /// The share as a ratio (`20%` is 0.2), or `None` when the text is not a share.
    pub fn value(&self) -> Option<f64> {
        let number = self.0.strip_suffix('%')?;
        let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        // Dividing keeps 0.3% exactly the float people expect, 0.003; multiplying by 0.01 does not.
        number.parse::<f64>().ok().filter(|_| plain).map(|percent| percent / 100.0)
    }
}

impl Span {
    /// The duration, or `None` when the text is not one. Units must come in descending order, each once.
    pub fn value(&self) -> Option<SignedDuration> {
        const UNITS: [(&str, i64); 6] =
            [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
        let mut rest = self.0.as_str();
        let (mut total, mut next) = (0_i64, 0);
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let number: i64 = rest.get(..digits)?.parse().ok()?;
            rest = &rest[digits..];
            let word = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let unit = (next..UNITS.len()).find(|&index| UNITS[index].0 == &rest[..word])?;
            total = total.checked_add(number.checked_mul(UNITS[unit].1)?)?;
            next = unit + 1;
            rest = &rest[word..];
        }
        (next > 0).then(|| SignedDuration::from_millis(total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_what_people_write_and_nothing_else() {
        for (text, wanted) in [
            ("1200", Some(1200.0)),
            ("0.95", Some(0.95)),
            ("1.5k", Some(1500.0)),
            ("500m", Some(0.5)),
            ("2M", Some(2e6)),
            ("", None),
            ("-1", None),
            ("1e3", None),
            ("1Ki", None),
            ("NaN", None),
            ("inf", None),
            ("1.2.3", None),
        ] {
            assert_eq!(Quantity(text.into()).value(), wanted, "{text:?}");
        }
    }

    #[test]
    fn spans_read_units_in_descending_order_once_each() {
        for (text, wanted) in [
            ("30s", Some(30_000)),
            ("500ms", Some(500)),
            ("1h30m", Some(5_400_000)),
            ("28d", Some(2_419_200_000)),
            ("1w2d", Some(777_600_000)),
            ("", None),
            ("5", None),
            ("m", None),
            ("1m1h", None),
            ("1m1m", None),
            ("1y", None),
            ("999999999999999w", None),
        ] {
            assert_eq!(Span::from(text).value(), wanted.map(SignedDuration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn an_integer_stays_an_integer_through_a_round_trip() {
        let back: Quantity = serde_json::from_str("1200").unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), "1200");
        let back: Quantity = serde_json::from_str("\"1.5k\"").unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), "\"1.5k\"");
    }
}
