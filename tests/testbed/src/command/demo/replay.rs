//! The same day without bizops, by simulation: at a fixed size, and under the rule of an HPA on CPU.
//!
//! The visitors, the capacity, the patience and the refusals are those of the shop's own model, which the shop's
//! pods follow. Requests spread evenly over replicas there, as they hardly do in life: what is simulated loses
//! rather less than it would.

use std::collections::VecDeque;

use shop::model::Profile;
use shop::simulation::{Ready, Settings, Shop};

use super::day::Day;
use super::manifests::{FEWEST, HEADROOM, PAYMENT, WEB, WINDOW};

/// The step of the simulation, in seconds.
const STEP: f64 = 0.05;
/// Share of the requests that are checkouts, as the shop's manifests have it.
const CONVERSION: f64 = 0.1;

/// What a day came to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) offered: f64,
    pub(super) lost: f64,
    pub(super) lost_orders: f64,
    /// Replicas of web and payment, over time.
    pub(super) replica_minutes: f64,
    /// The most replicas of web and payment at a time.
    pub(super) most: u32,
}

/// Who decides how many replicas there are.
trait Rule {
    /// Sees at a moment how much of their capacity the ready replicas use, and says how many there should be.
    fn wanted(&mut self, now: f64, used: f64, ready: u32, exist: u32) -> u32;
}

/// A size that never changes.
struct Fixed(u32);

impl Rule for Fixed {
    fn wanted(&mut self, _: f64, _: f64, _: u32, _: u32) -> u32 {
        self.0
    }
}

/// The rule of the HPA, `autoscaling/v2`, at its defaults but for time.
///
/// Its defaults are 15 s between two looks and 15 s between two measurements (metrics-server), and 5 minutes of
/// stabilisation before it scales down. bizops' default of 5 s between two passes is 1 s in the demo, so these
/// 15 s are 3 s here; and the window is that of the demo's objectives.
struct Hpa {
    target: f64,
    last: f64,
    /// The utilisations since the last measurement.
    seen: (f64, f64),
    recommended: VecDeque<(f64, u32)>,
    exist: u32,
}

impl Hpa {
    const PERIOD: f64 = 3.0;
    const TOLERANCE: f64 = 0.1;

    fn new(target: f64) -> Self {
        Self { target, last: 0.0, seen: (0.0, 0.0), recommended: VecDeque::new(), exist: FEWEST }
    }

    /// `ceil(replicas × usage / target)`; replicas that are not ready count as idle when it would scale up.
    fn recommendation(&self, usage: f64, ready: u32, exist: u32) -> u32 {
        let ratio = usage / self.target;
        if (ratio - 1.0).abs() <= Self::TOLERANCE || ready == 0 {
            return exist;
        }
        let counted = if ratio > 1.0 { exist.max(ready) } else { ready };
        let ratio = ratio * f64::from(ready) / f64::from(counted);
        if (ratio - 1.0).abs() <= Self::TOLERANCE || (ratio < 1.0 && usage > self.target) {
            return exist;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some replicas")]
        let wanted = (f64::from(counted) * ratio).ceil() as u32;
        wanted
    }
}

impl Rule for Hpa {
    fn wanted(&mut self, now: f64, used: f64, ready: u32, exist: u32) -> u32 {
        self.seen = (self.seen.0 + used, self.seen.1 + 1.0);
        if now - self.last < Self::PERIOD {
            return self.exist;
        }
        let usage = self.seen.0 / self.seen.1;
        (self.last, self.seen) = (now, (0.0, 0.0));
        let wanted = self.recommendation(usage, ready, exist).max(FEWEST);
        // Up: at most the larger of 4 pods and 100 % a period. Down: the highest of the window.
        let wanted = wanted.min(exist + exist.max(4));
        self.recommended.push_back((now, wanted));
        self.recommended.retain(|(at, _)| now - at <= f64::from(WINDOW));
        let stable = self.recommended.iter().map(|(_, wanted)| *wanted).max().unwrap_or(wanted);
        self.exist = if wanted < exist { stable.min(exist) } else { wanted };
        self.exist
    }
}

/// The replicas of one app in time: those ordered serve after the start-up time.
struct Fleet {
    rule: Box<dyn Rule>,
    capacity: f64,
    startup: f64,
    ready: u32,
    starting: VecDeque<f64>,
    served: f64,
}

impl Fleet {
    fn new(rule: Box<dyn Rule>, first: u32, capacity: u32, startup: f64) -> Self {
        let capacity = f64::from(capacity);
        Self { rule, capacity, startup, ready: first, starting: VecDeque::new(), served: 0.0 }
    }

    fn exist(&self) -> u32 {
        self.ready + u32::try_from(self.starting.len()).unwrap_or(u32::MAX)
    }

    fn step(&mut self, now: f64) {
        while self.starting.front().is_some_and(|at| *at <= now) {
            self.starting.pop_front();
            self.ready += 1;
        }
        let used = self.served / (f64::from(self.ready) * self.capacity * STEP).max(f64::EPSILON);
        let exist = self.exist();
        let wanted = self.rule.wanted(now, used.min(1.0), self.ready, exist);
        for _ in exist..wanted {
            self.starting.push_back(now + self.startup);
        }
        for _ in wanted..exist {
            if self.starting.pop_back().is_none() {
                self.ready -= 1;
            }
        }
    }
}

/// The day at a size that carries so many requests per second, with the headroom of the objectives.
pub(super) fn fixed(day: &Day, requests: f64) -> (Outcome, [u32; 2]) {
    let size = |capacity: u32, share: f64, headroom: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some replicas")]
        let replicas = (requests * share * (1.0 + headroom) / f64::from(capacity)).ceil() as u32;
        replicas.max(FEWEST)
    };
    let sizes = [size(WEB, 1.0, HEADROOM.0), size(PAYMENT, CONVERSION, HEADROOM.1)];
    let fleet =
        |index: usize, capacity| Fleet::new(Box::new(Fixed(sizes[index])), sizes[index], capacity, 0.0);
    (play(day, fleet(0, WEB), fleet(1, PAYMENT)), sizes)
}

/// The day under an HPA on CPU for web and one for payment, with replicas that take so long until they serve.
pub(super) fn hpa(day: &Day, targets: (f64, f64), startup: f64) -> Outcome {
    let fleet = |capacity, target| Fleet::new(Box::new(Hpa::new(target)), FEWEST, capacity, startup);
    play(day, fleet(WEB, targets.0), fleet(PAYMENT, targets.1))
}

fn play(day: &Day, mut web: Fleet, mut payment: Fleet) -> Outcome {
    let profile = |capacity| Profile { capacity: f64::from(capacity), patience: 2.0, latency: 0.02 };
    let profiles = [("web", profile(WEB)), ("payment", profile(PAYMENT))].into();
    let mut shop = Shop::new(Settings { profiles, conversion: CONVERSION, searches: 0.4 });
    let mut outcome = Outcome::default();
    let mut now = 0.0;
    while now < day.seconds {
        now += STEP;
        web.step(now);
        payment.step(now);
        let ready: Ready = [("web".to_owned(), web.ready), ("payment".to_owned(), payment.ready)].into();
        let requests = day.rate(now) * STEP;
        let step = shop.step(now, requests, &ready);
        web.served = step.work.get("web").map_or(0.0, |work| work.served);
        payment.served = step.work.get("payment").map_or(0.0, |work| work.served);
        let exist = web.exist() + payment.exist();
        outcome.offered += requests;
        outcome.lost += requests - web.served;
        outcome.lost_orders += step.lost_orders;
        outcome.replica_minutes += f64::from(exist) * STEP / 60.0;
        outcome.most = outcome.most.max(exist);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_for_the_height_of_the_day_loses_next_to_nothing_and_one_for_the_mean_loses_much() {
        let day = Day::new(false).unwrap();
        let (height, mean) = day.height_and_mean();
        let (large, sizes) = fixed(&day, height);
        let (small, _) = fixed(&day, mean);
        assert!(large.lost < large.offered * 0.001, "{large:?}");
        assert!(small.lost > small.offered * 0.02, "{small:?}");
        assert!(small.replica_minutes < large.replica_minutes);
        let minutes = f64::from(sizes[0] + sizes[1]) * day.seconds / 60.0;
        assert!((large.replica_minutes - minutes).abs() < 0.1, "{large:?}");
    }

    #[test]
    fn an_hpa_follows_the_day_at_a_distance() {
        let day = Day::new(false).unwrap();
        let (large, _) = fixed(&day, day.height_and_mean().0);
        let followed = hpa(&day, (0.7, 0.7), 3.0);
        assert!(followed.replica_minutes < large.replica_minutes, "{followed:?}");
        assert!(followed.most > 2 * FEWEST, "{followed:?}");
        let sluggish = hpa(&day, (0.7, 0.7), 30.0);
        assert!(sluggish.lost > followed.lost, "{sluggish:?} {followed:?}");
    }

    #[test]
    fn the_rule_is_that_of_the_documentation() {
        let hpa = Hpa::new(0.7);
        assert_eq!(hpa.recommendation(0.76, 10, 10), 10, "within the tolerance of 10 %");
        assert_eq!(hpa.recommendation(1.0, 10, 10), 15, "ceil(10 × 1.0 / 0.7)");
        assert_eq!(hpa.recommendation(0.35, 10, 10), 5);
        assert_eq!(hpa.recommendation(0.9, 8, 12), 12, "replicas that start count as idle");
    }

    #[test]
    fn it_goes_down_only_after_the_window_and_up_at_most_by_four_or_double() {
        let mut hpa = Hpa::new(0.5);
        assert_eq!(hpa.wanted(3.0, 1.0, 2, 2), 4);
        assert_eq!(hpa.wanted(6.0, 0.1, 4, 4), 4);
        assert_eq!(hpa.wanted(9.0, 0.1, 4, 4), 4);
        assert_eq!(hpa.wanted(16.5, 0.1, 4, 4), 2);
    }
}
