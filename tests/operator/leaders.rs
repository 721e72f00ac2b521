//! Two instances of the operator: one leads, the other takes over, and never do both write.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testbed::{Spawned, wait_until};

use crate::support::audit::{self, Write};
use crate::support::{Bed, Objective, SOON, SYSTEM, alone, bed};

/// What is promised after a kill, as capacity that follows.
const AFTER_KILL: Duration = Duration::from_secs(15);
/// The standby looks once a second; the rest is the end of the leader's last pass and a busy machine.
const AFTER_STOP: Duration = Duration::from_secs(3);

/// One objective and two instances, each with a token of its own.
struct Pair {
    bed: &'static Bed,
    ns: String,
    /// Which token is whose.
    credentials: BTreeMap<String, &'static str>,
}

impl Pair {
    fn new(purpose: &str) -> Self {
        let bed = bed();
        let pair = Self { bed, ns: bed.namespace(purpose), credentials: BTreeMap::new() };
        pair.demand(300.0);
        bed.deployment(&pair.ns, "web", 3);
        let policy = json!({"scaleDown": {"window": "2s", "maxStep": "100%"}});
        let quick = [("/interval", json!("1s")), ("/policy", policy)];
        bed.apply(&Objective::new(&pair.ns, "web").with(&quick).yaml());
        pair
    }

    /// Starts an instance under the chart's service account, told from the other by its token.
    fn start(&mut self, name: &'static str) -> Spawned {
        let testbed = &self.bed.testbed;
        let token = testbed.service_account_token(SYSTEM, "bizops", 3600).unwrap();
        let kubeconfig = testbed.kubeconfig_for_token(name, SYSTEM, &token).unwrap();
        let path = kubeconfig.display().to_string();
        let who = self.bed.kubectl(&["--kubeconfig", &path, "auth", "whoami", "-o", "json"]);
        let who: Value = serde_json::from_str(&who).unwrap();
        let id = &who["status"]["userInfo"]["extra"]["authentication.kubernetes.io/credential-id"][0];
        self.credentials.insert(id.as_str().expect("a token has an id").to_owned(), name);
        self.bed.operator_as(name, &kubeconfig, &[])
    }

    fn demand(&self, value: f64) {
        self.bed.dial.set("demand", &[("app", &format!("{}-web", self.ns))], value);
    }

    /// Who holds the lease: the name of an instance, empty if nobody does.
    fn leader(&self) -> String {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/bizops");
        let lease = self.bed.testbed.api().get(&path).unwrap_or_default();
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
        holder.split('_').next().unwrap_or_default().to_owned()
    }

    fn await_leader(&self, name: &str) -> Duration {
        let begin = Instant::now();
        let leads = || match self.leader() {
            leader if leader == name => Ok(()),
            other => Err(format!("{other:?} leads")),
        };
        wait_until(&format!("{name} leads"), SOON, leads).unwrap();
        begin.elapsed()
    }

    /// Writes of the two instances, with whose they are. Left out are those of the election, and the question by
    /// which the test itself learnt whose token is whose.
    fn writes(&self, since: Timestamp) -> Vec<(&'static str, Write)> {
        let mine = |write: Write| Some((*self.credentials.get(&write.credential)?, write));
        audit::since(&self.bed.testbed, since)
            .into_iter()
            .filter(|write| !write.what.ends_with(" leases") && write.what != "create selfsubjectreviews")
            .filter_map(mine)
            .collect()
    }
}

#[test]
fn a_standby_takes_over_within_15_s_of_a_kill_and_at_once_after_a_clean_stop() {
    let _turn = alone();
    let mut pair = Pair::new("takeover");
    let mut leader = pair.start("first");
    pair.await_leader("first");
    pair.bed.await_condition(&pair.ns, "web", ["Ready", "True", "Reconciled"], SOON);

    for (next, demand) in [("second", 500.0), ("third", 700.0)] {
        let standby = pair.start(next);
        // It must have seen the lease held, or it is no standby yet.
        std::thread::sleep(Duration::from_secs(3));
        let begin = Instant::now();
        leader.kill().unwrap();
        pair.demand(demand);
        pair.await_leader(next);
        let leads = begin.elapsed();
        pair.bed.await_replicas(&pair.ns, "web", if next == "second" { 5 } else { 7 }, SOON);
        let follows = begin.elapsed();
        println!("killed: {next} leads after {leads:.1?}, capacity follows after {follows:.1?}");
        assert!(follows <= AFTER_KILL, "{follows:?}");
        leader = standby;
    }
    let standby = pair.start("fourth");
    std::thread::sleep(Duration::from_secs(3));
    let begin = Instant::now();
    pair.demand(900.0);
    leader.stop(Duration::from_secs(10)).unwrap();
    let ended = begin.elapsed();
    pair.await_leader("fourth");
    let leads = begin.elapsed();
    pair.bed.await_replicas(&pair.ns, "web", 9, SOON);
    let follows = begin.elapsed();
    println!(
        "stopped: ended after {ended:.1?}, fourth leads after {leads:.1?}, capacity after {follows:.1?}"
    );
    assert!(leads <= AFTER_STOP, "{leads:?}");
    standby.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_leader_paused_past_its_lease_writes_nothing_when_it_wakes_and_never_do_two_write() {
    let _turn = alone();
    let mut pair = Pair::new("paused");
    let begin = Timestamp::now();
    let one = pair.start("one");
    pair.await_leader("one");
    let two = pair.start("two");
    pair.bed.await_condition(&pair.ns, "web", ["Ready", "True", "Reconciled"], SOON);
    let pair = &pair;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // A leader always has something to write: the demand never rests.
        let mover = scope.spawn(|| {
            for step in 0_u32.. {
                pair.demand(f64::from(300 + step % 7 * 100));
                std::thread::sleep(Duration::from_millis(700));
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let rounds = [(&one, "one", "two", 900), (&two, "two", "one", 1370)];
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for (leader, name, standby, phase) in rounds {
                pause_once(pair, leader, name, standby, Duration::from_millis(phase));
            }
        }));
        done.store(true, Ordering::Relaxed);
        mover.join().unwrap();
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });

    let writes = pair.writes(begin);
    let mut spells: Vec<(&str, usize)> = Vec::new();
    for (who, _) in &writes {
        match spells.last_mut().filter(|(last, _)| last == who) {
            Some((_, count)) => *count += 1,
            None => spells.push((who, 1)),
        }
    }
    println!("writes in the order in which they came: {spells:?}");
    let order: Vec<&str> = spells.iter().map(|(who, _)| *who).collect();
    assert_eq!(order, ["one", "two", "one"], "{spells:?}");
    assert!(spells.iter().all(|(_, count)| *count >= 3), "each leader wrote: {spells:?}");
    for operator in [one, two] {
        operator.stop(Duration::from_secs(10)).unwrap();
    }
}

/// Stops the leader where it is, lets the other take over, wakes it, and looks at what it writes.
fn pause_once(pair: &Pair, leader: &Spawned, name: &str, standby: &str, phase: Duration) {
    std::thread::sleep(Duration::from_secs(2) + phase);
    assert_eq!(pair.leader(), name);
    leader.pause();
    let (paused, begin) = (Timestamp::now(), Instant::now());
    pair.await_leader(standby);
    println!("paused: {standby} leads after {:.1?}", begin.elapsed());
    std::thread::sleep(Duration::from_secs(2));
    leader.resume();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(pair.leader(), standby);
    // What was on its way when it was stopped is received in this time.
    let under_way = paused + SignedDuration::from_secs(2);
    let of = |who: &str| pair.writes(under_way).into_iter().filter(|(by, _)| *by == who).collect::<Vec<_>>();
    let (woken, other) = (of(name), of(standby));
    assert!(woken.is_empty(), "{name} was paused past its lease and wrote {woken:#?}");
    assert!(!other.is_empty(), "{standby} leads and wrote nothing");
}
