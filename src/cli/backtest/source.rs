//! A recording from a metric source: the history of the objective's own demand query.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::backtest::Recording;
use crate::model::{Credentials, HistoryEnd, ObjectId, SourceLimits, SourceSpec};
use crate::observe::promql::check;
use crate::observe::{Asker, PastQuestion};

/// The grid the history is read on.
const STEP: i64 = 15;
/// How long reading may take.
const WITHIN: Duration = Duration::from_mins(5);
/// Bytes in one answer.
const MAX_BYTES: usize = 32 << 20;

/// Reads what a query gave from one moment to another.
///
/// # Errors
/// Why it could not be read, and what to do.
pub(super) fn read(
    url: &str,
    query: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<(Recording, Vec<String>), String> {
    if from >= to {
        return Err(format!("--from {from} is not before --to {to}"));
    }
    let checked = check(query).map_err(|issue| format!("the demand's query is not PromQL: {issue}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot start: {error}"))?;
    let asker = Asker::default();
    let key = ObjectId { namespace: String::new(), name: "backtest".to_owned() };
    asker.configure(&key, &spec(url), &Credentials::default(), from);
    let question = PastQuestion {
        query: Arc::new(checked),
        last: to,
        step: SignedDuration::from_secs(STEP),
        reach: to.duration_since(from),
        stale_after: SignedDuration::from_mins(5),
        within: WITHIN,
    };
    let history = runtime.block_on(asker.history(&key, &question));
    if history.present() == 0 {
        let why = match &history.end {
            HistoryEnd::Failed(fault) => fault.to_string(),
            _ => "the query gave no number in all that time; check it and the dates".to_owned(),
        };
        return Err(format!("{url}: {why}"));
    }
    let mut warnings = vec![];
    match &history.end {
        HistoryEnd::Whole => {}
        HistoryEnd::Bottom => warnings.push(format!("{url} has nothing older than {}", history.first)),
        HistoryEnd::OutOfTime => {
            warnings.push(format!("there was no time to read what is older than {}", history.first));
        }
        HistoryEnd::Failed(fault) => {
            warnings.push(format!("what is older than {} could not be read: {fault}", history.first));
        }
    }
    let missing = history.values.len() - history.present();
    if missing > 0 {
        warnings.push(format!(
            "{missing} moments have no number: nothing is lost and nothing decided on in them"
        ));
    }
    let recording = Recording { start: history.first.as_second(), step: STEP, demand: history.values };
    Ok((recording, warnings))
}

fn spec(url: &str) -> SourceSpec {
    SourceSpec {
        url: url.trim_end_matches('/').to_owned(),
        server_name: None,
        headers: vec![],
        parameters: vec![],
        timeout: SignedDuration::from_secs(30),
        limits: SourceLimits { concurrency: 2, max_series: 10, max_bytes: MAX_BYTES },
    }
}
