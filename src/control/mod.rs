//! The loops: wiring and order only. What is decided is decided in `engine`.

mod books;
mod charge;
mod context;
mod gather;
pub mod lease;
mod life;
mod mirror;
mod operator;
mod pass;
mod pilot;
mod probe;
mod resolve;
mod schedule;
mod tell;

pub use operator::{Config, Operator, Waiting};
