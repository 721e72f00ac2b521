//! Logs: one line per event on stderr, as text or JSON, at the level that was asked for.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::util::TryInitError;

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: time, level, where, message, fields.
    #[default]
    Text,
    /// For machines: one JSON object per line, fields flattened beside `timestamp`, `level`, `target`, `message`.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A level that is not one.
    #[error(
        "log level {given:?} is not a level; write off, error, warn, info, debug or trace, or a list such as \
         \"info,bizops=debug,kube=warn\""
    )]
    Level {
        /// The part that was not understood.
        given: String,
    },
    /// A directive that is none.
    #[error("log level {given:?} is not understood ({source}); write e.g. \"info,bizops=debug,kube=warn\"")]
    Directive {
        /// What was given.
        given: String,
        /// The parser's words.
        source: ParseError,
    },
    /// Logging was set up before.
    #[error("logging is set up already: {0}")]
    Twice(#[from] TryInitError),
}

/// Sets up logging for the process. Call once, first thing.
///
/// `level` is a level, or directives `target=level` separated by commas; what no directive names is logged at the
/// plain level among them, `info` if there is none.
///
/// # Errors
/// Says which part of `level` is wrong and what may be written.
pub fn init(format: LogFormat, level: &str) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;
    let base = tracing_subscriber::fmt()
        .with_env_filter(filter(level)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => base.finish().try_init()?,
        LogFormat::Json => base.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// The client library warns of every try of a watch that fails, once a second for as long as it does. bizops says
/// itself what failed and what to do, once; who asks for a `kube` target by name gets both.
const SAID_OTHERWISE: &str = "kube_runtime::watcher=off";

/// Parses directives. A word that is no level is refused; the parser itself would take it for a target.
fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let mut directives = vec![LevelFilter::INFO.to_string()];
    if !level.contains("kube") {
        directives.push(SAID_OTHERWISE.to_owned());
    }
    if level.contains('[') {
        // Directives of spans may hold commas; they are left to the parser whole.
        directives.push(level.to_owned());
    } else {
        for part in level.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let word = part.rsplit_once('=').map_or(part, |(_, word)| word);
            if word.parse::<LevelFilter>().is_err() {
                return Err(TelemetryError::Level { given: part.to_owned() });
            }
            directives.push(part.to_owned());
        }
    }
    EnvFilter::builder()
        .parse(directives.join(","))
        .map_err(|source| TelemetryError::Directive { given: level.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_understood() {
        for (level, shown) in [
            ("debug", "kube_runtime::watcher=off,debug"),
            ("", "kube_runtime::watcher=off,info"),
            ("warn", "kube_runtime::watcher=off,warn"),
            ("bizops=debug,kube=warn", "bizops=debug,kube=warn,info"),
            (" error , bizops=trace", "kube_runtime::watcher=off,bizops=trace,error"),
            ("off", "kube_runtime::watcher=off,off"),
        ] {
            assert_eq!(filter(level).unwrap().to_string(), shown, "{level:?}");
        }
    }

    #[test]
    fn a_misspelt_level_is_an_error_that_says_what_to_write() {
        for (level, part) in [("inof", "inof"), ("info,bizops=loud", "bizops=loud"), ("bizops", "bizops")] {
            let error = filter(level).unwrap_err().to_string();
            assert!(error.contains(&format!("{part:?} is not a level")), "{error}");
            assert!(error.contains("write off, error, warn, info, debug or trace"), "{error}");
        }
        let error = filter("[pass{=debug").unwrap_err().to_string();
        assert!(error.contains("is not understood"), "{error}");
    }
}
