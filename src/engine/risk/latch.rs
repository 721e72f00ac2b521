//! When a probability counts as a risk, so that it does not flap.

/// It becomes a risk when a miss is at least this likely: more likely than not.
pub(super) const RAISED: f64 = 0.5;
/// It is none any more when a miss is less likely than this.
pub(super) const LOWERED: f64 = 0.25;
/// Looks in a row, five minutes apart, that must say so before it is raised.
const TO_RAISE: u8 = 2;
/// Looks in a row that must say so before it is lowered: half an hour.
const TO_LOWER: u8 = 6;

/// Whether there is a risk, and for how many looks in a row the opposite was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Latch {
    raised: bool,
    against: u8,
}

impl Latch {
    /// As it stood before.
    pub(super) fn resume(raised: bool) -> Self {
        Self { raised, against: 0 }
    }

    /// Takes in a look, and says whether there is a risk.
    pub(super) fn look(&mut self, probability: f64) -> bool {
        let (against, enough) =
            if self.raised { (probability < LOWERED, TO_LOWER) } else { (probability >= RAISED, TO_RAISE) };
        self.against = if against { self.against + 1 } else { 0 };
        if self.against >= enough {
            *self = Self::resume(!self.raised);
        }
        self.raised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(looks: impl IntoIterator<Item = f64>) -> usize {
        let mut latch = Latch::default();
        let states: Vec<bool> = looks.into_iter().map(|probability| latch.look(probability)).collect();
        states.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    #[test]
    fn a_risk_is_raised_by_two_looks_and_lowered_by_half_an_hour_of_them() {
        let mut latch = Latch::default();
        assert!(!latch.look(0.9) && latch.look(0.9));
        for _ in 0..5 {
            assert!(latch.look(0.1));
        }
        assert!(!latch.look(0.1));
    }

    #[test]
    fn a_probability_that_jumps_between_the_thresholds_turns_nothing() {
        let noise = |look: u32| 0.26 + 0.23 * f64::from(look * 7919 % 101) / 100.0;
        assert_eq!(turns((0..10_000).map(noise)), 0);
    }

    #[test]
    fn single_looks_turn_nothing_however_wild() {
        assert_eq!(turns((0..10_000).map(|look| if look % 2 == 0 { 1.0 } else { 0.0 })), 0);
    }
}
