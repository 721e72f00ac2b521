//! The loops: wiring and order only. What is decided is decided in `engine`.

pub mod lease;
pub mod mirror;
pub mod resolve;
pub mod schedule;
