//! The Helm chart: what it renders, what it refuses, and its life on a real control plane; and what the docs show
//! of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and so do its helpers")]

mod cluster;
mod docs;
mod gitops;
mod golden;
mod helm;
mod permissions;
mod readme;
mod rendered;
mod schema;
