//! The loops: wiring and order only. What is decided is decided in `engine`.

mod books;
mod charge;
mod context;
mod gather;
mod keeping;
pub mod lease;
mod life;
mod lookout;
mod mirror;
mod operator;
mod pass;
mod pilot;
mod probe;
mod prospect;
mod recall;
mod resolve;
mod schedule;
mod tell;

pub use operator::{Config, Operator, Waiting};

use crate::api::names::GROUP;
use crate::model::{Permission, Reach};

/// What this room does at the API server, besides reading the Secrets in the chart's values. A lease must be
/// created before RBAC can name it.
pub const PERMISSIONS: &[Permission] = &[
    Permission::on(Reach::Watched, GROUP, "objectives", MIRROR),
    Permission::on(Reach::Watched, GROUP, "metricsources", MIRROR),
    Permission::on(Reach::Cluster, GROUP, "clustermetricsources", MIRROR),
    Permission::on(Reach::Own, LEASES, "leases", &["create"]),
    Permission::on(Reach::Own, LEASES, "leases", &["get", "update"]).named("${lease}"),
];

const MIRROR: &[&str] = &["get", "list", "watch"];
const LEASES: &str = "coordination.k8s.io";
