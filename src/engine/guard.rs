//! Guards: limits that can only hold a decision back, or bring it to a bound.
//!
//! They run in one fixed order, each says what it changed: data quality, tolerance, scale-down window (with
//! start-up), step limit, bounds. Freeze and autonomy come after: they do not change the wish, only whether it
//! is put into effect.

use jiff::{SignedDuration, Timestamp};

use super::window;
use crate::model::{Bounds, ConditionReason, HpaState, MappingMemory, Need, Reason, Replicas};

/// A wish on its way through the guards.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// How many replicas are wanted so far.
    pub(super) replicas: Replicas,
    /// The last guard that changed it.
    pub(super) limited_by: Option<ConditionReason>,
    /// The trail.
    pub(super) reasons: Vec<Reason>,
}

impl Wish {
    /// A wish nothing has held back yet.
    pub(super) fn new(replicas: Replicas, reasons: Vec<Reason>) -> Self {
        Self { replicas, limited_by: None, reasons }
    }

    fn hold(&mut self, replicas: Replicas, by: Option<ConditionReason>, reason: Reason) {
        self.replicas = replicas;
        self.limited_by = by;
        self.reasons.push(reason);
    }
}

/// Replicas are taken away only down to the most that was needed within the window: with 10 running, 6 needed
/// now and 8 needed two minutes ago, a window of 5m allows 8.
pub(super) fn scale_down_window(
    wish: &mut Wish,
    current: Replicas,
    needs: &[Need],
    now: Timestamp,
    length: SignedDuration,
) {
    if wish.replicas >= current {
        return;
    }
    let peak = window::peak(needs, now, length).unwrap_or_default();
    if peak > wish.replicas {
        let reason = Reason::HeldByWindow { peak, needs: wish.replicas, window: length };
        wish.hold(peak.min(current), Some(ConditionReason::WaitingForWindow), reason);
    }
}

/// No replica is taken away while those added last may still be starting.
pub(super) fn startup(
    wish: &mut Wish,
    current: Replicas,
    memory: &MappingMemory,
    now: Timestamp,
    startup: SignedDuration,
) {
    let Some(until) = memory.last_up.and_then(|at| at.checked_add(startup).ok()) else {
        return;
    };
    if wish.replicas < current && now < until {
        wish.hold(current, Some(ConditionReason::WaitingForWindow), Reason::HeldByStartup { until });
    }
}

/// Nothing is taken away while the history behind the forecast is being read: after a restart the forecast may know
/// of a peak that the demand of the moment does not show.
pub(super) fn history(wish: &mut Wish, current: Replicas) {
    if wish.replicas < current {
        let reason = Reason::HistoryAwaited { held: current };
        wish.hold(current, Some(ConditionReason::LearningHistory), reason);
    }
}

/// A change is made only if it would be made with the demand moved by the tolerance towards what runs.
///
/// `near` is what that moved demand needs: for a wish above what runs, demand / (1 + tolerance); for one below,
/// demand × (1 + tolerance). With 10 running at 100 each and a tolerance of 5 %, demand of 1,040 keeps 10
/// (1,040 / 1.05 = 990 needs 10), 1,060 gives 11; demand of 870 keeps 10 (913.5 needs 10), 850 gives 9.
pub(super) fn tolerance(wish: &mut Wish, current: Replicas, near: Replicas, tolerance: f64) {
    let up = wish.replicas > current && near <= current;
    let down = wish.replicas < current && near >= current;
    if up || down {
        let reason = Reason::WithinTolerance { needs: wish.replicas, tolerance };
        wish.hold(current, None, reason);
    }
}

/// Within one window at most a share of the replicas is taken away, but always at least one may go: from 20
/// with 50 %, at most to 10, and a window later from 10 to 5.
pub(super) fn step_limit(
    wish: &mut Wish,
    current: Replicas,
    from: Option<Need>,
    now: Timestamp,
    window: SignedDuration,
    max_step: f64,
) {
    if wish.replicas >= current {
        return;
    }
    let base = running_step(from, now, window).map_or(current, |step| step.replicas.max(current));
    let share = Replicas::ceil(base.as_f64() * (1.0 - max_step));
    let allowed = share.min(Replicas(base.0.saturating_sub(1))).min(current);
    if wish.replicas < allowed {
        let reason = Reason::StepCut { wanted: wish.replicas, allowed, step: max_step };
        wish.hold(allowed, Some(ConditionReason::StepLimited), reason);
    }
}

/// The step down that is still running: the next one is measured against what ran when it began.
pub(super) fn running_step(from: Option<Need>, now: Timestamp, window: SignedDuration) -> Option<Need> {
    from.filter(|step| step.at > now - window)
}

/// Never below the minimum, never above the maximum.
pub(super) fn bounds(wish: &mut Wish, bounds: Bounds) {
    if wish.replicas > bounds.max {
        let reason = Reason::CappedAtMax { wanted: wish.replicas, max: bounds.max };
        wish.hold(bounds.max, Some(ConditionReason::AtMaximum), reason);
    } else if wish.replicas < bounds.min {
        let reason = Reason::RaisedToMin { wanted: wish.replicas, min: bounds.min };
        wish.hold(bounds.min, Some(ConditionReason::AtMinimum), reason);
    }
}

/// A floor is never above the autoscaler's own maximum.
pub(super) fn hpa_max(wish: &mut Wish, hpa: &HpaState) {
    if wish.replicas > hpa.max {
        let reason = Reason::CappedByHpaMax { wanted: wish.replicas, max: hpa.max, hpa: hpa.name.clone() };
        wish.hold(hpa.max, Some(ConditionReason::HpaMaxReached), reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(replicas: u32) -> Wish {
        Wish::new(Replicas(replicas), vec![])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000_200 + second).unwrap()
    }

    #[test]
    fn tolerance_keeps_small_changes_from_happening() {
        let per_hundred = |demand: f64| Replicas::ceil(demand / 100.0);
        for (demand, wanted) in [(1040.0, 10), (1060.0, 11), (870.0, 10), (850.0, 9)] {
            let mut wish = Wish::new(per_hundred(demand), vec![]);
            let near = if demand > 1000.0 { demand / 1.05 } else { demand * 1.05 };
            tolerance(&mut wish, Replicas(10), per_hundred(near), 0.05);
            assert_eq!(wish.replicas, Replicas(wanted), "demand {demand}");
        }
    }

    #[test]
    fn a_higher_need_within_the_window_holds_the_replicas_up() {
        let mut needs = vec![];
        window::note(&mut needs, at(0), Replicas(8), SignedDuration::from_mins(5));
        for (second, wanted) in [(120, 8), (329, 8), (331, 6)] {
            let mut wish = wish(6);
            scale_down_window(&mut wish, Replicas(10), &needs, at(second), SignedDuration::from_mins(5));
            assert_eq!(wish.replicas, Replicas(wanted), "after {second}s");
        }
    }

    #[test]
    fn replicas_that_start_are_not_judged() {
        let memory = MappingMemory { last_up: Some(at(0)), ..MappingMemory::default() };
        for (second, wanted) in [(59, 10), (60, 6)] {
            let mut wish = wish(6);
            startup(&mut wish, Replicas(10), &memory, at(second), SignedDuration::from_secs(60));
            assert_eq!(wish.replicas, Replicas(wanted), "after {second}s");
        }
    }

    #[test]
    fn one_step_down_is_a_share_of_what_ran_when_it_began() {
        for (name, current, from, wanted) in [
            ("from 20 at most to 10", 20, None, 10),
            ("twelve of the 20 are left: still at most to 10", 12, Some((0, 20)), 10),
            ("the step is used up", 10, Some((0, 20)), 10),
            ("a window later the next step begins", 10, Some((-301, 20)), 5),
            ("one replica may always go", 1, None, 0),
        ] {
            let from = from.map(|(second, replicas)| Need { at: at(second), replicas: Replicas(replicas) });
            let mut wish = wish(0);
            step_limit(&mut wish, Replicas(current), from, at(0), SignedDuration::from_mins(5), 0.5);
            assert_eq!(wish.replicas, Replicas(wanted), "{name}");
        }
    }

    #[test]
    fn bounds_come_last_and_say_so() {
        let limits = Bounds { min: Replicas(2), max: Replicas(10) };
        for (wanted, allowed, by) in [
            (14, 10, Some(ConditionReason::AtMaximum)),
            (1, 2, Some(ConditionReason::AtMinimum)),
            (5, 5, None),
        ] {
            let mut wish = wish(wanted);
            bounds(&mut wish, limits);
            assert_eq!((wish.replicas, wish.limited_by), (Replicas(allowed), by));
        }
    }
}
