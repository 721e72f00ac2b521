//! Pure decisions: facts in, plan out.
//!
//! [`plan`] is the only way from facts to a change. It evaluates the goal, works out what each demand needs,
//! lets the guards hold back, and settles several claims on one target. Time is an argument (the snapshot's
//! moment), memory is a value, nothing here reads a clock, a cluster or a metric. The live operator and the
//! tests call the same functions.
//!
//! Imports go one way: capacity, window, baseline, goal → guard → decide → arbitrate → plan.

mod ahead;
mod arbitrate;
mod baseline;
mod capacity;
mod decide;
pub mod forecast;
mod goal;
mod guard;
mod learn;
mod plan;
pub mod risk;
mod sight;
mod trim;
mod window;

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod scenario;

pub use baseline::{Due, measurements_due};
pub use capacity::{carried, need};
pub use plan::{Member, memory_due, plan, settle};
pub use sight::Sight;
pub use window::take_over;
