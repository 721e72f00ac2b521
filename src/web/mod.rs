//! The pages: health for the kubelet, metrics for Prometheus. Reads the read model, decides nothing.
//!
//! Two servers on two ports, so that neither can starve the other: [`health`] in plain HTTP, [`metrics`] in plain
//! HTTP or TLS. Both take few connections, small requests and little patience (see [`serve`]).

pub mod health;
pub mod metrics;
pub mod serve;
pub mod tls;

#[cfg(test)]
mod tests;
