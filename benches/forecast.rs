//! What a forecast costs: `cargo bench --bench forecast`.
//!
//! The figures to hold: a moment taken in with the decision that follows in at most 100 µs, fourteen days of
//! history at 15 s in well under a second, and at most 20 KiB per mapping.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on fails")]

use std::alloc::System;
use std::hint::black_box;

use bizops::engine::forecast::{Aim, Foresight, Terms, Tick};
use divan::{AllocProfiler, Bencher};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

#[global_allocator]
static ALLOCATOR: AllocProfiler<System> = AllocProfiler::system();

/// Moments in fourteen days at 15 s.
const FORTNIGHT: i64 = 80_640;

fn main() {
    let foresight = fed(FORTNIGHT);
    println!("after 14 days one mapping takes {} bytes", foresight.bytes());
    divan::main();
}

fn terms() -> Terms {
    Terms {
        step: SignedDuration::from_secs(15),
        startup: SignedDuration::from_secs(60),
        age: SignedDuration::from_secs(15),
        aim: Aim::Unserved(0.003),
        zone: TimeZone::UTC,
    }
}

/// A day's rhythm between 3 and 23 replicas, with noise and a burst now and then; repeatable.
fn tick(moment: i64) -> Tick {
    let mut word = moment.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let noise = f64::from(u16::try_from(word >> 48).expect("16 bits")) / 65_535.0;
    let day = (moment as f64 / 5760.0 * std::f64::consts::TAU).sin();
    let burst = if moment % 1900 < 20 { 8.0 } else { 0.0 };
    let demand = Some(12.0 + 9.0 * day + burst + 2.0 * noise);
    let at = Timestamp::from_second(1_800_000_000 + moment * 15).expect("a moment in range");
    Tick { at, demand, lost: None, ready: None }
}

fn fed(moments: i64) -> Foresight {
    let mut foresight = Foresight::new(terms());
    for moment in 0..moments {
        foresight.advance(&tick(moment));
    }
    foresight
}

/// One moment: learn, forecast, weigh every price, decide.
#[divan::bench(sample_count = 5000, sample_size = 1)]
fn advance(bencher: Bencher<'_, '_>) {
    let mut foresight = fed(FORTNIGHT);
    let mut moment = FORTNIGHT;
    bencher.bench_local(move || {
        foresight.advance(black_box(&tick(moment)));
        moment += 1;
        foresight.wish()
    });
}

/// The distribution, as a status asks for it.
#[divan::bench]
fn foreseen(bencher: Bencher<'_, '_>) {
    let foresight = fed(FORTNIGHT);
    bencher.bench_local(|| black_box(&foresight).foreseen());
}

/// After a restart: fourteen days at 15 s.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn rebuild_of_fourteen_days(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| fed(black_box(FORTNIGHT)));
}

/// What one mapping keeps: the column `max alloc` and the size of the value itself.
#[divan::bench(sample_count = 20)]
fn stored(bencher: Bencher<'_, '_>) {
    let foresight = fed(FORTNIGHT);
    bencher.bench_local(|| Box::new(black_box(&foresight).clone()));
}
