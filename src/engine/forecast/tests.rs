//! What holds for the whole of it.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

/// Samples every five minutes: a day is 288.
const DAY: i64 = 288;

fn terms(step: i64, startup: i64, aim: Aim) -> Terms {
    Terms {
        step: SignedDuration::from_secs(step),
        startup: SignedDuration::from_secs(startup),
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
    let day = (moment as f64 / DAY as f64 * std::f64::consts::TAU).sin();
    6.0 + 4.0 * day + noise(moment) - 0.5
}

fn tick(step: i64, moment: i64, demand: Option<f64>) -> Tick {
    Tick { at: Timestamp::from_second(moment * step).unwrap(), demand, lost: None, ready: None }
}

/// Feeds a demand every five minutes, for a start-up as long.
fn feed(foresight: &mut Foresight, moments: std::ops::Range<i64>, demand: impl Fn(i64) -> f64) {
    for moment in moments {
        foresight.advance(&tick(300, moment, Some(demand(moment))));
    }
}

fn fed(aim: Aim, moments: std::ops::Range<i64>, demand: impl Fn(i64) -> f64) -> Foresight {
    let mut foresight = Foresight::new(terms(300, 300, aim));
    feed(&mut foresight, moments, demand);
    foresight
}

#[test]
fn a_known_rhythm_is_foreseen_and_the_wish_covers_it() {
    let foresight = fed(Aim::Unserved(0.003), 0..5 * DAY, rhythm);
    assert_eq!(foresight.standing(), Standing::Ready);
    let (seen, wish) = (foresight.foreseen().unwrap(), foresight.wish().unwrap());
    assert!((seen.expected - rhythm(5 * DAY)).abs() < 1.0, "{}", seen.expected);
    assert!(f64::from(wish.replicas) >= seen.expected && wish.replicas <= 9, "{wish:?}");
    assert!(wish.saving > wish.price && wish.next_saving < wish.price, "{wish:?}");
    assert!(foresight.losses().unwrap().share <= 0.003);
    let Skill { over_naive, coverage, .. } = foresight.skill();
    assert!(over_naive.unwrap() > 0.05, "{over_naive:?}");
    for (share, quantile) in coverage.into_iter().zip([0.5, 0.9, 0.99]) {
        assert!((share - quantile).abs() < 0.07, "{coverage:?}");
    }
}

#[test]
fn the_same_ticks_give_the_same_answer() {
    let once = fed(Aim::Price(0.01), 0..DAY, rhythm);
    let twice = fed(Aim::Price(0.01), 0..DAY, rhythm);
    assert_eq!(once.wish(), twice.wish());
    assert_eq!(once.skill(), twice.skill());
}

#[test]
fn rebuilt_from_two_weeks_it_wishes_what_the_running_one_wishes() {
    for aim in [Aim::Unserved(0.003), Aim::Price(0.05)] {
        let mut running = fed(aim, 0..20 * DAY, rhythm);
        let mut rebuilt = fed(aim, 6 * DAY..20 * DAY, rhythm);
        for moment in 20 * DAY..20 * DAY + 40 {
            feed(&mut running, moment..moment + 1, rhythm);
            feed(&mut rebuilt, moment..moment + 1, rhythm);
            let (one, other) = (running.wish().unwrap().replicas, rebuilt.wish().unwrap().replicas);
            assert!(one.abs_diff(other) <= 1, "{aim:?}: {one} and {other} at {moment}");
        }
    }
}

#[test]
fn with_an_hour_of_history_it_says_what_is_missing_and_asks_for_no_less_than_a_reactive_scaler() {
    let foresight = fed(Aim::Price(0.2), 0..12, |_| 7.0);
    let (have, need) = (SignedDuration::from_hours(1), SignedDuration::from_hours(2));
    assert_eq!(foresight.standing(), Standing::Learning { have, need });
    assert_eq!(foresight.wish().unwrap().replicas, 10, "7 at 70 %");
    assert_eq!(fed(Aim::Price(0.2), 0..24, |_| 7.0).standing(), Standing::Ready);
    assert!(Foresight::new(terms(15, 60, Aim::Price(0.2))).wish().is_none());
}

#[test]
fn what_is_no_demand_is_a_gap() {
    let mut broken = fed(Aim::Price(0.01), 0..DAY, rhythm);
    let mut gap = broken.clone();
    for (moment, demand) in (DAY..).zip([f64::NAN, -4.0, f64::INFINITY, f64::NEG_INFINITY]) {
        broken.advance(&tick(300, moment, Some(demand)));
        gap.advance(&tick(300, moment, None));
    }
    feed(&mut broken, DAY + 4..DAY + 9, rhythm);
    feed(&mut gap, DAY + 4..DAY + 9, rhythm);
    assert_eq!(broken.wish(), gap.wish());
    assert!(broken.foreseen().unwrap().expected.is_finite());
}

#[test]
fn moments_left_out_are_gaps_and_moments_of_the_past_are_ignored() {
    let mut told = fed(Aim::Price(0.01), 0..DAY, rhythm);
    let mut left_out = told.clone();
    for moment in DAY..DAY + 3 {
        told.advance(&tick(300, moment, None));
    }
    feed(&mut told, DAY + 3..DAY + 8, rhythm);
    feed(&mut left_out, DAY + 3..DAY + 8, rhythm);
    assert_eq!(told.wish(), left_out.wish());
    left_out.advance(&tick(300, DAY + 7, Some(500.0)));
    left_out.advance(&tick(300, 5, Some(500.0)));
    assert_eq!(told.wish(), left_out.wish());
}

/// A gap, in seconds on a grid of 15 s, after 2 h 30 min of a calm demand of about 6.
fn after_gap(seconds: i64) -> (Foresight, i64) {
    let mut foresight = Foresight::new(terms(15, 60, Aim::Price(0.02)));
    for moment in 0..600 {
        foresight.advance(&tick(15, moment, Some(6.0 + 0.2 * noise(moment))));
    }
    let gap = seconds / 15;
    for moment in 600..600 + gap {
        foresight.advance(&tick(15, moment, None));
    }
    (foresight, 600 + gap)
}

#[test]
fn a_gap_of_a_minute_changes_nothing_one_of_an_hour_asks_for_nothing_until_there_are_samples_again() {
    let (foresight, _) = after_gap(60);
    assert_eq!(foresight.wish().unwrap().replicas, 7);
    for gap in [3600, 86_400] {
        let (mut foresight, moment) = after_gap(gap);
        assert_eq!((foresight.wish(), foresight.foreseen().is_none()), (None, true), "{gap}");
        foresight.advance(&tick(15, moment, Some(6.1)));
        assert_eq!(foresight.wish().unwrap().replicas, 9, "after {gap} s: reactive, 6.1 at 70 %");
        for moment in moment + 1..moment + 45 {
            foresight.advance(&tick(15, moment, Some(6.0 + 0.2 * noise(moment))));
        }
        assert_eq!(foresight.wish().unwrap().replicas, 7, "after {gap} s and ten minutes");
    }
}

#[test]
fn one_zero_of_a_counter_that_was_reset_lowers_nothing() {
    let mut foresight = fed(Aim::Price(0.02), 0..DAY, |_| 6.2);
    let before = foresight.wish().unwrap().replicas;
    feed(&mut foresight, DAY..DAY + 1, |_| 0.0);
    assert!(foresight.wish().unwrap().replicas >= 7, "{before} before");
    feed(&mut foresight, DAY + 1..DAY + 9, |_| 6.2);
    let seen = foresight.foreseen().unwrap();
    assert!((seen.median - 6.2).abs() < 0.7, "{}", seen.median);
}

#[test]
fn a_constant_needs_what_it_needs_and_zeros_need_one() {
    let foresight = fed(Aim::Price(0.02), 0..DAY, |_| 4.3);
    assert_eq!(foresight.wish().unwrap().replicas, 5);
    assert!((foresight.foreseen().unwrap().expected - 4.3).abs() < 0.05);
    assert_eq!(foresight.standing(), Standing::Ready, "no worse than naive, which is perfect");
    let zeros = fed(Aim::Unserved(0.003), 0..DAY, |_| 0.0);
    assert_eq!(zeros.wish().unwrap().replicas, 1);
    assert!(zeros.foreseen().unwrap().expected < 0.05 && zeros.losses().is_none());
}

#[test]
fn a_step_to_a_hundredfold_is_followed_at_once_learnt_within_hours_and_never_exaggerated() {
    let mut foresight = fed(Aim::Price(0.02), 0..DAY, |moment| 1.0 + 0.1 * noise(moment));
    for moment in DAY..DAY + 36 {
        feed(&mut foresight, moment..moment + 1, |moment| 100.0 + 10.0 * noise(moment));
        let (seen, wish) = (foresight.foreseen().unwrap(), foresight.wish().unwrap());
        assert!(wish.replicas >= 100 || moment == DAY, "{wish:?} at {moment}");
        assert!(seen.expected < 400.0 && seen.quantile(0.999) <= 900.0, "{}", seen.expected);
    }
    let seen = foresight.foreseen().unwrap();
    assert!((seen.median - 105.0).abs() < 15.0, "{}", seen.median);
}

#[test]
fn a_demand_that_doubles_and_doubles_is_not_thought_to_go_on_for_ever() {
    let mut foresight = fed(Aim::Price(0.001), 0..DAY, |_| 1.0);
    for power in 0..12 {
        let demand = f64::from(1u32 << power);
        feed(&mut foresight, DAY + i64::from(power)..DAY + i64::from(power) + 1, |_| demand);
        let most = 8.0 * (demand + 1.0);
        assert!(foresight.foreseen().unwrap().quantile(1.0) <= most + 1e-6);
        assert!(f64::from(foresight.wish().unwrap().replicas) <= (most / REACTIVE).ceil());
    }
}

#[test]
fn when_demand_becomes_wild_the_forecast_widens_and_its_quantiles_hold_again() {
    let calm = |moment| 20.0 + noise(moment);
    let wild = |moment| 20.0 + 10.0 * noise(moment);
    let mut foresight = fed(Aim::Price(0.02), 0..3 * DAY, calm);
    let width = |foresight: &Foresight| {
        let seen = foresight.foreseen().unwrap();
        seen.upper - seen.median
    };
    let before = width(&foresight);
    feed(&mut foresight, 3 * DAY..3 * DAY + 12, wild);
    assert!(width(&foresight) > 2.5 * before, "{} after an hour, {before} before", width(&foresight));
    feed(&mut foresight, 3 * DAY + 12..5 * DAY, wild);
    let covered = foresight.skill().coverage[1];
    assert!((covered - 0.9).abs() < 0.06, "{covered}");
}

#[test]
fn it_takes_twenty_kibibytes_at_most() {
    for (step, startup) in
        [(15, 15), (15, 60), (15, 180), (15, 600), (15, 1800), (15, 7200), (60, 180), (300, 900)]
    {
        let mut foresight = Foresight::new(terms(step, startup, Aim::Unserved(0.003)));
        for moment in 0..600 {
            foresight.advance(&tick(step, moment, Some(rhythm(moment))));
        }
        assert!(foresight.bytes() <= 20 * 1024, "{} bytes at {step} s, {startup} s", foresight.bytes());
    }
}

#[test]
fn what_a_query_says_was_lost_counts_and_otherwise_what_was_not_ready() {
    let mut foresight = Foresight::new(terms(300, 300, Aim::Unserved(0.01)));
    for moment in 0..50 {
        foresight.advance(&Tick { ready: Some(9.0), ..tick(300, moment, Some(10.0)) });
    }
    let losses = foresight.losses().unwrap();
    assert!((losses.share - 0.1).abs() < 1e-9 && losses.source == LossSource::Modelled, "{losses:?}");
    for moment in 50..100 {
        foresight.advance(&Tick { ready: Some(9.0), lost: Some(0.0), ..tick(300, moment, Some(10.0)) });
    }
    let losses = foresight.losses().unwrap();
    assert!((losses.share - 0.05).abs() < 0.001 && losses.source == LossSource::Measured, "{losses:?}");
}

#[test]
fn a_quantile_is_the_price_of_the_chance_to_need_more() {
    let quantile = fed(Aim::Quantile(0.98), 0..DAY, rhythm).wish().unwrap();
    let price = fed(Aim::Price(0.02), 0..DAY, rhythm).wish().unwrap();
    assert_eq!(quantile.replicas, price.replicas);
    assert!((quantile.price - price.price).abs() < 1e-9 && (price.price - 0.02).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_forecast_never_lowers_below_what_the_demand_observed_needs(
        demands in prop::collection::vec(prop::option::weighted(0.95, 0.0..60.0f64), 80),
        price in 0.0003..0.4f64,
    ) {
        let mut foresight = Foresight::new(terms(300, 300, Aim::Price(price)));
        let mut before: Option<Wish> = None;
        for (moment, demand) in (0..).zip(demands) {
            foresight.advance(&tick(300, moment, demand));
            let wish = foresight.wish();
            if let (Some(before), Some(wish), Some(demand)) = (before, wish, demand) {
                let lowered = wish.replicas < before.replicas;
                prop_assert!(!lowered || f64::from(wish.replicas) >= demand, "{before:?} {wish:?} {demand}");
            }
            before = wish.or(before);
        }
    }
}
