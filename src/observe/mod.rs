//! Facts brought in: metrics from sources and workloads from the cluster.
//!
//! This room turns questions into [`crate::model::Sample`]s and references into
//! [`crate::model::TargetState`]s. It never decides, and nothing here ever fails a pass: what could not be had
//! is itself a fact.

mod answer;
pub mod ask;
mod autoscalers;
pub mod cluster;
mod counts;
pub(crate) mod history;
mod lists;
mod managers;
pub(crate) mod matrix;
mod pace;
pub mod prometheus;
pub mod promql;
mod workloads;

pub use ask::{AskStats, Asker, Question, SourceKey};
pub use cluster::{Cluster, Managers};
pub use history::PastQuestion;
pub use pace::Pace;
pub use prometheus::{Probe, PrometheusSource};
pub use promql::{Checked, PromqlIssue, check};

use crate::model::{Permission, Reach};

/// What this room does at the API server, besides watching the kinds in the chart's values and reading their scale.
pub const PERMISSIONS: &[Permission] =
    &[Permission::on(Reach::Watched, "autoscaling", "horizontalpodautoscalers", &["get", "list", "watch"])];
