//! What one contender for the lease does next, judged from what it has seen. Pure: no I/O and no clock.
//!
//! Safety rests on one inequality. A leader may write until `renew_deadline` after it *sent* its last successful
//! renewal. Anybody else first *saw* that renewal later than that, and waits `lease` from there. As
//! `renew_deadline` < `lease`, the leader has stopped before a successor starts. No two clocks are ever compared.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};

use super::Timing;

/// The longest lease of somebody else that is believed. A record that says more is taken for damaged: it must not
/// lock everybody out for years.
const LONGEST_BELIEVED: Duration = Duration::from_mins(1);

/// A moment on this process's monotonic clock, counted from an origin of its own.
pub(super) type Moment = Duration;

/// What the lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Who holds it; empty when it was released.
    pub(super) holder: String,
    /// How long others wait after the last change they saw.
    pub(super) duration: Duration,
    /// How often it changed hands.
    pub(super) transitions: i32,
    /// When the holder took it, by the holder's clock; for people.
    pub(super) acquired: Option<Timestamp>,
    /// When the holder last renewed it, by the holder's clock: for people, and to make every renewal a change.
    pub(super) renewed: Option<Timestamp>,
}

/// A record and the version of the object it was read from or written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// What it says.
    pub(super) record: Record,
    /// Its `resourceVersion`; a replacement names it and is refused if the lease has changed since.
    pub(super) version: String,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Move {
    /// Nothing for so long.
    Wait(Duration),
    /// Read the lease.
    Read,
    /// Create the lease, which does not exist.
    Create(Record),
    /// Replace the lease if it is still this version.
    Replace {
        /// The version that was seen.
        version: String,
        /// What it is to say.
        record: Record,
    },
}

/// A leadership that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    /// The number of the leadership: `leaseTransitions` of its record.
    pub(super) term: i32,
    /// Until when writing is allowed without another renewal.
    pub(super) until: Moment,
}

/// One contender and all it knows.
#[derive(Debug)]
pub(super) struct Contender {
    identity: String,
    timing: Timing,
    /// What was last seen; `None` while the lease does not exist or was not read yet.
    seen: Option<Seen>,
    /// Since when it says the same.
    since: Moment,
    /// The highest term seen; `None` while no lease was ever seen.
    highest: Option<i32>,
    /// Whether `seen` is good enough to write upon.
    fresh: bool,
    held: Option<Held>,
    next_at: Moment,
}

impl Contender {
    /// A contender that has seen nothing yet.
    pub(super) fn new(identity: String, timing: Timing) -> Self {
        Self {
            identity,
            timing,
            seen: None,
            since: Moment::ZERO,
            highest: None,
            fresh: false,
            held: None,
            next_at: Moment::ZERO,
        }
    }

    /// The leadership, if it is held and not run out.
    pub(super) fn held(&self, now: Moment) -> Option<Held> {
        self.held.filter(|held| now < held.until)
    }

    /// Who holds the lease as last seen; empty if nobody does.
    pub(super) fn holder(&self) -> &str {
        self.seen.as_ref().map_or("", |seen| &seen.record.holder)
    }

    /// What to do next. `wall` is only written down.
    pub(super) fn next(&mut self, now: Moment, wall: Timestamp) -> Move {
        if self.held.is_some_and(|held| now >= held.until) {
            self.held = None;
            (self.fresh, self.next_at) = (false, now);
        }
        if now < self.next_at {
            return Move::Wait(self.next_at.saturating_sub(now));
        }
        if !self.fresh {
            return Move::Read;
        }
        match &self.seen {
            None => Move::Create(self.record(None, wall)),
            Some(seen) => {
                Move::Replace { version: seen.version.clone(), record: self.record(Some(&seen.record), wall) }
            }
        }
    }

    /// The lease was read; `None` if it does not exist.
    pub(super) fn read(&mut self, now: Moment, seen: Option<Seen>) {
        if self.seen.as_ref().map(|seen| &seen.record) != seen.as_ref().map(|seen| &seen.record) {
            self.since = now;
        }
        self.note(seen);
        if self.held.is_some() && self.holder() != self.identity {
            self.held = None;
        }
        self.fresh = self.held.is_some() || self.is_free(now);
        self.next_at = if self.fresh { now } else { now + self.timing.poll };
    }

    /// A write sent at `sent` was accepted, as `written`.
    pub(super) fn wrote(&mut self, sent: Moment, now: Moment, written: Seen) {
        let until = sent + self.timing.renew_deadline;
        self.held = (now < until).then_some(Held { term: written.record.transitions, until });
        self.since = now;
        self.note(Some(written));
        self.fresh = true;
        self.next_at = sent + self.timing.renew_every;
    }

    /// A write was refused: somebody else changed the lease first.
    pub(super) fn refused(&mut self, now: Moment) {
        self.fresh = false;
        self.next_at = if self.held.is_some() { now } else { now + self.timing.poll };
    }

    /// A call failed or was not answered in time; a write may have been carried out or may yet be. Its version
    /// sees to it that it does no harm: it is refused as soon as anything else was written.
    pub(super) fn failed(&mut self, now: Moment) {
        self.fresh = self.fresh && self.held.is_some();
        self.next_at = now + if self.held.is_some() { self.timing.retry } else { self.timing.poll };
    }

    /// What the lease is to say when it is given up; `None` if it is somebody else's.
    pub(super) fn release(&self, record: &Record, wall: Timestamp) -> Option<Record> {
        (record.holder == self.identity).then(|| Record {
            holder: String::new(),
            duration: Duration::from_secs(1),
            renewed: Some(later(record.renewed, wall)),
            ..record.clone()
        })
    }

    /// Drops the leadership at once.
    pub(super) fn step_down(&mut self) {
        self.held = None;
        self.fresh = false;
    }

    fn note(&mut self, seen: Option<Seen>) {
        self.highest = self.highest.max(seen.as_ref().map(|seen| seen.record.transitions));
        self.seen = seen;
    }

    /// Whether the lease, just read, may be taken.
    fn is_free(&self, now: Moment) -> bool {
        let unchanged = now.saturating_sub(self.since);
        let Some(Seen { record, .. }) = &self.seen else {
            // Where there never was a lease, nobody leads. One that somebody deleted may have a leader who does
            // not know yet.
            return self.highest.is_none() || unchanged >= self.timing.lease;
        };
        // A record of this very process that it no longer leads by: nobody took it meanwhile, and nobody else
        // has this identity, so it is its own to take again.
        let nobodys = record.holder.is_empty() || record.holder == self.identity;
        nobodys || unchanged >= record.duration.min(LONGEST_BELIEVED).max(self.timing.lease)
    }

    /// What this contender writes over `before`: a renewal if it leads, else a new term.
    fn record(&self, before: Option<&Record>, wall: Timestamp) -> Record {
        let renewed = later(before.and_then(|record| record.renewed), wall);
        let transitions = self.highest.unwrap_or(0);
        let leads = self.held.is_some();
        Record {
            holder: self.identity.clone(),
            duration: self.timing.lease,
            transitions: if leads { transitions } else { transitions.saturating_add(1) },
            acquired: if leads { before.and_then(|record| record.acquired) } else { Some(renewed) },
            renewed: Some(renewed),
        }
    }
}

/// The wall clock in the lease's precision, moved on if need be: a renewal that changed nothing would look like
/// none at all.
fn later(before: Option<Timestamp>, wall: Timestamp) -> Timestamp {
    let wall = wall.round(Unit::Microsecond).unwrap_or(wall);
    match before {
        Some(before) if wall <= before => {
            before.checked_add(SignedDuration::from_micros(1)).unwrap_or(before)
        }
        _ => wall,
    }
}
