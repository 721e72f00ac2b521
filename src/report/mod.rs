//! People told: what a pass concluded becomes conditions, status and events.
//!
//! Everything here is a pure function of what was concluded, what was last written, and `now`. The loops in
//! `control` call it and carry the result to the API server.
//!
//! | file | answers |
//! |---|---|
//! | [`conditions`] | how wanted conditions are merged into those that stand |
//! | [`standing`] | which conditions a pass leads to |
//! | [`status`] | the whole status after a pass, or instead of one |
//! | [`ledger`] | the last changes, written ahead and settled |
//! | [`quiet`] | whether a status is worth a write |
//! | [`events`] | what is told as Kubernetes events |
//! | [`source`] | the status of metric sources |

pub mod conditions;
pub mod events;
pub mod ledger;
mod mapping;
mod memory;
pub mod quiet;
pub mod source;
pub mod standing;
pub mod status;
mod summary;
mod text;

#[cfg(test)]
mod scenario;
