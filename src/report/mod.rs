//! People told: the read model, and the metrics made of it.

pub mod board;
pub mod metrics;
pub mod readiness;
