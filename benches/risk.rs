//! What a look ahead of a goal costs, and how good it is.
//!
//! `cargo bench --bench risk` measures the time of a look and of a sample. With `-- --figures` it runs the forecast
//! over the recorded traces in `benches/traces` (or the directory `TRACES` names) and prints how good it was: Brier
//! scores against climatology, the reliability of its probabilities, warnings and turns. See
//! `docs/design/goal-forecast.md`.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on fails")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use bizops::engine::risk::KpiForesight;
use bizops::model::{Goal, GoalOutlook, MissAhead};
use divan::Bencher;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Seconds in a block, and blocks in a day.
const BLOCK: i64 = 300;
const DAY: usize = 288;
const HOUR: usize = 12;
/// Two weeks: what goals are set by, and what climatology stands on.
const BEFORE: usize = 14 * DAY;
/// The traces, and how many of their last days are judged.
const TRACES: [(&str, usize); 6] = [
    ("crane_diurnal", 9),
    ("llm_msmall", 7),
    ("nasa_http", 19),
    ("nyc_taxi", 21),
    ("retail_order_lines", 21),
    ("twitter_amzn", 21),
];
/// Where goals are set among the values of the two weeks before: at least the lower ones, at most the upper ones.
const GOALS: [f64; 6] = [0.01, 0.05, 0.10, 0.90, 0.95, 0.99];

fn main() {
    if std::env::args().any(|argument| argument == "--figures") {
        figures();
    } else {
        divan::main();
    }
}

fn at(block: i64) -> Timestamp {
    Timestamp::from_second(block * BLOCK).expect("a moment of this century")
}

/// A foresight with two weeks of a daily rhythm.
fn learnt() -> (KpiForesight, i64) {
    let mut foresight = KpiForesight::new(TimeZone::UTC, SignedDuration::from_hours(24));
    let blocks = i64::try_from(BEFORE).expect("a small number");
    for block in 0..blocks {
        let turn = (block % 288) as f64 / 288.0 * std::f64::consts::TAU;
        let value = 300.0 - 200.0 * turn.cos() + (block * 7919 % 101) as f64 / 10.0;
        foresight.advance(at(block), Some(value));
    }
    (foresight, blocks)
}

#[divan::bench]
fn a_look_a_day_ahead(bencher: Bencher<'_, '_>) {
    let learnt = learnt();
    let goal = Goal::AtLeast(100.0);
    bencher.with_inputs(|| learnt.clone()).bench_values(|(mut foresight, now)| {
        black_box(foresight.outlook(&goal, None, at(now)));
    });
}

#[divan::bench]
fn a_look_within_the_same_five_minutes(bencher: Bencher<'_, '_>) {
    let (mut foresight, now) = learnt();
    let goal = Goal::AtLeast(100.0);
    bencher.bench_local(move || black_box(foresight.outlook(&goal, None, at(now))));
}

#[divan::bench]
fn a_sample(bencher: Bencher<'_, '_>) {
    let (mut foresight, mut now) = learnt();
    bencher.bench_local(move || {
        now += 1;
        foresight.advance(at(now), black_box(Some(250.0)));
    });
}

#[divan::bench]
fn two_weeks_of_history_taken_in() -> (KpiForesight, i64) {
    learnt()
}

/// A trace as a gauge would have shown it: what was counted in a step stands from its end to the end of the next.
struct Trace {
    values: Vec<f64>,
    /// The number of the first block.
    first: i64,
    /// The first block that is judged.
    judged: usize,
}

impl Trace {
    fn read(directory: &Path, name: &str, days: usize) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join(format!("{name}.csv"))).ok()?;
        let rows: Vec<(i64, f64)> = text
            .lines()
            .skip(1)
            .filter_map(|line| {
                let (time, value) = line.split_once(',')?;
                Some((time.trim().parse().ok()?, value.trim().parse().ok()?))
            })
            .collect();
        let step = rows.windows(2).map(|pair| pair[1].0 - pair[0].0).min()?;
        let first = (rows.first()?.0 + step).div_euclid(BLOCK) + 1;
        let end = (rows.last()?.0 + step).div_euclid(BLOCK);
        let mut rows = rows.iter().map(|(time, value)| ((time + step).div_euclid(BLOCK), value)).peekable();
        let mut values = vec![];
        let mut stands = f64::NAN;
        for block in first..end {
            while let Some((_, value)) = rows.next_if(|(shown, _)| *shown < block) {
                stands = *value;
            }
            let (mut sum, mut count) = (0.0, 0.0);
            while let Some((_, value)) = rows.next_if(|(shown, _)| *shown == block) {
                sum += value;
                count += 1.0;
            }
            if count > 0.0 {
                stands = sum / count;
            }
            values.push(stands);
        }
        let judged = values.len().checked_sub(days * DAY)?;
        Some(Self { values, first, judged })
    }

    fn moment(&self, index: usize) -> Timestamp {
        at(self.first + i64::try_from(index).expect("a small number"))
    }

    /// The goal at a rank of the two weeks before the judged days.
    fn goal(&self, rank: f64) -> Goal {
        let mut before = self.values[self.judged.saturating_sub(BEFORE)..self.judged].to_vec();
        before.sort_by(f64::total_cmp);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank among them")]
        let value = before[((before.len() - 1) as f64 * rank) as usize];
        if rank < 0.5 { Goal::AtLeast(value) } else { Goal::AtMost(value) }
    }
}

/// Where a goal is missed, and which blocks lie before a miss.
struct Missed {
    now: Vec<bool>,
    /// Whether a miss begins within the horizon.
    soon: Vec<bool>,
}

impl Missed {
    fn of(values: &[f64], goal: &Goal, horizon: usize) -> Self {
        let now: Vec<bool> = values
            .iter()
            .map(|value| match goal {
                Goal::AtLeast(least) => value < least,
                Goal::AtMost(most) => value > most,
                _ => false,
            })
            .collect();
        let soon = (0..now.len())
            .map(|block| now[(block + 1).min(now.len())..].iter().take(horizon).any(|missed| *missed))
            .collect();
        Self { now, soon }
    }

    /// How often a miss followed within the horizon in the two weeks before: at any time, and about this time of day.
    fn climatology(&self, block: usize, horizon: usize) -> (f64, f64) {
        let share = |blocks: &mut dyn Iterator<Item = usize>, prior: f64| {
            let (sum, count) =
                blocks.filter(|block| !self.now[*block]).fold((prior, 1.0), |(sum, count), block| {
                    (sum + f64::from(u8::from(self.soon[block])), count + 1.0)
                });
            sum / count
        };
        let known = block.saturating_sub(BEFORE)..(block + 1).saturating_sub(horizon);
        let any = share(&mut known.clone().step_by(HOUR), 0.5);
        let mut same = known.filter(|past| {
            let apart = (block - past) % DAY;
            [0, HOUR, DAY - HOUR].contains(&apart)
        });
        (any, share(&mut same, any))
    }
}

/// What was found over one trace and horizon.
#[derive(Default)]
struct Found {
    told: f64,
    missed: f64,
    quiet: usize,
    brier: [f64; 3],
    /// Turns of the risk, and those that no miss began or ended at.
    turns: usize,
    idle_turns: usize,
    /// Warnings, how many came true, and the hours from warning to miss.
    warnings: usize,
    came_true: usize,
    lead: Vec<f64>,
    /// Spells of missing, and those that were warned of.
    spells: usize,
    foreseen: usize,
    days: f64,
}

type Reliability = [[f64; 3]; 10];

/// Prints the tables.
fn figures() {
    let directory = std::env::var_os("TRACES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/traces"), PathBuf::from);
    let mut reliability: Reliability = Default::default();
    println!(
        "| trace | horizon | looks | missed | Brier | climatology | by time of day | skill | turns a day | without a miss | warnings | came true | lead (h) | spells | foreseen | quiet |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for horizon in [HOUR, 6 * HOUR, DAY] {
        for (name, days) in TRACES {
            let Some(trace) = Trace::read(&directory, name, days) else {
                println!("{name}: there is no such trace in {}", directory.display());
                continue;
            };
            let mut found = Found { days: (days * GOALS.len()) as f64, ..Found::default() };
            for rank in GOALS {
                run(&trace, &trace.goal(rank), horizon, &mut found, &mut reliability);
            }
            found.print(name, horizon);
        }
    }
    println!("\n| said | looks | mean said | came true |\n|---|---|---|---|");
    for (tenth, [count, said, came]) in reliability.iter().enumerate() {
        println!(
            "| {}–{} % | {count} | {:.3} | {:.3} |",
            tenth * 10,
            tenth * 10 + 10,
            said / count,
            came / count
        );
    }
}

fn run(trace: &Trace, goal: &Goal, horizon: usize, found: &mut Found, reliability: &mut Reliability) {
    let missed = Missed::of(&trace.values, goal, horizon);
    let seconds = i64::try_from(horizon).expect("a small number") * BLOCK;
    let mut foresight = KpiForesight::new(TimeZone::UTC, SignedDuration::from_secs(seconds));
    let mut warned = false;
    for (block, value) in trace.values.iter().enumerate().take(trace.values.len() - horizon) {
        foresight.advance(trace.moment(block), Some(*value));
        if block < trace.judged {
            continue;
        }
        let was_warned = warned;
        match foresight.outlook(goal, None, trace.moment(block + 1)) {
            GoalOutlook::Told(ahead) => {
                if block % HOUR == 0 && !missed.now[block] {
                    found.score(&ahead, &missed, block, horizon, reliability);
                }
                found.turn(&ahead, &missed, block, horizon, &mut warned);
            }
            _ => found.quiet += 1,
        }
        if missed.now[block] && !missed.now[block - 1] {
            found.spells += 1;
            found.foreseen += usize::from(was_warned);
        }
    }
}

impl Found {
    fn score(
        &mut self,
        ahead: &MissAhead,
        missed: &Missed,
        block: usize,
        horizon: usize,
        reliability: &mut Reliability,
    ) {
        let came = f64::from(u8::from(missed.soon[block]));
        let (any, same) = missed.climatology(block, horizon);
        for (sum, said) in self.brier.iter_mut().zip([ahead.probability, any, same]) {
            *sum += (said - came).powi(2);
        }
        self.told += 1.0;
        self.missed += came;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "one of ten")]
        let row = &mut reliability[((ahead.probability * 10.0) as usize).min(9)];
        for (sum, value) in row.iter_mut().zip([1.0, ahead.probability, came]) {
            *sum += value;
        }
    }

    fn turn(&mut self, ahead: &MissAhead, missed: &Missed, block: usize, horizon: usize, warned: &mut bool) {
        let now = missed.now[block];
        let risk = ahead.at_risk;
        if risk == *warned {
            return;
        }
        self.turns += 1;
        if !now && !missed.now[block - 1] {
            self.idle_turns += 1;
        }
        if risk {
            self.warnings += 1;
            self.came_true += usize::from(missed.soon[block]);
            let first = missed.now[block..].iter().take(horizon + 1).position(|missed| *missed);
            self.lead.extend(first.map(|blocks| blocks as f64 / HOUR as f64));
        }
        *warned = risk;
    }

    fn print(&mut self, name: &str, horizon: usize) {
        self.lead.sort_by(f64::total_cmp);
        let [own, any, same] = self.brier.map(|sum| sum / self.told);
        println!(
            "| {name} | {} h | {} | {:.2} | {own:.4} | {any:.4} | {same:.4} | {:.2} | {:.2} | {:.2} | {} | {} | {:.1} | {} | {} | {} |",
            horizon / HOUR,
            self.told,
            self.missed / self.told,
            1.0 - own / any,
            self.turns as f64 / self.days,
            self.idle_turns as f64 / self.days,
            self.warnings,
            self.came_true,
            self.lead.get(self.lead.len() / 2).copied().unwrap_or(f64::NAN),
            self.spells,
            self.foreseen,
            self.quiet,
        );
    }
}
