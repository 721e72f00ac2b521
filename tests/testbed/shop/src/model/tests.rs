//! What a station serves, refuses and how long it takes.

use super::*;

const WEB: Profile = Profile { capacity: 100.0, patience: 1.0, latency: 0.02 };

/// Offers `rate` a second for `seconds` in ticks of 10 ms and returns what was served and refused.
fn play(station: &mut Station, from: f64, seconds: f64, replicas: u32, rate: f64) -> (f64, f64) {
    let ticks = (seconds * 100.0).round();
    let (mut served, mut tick) = (0.0, 0.0);
    while tick < ticks {
        tick += 1.0;
        station.advance(from + tick / 100.0, replicas);
        served += station.offer(rate / 100.0);
    }
    (served, rate * seconds - served)
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.01 * right.abs().max(1.0)
}

#[test]
fn demand_below_capacity_is_served_in_full() {
    let mut station = Station::new(WEB);
    let (served, refused) = play(&mut station, 0.0, 60.0, 3, 299.0);
    assert!(close(served, 299.0 * 60.0), "served {served}");
    assert!(refused.abs() < 1e-6, "refused {refused}");
}

#[test]
fn what_exceeds_capacity_and_patience_is_refused() {
    let mut station = Station::new(WEB);
    let (served, refused) = play(&mut station, 0.0, 60.0, 2, 300.0);
    // 200 a second, and once the two replicas' patience of 100 each.
    assert!(close(served, 200.0 * 60.0 + 200.0), "served {served}");
    assert!(close(refused, 100.0 * 60.0 - 200.0), "refused {refused}");
}

#[test]
fn more_replicas_end_the_refusals_at_once() {
    let mut station = Station::new(WEB);
    play(&mut station, 0.0, 30.0, 2, 300.0);
    let (_, refused) = play(&mut station, 30.0, 30.0, 3, 300.0);
    assert!(refused < 1e-6, "refused {refused}");
}

#[test]
fn without_replicas_everything_is_refused() {
    let mut station = Station::new(WEB);
    assert_eq!(play(&mut station, 0.0, 10.0, 0, 50.0), (0.0, 500.0));
    assert!(close(station.utilisation(), 1.0));
    play(&mut station, 10.0, 5.0, 1, 50.0);
    let (served, _) = play(&mut station, 15.0, 5.0, 0, 50.0);
    assert!(served.abs() < 1e-9, "the last replica took its patience along, yet {served} were served");
}

#[test]
fn one_request_is_served_whole_or_refused() {
    let mut station = Station::new(Profile { capacity: 2.0, patience: 1.0, latency: 0.02 });
    station.advance(0.0, 1);
    assert_eq!([station.admit(), station.admit(), station.admit()], [true, true, false]);
    station.advance(0.5, 1);
    assert_eq!([station.admit(), station.admit()], [true, false]);
}

#[test]
fn a_replica_slower_than_one_request_a_second_still_serves() {
    let mut station = Station::new(Profile { capacity: 0.1, patience: 1.0, latency: 0.02 });
    station.advance(0.0, 1);
    assert!(station.admit());
    station.advance(5.0, 1);
    assert!(!station.admit());
    station.advance(11.0, 1);
    assert!(station.admit());
}

#[test]
fn latency_rises_as_utilisation_nears_one_and_no_further_than_twentyfold() {
    for (rate, expected) in [(0.0, 0.02), (50.0, 0.04), (80.0, 0.1), (90.0, 0.2), (150.0, 0.4)] {
        let mut station = Station::new(WEB);
        play(&mut station, 0.0, 60.0, 1, rate);
        let latency = station.latency();
        assert!((latency - expected).abs() < 0.05 * expected, "{latency} s at {rate}/s, expected {expected}");
    }
}

#[test]
fn latencies_are_spread_around_their_mean() {
    assert!(close(share_within(0.3, 0.1), 0.950_2), "95 % are within three times the mean");
    for share in [0.1, 0.5, 0.95] {
        assert!(close(share_within(latency_at(share, 0.1), 0.1), share));
    }
}

#[test]
fn a_backlog_keeps_what_is_not_taken_and_never_goes_below_nothing() {
    let mut backlog = Backlog::default();
    backlog.add(10.0);
    assert!(close(backlog.take(4.0), 4.0) && close(backlog.depth(), 6.0));
    assert!(close(backlog.take(100.0), 6.0) && backlog.depth() == 0.0);
}

#[test]
fn even_draws_hit_a_share_in_every_hundred() {
    let hits = Even::new(2f64.sqrt()).take(100).filter(|draw| *draw < 0.05).count();
    assert!((4..=6).contains(&hits), "{hits} of 100 for a share of 5 %");
    let mut tiers = std::collections::BTreeMap::new();
    for draw in Even::new(3f64.sqrt()).take(1000) {
        *tiers.entry(tier_at(draw)).or_insert(0) += 1;
    }
    for (tier, share) in TIERS {
        assert!((f64::from(tiers[tier]) - share * 1000.0).abs() < 10.0, "{tiers:?}");
    }
}
