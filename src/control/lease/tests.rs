//! The election as people rely on it: the pure part by tables, the whole against an API server in this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};

use super::contender::{Contender, Move, Record, Seen};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn wall(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn record(holder: &str, duration: u64, renewed: i64) -> Record {
    Record {
        holder: holder.to_owned(),
        duration: Duration::from_secs(duration),
        transitions: 7,
        acquired: Some(wall(0)),
        renewed: Some(wall(renewed)),
    }
}

fn seen(record: Record) -> Seen {
    Seen { record, version: "5".to_owned() }
}

/// A standby that read these records, one a second, and what it does then.
fn after_reading(records: &[Option<Seen>]) -> Move {
    let mut contender = Contender::new("me".to_owned(), Timing::DEFAULT);
    let mut now = Duration::ZERO;
    for (index, seen) in records.iter().enumerate() {
        assert_eq!(contender.next(now, wall(100)), Move::Read, "second {index}");
        contender.read(now, seen.clone());
        if index + 1 < records.len() {
            now += SECOND;
        }
    }
    contender.next(now, wall(100))
}

#[test]
fn a_standby_takes_what_is_free_and_waits_for_what_is_not() {
    let other = |duration, renewed| Some(seen(record("other", duration, renewed)));
    let held = |renewed| other(8, renewed);
    let same = |times| vec![held(1); times];
    let takes = |what: &Move| matches!(what, Move::Create(_) | Move::Replace { .. });
    for (name, records, taken) in [
        ("there never was a lease", vec![None], true),
        ("it was released", vec![Some(seen(record("", 1, 1)))], true),
        ("another holds it", same(1), false),
        ("another holds it and has not renewed it for 7 s", same(8), false),
        ("another holds it and has not renewed it for 8 s", same(9), true),
        ("another renews it", (0..20).map(held).collect(), false),
        ("another, whose clock is a day behind, renews it", (-86_400..-86_380).map(held).collect(), false),
        ("the holder has a longer lease than ours", vec![other(30, 1); 30], false),
        ("and does not renew that either", vec![other(30, 1); 31], true),
        ("the record says that the lease lasts for ever", vec![other(1 << 31, 1); 61], true),
        ("somebody deleted it a moment ago", vec![held(1), None], false),
        ("somebody deleted it 8 s ago", [vec![held(1)], vec![None; 9]].concat(), true),
        ("a record of this process, which does not lead", vec![Some(seen(record("me", 8, 1)))], true),
    ] {
        let next = after_reading(&records);
        assert_eq!(takes(&next), taken, "{name}: {next:?}");
    }
}

#[test]
fn a_takeover_names_the_version_seen_and_begins_a_new_term() {
    let next = after_reading(&[Some(seen(record("", 1, 200)))]);
    let Move::Replace { version, record } = next else { panic!("{next:?}") };
    assert_eq!((version.as_str(), record.holder.as_str(), record.transitions), ("5", "me", 8));
    // The wall clock here (100) is behind the record's (200): a renewal is a change nevertheless.
    assert_eq!(record.renewed, Some(wall(200) + jiff::SignedDuration::from_micros(1)));
}

#[test]
fn a_leader_may_write_until_the_deadline_after_sending_its_renewal() {
    let mut contender = Contender::new("me".to_owned(), Timing::DEFAULT);
    let written = |renewed| Seen { record: record("me", 8, renewed), version: "6".to_owned() };
    contender.read(Duration::ZERO, None);
    contender.wrote(SECOND, SECOND * 2, written(1));
    assert!(contender.held(Duration::from_millis(5_999)).is_some());
    assert!(contender.held(SECOND * 6).is_none());
    assert_eq!(contender.next(SECOND * 2, wall(1)), Move::Wait(SECOND));
    let renewal = contender.next(SECOND * 3, wall(3));
    assert!(matches!(&renewal, Move::Replace { record, .. } if record.transitions == 7), "{renewal:?}");
    // The answer to that renewal comes only after its own deadline.
    contender.wrote(SECOND * 3, SECOND * 8, written(3));
    assert!(contender.held(SECOND * 8).is_none());
}

#[test]
fn a_leader_that_finds_another_holder_leads_no_longer() {
    let mut contender = Contender::new("me".to_owned(), Timing::DEFAULT);
    contender.wrote(Duration::ZERO, Duration::ZERO, seen(record("me", 8, 1)));
    contender.refused(SECOND * 2);
    assert_eq!(contender.next(SECOND * 2, wall(3)), Move::Read);
    contender.read(SECOND * 2, Some(seen(record("other", 8, 2))));
    assert_eq!(contender.held(SECOND * 2), None);
    assert_eq!(contender.next(SECOND * 2, wall(3)), Move::Wait(SECOND));
}

/// An API server of leases only: PUT with its version or 409, faults on demand.
#[derive(Clone, Default)]
struct FakeApi(Arc<Mutex<Stock>>);

#[derive(Default)]
struct Stock {
    leases: BTreeMap<String, Value>,
    version: u64,
    /// Calls of these holders hang.
    hanging: Vec<String>,
    /// Every call is refused with this status.
    refuse: Option<u16>,
    writes: u64,
}

impl FakeApi {
    /// A client of this server for one process, named so that its calls can be made to hang.
    fn client(&self, who: &str) -> Client {
        let (api, who) = (self.clone(), who.to_owned());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (api, who) = (api.clone(), who.clone());
            async move {
                if api.0.lock().unwrap().hanging.contains(&who) {
                    std::future::pending::<()>().await;
                }
                let (parts, body) = request.into_parts();
                let body = collect(body).await?;
                // Requests of several processes interleave.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok::<_, kube::Error>(api.answer(&parts.method, parts.uri.path(), &body))
            }
        });
        Client::new(service, "default")
    }

    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> Response<Body> {
        let mut stock = self.0.lock().unwrap();
        if let Some(code) = stock.refuse {
            return failure(code, "Forbidden");
        }
        assert!(path.starts_with("/apis/coordination.k8s.io/v1/namespaces/bizops/leases"), "{path}");
        let found = stock.leases.get("leader").cloned();
        if *method == Method::GET {
            return found.map_or_else(|| failure(404, "NotFound"), |lease| success(&lease));
        }
        let mut lease: Value = serde_json::from_slice(body).unwrap();
        let named = lease["metadata"]["resourceVersion"].as_str().map(str::to_owned);
        let stands = found.as_ref().and_then(|lease| lease["metadata"]["resourceVersion"].as_str());
        match (method, stands) {
            (&Method::POST, None) => {}
            (&Method::POST, Some(_)) => return failure(409, "AlreadyExists"),
            (&Method::PUT, None) => return failure(404, "NotFound"),
            (&Method::PUT, Some(stands)) if named.as_deref() == Some(stands) => {}
            (&Method::PUT, Some(_)) => return failure(409, "Conflict"),
            other => panic!("an election needs no {other:?}"),
        }
        stock.version += 1;
        stock.writes += 1;
        lease["metadata"]["resourceVersion"] = json!(stock.version.to_string());
        stock.leases.insert("leader".to_owned(), lease.clone());
        success(&lease)
    }

    fn holder(&self) -> String {
        let stock = self.0.lock().unwrap();
        stock.leases["leader"]["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }

    fn with<T>(&self, change: impl FnOnce(&mut Stock) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }
}

fn success(body: &Value) -> Response<Body> {
    Response::new(Body::from(body.to_string().into_bytes()))
}

fn failure(code: u16, reason: &str) -> Response<Body> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "no", "reason": reason, "code": code});
    let mut response = success(&status);
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

async fn collect(mut body: Body) -> kube::Result<Vec<u8>> {
    let mut bytes = vec![];
    loop {
        let frame = std::future::poll_fn(|context| {
            http_body::Body::poll_frame(std::pin::Pin::new(&mut body), context)
        });
        match frame.await {
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().unwrap()),
            Some(Err(error)) => return Err(error),
            None => return Ok(bytes),
        }
    }
}

/// One process that contends.
struct Process {
    leadership: Leadership,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
    identity: String,
}

fn start(api: &FakeApi, host: &str) -> Process {
    let config = LeaseConfig::new("bizops", "leader", host);
    let identity = config.identity().to_owned();
    let (candidate, leadership) = contend(config);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(candidate.keep(api.client(host), async {
        let _ = stopped.await;
    }));
    Process { leadership, stop: Some(stop), task, identity }
}

/// Waits until it leads, and returns how long that took.
async fn leads(process: &Process) -> Duration {
    let from = Instant::now();
    tokio::time::timeout(SECOND * 60, process.leadership.won()).await.unwrap();
    assert!(process.leadership.may_write());
    from.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_at_once_and_the_second_stands_by() {
    let api = FakeApi::default();
    let first = start(&api, "a");
    assert!(leads(&first).await < SECOND);
    let second = start(&api, "b");
    tokio::time::sleep(SECOND * 60).await;
    assert!(first.leadership.may_write() && !second.leadership.may_write());
    assert_eq!(api.holder(), first.identity);
    let LeaderState::Leader { term, .. } = first.leadership.state() else { panic!() };
    assert_eq!(term, 1);
    let writes = api.with(|stock| stock.writes);
    assert!((29..=32).contains(&writes), "{writes} writes in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_standby_takes_over_within_a_second_or_so_of_a_clean_stop() {
    let api = FakeApi::default();
    let mut first = start(&api, "a");
    leads(&first).await;
    let second = start(&api, "b");
    tokio::time::sleep(SECOND * 10).await;
    first.stop.take().unwrap().send(()).unwrap();
    first.leadership.lost().await;
    assert!(!first.leadership.may_write());
    let took = leads(&second).await;
    assert!(took <= Duration::from_millis(1200), "{took:?}");
    first.task.await.unwrap();
    assert!(matches!(second.leadership.state(), LeaderState::Leader { term: 2, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_standby_takes_over_within_fifteen_seconds_of_a_kill() {
    for after in [10_000, 10_700, 11_300, 11_999] {
        let api = FakeApi::default();
        let first = start(&api, "a");
        leads(&first).await;
        let second = start(&api, "b");
        tokio::time::sleep(Duration::from_millis(after)).await;
        first.task.abort();
        let took = leads(&second).await;
        assert!(!first.leadership.may_write());
        assert!((SECOND * 5..SECOND * 10).contains(&took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_reach_the_api_server_stops_before_the_other_starts() {
    let api = FakeApi::default();
    let first = start(&api, "a");
    leads(&first).await;
    let second = start(&api, "b");
    tokio::time::sleep(SECOND * 10).await;
    api.with(|stock| stock.hanging.push("a".to_owned()));
    let cut = Instant::now();
    first.leadership.lost().await;
    assert!(!first.leadership.may_write() && !second.leadership.may_write());
    assert!(cut.elapsed() <= Timing::DEFAULT.renew_deadline, "{:?}", cut.elapsed());
    leads(&second).await;
    assert!(cut.elapsed() < SECOND * 11, "{:?}", cut.elapsed());
    api.with(|stock| stock.hanging.clear());
    tokio::time::sleep(SECOND * 30).await;
    assert!(second.leadership.may_write() && !first.leadership.may_write());
}

#[tokio::test]
async fn a_leader_that_was_paused_may_write_nothing_when_it_wakes() {
    let api = FakeApi::default();
    let timing = Timing {
        lease: Duration::from_millis(3200),
        renew_every: Duration::from_millis(400),
        renew_deadline: SECOND * 2,
        ..Timing::DEFAULT
    };
    let (candidate, leadership) = contend(LeaseConfig::new("bizops", "leader", "a").with_timing(timing));
    let task = tokio::spawn(candidate.keep(api.client("a"), std::future::pending()));
    leadership.won().await;
    assert!(leadership.may_write());
    // The one thread of this runtime stands still and not one of its tasks runs, as after SIGSTOP.
    std::thread::sleep(timing.renew_deadline);
    assert!(!leadership.may_write());
    assert_eq!(leadership.state(), LeaderState::Standby);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_api_server_ends_the_leadership_and_its_end_gives_it_back() {
    let api = FakeApi::default();
    let first = start(&api, "a");
    leads(&first).await;
    api.with(|stock| stock.refuse = Some(403));
    first.leadership.lost().await;
    tokio::time::sleep(SECOND * 30).await;
    assert!(!first.leadership.may_write());
    api.with(|stock| stock.refuse = None);
    assert!(leads(&first).await < SECOND * 2);
    assert!(matches!(first.leadership.state(), LeaderState::Leader { term: 2, .. }));
}

#[tokio::test(start_paused = true)]
async fn many_who_start_at_once_agree_on_one_leader_again_and_again() {
    let api = FakeApi::default();
    let mut processes: Vec<Process> = (0..5).map(|n| start(&api, &format!("p{n}"))).collect();
    let mut last = 0;
    for _ in 0..5 {
        tokio::time::sleep(SECOND * 3).await;
        let leading: Vec<usize> =
            (0..processes.len()).filter(|n| processes[*n].leadership.may_write()).collect();
        assert_eq!(leading.len(), 1, "{leading:?}");
        let leader = processes.remove(leading[0]);
        let LeaderState::Leader { term, .. } = leader.leadership.state() else { panic!() };
        assert!(term > last);
        last = term;
        drop(leader.stop);
        leader.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn labels_that_others_put_on_the_lease_are_kept() {
    let api = FakeApi::default();
    let first = start(&api, "a");
    leads(&first).await;
    api.with(|stock| {
        stock.version += 1;
        let version = stock.version.to_string();
        let lease = stock.leases.get_mut("leader").unwrap();
        lease["metadata"]["labels"] = json!({"team": "shop"});
        lease["metadata"]["resourceVersion"] = json!(version);
    });
    tokio::time::sleep(SECOND * 10).await;
    assert!(first.leadership.may_write());
    assert_eq!(api.with(|stock| stock.leases["leader"]["metadata"]["labels"]["team"].clone()), "shop");
}

#[tokio::test]
async fn without_election_writing_is_always_allowed() {
    let leadership = Leadership::unopposed(wall(1));
    assert!(leadership.may_write());
    assert_eq!(leadership.won().await, LeaderState::Leader { since: wall(1), term: 0 });
    let mut lost = std::pin::pin!(leadership.lost());
    assert!(matches!(futures::poll!(&mut lost), Poll::Pending));
}

#[test]
fn a_process_that_restarts_in_its_pod_is_another_contender() {
    let [one, two] = [0, 1].map(|_| LeaseConfig::new("bizops", "leader", "pod-1"));
    assert_ne!(one.identity(), two.identity());
    assert!(one.identity().starts_with("pod-1_"));
}
