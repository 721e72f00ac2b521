//! How many replicas others would have had: a fixed size, an autoscaler, one who knew.

use std::collections::VecDeque;

use super::recording::Recording;

/// What a policy may look at in one moment.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The need (replicas' worth of demand) on the grid. A policy may look at what lies before [`View::seen`] only.
    pub need: &'a Recording,
    /// The moment.
    pub moment: usize,
    /// Moments before this one are visible by now.
    pub seen: usize,
    /// Replicas that exist.
    pub existing: u32,
    /// Replicas that serve.
    pub ready: u32,
}

/// Says at every moment how many replicas should exist.
pub trait Policy {
    /// How many.
    fn wanted(&mut self, view: &View<'_>) -> u32;
}

/// The same size always.
#[derive(Debug, Clone, Copy)]
pub struct Fixed(pub u32);

impl Policy for Fixed {
    fn wanted(&mut self, _: &View<'_>) -> u32 {
        self.0
    }
}

/// A plan made beforehand, for each moment.
#[derive(Debug, Clone)]
pub struct Prescribed(pub Vec<u32>);

impl Policy for Prescribed {
    fn wanted(&mut self, view: &View<'_>) -> u32 {
        self.0.get(view.moment).copied().unwrap_or(view.existing)
    }
}

/// A policy that follows somebody else's function.
pub struct Following<F>(pub F);

impl<F> std::fmt::Debug for Following<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Following")
    }
}

impl<F: FnMut(&View<'_>) -> u32> Policy for Following<F> {
    fn wanted(&mut self, view: &View<'_>) -> u32 {
        (self.0)(view)
    }
}

/// The `HorizontalPodAutoscaler` (autoscaling/v2) as it is shipped, on an external metric with an average value per
/// replica: every 15 s, a tolerance of 10 %, down to the highest recommendation of the last five minutes, up by at
/// most four replicas or 100 % at a time, whichever is more.
///
/// Source: the algorithm and the default behaviours of the Kubernetes documentation, "Horizontal Pod Autoscaling".
#[derive(Debug, Clone)]
pub struct Hpa {
    utilisation: f64,
    /// Moments the metric is averaged over: the window of its rate.
    window: usize,
    /// The metric is asked again only every so many moments.
    poll: usize,
    polled: Option<f64>,
    /// Recommendations of the last five minutes.
    recommended: VecDeque<u32>,
    kept: usize,
}

/// The autoscaler's tolerance.
const TOLERANCE: f64 = 0.1;
/// The autoscaler's stabilisation window for scaling down, in seconds.
const STABILISATION: i64 = 300;
/// The window of the rates it looks at, in seconds.
const WINDOW: i64 = 60;

impl Hpa {
    /// One that aims at this utilisation, on a grid of so many seconds; `poll` is how long an answer of the metrics
    /// API is kept (KEDA: 30 s with `useCachedMetrics`), 0 for no time.
    pub fn new(utilisation: f64, step: i64, poll: i64) -> Self {
        let count = |seconds: i64| usize::try_from(seconds / step.max(1)).unwrap_or(1).max(1);
        Self {
            utilisation,
            window: count(WINDOW),
            poll: count(poll),
            polled: None,
            recommended: VecDeque::new(),
            kept: count(STABILISATION),
        }
    }
}

impl Policy for Hpa {
    fn wanted(&mut self, view: &View<'_>) -> u32 {
        if view.moment.is_multiple_of(self.poll) || self.polled.is_none() {
            self.polled = view.need.average(view.seen, self.window);
        }
        // Without a metric the autoscaler does nothing.
        let Some(need) = self.polled else { return view.existing };
        let ratio = need / (self.utilisation * f64::from(view.existing.max(1)));
        let recommended = if (ratio - 1.0).abs() <= TOLERANCE {
            view.existing
        } else {
            crate::model::Replicas::ceil(need / self.utilisation).0
        };
        self.recommended.push_back(recommended);
        if self.recommended.len() > self.kept {
            self.recommended.pop_front();
        }
        let highest = self.recommended.iter().copied().max().unwrap_or(recommended);
        if recommended < view.existing {
            highest.min(view.existing)
        } else {
            recommended.min((view.existing + 4).max(view.existing * 2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(needs: &[f64], from: u32) -> Vec<u32> {
        let need = Recording { start: 0, step: 15, demand: needs.iter().map(|need| Some(*need)).collect() };
        let (mut hpa, mut existing, mut seen) = (Hpa::new(0.7, 15, 0), from, vec![]);
        for moment in 1..=needs.len() {
            existing = hpa.wanted(&View { need: &need, moment, seen: moment, existing, ready: existing });
            seen.push(existing);
        }
        seen
    }

    #[test]
    fn the_autoscaler_doubles_at_most_and_comes_down_after_five_minutes() {
        let mut needs = vec![35.0; 4];
        needs.extend(vec![3.5; 40]);
        let seen = played(&needs, 5);
        assert_eq!(&seen[..4], [10, 20, 40, 50], "35 of .7 need 50, at most twice as many at a time");
        let down = seen.iter().position(|n| *n == 5).unwrap();
        assert!((21..=27).contains(&down), "{down}: 20 recommendations later");
    }

    #[test]
    fn within_the_tolerance_nothing_happens() {
        assert_eq!(played(&[7.6; 4], 10), [10, 10, 10, 10]);
        assert_eq!(played(&[7.8; 1], 10), [12]);
    }
}
