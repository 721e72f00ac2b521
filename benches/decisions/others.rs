//! Two more that others use: Knative's autoscaler, and last week's need beside an autoscaler.

use bizops::backtest::{Hpa, Policy, View};
use bizops::model::Replicas;

use crate::suite::DAY;

/// Knative's autoscaler (KPA) with its defaults: the average of a minute; in a panic, which begins when the newest
/// sample asks for twice what is ready and ends a minute after the last such sample, the largest wish of the panic;
/// up at most a thousandfold, down at most to half. It asks the pods themselves, so its samples are not old.
///
/// Source: the autoscaling section of the Knative documentation, and the names of its settings.
#[derive(Debug, Clone)]
pub struct Knative {
    utilisation: f64,
    panic: Option<(usize, u32)>,
}

/// Moments of its stable window: a minute.
const STABLE: usize = 4;
/// Wish over ready replicas from which it panics.
const PANIC: u32 = 2;

impl Knative {
    pub fn new(utilisation: f64) -> Self {
        Self { utilisation, panic: None }
    }
}

impl Policy for Knative {
    fn wanted(&mut self, view: &View<'_>) -> u32 {
        let ready = view.ready.max(1);
        let wish = |window: usize| {
            let need = view.need.average(view.moment, window).unwrap_or_default();
            Replicas::ceil(need / self.utilisation).0
        };
        let within = |wish: u32| wish.clamp(ready / 2, ready * 1000);
        let (stable, now) = (wish(STABLE), wish(1));
        let last = self.panic.map(|(_, most)| most).unwrap_or_default();
        if now / ready >= PANIC {
            self.panic = Some((view.moment, last));
        } else if self.panic.is_some_and(|(since, _)| view.moment - since > STABLE) {
            self.panic = None;
        }
        match &mut self.panic {
            Some((_, most)) => {
                *most = (*most).max(within(stable)).max(within(now));
                *most
            }
            None => within(stable),
        }
    }
}

/// An autoscaler that is never below what was needed at the same time a week ago, or a day ago in the first week:
/// the most within five minutes from a start-up and a minute on.
#[derive(Debug, Clone)]
pub struct LastWeek {
    hpa: Hpa,
    utilisation: f64,
    ahead: usize,
}

impl LastWeek {
    pub fn new(utilisation: f64, startup: usize) -> Self {
        Self { hpa: Hpa::new(utilisation, crate::suite::STEP, 0), utilisation, ahead: startup + 4 }
    }
}

impl Policy for LastWeek {
    fn wanted(&mut self, view: &View<'_>) -> u32 {
        let known = |season: usize| {
            let from = (view.moment + self.ahead).checked_sub(season)?;
            let past = view.need.demand.get(from..=from + 20)?;
            Some(past.iter().flatten().copied().fold(0.0, f64::max))
        };
        let need = known(7 * DAY).or_else(|| known(DAY)).unwrap_or_default();
        self.hpa.wanted(view).max(Replicas::ceil(need / self.utilisation).0)
    }
}
