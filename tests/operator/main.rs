//! The operator as a process under its chart's ServiceAccount, on a real control plane with a real Prometheus.

#[path = "../support/mod.rs"]
mod support;

mod follow;
