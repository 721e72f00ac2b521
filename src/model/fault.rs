//! What every room's error can say about itself.

/// When to try again after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// At once, after reading anew: somebody else changed the object.
    AtOnce,
    /// At the next pass.
    NextPass,
    /// Not before somebody changes something.
    OnChange,
}

/// Implemented by every room's error: its category for events and metric labels, and when to retry.
pub trait Fault: std::error::Error {
    /// A bounded word for metric labels and events; never message text.
    fn category(&self) -> &'static str;
    /// When to try again.
    fn retry(&self) -> Retry;
}
