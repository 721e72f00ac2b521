//! Why the testbed could not do what was asked, and what to do next.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Every way in which the testbed fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of the host is missing.
    #[error("{tool} is missing: {why}; {install}")]
    Missing {
        /// Its name.
        tool: &'static str,
        /// What it is needed for, and in which version.
        why: &'static str,
        /// How to install it.
        install: &'static str,
    },
    /// Real nodes cannot be had by this user or on this system.
    #[error("real nodes need root on Linux: {0}; run as root, or use fake nodes")]
    NoRealNodes(String),
    /// A part could not be built.
    #[error("building {part} failed; see {log}:\n{tail}")]
    Build {
        /// The part.
        part: &'static str,
        /// The whole output of the build.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Something of the operating system failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A part ended although it should run.
    #[error("{part} ended ({how}); its log {log} ends with:\n{tail}")]
    Ended {
        /// The part.
        part: String,
        /// Its exit status.
        how: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// What was waited for did not come.
    #[error("waited {}.{} s for {what}; last seen: {seen}", .after.as_secs(), .after.subsec_millis() / 100)]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        after: Duration,
        /// What was seen instead, the last time.
        seen: String,
    },
    /// A command said no.
    #[error("`{command}` ended with {status}: {stderr}")]
    Command {
        /// The command with its arguments.
        command: String,
        /// Its exit status.
        status: String,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// A server could not be reached or answered with an error.
    #[error("{method} {url}: {detail}")]
    Http {
        /// The method.
        method: &'static str,
        /// The address.
        url: String,
        /// Status and body, or why no answer came.
        detail: String,
        /// The status of the answer, when one came.
        status: Option<u16>,
    },
    /// A certificate or key could not be made.
    #[error("making a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// An image could not be made.
    #[error(transparent)]
    Image(#[from] crate::image::Error),
    /// The caller asked for something this testbed does not have.
    #[error("{0}")]
    NotHere(String),
}

/// Turns an error of the system into one that says what was being done.
pub(crate) trait Doing<T> {
    /// `doing` completes the sentence "… : permission denied".
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;

    /// The common case: something with a path.
    fn at(self, verb: &str, path: &Path) -> Result<T, Error>
    where
        Self: Sized,
    {
        self.doing(|| format!("{verb} {}", path.display()))
    }
}

impl<T, E: Into<std::io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { doing: doing(), source: source.into() })
    }
}
