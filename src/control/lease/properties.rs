//! Never two leaders: contenders, an API server and a network that delays, loses and reorders, on one simulated
//! clock. Each contender's own clock starts somewhere else, and any process may be paused or killed at any time.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::Timing;
use super::contender::{Contender, Moment, Move, Record, Seen};

/// One tick of the simulation.
const TICK: Duration = Duration::from_millis(50);

/// What happens to one call.
#[derive(Debug, Clone, Copy)]
struct Fate {
    /// Ticks until it reaches the server; `None` if it never does.
    there: Option<u32>,
    /// Ticks until its answer is back; `None` if it never is.
    back: Option<u32>,
}

/// A disturbance of one process.
#[derive(Debug, Clone, Copy)]
enum Blow {
    Pause { process: usize, at: u32, ticks: u32 },
    Kill { process: usize, at: u32 },
    Release { process: usize, at: u32 },
}

struct Call {
    what: Move,
    /// Whether the process led when it sent this: it gives the call up when that has run out.
    led: bool,
    sent: u32,
    arrives: Option<u32>,
    answer: Option<(u32, Result<Option<Seen>, ()>)>,
    fate: Fate,
}

struct World {
    timing: Timing,
    contenders: Vec<Contender>,
    /// Each process's clock is ahead of the simulation's by this.
    offsets: Vec<Duration>,
    paused_until: Vec<u32>,
    dead: Vec<bool>,
    /// The call a process waits for. One given up stays under way.
    waiting: Vec<Option<usize>>,
    calls: Vec<Call>,
    lease: Option<(Record, u64)>,
    version: u64,
}

impl World {
    fn new(processes: usize, timing: Timing) -> Self {
        Self {
            timing,
            contenders: (0..processes).map(|n| Contender::new(format!("p{n}"), timing)).collect(),
            offsets: (0..processes).map(|n| Duration::from_secs(1000 * n as u64)).collect(),
            paused_until: vec![0; processes],
            dead: vec![false; processes],
            waiting: vec![None; processes],
            calls: vec![],
            lease: None,
            version: 0,
        }
    }

    fn moment(&self, process: usize, tick: u32) -> Moment {
        TICK * tick + self.offsets[process]
    }

    /// Who may write at this tick, paused or not: a paused process's packet may leave as it wakes.
    fn writers(&self, tick: u32) -> Vec<usize> {
        (0..self.contenders.len())
            .filter(|n| !self.dead[*n] && self.contenders[*n].held(self.moment(*n, tick)).is_some())
            .collect()
    }

    fn tick(&mut self, tick: u32, fates: &mut impl FnMut() -> Fate) {
        self.serve(tick);
        for process in 0..self.contenders.len() {
            if !self.dead[process] && self.paused_until[process] <= tick {
                self.run(process, tick, fates);
            }
        }
    }

    /// The server carries out what arrives.
    fn serve(&mut self, tick: u32) {
        for index in 0..self.calls.len() {
            if self.calls[index].arrives != Some(tick) {
                continue;
            }
            let outcome = match &self.calls[index].what {
                Move::Wait(_) => unreachable!("nobody sends a wait"),
                Move::Read => Ok(self.seen()),
                Move::Create(record) if self.lease.is_none() => Ok(self.store(record.clone())),
                Move::Replace { version, record }
                    if self.lease.as_ref().is_some_and(|(_, stands)| stands.to_string() == *version) =>
                {
                    Ok(self.store(record.clone()))
                }
                Move::Create(_) | Move::Replace { .. } => Err(()),
            };
            let call = &mut self.calls[index];
            call.answer = call.fate.back.map(|back| (tick + back, outcome));
        }
    }

    fn seen(&self) -> Option<Seen> {
        self.lease
            .as_ref()
            .map(|(record, version)| Seen { record: record.clone(), version: version.to_string() })
    }

    fn store(&mut self, record: Record) -> Option<Seen> {
        self.version += 1;
        self.lease = Some((record, self.version));
        self.seen()
    }

    /// One process takes in an answer that came, or its timeout, and goes on.
    fn run(&mut self, process: usize, tick: u32, fates: &mut impl FnMut() -> Fate) {
        let now = self.moment(process, tick);
        if let Some(index) = self.waiting[process] {
            let (call, contender) = (&self.calls[index], &mut self.contenders[process]);
            let sent = TICK * call.sent + self.offsets[process];
            match &call.answer {
                Some((at, outcome)) if *at <= tick => match (outcome, &call.what) {
                    (Err(()), _) => contender.refused(now),
                    (Ok(seen), Move::Read) => contender.read(now, seen.clone()),
                    (Ok(seen), _) => contender.wrote(sent, now, seen.clone().unwrap()),
                },
                _ if now >= sent + self.timing.call => contender.failed(now),
                _ if call.led && contender.held(now).is_none() => {}
                _ => return,
            }
            self.waiting[process] = None;
        }
        let next = self.contenders[process].next(now, Timestamp::UNIX_EPOCH);
        if let Move::Wait(_) = next {
            return;
        }
        let fate = fates();
        let arrives = fate.there.map(|there| tick + 1 + there);
        let led = self.contenders[process].held(now).is_some();
        self.calls.push(Call { what: next, led, sent: tick, arrives, answer: None, fate });
        self.waiting[process] = Some(self.calls.len() - 1);
    }

    fn strike(&mut self, tick: u32, blow: Blow) {
        match blow {
            Blow::Pause { process, at, ticks } if at == tick => self.paused_until[process] = tick + ticks,
            Blow::Kill { process, at } if at == tick => self.dead[process] = true,
            Blow::Release { process, at } if at == tick && !self.dead[process] => {
                self.contenders[process].step_down();
                self.dead[process] = true;
                if let Some((record, _)) = &self.lease
                    && let Some(released) = self.contenders[process].release(record, Timestamp::UNIX_EPOCH)
                {
                    self.store(released);
                }
            }
            _ => {}
        }
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let leg = || prop_oneof![6 => (0u32..8).prop_map(Some), 2 => (0u32..200).prop_map(Some), 1 => Just(None)];
    (leg(), leg()).prop_map(|(there, back)| Fate { there, back })
}

fn blow(processes: usize, ticks: u32) -> impl Strategy<Value = Blow> {
    prop_oneof![
        4 => (0..processes, 0..ticks, 1u32..400)
            .prop_map(|(process, at, ticks)| Blow::Pause { process, at, ticks }),
        1 => (0..processes, 0..ticks).prop_map(|(process, at)| Blow::Kill { process, at }),
        1 => (0..processes, 0..ticks).prop_map(|(process, at)| Blow::Release { process, at }),
    ]
}

const TICKS: u32 = 1600;

/// Runs a world, and returns the first tick at which two may write.
fn two_leaders(timing: Timing, fates: &[Fate], blows: &[Blow]) -> Option<u32> {
    let mut world = World::new(3, timing);
    let mut turn = 0;
    let mut next = || {
        turn += 1;
        fates[turn % fates.len()]
    };
    for tick in 0..TICKS {
        for blow in blows {
            world.strike(tick, *blow);
        }
        world.tick(tick, &mut next);
        if world.writers(tick).len() > 1 {
            return Some(tick);
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn there_are_never_two_leaders(
        fates in proptest::collection::vec(fate(), 1..60),
        blows in proptest::collection::vec(blow(3, TICKS), 0..8),
    ) {
        prop_assert_eq!(two_leaders(Timing::DEFAULT, &fates, &blows), None);
    }

    #[test]
    fn whoever_is_left_leads_within_fifteen_seconds_of_a_kill(at in 100u32..400, quick in 0u32..4) {
        let fate = Fate { there: Some(quick), back: Some(quick) };
        let mut world = World::new(3, Timing::DEFAULT);
        for tick in 0..at {
            world.tick(tick, &mut || fate);
        }
        let leader = world.writers(at);
        prop_assert_eq!(leader.len(), 1);
        world.dead[leader[0]] = true;
        let limit = at + 300;
        let taken = (at..limit).find(|tick| {
            world.tick(*tick, &mut || fate);
            !world.writers(*tick).is_empty()
        });
        prop_assert!(taken.is_some(), "nobody leads 15 s after the kill at tick {}", at);
    }
}

/// The simulation is able to find two leaders where the times allow them.
#[test]
fn a_deadline_beyond_the_lease_would_allow_two_leaders() {
    let timing = Timing { renew_deadline: Duration::from_secs(20), ..Timing::DEFAULT };
    let quick = Fate { there: Some(1), back: Some(1) };
    // Whichever of them leads by then is paused for 11.5 s.
    let paused = [0, 1, 2].map(|process| Blow::Pause { process, at: 100, ticks: 230 });
    assert!(paused.iter().any(|blow| two_leaders(timing, &[quick], &[*blow]).is_some()));
}
