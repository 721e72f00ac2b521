//! What was ordered over the last steps, of which the least was ready all along.

use std::collections::VecDeque;

/// Rows kept at most; over long times a row stands for several steps.
const ROWS: usize = 16;

/// The orders of `N` rungs over so many steps, the newest first.
#[derive(Debug, Clone)]
pub(super) struct Trail<const N: usize> {
    rows: VecDeque<[u16; N]>,
    /// Steps a row stands for, and steps in the newest row.
    stride: usize,
    partial: usize,
    length: usize,
}

impl<const N: usize> Trail<N> {
    /// Of so many steps.
    pub(super) fn new(steps: usize) -> Self {
        let stride = steps.div_ceil(ROWS).max(1);
        let length = steps.div_ceil(stride).max(1);
        Self { rows: VecDeque::with_capacity(length), stride, partial: 0, length }
    }

    /// How many steps it spans.
    pub(super) fn steps(&self) -> usize {
        self.length * self.stride
    }

    /// Takes in what was ordered in a step.
    pub(super) fn push(&mut self, row: [u16; N]) {
        if let Some(newest) = self.rows.front_mut().filter(|_| self.partial < self.stride) {
            *newest = least(*newest, row);
            self.partial += 1;
        } else {
            self.rows.truncate(self.length - 1);
            self.rows.push_front(row);
            self.partial = 1;
        }
    }

    /// The least of all but the newest steps; none while it does not reach back far enough.
    pub(super) fn least_but(&self, newest: usize) -> Option<[u16; N]> {
        if self.rows.len() < self.length {
            return None;
        }
        self.rows.iter().skip(newest / self.stride).copied().reduce(least)
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<[u16; N]>()
    }
}

fn least<const N: usize>(one: [u16; N], other: [u16; N]) -> [u16; N] {
    std::array::from_fn(|rung| one[rung].min(other[rung]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ready_is_the_least_that_was_ordered_all_along() {
        let mut trail = Trail::new(3);
        for ordered in [4, 2, 9] {
            trail.push([ordered]);
        }
        assert_eq!(trail.least_but(0), Some([2]));
        trail.push([7]);
        trail.push([8]);
        assert_eq!((trail.least_but(0), trail.least_but(2)), (Some([7]), Some([9])));
        assert_eq!(Trail::<1>::new(3).least_but(0), None, "nothing is known yet");
    }

    #[test]
    fn a_long_time_is_kept_in_few_rows_and_never_looks_better_than_it_was() {
        let mut trail = Trail::new(100);
        for step in 0..500u16 {
            trail.push([if step % 100 == 0 { 1 } else { 5 }]);
            assert!(trail.rows.len() <= ROWS);
        }
        assert_eq!(trail.least_but(0), Some([1]));
    }
}
