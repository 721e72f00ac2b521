//! What holds for the whole of it.

use jiff::tz::TimeZone;

use super::*;

fn terms(aim: Aim) -> Terms {
    Terms {
        step: SignedDuration::from_secs(15),
        startup: SignedDuration::from_secs(60),
        age: SignedDuration::ZERO,
        aim,
        zone: TimeZone::UTC,
    }
}

/// A repeatable number between 0 and 1 for a moment.
fn noise(moment: i64) -> f64 {
    let mut word = moment.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word ^= word >> 29;
    word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word ^= word >> 32;
    f64::from(u32::try_from(word & 0xffff).unwrap()) / 65_535.0
}

/// A day's rhythm between 2 and 10 replicas with noise.
fn rhythm(moment: i64) -> f64 {
    let day = (moment as f64 * 15.0 / 86_400.0 * std::f64::consts::TAU).sin();
    6.0 + 4.0 * day + noise(moment) - 0.5
}

fn tick(moment: i64, demand: Option<f64>) -> Tick {
    Tick { at: Timestamp::from_second(moment * 15).unwrap(), demand, lost: None, ready: None }
}

fn fed(aim: Aim, moments: std::ops::Range<i64>, demand: impl Fn(i64) -> Option<f64>) -> Foresight {
    let mut foresight = Foresight::new(terms(aim));
    for moment in moments {
        foresight.advance(&tick(moment, demand(moment)));
    }
    foresight
}

#[test]
fn a_known_rhythm_is_foreseen_and_the_wish_covers_it() {
    let foresight = fed(Aim::Unserved(0.003), 0..2 * 5760, |moment| Some(rhythm(moment)));
    assert_eq!(foresight.standing(), Standing::Ready);
    let (seen, wish) = (foresight.foreseen().unwrap(), foresight.wish().unwrap());
    assert!((seen.expected - rhythm(2 * 5760 + 3)).abs() < 1.0, "{}", seen.expected);
    assert!(f64::from(wish.replicas) >= seen.expected && wish.replicas <= 9, "{wish:?}");
    assert!(foresight.losses().unwrap().share <= 0.003);
    assert!(foresight.skill().over_naive.unwrap() > 0.1, "{:?}", foresight.skill());
}

#[test]
fn the_same_ticks_give_the_same_answer() {
    let once = fed(Aim::Price(0.01), 0..1500, |moment| Some(rhythm(moment)));
    let twice = fed(Aim::Price(0.01), 0..1500, |moment| Some(rhythm(moment)));
    assert_eq!(once.wish(), twice.wish());
    assert_eq!(once.skill(), twice.skill());
}
