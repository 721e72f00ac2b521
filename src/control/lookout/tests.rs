//! A store that knows the demand at any moment, and passes at the moments of a clock that is set by hand.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::super::charge::MappingQueries;
use super::*;
use crate::model::scenario::{intent, snapshot};
use crate::model::{Credentials, Foreseen, Learned, ObjectId, Sample, SourceLimits};
use crate::observe::history::tests::{answer, window};
use crate::observe::matrix::Window;
use crate::observe::prometheus::tests::{http, install_tls, server, spec};
use crate::observe::{Asker, check};

/// Where the clock begins.
const BEGIN: i64 = 1_800_000_000;
const HOUR: i64 = 3600;
/// How much history the store has then.
const KNOWN: i64 = 30 * HOUR;

fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Demand by the day and the hour, with something that looks like chance.
fn demand(second: i64) -> i64 {
    let wave = |period: i64| (second.rem_euclid(period) as f64 / period as f64 * std::f64::consts::TAU).sin();
    let mixed =
        second.wrapping_mul(0x1e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0x14d0_49bb_1331_11eb);
    #[allow(clippy::cast_possible_truncation, reason = "some hundreds")]
    let shape = (900.0 + 500.0 * wave(86_400) + 150.0 * wave(HOUR)) as i64;
    shape + (mixed >> 57)
}

/// A store with so much history before the beginning, and all that comes after.
fn store(window: Window) -> Vec<u8> {
    answer(window, |at| (at >= BEGIN - KNOWN).then(|| demand(at)))
}

/// An objective whose forecast sets the reserve, and its source.
struct World {
    charge: Charge,
    memory: Memory,
    source: Result<SourceKey, SourceFault>,
    asker: Arc<Asker>,
    clock: Arc<AtomicI64>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl World {
    async fn new(respond: impl Fn(Window) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::answering(move |request| respond(window(request))).await
    }

    async fn answering(respond: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        install_tls();
        let (url, requests) = server(respond, false).await;
        let mut spec = spec(&url);
        spec.timeout = SignedDuration::from_secs(5);
        spec.limits = SourceLimits { concurrency: 4, max_series: 10, max_bytes: 1 << 20 };
        let key = ObjectId { namespace: String::new(), name: "s".to_owned() };
        let asker = Arc::new(Asker::default());
        asker.configure(&key, &spec, &Credentials::default(), moment(BEGIN));
        let mut intent = intent("checkout");
        intent.policy.forecast.auto = true;
        intent.mappings[0].startup = SignedDuration::from_secs(60);
        intent.mappings[0].reserve = Reserve::Unserved(0.003);
        // Passes are at seconds that the namespace gives.
        let begin = BEGIN + schedule::offset(intent.interval, &intent.id.namespace).as_secs();
        let demand = Arc::new(check("sum(x)").unwrap());
        let queries = MappingQueries {
            demand: demand.clone(),
            reference: None,
            lost: None,
            signal: None,
            trims: vec![],
        };
        Self {
            charge: Charge { intent, indicator: demand, baseline: None, mappings: vec![queries] },
            memory: Memory::default(),
            source: Ok(key),
            asker,
            clock: Arc::new(AtomicI64::new(begin)),
            requests,
        }
    }

    /// A process that starts now.
    fn process(&self) -> Process {
        let clock = self.clock.clone();
        let now = move || moment(clock.load(Ordering::Relaxed));
        let recall = Arc::new(Recall::by_clock(self.asker.clone(), now));
        Process { recall, lookout: Lookout::default() }
    }

    fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// The next pass is so many seconds later.
    fn later(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// What one process holds.
struct Process {
    recall: Arc<Recall>,
    lookout: Lookout,
}

impl Process {
    /// A pass now, which sees this demand and so many replicas.
    fn pass(&mut self, world: &World, sample: Sample, replicas: u32) -> Outlook {
        let mut facts = snapshot(0, sample, replicas);
        facts.at = moment(world.now());
        self.lookout.look(&self.recall, &world.charge, &world.memory, &world.source, &mut facts);
        facts.mappings[0].outlook.clone()
    }

    /// A pass that sees the demand of the moment.
    fn sees(&mut self, world: &World, replicas: u32) -> Outlook {
        let at = world.now();
        self.pass(world, Sample::Present { value: demand(at) as f64, at: moment(at) }, replicas)
    }

    /// Passes at one moment until the history is there, or another look at it is due later.
    async fn settles(&mut self, world: &World) -> Outlook {
        for _ in 0..2000 {
            let outlook = self.sees(world, 10);
            if !self.lookout.posts[0].sight.is_recalling() {
                return outlook;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the history is not there after 20 s");
    }
}

fn ready(outlook: Outlook) -> Foreseen {
    match outlook {
        Outlook::Ready(seen) => seen,
        other => panic!("{other:?}"),
    }
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 0.001 * one.abs().max(other.abs())
}

#[tokio::test]
async fn after_a_restart_the_history_gives_what_the_running_process_sees() {
    let world = World::new(store).await;
    let mut running = world.process();
    assert_eq!(running.sees(&world, 10), Outlook::Awaited, "no pass waits for a history");
    // Passes go on while it is read, and none of their moments is lost.
    world.later(5);
    let mut seen = ready(running.settles(&world).await);
    for _ in 0..3 * HOUR / 5 {
        world.later(5);
        let wanted = seen.wish.unwrap().replicas.0;
        seen = ready(running.sees(&world, wanted));
    }
    let mut restarted = world.process();
    assert_eq!(restarted.sees(&world, 10), Outlook::Awaited);
    let mut again = ready(restarted.settles(&world).await);
    for _ in 0..60 {
        let (one, other) = (seen.wish.unwrap(), again.wish.unwrap());
        assert!(one.replicas.0.abs_diff(other.replicas.0) <= 1, "{one:?} and {other:?}");
        assert!(close(seen.expected, again.expected) && close(seen.upper, again.upper), "{seen:?} {again:?}");
        world.later(5);
        let wanted = one.replicas.0;
        (seen, again) = (ready(running.sees(&world, wanted)), ready(restarted.sees(&world, wanted)));
    }
}

#[tokio::test]
async fn a_source_without_history_is_asked_more_and_more_seldom_and_the_third_failure_is_waited_for_at_most()
{
    let world = World::new(|_| http("503 Service Unavailable", "", "")).await;
    let mut process = world.process();
    let (mut tries, begin) = (vec![], world.now());
    for _ in 0..3600 {
        let before = world.asked();
        let outlook = process.settles(&world).await;
        if world.asked() > before {
            tries.push((world.now() - begin, outlook == Outlook::Awaited));
        }
        if tries.len() == 5 {
            break;
        }
        world.later(5);
    }
    assert_eq!(tries, [(0, true), (10, true), (30, false), (70, false), (150, false)]);
    assert!(matches!(process.sees(&world, 10), Outlook::Learning { .. }), "what passes see is learnt from");
}

#[tokio::test]
async fn what_a_sight_stands_on_makes_it_anew_and_nothing_else_does() {
    let mut world = World::new(store).await;
    let mut process = world.process();
    ready(process.settles(&world).await);
    let asked = world.asked();
    world.charge.intent.mappings[0].bounds.max = crate::model::Replicas(7);
    world.charge.intent.policy.up_tolerance = 0.1;
    world.later(5);
    ready(process.sees(&world, 10));
    assert_eq!(world.asked(), asked);
    world.charge.intent.mappings[0].reserve = Reserve::Unserved(0.01);
    world.later(5);
    assert_eq!(process.sees(&world, 10), Outlook::Awaited);
    ready(process.settles(&world).await);
    assert!(world.asked() > asked);
    world.charge.intent.policy.forecast.auto = false;
    assert_eq!(process.sees(&world, 10), Outlook::Off);
    assert!(process.lookout.posts[0].sight.view().is_none(), "nothing is held that nobody asks for");
}

#[tokio::test]
async fn a_sight_that_drifted_stays_in_use_until_its_successor_is_there() {
    let mut world = World::new(store).await;
    world.charge.intent.mappings[0].capacity = CapacityModel::Learned(crate::model::LearnedModel {
        signal: crate::model::DemandQuery { query: "latency".to_owned(), unit: "s".to_owned() },
        limit: 0.5,
        initial: 100.0,
    });
    let learned = |carries| Memory {
        mappings: vec![MappingMemory {
            name: "web".to_owned(),
            learned: Some(Learned {
                carries,
                low: carries,
                high: carries,
                known: true,
                at: moment(BEGIN),
                bins: vec![],
                drift: 0.0,
                slower: None,
            }),
            ..MappingMemory::default()
        }],
        ..Memory::default()
    };
    world.memory = learned(100.0);
    let mut process = world.process();
    let before = ready(process.settles(&world).await);
    let asked = world.asked();
    world.memory = learned(101.0);
    world.later(5);
    ready(process.sees(&world, 10));
    assert!(!process.lookout.posts[0].sight.is_recalling(), "a hundredth is nothing");
    world.memory = learned(50.0);
    world.later(5);
    ready(process.sees(&world, 10));
    assert!(process.lookout.posts[0].sight.is_recalling());
    let after = ready(process.settles(&world).await);
    assert!(world.asked() > asked);
    let wish = |seen: &Foreseen| f64::from(seen.wish.unwrap().replicas.0);
    assert!((wish(&after) / wish(&before) - 2.0).abs() < 0.25, "half as much each, twice as many");
}

#[tokio::test]
async fn what_passes_could_not_see_for_long_is_looked_up() {
    let world = World::new(store).await;
    let mut process = world.process();
    ready(process.settles(&world).await);
    let asked = world.asked();
    for (minutes, looked_up) in [(4, false), (6, true)] {
        for _ in 0..minutes * 12 {
            world.later(5);
            process.pass(&world, Sample::Absent, 10);
        }
        world.later(5);
        process.settles(&world).await;
        assert_eq!(world.asked() > asked, looked_up, "{minutes} minutes");
    }
}

#[tokio::test]
async fn what_was_lost_is_known_from_the_history_of_the_query_that_measures_it() {
    // One in a hundred was lost, all the time.
    let mut world = World::answering(|request| {
        let lost = request.contains("lost");
        answer(window(request), move |at| {
            (at >= BEGIN - KNOWN).then(|| if lost { demand(at) / 100 } else { demand(at) })
        })
    })
    .await;
    world.charge.mappings[0].lost = Some(Arc::new(check("sum(lost)").unwrap()));
    let mut process = world.process();
    let unserved = ready(process.settles(&world).await).unserved.unwrap();
    assert!((unserved.share - 0.01).abs() < 0.001, "{unserved:?}");
}
