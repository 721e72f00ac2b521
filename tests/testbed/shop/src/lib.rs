//! A small web shop: the workload that the tests and the demo of bizops run on.
//!
//! Every role is a real HTTP service with a capacity, a start-up time and a latency that rises with its
//! utilisation (`model`). `load` sends visitors. `fleet` stands for all the pods of the shop at once, computed
//! by the same model, for clusters whose nodes are fake.

pub mod curve;
pub mod fleet;
pub mod http;
pub mod life;
pub mod load;
pub mod metrics;
pub mod model;
pub mod queue;
pub mod ready;
pub mod service;
pub mod settings;
pub mod simulation;
pub mod tally;
pub mod web;
pub mod worker;
