//! **bizops**: a Kubernetes operator for declarative `BizOps` objectives.
//!
//! A business states what it wants from a KPI and how IT carries it; the operator measures, decides and
//! scales, and says why. The rooms of the house read as the sentence of one pass:
//!
//! | room | answers | may know |
//! |---|---|---|
//! | [`model`] | the words of the domain as values | nothing else |
//! | [`api`] | what a user writes and reads in Kubernetes | `model` |
//! | [`engine`] | pure decisions: evaluate, decide, guard, arbitrate | `model` |
//! | [`backtest`] | the same decisions over recorded demand, in virtual time | `model`, `engine` |
//! | [`observe`] | facts brought in: metrics and targets | `model` |
//! | [`act`] | one step carried out | `model` |
//! | [`report`] | people told: conditions, status, events, metrics | `model`, `api` |
//! | [`control`] | the loops: wiring and order only | all above |
//! | [`web`] | health and metrics pages | `report` |
//! | [`cli`] | the commands | all |
//!
//! `model`, `api`, `engine` and `backtest` build without the `operator` feature, that is without any client,
//! runtime or clock in their dependency graph.

pub mod api;
pub mod backtest;
pub mod engine;
pub mod model;

#[cfg(feature = "operator")]
pub mod act;
#[cfg(feature = "operator")]
pub mod cli;
#[cfg(feature = "operator")]
pub mod control;
#[cfg(feature = "operator")]
pub mod observe;
#[cfg(feature = "operator")]
pub mod report;
#[cfg(feature = "operator")]
pub mod telemetry;
#[cfg(feature = "operator")]
pub mod web;
