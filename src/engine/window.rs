//! The scale-down window: what was needed lately is kept.
//!
//! The window is remembered as the highest needs of its parts, in strictly descending order: whatever is
//! followed by something as high can never be the maximum again. Each need is dated to the *end* of its part,
//! so that it is kept for at least the window and at most a tenth longer, and so that passes within one part
//! leave the memory as it is.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Intent, MappingMemory, Memory, Need, Policy, Replicas};

/// The window is remembered in so many parts.
const PARTS: i64 = 10;

/// The length of one part; zero for a window of zero, which remembers nothing.
fn part(window: SignedDuration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX) / PARTS
}

/// The end of the part a moment lies in.
fn end_of_part(at: Timestamp, window: SignedDuration) -> Timestamp {
    let part = part(window);
    if part == 0 {
        return at;
    }
    let end = at.as_millisecond().div_euclid(part).saturating_add(1).saturating_mul(part);
    Timestamp::from_millisecond(end).unwrap_or(at)
}

/// Notes that so many replicas were needed at `now`.
///
/// A need of 5, then 8, then 3 leaves [8, 3]: the 5 can never be the maximum again.
pub(super) fn note(needs: &mut Vec<Need>, now: Timestamp, replicas: Replicas, window: SignedDuration) {
    let at = end_of_part(now, window);
    needs.retain(|need| need.at > now - window && need.replicas > replicas);
    if needs.last().is_none_or(|last| last.at < at) {
        needs.push(Need { at, replicas });
    }
    let excess = needs.len().saturating_sub(MappingMemory::MAX_NEEDS);
    needs.drain(..excess);
}

/// The most that was needed within the window before `now`.
pub(super) fn peak(needs: &[Need], now: Timestamp, window: SignedDuration) -> Option<Replicas> {
    needs.iter().filter(|need| need.at > now - window).map(|need| need.replicas).max()
}

/// The window a policy means: never shorter than two passes, or one missed pass would empty it; zero stays zero.
pub(super) fn length(policy: &Policy, interval: SignedDuration) -> SignedDuration {
    let window = policy.down_window.unwrap_or(Policy::DOWN_WINDOW);
    if window.is_zero() { SignedDuration::ZERO } else { window.max(interval * 2) }
}

/// Whether nothing is known about what was needed lately: at first sight, and after a silence as long as the
/// window. What stands then counts as needed.
pub(super) fn is_blank(needs: &[Need], now: Timestamp, window: SignedDuration) -> bool {
    !window.is_zero() && peak(needs, now, window).is_none()
}

/// Before the first pass of a process: what was needed last was needed until the process before ended, and may
/// have been needed since.
///
/// A need that goes on is not written again and again; what is written is when it began. Had it changed, that
/// would have been written as soon as it mattered. With a window of 5 min, a need of 8 from a minute ago counts
/// from now on; one from six minutes ago is forgotten, and then what runs counts as needed.
pub fn take_over(intent: &Intent, memory: &mut Memory, at: Timestamp) {
    let window = length(&intent.policy, intent.interval);
    for mapping in &mut memory.mappings {
        if let Some(last) = mapping.needs.last_mut().filter(|last| last.at > at - window) {
            last.at = last.at.max(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: SignedDuration = SignedDuration::from_secs(300);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000_200 + second).unwrap()
    }

    fn noted(series: &[(i64, u32)]) -> Vec<Need> {
        let mut needs = Vec::new();
        for (second, replicas) in series {
            note(&mut needs, at(*second), Replicas(*replicas), WINDOW);
        }
        needs
    }

    #[test]
    fn the_peak_outlives_the_window_by_at_most_a_tenth() {
        let needs = noted(&[(0, 8), (5, 3)]);
        assert_eq!(peak(&needs, at(299), WINDOW), Some(Replicas(8)));
        assert_eq!(peak(&needs, at(331), WINDOW), None, "nothing was noted since");
        let mut needs = needs;
        for second in (10..340).step_by(5) {
            note(&mut needs, at(second), Replicas(3), WINDOW);
        }
        assert_eq!(peak(&needs, at(335), WINDOW), Some(Replicas(3)));
    }

    #[test]
    fn passes_within_one_part_leave_the_memory_as_it_is() {
        assert_eq!(noted(&[(0, 4)]), noted(&[(0, 4), (5, 4), (10, 4), (29, 4)]));
        assert_ne!(noted(&[(0, 4)]), noted(&[(0, 4), (30, 4)]));
    }

    #[test]
    fn only_descending_maxima_are_kept() {
        let needs = noted(&[(0, 5), (40, 8), (80, 3), (120, 6)]);
        assert_eq!(needs.iter().map(|need| need.replicas.0).collect::<Vec<_>>(), [8, 6]);
    }

    #[test]
    fn a_window_of_zero_remembers_only_now() {
        let mut needs = Vec::new();
        note(&mut needs, at(0), Replicas(9), SignedDuration::ZERO);
        note(&mut needs, at(1), Replicas(2), SignedDuration::ZERO);
        assert_eq!(peak(&needs, at(1), SignedDuration::ZERO), None);
    }

    #[test]
    fn what_was_needed_last_was_needed_until_the_process_before_ended() {
        let intent = crate::engine::scenario::intent("checkout");
        for (now, seconds) in [(200, [0, 200]), (301, [0, 301]), (400, [0, 90])] {
            let needs =
                [(0, 12), (90, 8)].map(|(second, count)| Need { at: at(second), replicas: Replicas(count) });
            let mapping = MappingMemory { needs: needs.to_vec(), ..MappingMemory::default() };
            let mut memory = Memory { mappings: vec![mapping], ..Memory::default() };
            take_over(&intent, &mut memory, at(now));
            let seen: Vec<Timestamp> = memory.mappings[0].needs.iter().map(|need| need.at).collect();
            assert_eq!(seen, seconds.map(at), "taken over at {now}");
        }
    }
}
