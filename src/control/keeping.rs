//! A view that is made from history in the background and kept by passes.
//!
//! What passes see while the history is read is kept and joins the history where it ends, so that no moment is missing
//! and none counts twice.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::recall::{Recalled, Recalling};

/// So many moments are kept while a history is read: an hour at 15 s, many times what reading may take.
const KEPT: usize = 240;
/// A history that could not be read whole is read again after this long, then after twice as long, and so on.
const FIRST_AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// And at most after this long.
const LAST_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// After so many failures decisions stop waiting for the history and stand on what passes see: a source that has no
/// history to give must not keep capacity high for ever.
const PATIENCE: u32 = 3;
/// What passes did not see for longer than this is looked up in the history.
const DARK: SignedDuration = SignedDuration::from_mins(5);

/// What a kept view is made of.
pub trait View: Sized + Send + 'static {
    /// What a pass gives it.
    type Seen: Clone;
    /// What it must know besides to make sense of that.
    type Light<'a>: Copy;

    /// Takes in what a pass saw, the oldest first.
    fn see(&mut self, light: Self::Light<'_>, at: Timestamp, seen: &Self::Seen);
}

/// A view, where it comes from, and how it is kept.
#[derive(Debug)]
pub struct Keeping<V: View> {
    view: Option<V>,
    /// How many moments of its history had a number.
    present: usize,
    recalling: Option<Recalling<V>>,
    /// What passes saw since the history is being read, and when.
    seen: VecDeque<(Timestamp, V::Seen)>,
    /// The moment a pass kept last.
    kept: Option<i64>,
    /// When a pass last saw a number.
    lit: Option<Timestamp>,
    /// When the history is read again, and how often it could not be read whole.
    again: Option<Timestamp>,
    failures: u32,
}

impl<V: View> Default for Keeping<V> {
    fn default() -> Self {
        Self {
            view: None,
            present: 0,
            recalling: None,
            seen: VecDeque::new(),
            kept: None,
            lit: None,
            again: None,
            failures: 0,
        }
    }
}

impl<V: View> Keeping<V> {
    /// Whether the history is being read.
    pub fn is_recalling(&self) -> bool {
        self.recalling.is_some()
    }

    /// The view, once there is one.
    pub fn view(&mut self) -> Option<&mut V> {
        self.view.as_mut()
    }

    /// Whether the history is to be read now.
    pub fn is_due(&self, at: Timestamp) -> bool {
        self.recalling.is_none() && self.again.map_or(self.view.is_none(), |again| at >= again)
    }

    /// Has the history read again; what is there stays in use until then.
    pub fn renew(&mut self, at: Timestamp) {
        self.again = Some(at);
    }

    /// A pass saw a number. After a long time without, the source may know what passes missed.
    pub fn lit(&mut self, at: Timestamp) {
        let dark = self.lit.replace(at).is_some_and(|lit| at.duration_since(lit) > DARK);
        if dark && self.view.is_some() {
            self.again = Some(at);
        }
    }

    /// Takes up a history that is being read from now on.
    pub fn begin(&mut self, recalling: Recalling<V>) {
        self.seen.clear();
        (self.again, self.kept) = (None, None);
        self.recalling = Some(recalling);
    }

    /// Takes in what a pass saw, and a history that has been read meanwhile. `step` is how far moments are apart that
    /// matter to the view, `blank` a view that knows nothing yet.
    pub fn pass(
        &mut self,
        light: V::Light<'_>,
        at: Timestamp,
        step: SignedDuration,
        seen: &V::Seen,
        blank: impl FnOnce() -> Option<V>,
    ) {
        if self.recalling.is_some() {
            self.note(at, step, seen);
        }
        if let Some(ended) = self.recalling.as_mut().and_then(Recalling::done) {
            self.recalling = None;
            self.take(light, at, ended, blank);
        }
        if let Some(view) = &mut self.view {
            view.see(light, at, seen);
        }
    }

    /// Keeps the first that passes see of each moment.
    fn note(&mut self, at: Timestamp, step: SignedDuration, seen: &V::Seen) {
        let moment = at.as_second().div_euclid(step.as_secs().max(1));
        if self.kept.replace(moment) == Some(moment) {
            return;
        }
        if self.seen.len() == KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back((at, seen.clone()));
    }

    /// Takes up what was made of the history, unless what is there stands on more.
    fn take(
        &mut self,
        light: V::Light<'_>,
        at: Timestamp,
        ended: Result<Recalled<V>, ()>,
        blank: impl FnOnce() -> Option<V>,
    ) {
        let seen = std::mem::take(&mut self.seen);
        let whole = ended.as_ref().is_ok_and(Recalled::is_whole);
        self.failures = if whole { 0 } else { self.failures.saturating_add(1) };
        self.again = (!whole).then(|| at.saturating_add(wait(self.failures)).unwrap_or(Timestamp::MAX));
        let (made, present) = ended.map_or((None, 0), |recalled| (Some(recalled.made), recalled.present));
        let more = whole
            || match self.view {
                Some(_) => present > self.present,
                None => present > 0 || self.failures >= PATIENCE,
            };
        let Some(mut view) = made.or_else(blank).filter(|_| more) else { return };
        for (at, seen) in seen {
            view.see(light, at, &seen);
        }
        (self.view, self.present) = (Some(view), present);
    }
}

/// How long to wait after so many failures.
fn wait(failures: u32) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_AGAIN.saturating_mul(1 << doublings).min(LAST_AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_that_failed_is_read_again_after_twice_as_long_each_time_and_after_an_hour_at_most() {
        let waits: Vec<i64> = (1..=12).map(|failures| wait(failures).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
    }
}
