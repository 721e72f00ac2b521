//! People told: what a pass concluded becomes conditions, status and events.
//!
//! All but `publish`, `herald` and the last three are pure functions of what was concluded, what was last written,
//! and `now`.
//!
//! | file | answers |
//! |---|---|
//! | [`conditions`] | how wanted conditions are merged into those that stand |
//! | [`standing`] | which conditions a pass leads to |
//! | [`status`] | the whole status after a pass, or instead of one |
//! | [`ledger`] | the last changes, written ahead and settled |
//! | [`quiet`] | whether a status is worth a write |
//! | [`events`] | what is told as Kubernetes events |
//! | [`publish`] | one status written |
//! | [`herald`] | events published beside the passes |
//! | [`source`] | the status of metric sources |
//! | [`board`] | the last verdict on every objective, for metrics and pages |
//! | [`metrics`] | what a scraper reads |
//! | [`readiness`] | what the process still waits for |

pub mod board;
pub mod conditions;
pub mod events;
pub mod herald;
pub mod ledger;
mod mapping;
mod memory;
pub mod metrics;
mod outlook;
pub mod publish;
pub mod quiet;
pub mod readiness;
pub mod source;
pub mod standing;
pub mod status;
mod summary;
mod text;

#[cfg(test)]
mod scenario;

use crate::api::names::GROUP;
use crate::model::{Permission, Reach};

/// What this room does at the API server: statuses, and events on objectives, their sources and itself.
pub const PERMISSIONS: &[Permission] = &[
    Permission::on(Reach::Watched, GROUP, "objectives/status", &["patch"]),
    Permission::on(Reach::Watched, GROUP, "metricsources/status", &["patch"]),
    Permission::on(Reach::Watched, "events.k8s.io", "events", &["create", "patch"]),
    Permission::on(Reach::Cluster, GROUP, "clustermetricsources/status", &["patch"]),
    Permission::on(Reach::Own, "events.k8s.io", "events", &["create", "patch"]),
];
