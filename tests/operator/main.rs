//! The operator as a process under its chart's `ServiceAccount`, on a real control plane with a real Prometheus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod ahead;
mod counters;
mod data;
mod examples;
mod follow;
mod gate;
mod guide;
mod kills;
mod leaders;
mod rights;
mod scenes;
mod servers;
mod slow;
mod store;
mod strangers;
mod users;
