//! Linear regression that forgets, one pair at a time.
//!
//! Ridge regression (Hoerl and Kennard 1970) on exponentially weighted pairs: with weights wᵢ that halve every
//! half-life, the coefficients solve (Σ wᵢ xᵢxᵢᵀ + r·I) b = Σ wᵢ xᵢyᵢ. The sums are kept as a triangle; the
//! system is solved by Cholesky every few minutes, which costs a few microseconds.

use super::math::short;

/// The sums of a regression on `N` features, and its coefficients.
#[derive(Debug, Clone)]
pub(super) struct Ridge<const N: usize> {
    /// Lower triangle of Σ w·x·xᵀ, row by row.
    gram: Vec<f32>,
    /// Σ w·x·y.
    moment: [f64; N],
    /// The coefficients.
    slope: [f64; N],
    /// Added to the diagonal when solving.
    penalty: f64,
}

impl<const N: usize> Ridge<N> {
    /// Knows nothing: predicts 0 for everything.
    pub(super) fn new(penalty: f64) -> Self {
        Self { gram: vec![0.0; N * (N + 1) / 2], moment: [0.0; N], slope: [0.0; N], penalty }
    }

    /// Takes in one pair.
    pub(super) fn learn(&mut self, x: &[f32; N], y: f64) {
        let mut cell = 0;
        for (row, &a) in x.iter().enumerate() {
            for (sum, &b) in self.gram[cell..=cell + row].iter_mut().zip(x) {
                *sum += a * b;
            }
            cell += row + 1;
            self.moment[row] += f64::from(a) * y;
        }
    }

    /// Makes everything learned so far weigh `share` of what it did, and finds the coefficients anew.
    pub(super) fn refit(&mut self, share: f64) {
        for sum in &mut self.gram {
            *sum *= short(share);
        }
        for sum in &mut self.moment {
            *sum *= share;
        }
        if let Some(slope) = self.solve() {
            self.slope = slope;
        }
    }

    /// What the features say.
    pub(super) fn predict(&self, x: &[f32; N]) -> f64 {
        self.slope.iter().zip(x).map(|(b, &x)| b * f64::from(x)).sum()
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.gram.len() * size_of::<f32>()
    }

    /// Cholesky on the penalised triangle; none where rounding left no positive pivot.
    fn solve(&self) -> Option<[f64; N]> {
        let mut low: Vec<f64> = self.gram.iter().copied().map(f64::from).collect();
        let at = |row: usize, column: usize| row * (row + 1) / 2 + column;
        for row in 0..N {
            for column in 0..=row {
                let mut sum = low[at(row, column)];
                if row == column {
                    sum += self.penalty;
                }
                for k in 0..column {
                    sum -= low[at(row, k)] * low[at(column, k)];
                }
                low[at(row, column)] = if row == column {
                    if sum <= 0.0 || !sum.is_finite() {
                        return None;
                    }
                    sum.sqrt()
                } else {
                    sum / low[at(column, column)]
                };
            }
        }
        let mut solved = self.moment;
        for row in 0..N {
            for k in 0..row {
                solved[row] -= low[at(row, k)] * solved[k];
            }
            solved[row] /= low[at(row, row)];
        }
        for row in (0..N).rev() {
            for k in row + 1..N {
                solved[row] -= low[at(k, row)] * solved[k];
            }
            solved[row] /= low[at(row, row)];
        }
        solved.iter().all(|b| b.is_finite()).then_some(solved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_and_pulled_towards_zero_by_the_penalty() {
        // y = 2·a − b on four pairs: XᵀX = [[6, 3], [3, 5]], Xᵀy = [9, 1].
        let mut ridge = Ridge::<2>::new(0.0);
        let mut shy = Ridge::<2>::new(1.0);
        for (x, y) in [([1.0, 0.0], 2.0), ([0.0, 1.0], -1.0), ([1.0, 0.0], 2.0), ([2.0, 2.0], 2.0)] {
            ridge.learn(&x, y);
            shy.learn(&x, y);
        }
        ridge.refit(1.0);
        assert!((ridge.predict(&[1.0, 1.0]) - 1.0).abs() < 1e-9, "2·1 − 1");
        shy.refit(1.0);
        // (XᵀX + I) b = Xᵀy with XᵀX = [[6, 4], [4, 5]], Xᵀy = [8, 3]: b = (36/26, −11/26).
        assert!((shy.predict(&[1.0, 0.0]) - 36.0 / 26.0).abs() < 1e-9, "{:?}", shy.slope);
        assert!((shy.predict(&[0.0, 1.0]) + 11.0 / 26.0).abs() < 1e-9, "{:?}", shy.slope);
    }

    #[test]
    fn what_is_old_weighs_less() {
        let mut ridge = Ridge::<1>::new(0.0);
        ridge.learn(&[1.0], 10.0);
        ridge.refit(0.5);
        ridge.learn(&[1.0], 4.0);
        ridge.refit(1.0);
        assert!((ridge.predict(&[1.0]) - 6.0).abs() < 1e-9, "(0.5·10 + 4) / 1.5");
    }

    #[test]
    fn what_cannot_be_solved_leaves_the_coefficients() {
        let mut ridge = Ridge::<2>::new(0.0);
        ridge.refit(1.0);
        assert!(ridge.predict(&[1.0, 1.0]).abs() < f64::EPSILON);
    }
}
