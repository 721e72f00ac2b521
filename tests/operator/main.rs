//! The operator as a process under its chart's `ServiceAccount`, on a real control plane with a real Prometheus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod data;
mod follow;
mod kills;
mod leaders;
mod servers;
