//! The play: visitors come, bizops follows, and everything that is counted is written down.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use testbed::Error;

use super::day::Day;
use super::interrupt;
use super::reaction::Seen;
use super::scene::Scene;
use super::screen::{Line, Screen};
use super::view::{self, Chart, Told};
use super::world::{Decision, Look};

/// How often is looked.
const PACE: Duration = Duration::from_millis(500);
/// How long after the day the last counts are read: Prometheus has them by then.
const SETTLED: f64 = 1.6;
/// How many looks in a row may fail: a busy machine answers late, a broken demo never.
const FAILURES: u32 = 20;
/// The share of the day at which the picture is taken: four in the afternoon, when the height is just behind it.
const HEIGHT: f64 = 16.0 / 24.0;
/// Elsewhere than on a terminal, a line this often.
const PLAIN: f64 = 5.0;

/// What came of the play.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The last look.
    pub(super) last: Look,
    /// Replicas of web and payment, over time.
    pub(super) replica_minutes: f64,
    /// The most replicas of web and payment at a time.
    pub(super) most: u32,
    /// All that bizops decided, in order.
    pub(super) decisions: Vec<Decision>,
    /// The front's replicas, at every look.
    pub(super) seen: Vec<Seen>,
    /// The view at the height of the day.
    pub(super) height: Vec<Line>,
    /// When it began and ended, in seconds since 1970.
    pub(super) span: (f64, f64),
    /// Whether somebody stopped it.
    pub(super) stopped: bool,
}

impl Course {
    fn add(&mut self, day: &Day, look: Look, known: &mut BTreeSet<Decision>) {
        let exist = look.of("web").exist + look.of("payment").exist;
        let passed = look.played.min(day.seconds) - self.last.played.clamp(0.0, day.seconds);
        self.replica_minutes += f64::from(exist) * passed.max(0.0) / 60.0;
        self.most = self.most.max(exist);
        let web = look.of("web");
        self.seen.push(Seen { at: now(), wanted: web.wanted, ready: web.ready });
        known.extend(look.decisions.iter().cloned());
        self.decisions = known.iter().filter(|decision| !decision.at.is_empty()).cloned().collect();
        self.last = look;
    }
}

/// Plays the day to its end, or until somebody stops it.
pub(super) fn day(scene: &mut Scene, day: &Day, begun: Instant) -> Result<Course, Error> {
    let screen = Screen::open();
    let (mut chart, mut course) = (Chart::new(), Course::default());
    // What was decided while the scene was set is no part of the day.
    let mut known = BTreeSet::new();
    let before: BTreeSet<Decision> = Look::now(&scene.testbed, 0.0)?.decisions.into_iter().collect();
    course.span.0 = now() - begun.elapsed().as_secs_f64();
    let (mut failures, mut line) = (0, 0.0);
    loop {
        let tick = Instant::now();
        scene.check()?;
        let played = begun.elapsed().as_secs_f64();
        match Look::now(&scene.testbed, played) {
            Ok(mut look) => {
                failures = 0;
                look.decisions.retain(|decision| !before.contains(decision));
                chart.add(day, &look);
                course.add(day, look, &mut known);
                let told = Told { decisions: &course.decisions, begun: course.span.0, real: scene.real };
                let lines = view::lines(day, &chart, &course.last, &told);
                if screen.is_terminal() {
                    screen.show(&lines);
                } else if played - line >= PLAIN {
                    line = played;
                    println!("{}", view::plain(day, &course.last, course.decisions.last()));
                }
                if course.height.is_empty() && played >= day.seconds * HEIGHT {
                    course.height = lines;
                }
            }
            Err(error) if failures >= FAILURES => return Err(error),
            Err(_) => failures += 1,
        }
        course.stopped = interrupt::asked();
        if course.stopped || played > day.seconds + SETTLED {
            break;
        }
        std::thread::sleep(PACE.saturating_sub(tick.elapsed()));
    }
    course.span.1 = now();
    Ok(course)
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::demo::world::Pods;

    #[test]
    fn replica_minutes_are_counted_within_the_day_and_decisions_once() {
        let day = Day::new(false).unwrap();
        let decision = |at: &str| Decision {
            at: at.to_owned(),
            objective: "browse".to_owned(),
            mapping: "web".to_owned(),
            from: 2,
            to: 3,
            why: String::new(),
        };
        let mut course = Course::default();
        let mut known = BTreeSet::new();
        for (played, decisions) in [(60.0, vec!["10"]), (120.0, vec!["10", "20"]), (240.0, vec!["20"])] {
            let pods = Pods { wanted: 3, exist: 3, ready: 2 };
            let pods = [("web".to_owned(), pods), ("mail".to_owned(), pods)].into();
            let decisions = decisions.into_iter().map(decision).collect();
            course.add(&day, Look { played, pods, decisions, ..Look::default() }, &mut known);
        }
        assert!((course.replica_minutes - 9.0).abs() < 1e-9, "{}", course.replica_minutes);
        assert_eq!((course.decisions.len(), course.most), (2, 3));
    }
}
