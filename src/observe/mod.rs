//! Facts brought in: metrics from sources and workloads from the cluster.
//!
//! This room turns questions into [`crate::model::Sample`]s and references into
//! [`crate::model::TargetState`]s. It never decides, and nothing here ever fails a pass: what could not be had
//! is itself a fact.

mod answer;
pub mod ask;
pub mod prometheus;
pub mod promql;

pub use ask::{AskStats, Asker, Question, SourceKey};
pub use prometheus::{Probe, PrometheusSource};
pub use promql::{Checked, PromqlIssue, check};
