//! The same decisions over recorded demand, in virtual time: what an objective would have done, beside what others
//! would have done on the same demand.
//!
//! A [`Recording`] is demand on an even grid. A [`Policy`] says at every moment how many replicas should exist, from
//! what it could have seen by then; [`Pods`] start, serve and are paid for; [`compare`] plays every policy on the
//! same recording. The policy of an objective is its [`Pilot`]: the engine's own `plan`, with the forecast it would
//! have had.
//!
//! Imports go one way: recording, bridge → pods → policy, pilot, tally → compare.

mod bridge;
mod compare;
mod pilot;
mod pods;
mod policy;
mod recording;
mod tally;

pub use bridge::bridged;
pub use compare::{Change, Comparison, Row, Setting, clairvoyant, compare, join, play};
pub use pilot::{Pilot, Seen};
pub use pods::Pods;
pub use policy::{Fixed, Following, Hpa, Policy, Prescribed, View};
pub use recording::{Kind, Recording};
pub use tally::{Outcome, Track};
