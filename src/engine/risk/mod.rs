//! Whether the goal itself will be missed within the next day: how likely, from when on, and by how much.
//!
//! One [`KpiForesight`] per objective takes in the indicator ([`KpiForesight::advance`], history first, then every
//! pass) and answers for its goal ([`KpiForesight::outlook`]). It knows no clock and keeps nothing on disk: the same
//! samples give the same answer, and a state is rebuilt by feeding it history and [`KpiForesight::resume`].
//!
//! Imports go one way: past → experts, growth → replay; bar, latch → here. The method, its sources and its figures are in
//! `docs/design/goal-forecast.md`.

mod bar;
mod experts;
mod growth;
mod latch;
mod past;
mod replay;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use bar::Bar;
use experts::Experts;
use latch::Latch;
use past::{BLOCK, DAY, Past, STANDS};

use crate::model::{FrozenValue, Goal, GoalOutlook, MissAhead, span};

/// So many blocks with a value before anything is said: a day.
const NEEDED: usize = DAY;
/// It is looked at most this part of the history ahead.
const PART: usize = 3;
/// Below this skill nothing is said, and again from [`SKILLED`] on.
const UNSKILLED: f64 = -0.1;
/// See [`UNSKILLED`].
const SKILLED: f64 = -0.05;

/// What is known about the indicator, and what follows for its goal.
#[derive(Debug, Clone)]
pub struct KpiForesight {
    past: Past,
    horizon: usize,
    /// How long after a block is complete it is looked at.
    delay: SignedDuration,
    latch: Latch,
    skilled: bool,
    /// What was said for the block that is being filled, and for which goal.
    said: Option<(i64, Bar, GoalOutlook)>,
}

impl KpiForesight {
    /// Knows nothing yet. `zone` is where the indicator has its days, `horizon` how far to look ahead: from five
    /// minutes to a day.
    pub fn new(zone: TimeZone, horizon: SignedDuration) -> Self {
        let blocks = usize::try_from(horizon.as_secs() / BLOCK).unwrap_or(1).clamp(1, DAY);
        Self {
            past: Past::new(zone),
            horizon: blocks,
            delay: SignedDuration::ZERO,
            latch: Latch::default(),
            skilled: true,
            said: None,
        }
    }

    /// The same, but looking only so long after five minutes are complete; less than five minutes. Many objectives
    /// with different delays do not all look in one second.
    #[must_use]
    pub fn delayed(self, delay: SignedDuration) -> Self {
        let most = SignedDuration::from_secs(BLOCK - 1);
        Self { delay: delay.clamp(SignedDuration::ZERO, most), ..self }
    }

    /// Goes on from what was said before a restart: whether there was a risk.
    pub fn resume(&mut self, at_risk: bool) {
        self.latch = Latch::resume(at_risk);
        self.said = None;
    }

    /// Takes in a sample of the indicator, or that there was none; the oldest first.
    pub fn advance(&mut self, at: Timestamp, value: Option<f64>) {
        self.past.push(at, value);
    }

    /// What is known ahead of the goal. Worked out once in five minutes, remembered in between.
    pub fn outlook(&mut self, goal: &Goal, baseline: Option<FrozenValue>, now: Timestamp) -> GoalOutlook {
        self.past.close(now);
        let Some(bar) = Bar::of(goal, baseline) else {
            return GoalOutlook::Quiet("the baseline of the goal is not measured yet".to_owned());
        };
        let Some(open) = self.past.open() else {
            return GoalOutlook::Quiet(learning(0));
        };
        if let Some((block, asked, said)) = &self.said {
            if *asked != bar {
                self.latch = Latch::default();
            } else if *block == open || (*block + 1 == open && self.waits(now)) {
                return said.clone();
            }
        }
        let said = match goal {
            Goal::GrowBy { by: Some(by), .. } if *by > now => self.arrive(&bar, now, *by),
            _ => self.look(&bar, now),
        };
        self.said = Some((open, bar, said.clone()));
        said
    }

    /// Whether the newest complete block is not to be looked at yet.
    fn waits(&self, now: Timestamp) -> bool {
        now.as_second().rem_euclid(BLOCK) < self.delay.as_secs()
    }

    fn look(&mut self, bar: &Bar, now: Timestamp) -> GoalOutlook {
        let have = self.past.filled();
        if have < NEEDED {
            return GoalOutlook::Quiet(learning(have));
        }
        let silence = self.past.silence();
        if silence > STANDS {
            return GoalOutlook::Quiet(format!("the indicator has had no sample for {}", time(silence)));
        }
        let horizon = self.horizon.min(have / PART);
        let experts = Experts::new(self.past.means());
        let Some(ahead) = replay::look(&experts, bar, horizon) else {
            return GoalOutlook::Quiet("the history has too many gaps".to_owned());
        };
        if let Some(quiet) = self.unskilled(ahead.skill) {
            return quiet;
        }
        let newest = f64::from(experts.measured(experts.length() - 1));
        GoalOutlook::Told(self.tell(bar, now, horizon, &ahead, newest))
    }

    /// A goal that grows by a date is judged at the date, by the mean of the day before it.
    fn arrive(&mut self, bar: &Bar, now: Timestamp, by: Timestamp) -> GoalOutlook {
        let days = growth::days(&self.past.means());
        let horizon = by.duration_since(now);
        let ahead = horizon.as_secs_f64() / time(DAY).as_secs_f64();
        let Some(arrival) = growth::look(&days, bar.low(), ahead) else {
            return GoalOutlook::Quiet(format!(
                "{} days of the indicator's history are there; it takes {}, and a third of the time to the date",
                days.len(),
                growth::FEWEST
            ));
        };
        if let Some(quiet) = self.unskilled(arrival.skill) {
            return quiet;
        }
        GoalOutlook::Told(MissAhead {
            at_risk: self.latch.look(arrival.probability),
            probability: arrival.probability,
            miss_at: Some(by).filter(|_| arrival.shortfall > 0.0),
            shortfall: arrival.shortfall,
            horizon,
            skill: arrival.skill,
        })
    }

    /// Nothing is said while the last value has been better.
    fn unskilled(&mut self, skill: f64) -> Option<GoalOutlook> {
        self.skilled = skill >= if self.skilled { UNSKILLED } else { SKILLED };
        let share = (1.0 - skill) * 100.0;
        let words = format!("lately the forecast's error was {share:.0}% of the last value's");
        (!self.skilled).then_some(GoalOutlook::Quiet(words))
    }

    fn tell(
        &mut self,
        bar: &Bar,
        now: Timestamp,
        horizon: usize,
        ahead: &replay::Ahead,
        newest: f64,
    ) -> MissAhead {
        let missed = bar.beyond(newest);
        let (horizon, skill) = (time(horizon), ahead.skill);
        if missed > 0.0 {
            let shortfall = missed.max(ahead.shortfall);
            return MissAhead {
                at_risk: false,
                probability: 1.0,
                miss_at: Some(now),
                shortfall,
                horizon,
                skill,
            };
        }
        MissAhead {
            at_risk: self.latch.look(ahead.probability),
            probability: ahead.probability,
            miss_at: ahead.miss_in.and_then(|blocks| later(now, blocks)),
            shortfall: ahead.shortfall,
            horizon,
            skill,
        }
    }

    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.past.bytes()
    }
}

/// The beginning of the block so many blocks after the newest complete one, at five-minute precision.
fn later(now: Timestamp, blocks: usize) -> Option<Timestamp> {
    let open = now.as_second().div_euclid(BLOCK);
    let blocks = i64::try_from(blocks).ok()?;
    Timestamp::from_second((open + blocks - 1) * BLOCK).ok()
}

fn time(blocks: usize) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(blocks).unwrap_or(i64::MAX / BLOCK) * BLOCK)
}

fn learning(have: usize) -> String {
    format!("{} of the indicator's history are there, {} are needed", span(time(have)), span(time(NEEDED)))
}

#[cfg(test)]
mod tests;
