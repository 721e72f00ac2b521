//! What is said ahead of a goal, for every kind of past an indicator may have.

use super::*;
use crate::model::BaselineSpec;

/// Blocks of a day, to calculate with.
const A_DAY: i64 = 86_400 / BLOCK;

fn at(block: i64) -> Timestamp {
    Timestamp::from_second(block * BLOCK).unwrap()
}

/// Noise between −1 and 1, the same in every run.
fn noise(block: i64) -> f64 {
    let mut x = block.cast_unsigned().wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Orders with a night and a day: 100 at midnight, 500 at noon, and some noise.
fn orders(block: i64) -> f64 {
    let turn = (block % A_DAY) as f64 / A_DAY as f64 * std::f64::consts::TAU;
    300.0 - 200.0 * turn.cos() + 10.0 * noise(block)
}

fn foresight(hours: i64) -> KpiForesight {
    KpiForesight::new(TimeZone::UTC, SignedDuration::from_hours(hours))
}

/// What is said after so many blocks of an indicator.
fn after(blocks: i64, hours: i64, goal: &Goal, indicator: impl Fn(i64) -> f64) -> GoalOutlook {
    let mut foresight = foresight(hours);
    let mut said = GoalOutlook::Off;
    for block in 0..blocks {
        foresight.advance(at(block), Some(indicator(block)));
        if block + 3 > blocks {
            said = foresight.outlook(goal, None, at(block + 1));
        }
    }
    said
}

fn told(said: GoalOutlook) -> MissAhead {
    match said {
        GoalOutlook::Told(ahead) => ahead,
        other => panic!("nothing is told: {other:?}"),
    }
}

#[test]
fn a_miss_that_comes_every_night_is_foreseen_in_the_evening_with_its_time_and_depth() {
    let evening = 9 * A_DAY + 18 * 12;
    let ahead = told(after(evening, 24, &Goal::AtLeast(120.0), orders));
    assert!(ahead.at_risk && ahead.probability > 0.9, "{ahead:?}");
    let hour = (ahead.miss_at.unwrap().as_second() - evening * BLOCK) as f64 / 3600.0;
    assert!((4.0..5.6).contains(&hour), "orders are at 120 by 22:30: {hour} h");
    assert!((20.0..40.0).contains(&ahead.shortfall), "midnight has 90 to 110: {ahead:?}");
    assert!(ahead.skill > 0.7, "{ahead:?}");
}

#[test]
fn in_the_morning_the_next_hours_are_safe() {
    let ahead = told(after(9 * A_DAY + 6 * 12, 6, &Goal::AtLeast(120.0), orders));
    assert!(!ahead.at_risk && ahead.probability < 0.05, "{ahead:?}");
    assert_eq!((ahead.miss_at, ahead.horizon), (None, SignedDuration::from_hours(6)));
}

#[test]
fn every_kind_of_goal_is_foreseen() {
    let morning = 9 * A_DAY + 6 * 12;
    for (goal, missed) in [
        (Goal::AtMost(450.0), true),
        (Goal::AtMost(550.0), false),
        (Goal::Between { min: 50.0, max: 450.0 }, true),
        (Goal::Between { min: 50.0, max: 550.0 }, false),
        (Goal::GrowBy { share: 0.5, by: None, baseline: BaselineSpec::Value(100.0) }, true),
    ] {
        let mut foresight = foresight(24);
        let from = Some(FrozenValue { value: 100.0, at: at(0) });
        for block in 0..morning {
            foresight.advance(at(block), Some(orders(block)));
        }
        let ahead = told(foresight.outlook(&goal, from, at(morning)));
        assert_eq!(ahead.probability > 0.5, missed, "{goal:?}: {ahead:?}");
    }
}

#[test]
fn a_miss_that_goes_on_is_no_risk() {
    let ahead = told(after(9 * A_DAY, 24, &Goal::AtLeast(120.0), orders));
    assert!(!ahead.at_risk && ahead.probability >= 1.0, "{ahead:?}");
    assert_eq!(ahead.miss_at, Some(at(9 * A_DAY)));
}

#[test]
fn nothing_is_said_before_a_day_of_history_or_after_half_an_hour_of_silence() {
    let quiet = |said| matches!(said, GoalOutlook::Quiet(_));
    let goal = Goal::AtLeast(120.0);
    let hour = after(12, 24, &goal, orders);
    assert_eq!(hour, GoalOutlook::Quiet("1h of the indicator's history are there, 1d are needed".to_owned()));
    assert!(quiet(foresight(24).outlook(&goal, None, at(0))));
    let mut foresight = foresight(24);
    for block in 0..5 * A_DAY {
        foresight.advance(at(block), Some(orders(block)));
    }
    assert!(!quiet(foresight.outlook(&goal, None, at(5 * A_DAY + 5))));
    assert!(quiet(foresight.outlook(&goal, None, at(5 * A_DAY + 12))));
    let grow = Goal::GrowBy { share: 0.5, by: None, baseline: BaselineSpec::Value(1.0) };
    assert!(quiet(foresight.outlook(&grow, None, at(5 * A_DAY))), "its baseline is not measured");
}

#[test]
fn with_little_history_it_looks_less_far() {
    let ahead = told(after(A_DAY, 24, &Goal::AtLeast(50.0), orders));
    assert_eq!(ahead.horizon, SignedDuration::from_hours(8));
}

#[test]
fn constants_zeros_and_steps_have_an_answer() {
    let high = |block: i64| if block < 9 * A_DAY { orders(block) } else { 100.0 * orders(block) };
    let low = |block: i64| if block < 9 * A_DAY { 100.0 * orders(block) } else { orders(block) };
    let night = 9 * A_DAY + 3 * 12;
    let cases: [(&str, GoalOutlook, bool); 4] = [
        ("a constant that meets its goal", after(night, 24, &Goal::AtLeast(5.0), |_| 7.0), false),
        ("zeros where none is too many", after(night, 24, &Goal::AtMost(0.0), |_| 0.0), false),
        ("a step to a hundred times as much", after(night, 6, &Goal::AtLeast(120.0), high), false),
        ("the same, against a goal above", after(night, 24, &Goal::AtMost(40_000.0), high), true),
    ];
    for (name, said, risky) in cases {
        let ahead = told(said);
        assert!((0.0..=1.0).contains(&ahead.probability) && ahead.shortfall.is_finite(), "{name}: {ahead:?}");
        assert_eq!(ahead.probability >= 0.5, risky, "{name}: {ahead:?}");
    }
    let low = told(after(night, 24, &Goal::AtLeast(120.0), low));
    assert!((0.0..=1.0).contains(&low.probability) && low.shortfall <= 120.0, "never below nothing: {low:?}");
}

#[test]
fn a_gap_of_a_day_and_what_is_no_number_do_no_harm() {
    let mut foresight = foresight(24);
    let evening = 9 * A_DAY + 18 * 12;
    for block in (0..evening).filter(|block| !(5 * A_DAY..6 * A_DAY).contains(block)) {
        let value = if block % 50 == 0 { f64::NAN } else { orders(block) };
        foresight.advance(at(block), Some(value));
    }
    let ahead = told(foresight.outlook(&Goal::AtLeast(120.0), None, at(evening)));
    assert!(ahead.probability > 0.9, "{ahead:?}");
}

#[test]
fn what_cannot_be_foreseen_is_not_told() {
    let mut walk = 1000.0;
    let walk: Vec<f64> = (0..9 * A_DAY)
        .map(|block| {
            walk += noise(block);
            walk
        })
        .collect();
    let index = |block: i64| walk[usize::try_from(block).unwrap()];
    let said = after(9 * A_DAY, 24, &Goal::AtLeast(900.0), index);
    match said {
        GoalOutlook::Quiet(why) => assert!(why.contains("of the last value's"), "{why}"),
        GoalOutlook::Told(ahead) => assert!(ahead.skill < 0.1, "a random walk has no skill: {ahead:?}"),
        GoalOutlook::Off => panic!("a forecast was asked for"),
    }
}

#[test]
fn a_noisy_indicator_near_its_goal_does_not_flap() {
    let goal = Goal::AtLeast(86.0);
    let mut foresight = foresight(3);
    let indicator = |block: i64| 100.0 + 12.0 * noise(block) + 4.0 * noise(block / 36);
    let (mut states, mut naive) = (vec![], vec![]);
    for block in 0..10 * A_DAY {
        foresight.advance(at(block), Some(indicator(block)));
        if block > 8 * A_DAY {
            let ahead = told(foresight.outlook(&goal, None, at(block + 1)));
            if ahead.probability < 1.0 {
                states.push(ahead.at_risk);
                naive.push(ahead.probability >= latch::RAISED);
            }
        }
    }
    let turns = |states: &[bool]| states.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let (turns, naive) = (turns(&states), turns(&naive));
    assert!(states.len() > 500, "{} looks", states.len());
    assert!(turns <= 4 && naive >= 5 * turns.max(1), "{turns} turns in two days; a plain threshold: {naive}");
}

#[test]
fn the_same_samples_give_the_same_answer_and_a_restart_goes_on() {
    let goal = Goal::AtLeast(120.0);
    let evening = 9 * A_DAY + 18 * 12;
    let running = after(evening, 24, &goal, orders);
    let mut rebuilt = foresight(24);
    for block in 0..evening {
        rebuilt.advance(at(block), Some(orders(block)));
    }
    rebuilt.resume(true);
    assert_eq!(rebuilt.outlook(&goal, None, at(evening)), running);
    assert!(rebuilt.bytes() <= 24 * 1024, "{}", rebuilt.bytes());
}

#[test]
fn growth_by_a_date_is_judged_at_the_date() {
    let from = Some(FrozenValue { value: 300.0, at: at(0) });
    let goal = |share| Goal::GrowBy { share, by: Some(at(28 * A_DAY)), baseline: BaselineSpec::Value(300.0) };
    let grows = |block: i64| orders(block) + 6.0 * block as f64 / A_DAY as f64;
    for (share, reached) in [(0.3, true), (1.5, false)] {
        let mut foresight = foresight(24);
        for block in 0..14 * A_DAY {
            foresight.advance(at(block), Some(grows(block)));
        }
        let ahead = told(foresight.outlook(&goal(share), from, at(14 * A_DAY)));
        assert_eq!(ahead.probability < 0.1, reached, "{share}: {ahead:?}");
        assert_eq!(ahead.horizon, SignedDuration::from_hours(14 * 24));
        assert_eq!(ahead.miss_at.is_none(), reached);
    }
}

#[test]
fn a_delayed_look_says_the_same_so_much_later() {
    let (goal, delay) = (Goal::AtLeast(120.0), SignedDuration::from_secs(120));
    let [mut prompt, mut late] = [foresight(24), foresight(24).delayed(delay)];
    let told = 9 * A_DAY + 18 * 12;
    let mut before = GoalOutlook::Off;
    for block in 0..told {
        for foresight in [&mut prompt, &mut late] {
            foresight.advance(at(block), Some(orders(block)));
        }
        if block + 4 > told {
            let [soon, then] = [0, 120].map(|second| at(block + 1) + SignedDuration::from_secs(second));
            let said = prompt.outlook(&goal, None, soon);
            let first = before == GoalOutlook::Off;
            assert_eq!(late.outlook(&goal, None, soon), if first { said.clone() } else { before });
            assert_eq!(late.outlook(&goal, None, then), said);
            before = said;
        }
    }
}
