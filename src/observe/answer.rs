//! From the bytes of a Prometheus answer to one sample.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::promql::PART;
use crate::model::{Sample, SourceFault};

/// What is known of a question when its answer is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The time the query is evaluated at.
    pub(super) at: Timestamp,
    /// Whether the query names series, so that a number must have samples behind it.
    pub(super) has_series: bool,
    /// From which age a sample is stale.
    pub(super) stale_after: SignedDuration,
    /// The most series an answer may hold.
    pub(super) max_series: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    value: Option<(f64, String)>,
    #[serde(default)]
    histogram: Option<serde_json::Value>,
}

/// Reads an answer with a success status.
pub(super) fn read(body: &[u8], asked: &Asked) -> Sample {
    match understand(body, asked) {
        Ok(sample) => sample,
        Err(fault) => Sample::Failed(fault),
    }
}

/// The source's own words in an error answer, if it speaks the Prometheus API.
pub(super) fn error_of(body: &[u8]) -> Option<String> {
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    (envelope.status == "error")
        .then(|| clip(&envelope.error.unwrap_or_else(|| "no reason given".to_owned())))
}

/// At most 300 characters of somebody else's words.
pub(super) fn clip(words: &str) -> String {
    let mut chars = words.chars();
    let head: String = chars.by_ref().take(300).collect();
    if chars.next().is_some() { format!("{head}…") } else { head }
}

fn understand(body: &[u8], asked: &Asked) -> Result<Sample, SourceFault> {
    let envelope: Envelope = serde_json::from_slice(body).map_err(|error| unreadable(&error, body))?;
    if envelope.status != "success" {
        let detail = clip(&envelope.error.unwrap_or_else(|| "no reason given".to_owned()));
        return Err(SourceFault::QueryRejected { detail });
    }
    let not_the_api = |detail: &str| SourceFault::NotPrometheus { detail: detail.to_owned() };
    let data = envelope.data.ok_or_else(|| not_the_api("JSON without data"))?;
    let elements: Vec<Element> = match data.result_type.as_str() {
        "vector" => {
            serde_json::from_value(data.result).map_err(|_| not_the_api("a vector of an unknown shape"))?
        }
        other => return Err(SourceFault::WrongType { got: clip(other) }),
    };
    if elements.len() > asked.max_series.saturating_add(1) {
        return Err(SourceFault::TooManySeries { limit: asked.max_series });
    }
    let (newest, values): (Vec<Element>, Vec<Element>) = elements
        .into_iter()
        .partition(|element| element.metric.get(PART).is_some_and(|part| part == "newest"));
    let Some(value) = the_one(&values)? else { return Ok(Sample::Absent) };
    let at = match (asked.has_series, newest.first().and_then(|element| element.value.as_ref())) {
        (false, _) => asked.at,
        (true, Some((_, seconds))) => seconds.parse().ok().and_then(moment).unwrap_or(asked.at),
        (true, None) => return Err(SourceFault::Unbacked),
    };
    let age = asked.at.duration_since(at);
    Ok(match envelope.warnings.first() {
        _ if age > asked.stale_after => Sample::Stale { value, at, limit: asked.stale_after },
        Some(warning) => Sample::Partial { value, at, warning: clip(warning) },
        None => Sample::Present { value, at },
    })
}

/// The number of the only series; `None` if there is no series.
fn the_one(values: &[Element]) -> Result<Option<f64>, SourceFault> {
    let element = match values {
        [] => return Ok(None),
        [one] => one,
        several => return Err(SourceFault::SeveralSeries { count: several.len() }),
    };
    if element.histogram.is_some() {
        return Err(SourceFault::WrongType { got: "histogram".to_owned() });
    }
    let text = element.value.as_ref().map(|(_, text)| text.as_str()).unwrap_or_default();
    match text.parse::<f64>() {
        Ok(number) if number.is_nan() => Err(SourceFault::NotANumber),
        Ok(number) if number.is_infinite() => Err(SourceFault::Infinite),
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(SourceFault::NotPrometheus { detail: "a value that is not a number".to_owned() }),
    }
}

fn moment(seconds: f64) -> Option<Timestamp> {
    let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(duration).ok()
}

/// Half a JSON broke off on the way; anything else was never a Prometheus answer.
pub(super) fn unreadable(error: &serde_json::Error, body: &[u8]) -> SourceFault {
    let looks_like_json = body.first().is_some_and(|byte| *byte == b'{');
    if error.is_eof() && looks_like_json {
        SourceFault::Truncated { bytes: body.len() }
    } else {
        SourceFault::NotPrometheus {
            detail: if looks_like_json { "JSON of an unknown shape" } else { "not JSON" }.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked() -> Asked {
        Asked {
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            has_series: true,
            stale_after: SignedDuration::from_mins(2),
            max_series: 3,
        }
    }

    fn vector(parts: &[(&str, &str)]) -> String {
        let rows: Vec<String> = parts
            .iter()
            .map(|(part, value)| {
                format!(r#"{{"metric":{{"bizops_part":"{part}"}},"value":[1800000000,"{value}"]}}"#)
            })
            .collect();
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, rows.join(","))
    }

    #[test]
    fn every_answer_is_a_typed_outcome() {
        let fresh = ("newest", "1799999990.5");
        let at = Timestamp::from_millisecond(1_799_999_990_500).unwrap();
        let failed = Sample::Failed;
        let histogram = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"bizops_part":"value"},"histogram":[1,{}]}]}}"#;
        let warned = vector(&[("value", "7"), fresh])
            .replace("\"status\"", "\"warnings\":[\"store away\"],\"status\"");
        for (name, body, wanted) in [
            ("a number", vector(&[("value", "7"), fresh]), Sample::Present { value: 7.0, at }),
            ("nothing", vector(&[]), Sample::Absent),
            ("nothing, though series exist", vector(&[fresh]), Sample::Absent),
            ("NaN", vector(&[("value", "NaN"), fresh]), failed(SourceFault::NotANumber)),
            ("infinity", vector(&[("value", "+Inf"), fresh]), failed(SourceFault::Infinite)),
            (
                "two series",
                vector(&[("value", "1"), ("value", "2"), fresh]),
                failed(SourceFault::SeveralSeries { count: 2 }),
            ),
            ("too many", vector(&[("value", "1"); 5]), failed(SourceFault::TooManySeries { limit: 3 })),
            ("a zero without samples", vector(&[("value", "0")]), failed(SourceFault::Unbacked)),
            (
                "an old number",
                vector(&[("value", "7"), ("newest", "1799999000")]),
                Sample::Stale {
                    value: 7.0,
                    at: Timestamp::from_second(1_799_999_000).unwrap(),
                    limit: asked().stale_after,
                },
            ),
            (
                "part of the data",
                warned,
                Sample::Partial { value: 7.0, at, warning: "store away".to_owned() },
            ),
            (
                "a histogram",
                histogram.to_owned(),
                failed(SourceFault::WrongType { got: "histogram".to_owned() }),
            ),
            (
                "a string",
                r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#.to_owned(),
                failed(SourceFault::WrongType { got: "string".to_owned() }),
            ),
            (
                "an error with a success status",
                r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#.to_owned(),
                failed(SourceFault::QueryRejected { detail: "parse error".to_owned() }),
            ),
            ("half a JSON", r#"{"status":"succ"#.to_owned(), failed(SourceFault::Truncated { bytes: 15 })),
            (
                "a login page",
                "<html>".to_owned(),
                failed(SourceFault::NotPrometheus { detail: "not JSON".to_owned() }),
            ),
            (
                "somebody else's JSON",
                r#"{"hello":1}"#.to_owned(),
                failed(SourceFault::NotPrometheus { detail: "JSON of an unknown shape".to_owned() }),
            ),
            (
                "nothing at all",
                String::new(),
                failed(SourceFault::NotPrometheus { detail: "not JSON".to_owned() }),
            ),
        ] {
            assert_eq!(read(body.as_bytes(), &asked()), wanted, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body, &asked());
        }

        #[test]
        fn no_value_panics(value in "\\PC{0,20}", newest in "\\PC{0,20}") {
            let _ = read(vector(&[("value", &value), ("newest", &newest)]).as_bytes(), &asked());
        }
    }
}
