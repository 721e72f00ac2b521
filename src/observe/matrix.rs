//! From the bytes of a Prometheus range answer to one number per moment.
//!
//! A moment has a number here exactly where an instant query of that moment would give a fresh one: the same query
//! with the same second part that dates it, the same age from which a sample is stale.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::answer;
use super::promql::PART;
use crate::model::SourceFault;

/// The moments a range query asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The oldest, in seconds of the epoch.
    pub(crate) first: i64,
    /// Seconds from one to the next.
    pub(crate) step: i64,
    /// How many.
    pub(crate) count: usize,
}

impl Window {
    /// The newest, in seconds of the epoch.
    pub(super) fn last(&self) -> i64 {
        let steps = i64::try_from(self.count).unwrap_or(i64::MAX).saturating_sub(1);
        self.first.saturating_add(steps.saturating_mul(self.step))
    }

    /// The moment nearest to a time. Some stores move the moments to whole multiples of the step: then each moment is
    /// up to a step early or late, and none is lost.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
    fn place(&self, seconds: f64) -> Option<usize> {
        let place = ((seconds - self.first as f64) / self.step.max(1) as f64).round();
        (place >= 0.0 && place < self.count as f64).then_some(place as usize)
    }
}

/// What is known of a range query when its answer is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The moments.
    pub(super) window: Window,
    /// Whether the query names series, so that a number must have samples behind it.
    pub(super) has_series: bool,
    /// From which age a sample is stale.
    pub(super) stale_after: SignedDuration,
    /// The most series an answer may hold.
    pub(super) max_series: usize,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Data<'a>,
    #[serde(default)]
    warnings: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    result: Vec<Row<'a>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    metric: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow, default)]
    values: Vec<(f64, &'a str)>,
    #[serde(default)]
    histograms: Option<IgnoredAny>,
}

/// Enough of an answer to say what is wrong with it.
#[derive(Deserialize)]
struct Rough {
    status: String,
    #[serde(default)]
    data: Option<RoughData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoughData {
    result_type: String,
}

/// Reads an answer with a success status. An answer with warnings is one of a store that is not whole: its moments
/// count as gaps, as they do in a pass.
///
/// # Errors
/// Why the answer holds no numbers. Moments at which several series came are gaps, too, and a fault if there is
/// no other.
pub(super) fn read(body: &[u8], asked: &Asked) -> Result<Vec<Option<f64>>, SourceFault> {
    let not_the_api = |detail: &str| SourceFault::NotPrometheus { detail: detail.to_owned() };
    let rough: Rough = serde_json::from_slice(body).map_err(|error| answer::unreadable(&error, body))?;
    if rough.status != "success" {
        let detail = answer::error_of(body).unwrap_or_else(|| "no reason given".to_owned());
        return Err(SourceFault::QueryRejected { detail });
    }
    match rough.data {
        None => return Err(not_the_api("JSON without data")),
        Some(data) if data.result_type != "matrix" => {
            return Err(SourceFault::WrongType { got: answer::clip(&data.result_type) });
        }
        Some(_) => {}
    }
    let envelope: Envelope<'_> =
        serde_json::from_slice(body).map_err(|_| not_the_api("a matrix of an unknown shape"))?;
    let rows = &envelope.data.result;
    if rows.len() > asked.max_series.saturating_add(1) {
        return Err(SourceFault::TooManySeries { limit: asked.max_series });
    }
    if !envelope.warnings.is_empty() {
        return Ok(vec![None; asked.window.count]);
    }
    merge(rows, asked)
}

/// One number per moment, whichever of the series it comes from.
fn merge(rows: &[Row<'_>], asked: &Asked) -> Result<Vec<Option<f64>>, SourceFault> {
    let count = asked.window.count;
    let (mut values, mut newest) = (vec![None; count], vec![f64::NEG_INFINITY; count]);
    let mut series = vec![0_usize; count];
    for row in rows {
        let dates = row.metric.get(PART).is_some_and(|part| part == "newest");
        if row.histograms.is_some() && !dates {
            return Err(SourceFault::WrongType { got: "histogram".to_owned() });
        }
        for (seconds, text) in &row.values {
            let Some(place) = asked.window.place(*seconds) else { continue };
            let number = text.parse::<f64>().map_err(|_| SourceFault::NotPrometheus {
                detail: "a value that is not a number".to_owned(),
            })?;
            if dates {
                // The query was evaluated at the answer's own time; its age counts from there.
                newest[place] = number - seconds;
            } else {
                series[place] += 1;
                values[place] = Some(number);
            }
        }
    }
    let limit = -asked.stale_after.as_secs_f64();
    for (place, value) in values.iter_mut().enumerate() {
        let backed = !asked.has_series || newest[place] >= limit;
        *value = value.filter(|number| number.is_finite() && backed && series[place] == 1);
    }
    match series.iter().max() {
        Some(most) if *most > 1 && values.iter().all(Option::is_none) => {
            Err(SourceFault::SeveralSeries { count: *most })
        }
        _ => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: i64 = 1_800_000_002;

    fn asked() -> Asked {
        Asked {
            window: Window { first: FIRST, step: 15, count: 4 },
            has_series: true,
            stale_after: SignedDuration::from_mins(2),
            max_series: 3,
        }
    }

    /// One row: its part, and moment and value of each of its points.
    fn row(labels: &str, points: &[(i64, &str)]) -> String {
        let points: Vec<String> =
            points.iter().map(|(step, value)| format!("[{},\"{value}\"]", FIRST + 15 * step)).collect();
        format!(r#"{{"metric":{{{labels}}},"values":[{}]}}"#, points.join(","))
    }

    fn matrix(rows: &[String]) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, rows.join(","))
    }

    const VALUE: &str = r#""bizops_part":"value""#;
    const NEWEST: &str = r#""bizops_part":"newest""#;

    /// Samples taken so many seconds before each of the four moments.
    fn aged(ages: [i64; 4]) -> String {
        let times: Vec<String> =
            ages.iter().zip(0..).map(|(age, step)| (FIRST + 15 * step - age).to_string()).collect();
        row(NEWEST, &[(0, &times[0]), (1, &times[1]), (2, &times[2]), (3, &times[3])])
    }

    #[test]
    fn a_moment_has_a_number_where_an_instant_query_would_have_a_fresh_one() {
        let all = row(VALUE, &[(0, "1"), (1, "2"), (2, "3"), (3, "4")]);
        let fresh = aged([1; 4]);
        for (name, rows, wanted) in [
            ("four numbers", vec![all.clone(), fresh.clone()], [Some(1.0), Some(2.0), Some(3.0), Some(4.0)]),
            (
                "a gap, a NaN and an infinity",
                vec![row(VALUE, &[(0, "1"), (2, "NaN"), (3, "+Inf")]), fresh.clone()],
                [Some(1.0), None, None, None],
            ),
            ("old samples", vec![all.clone(), aged([1, 121, 120, 300])], [Some(1.0), None, Some(3.0), None]),
            ("zeros of `or vector(0)` behind which there is nothing", vec![all.clone()], [None; 4]),
            (
                "one series after the other, both at once for a moment",
                vec![
                    row(r#""bizops_part":"value","pod":"a""#, &[(0, "1"), (1, "2")]),
                    row(r#""bizops_part":"value","pod":"b""#, &[(1, "9"), (2, "3")]),
                    fresh.clone(),
                ],
                [Some(1.0), None, Some(3.0), None],
            ),
            ("nothing", vec![], [None; 4]),
        ] {
            assert_eq!(read(matrix(&rows).as_bytes(), &asked()), Ok(wanted.to_vec()), "{name}");
        }
        let partial =
            matrix(&[all, fresh]).replace("\"status\"", "\"warnings\":[\"a store is away\"],\"status\"");
        assert_eq!(read(partial.as_bytes(), &asked()), Ok(vec![None; 4]), "an answer that is not whole");
    }

    #[test]
    fn a_store_that_moves_the_moments_to_multiples_of_the_step_loses_none() {
        let body = matrix(&[row(VALUE, &[(0, "1"), (1, "2"), (2, "3"), (3, "4")]), aged([2; 4])]);
        // 1_799_999_995 is the multiple of 15 below the first moment: 7 s before it.
        let moved = (0..4).fold(body, |body, step| {
            body.replace(&format!("[{},", FIRST + 15 * step), &format!("[{},", FIRST + 15 * step - 7))
        });
        let read = read(moved.as_bytes(), &asked()).unwrap();
        assert_eq!(read, [Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
    }

    #[test]
    fn what_is_no_row_of_numbers_is_a_fault() {
        let both = [
            row(r#""bizops_part":"value","pod":"a""#, &[(0, "1"), (1, "2")]),
            row(r#""bizops_part":"value","pod":"b""#, &[(0, "9"), (1, "3")]),
        ];
        for (name, body, wanted) in [
            ("several series", matrix(&both), SourceFault::SeveralSeries { count: 2 }),
            ("too many", matrix(&[both[0].clone(), both[1].clone(), both[0].clone(), both[1].clone(), both[0].clone()]), SourceFault::TooManySeries { limit: 3 }),
            ("a login page", "<html>".to_owned(), SourceFault::NotPrometheus { detail: "not JSON".to_owned() }),
            ("half a JSON", r#"{"status":"succ"#.to_owned(), SourceFault::Truncated { bytes: 15 }),
            (
                "an instant answer",
                r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.to_owned(),
                SourceFault::WrongType { got: "vector".to_owned() },
            ),
            (
                "an error with a success status",
                r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#.to_owned(),
                SourceFault::QueryRejected { detail: "parse error".to_owned() },
            ),
            (
                "histograms",
                r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{}]]}]}}"#.to_owned(),
                SourceFault::WrongType { got: "histogram".to_owned() },
            ),
        ] {
            assert_eq!(read(body.as_bytes(), &asked()), Err(wanted), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body, &asked());
        }

        #[test]
        fn no_time_and_no_value_panics(seconds in any::<f64>(), value in "\\PC{0,20}") {
            let body = matrix(&[format!(r#"{{"metric":{{}},"values":[[{seconds:?},{value:?}]]}}"#)]);
            let _ = read(body.as_bytes(), &asked());
        }
    }
}
