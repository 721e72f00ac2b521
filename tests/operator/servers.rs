//! An API server that is away, slow, full, has forgotten its past, or whose objects others write: the operator is
//! back to normal by itself, and no change is lost or made twice.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use testbed::{Cut, Part, Spawned, Wire, hold_true, wait_until};

use crate::support::{Bed, Objective, SOON, SYSTEM, alone, audit, bed};

/// One objective whose demand moves.
struct Scene {
    bed: &'static Bed,
    ns: String,
    begin: Timestamp,
}

impl Scene {
    /// Three replicas of `web`, as its demand needs.
    fn new(purpose: &str) -> Self {
        let bed = bed();
        let scene = Self { bed, ns: bed.namespace(purpose), begin: Timestamp::now() };
        scene.add("web");
        scene
    }

    fn add(&self, app: &str) {
        self.demand(app, 300.0);
        self.bed.deployment(&self.ns, app, 3);
        let policy = json!({"scaleDown": {"window": "2s", "maxStep": "100%"}});
        let quick = [("/interval", json!("1s")), ("/policy", policy)];
        self.bed.apply(&Objective::new(&self.ns, app).with(&quick).yaml());
    }

    fn demand(&self, app: &str, value: f64) {
        self.bed.dial.set("demand", &[("app", &format!("{}-{app}", self.ns))], value);
    }

    fn await_start(&self) {
        self.bed.await_condition(&self.ns, "web", ["MetricsAvailable", "True", "AllPresent"], SOON);
    }

    /// So many replicas of `web` within a while after the trouble is over.
    fn follows(&self, trouble: &str, replicas: u32) {
        let begin = Instant::now();
        self.bed.await_replicas(&self.ns, "web", replicas, SOON);
        println!("{trouble}: {replicas} replicas {:.1?} after it was over", begin.elapsed());
    }

    /// The ledger of `web` from the oldest to the newest, once it shows this many changes that were made and
    /// nothing open.
    fn settled(&self, changes: usize) -> Vec<(u64, u64)> {
        let settled = || {
            let status = self.bed.objective(&self.ns, "web")["status"].take();
            let all = status["decisions"].as_array().cloned().unwrap_or_default();
            let of = |outcome: &str| all.iter().filter(|entry| entry["outcome"] == outcome).count();
            if of("Done") >= changes && of("Pending") == 0 { Ok(all) } else { Err(format!("{all:#?}")) }
        };
        let ledger = wait_until("a settled ledger", SOON, settled).unwrap_or_else(|error| panic!("{error}"));
        let number = |entry: &Value, field: &str| entry[field].as_u64().unwrap();
        let done = ledger.iter().rev().filter(|entry| entry["outcome"] == "Done");
        done.map(|entry| (number(entry, "from"), number(entry, "to"))).collect()
    }

    /// How many changes of scales in this namespace the API server answered so.
    fn scalings(&self, code: u64) -> usize {
        let writes = audit::since(&self.bed.testbed, self.begin);
        let ours = |write: &&audit::Write| write.scales() && write.namespace == self.ns && write.code == code;
        writes.iter().filter(ours).count()
    }

    /// How many writes of the operator were answered with 429.
    fn refused(&self) -> usize {
        let writes = audit::since(&self.bed.testbed, self.begin);
        writes.iter().filter(|write| write.code == 429 && write.user.ends_with(":bizops")).count()
    }

    /// The ledger says what was done, no more and no less.
    fn ledger_is(&self, changes: &[(u64, u64)]) {
        assert_eq!(self.settled(changes.len()), changes, "{}", self.bed.explain(&self.ns));
        assert_eq!(self.scalings(200), changes.len(), "each was carried out once");
    }
}

fn wire_to(bed: &Bed) -> Wire {
    Wire::to(bed.testbed.server().trim_start_matches("https://")).unwrap()
}

/// A kubeconfig of a service account of the system's namespace that goes over a wire.
fn wired(bed: &Bed, wire: &Wire, account: &str) -> PathBuf {
    let own = bed.testbed.kubeconfig_for_service_account(SYSTEM, account).unwrap();
    let config = std::fs::read_to_string(&own).unwrap();
    let path = own.with_file_name(format!("{account}-over-{}.kubeconfig", wire.address().port()));
    let other = format!("https://{}", wire.address());
    std::fs::write(&path, config.replace(&bed.testbed.server(), &other)).unwrap();
    path
}

/// The operator behind a wire of its own: the test, the controllers and everybody else go straight.
fn behind_a_wire(bed: &Bed, name: &str) -> (Wire, Spawned) {
    let wire = wire_to(bed);
    let operator = bed.operator_as(name, &wired(bed, &wire, "bizops"), &[]);
    (wire, operator)
}

#[test]
fn an_api_server_and_a_store_that_were_killed_are_taken_up_again() {
    let _turn = alone();
    let scene = Scene::new("restarts");
    let testbed = &scene.bed.testbed;
    let mut operator = scene.bed.operator("restarts", &[]);
    scene.await_start();

    // Longer than the lease lasts.
    testbed.kill(Part::ApiServer).unwrap();
    scene.demand("web", 500.0);
    std::thread::sleep(Duration::from_secs(10));
    testbed.start_part(Part::ApiServer).unwrap();
    scene.follows("API server killed for 10s", 5);

    testbed.kill(Part::Etcd).unwrap();
    scene.demand("web", 700.0);
    std::thread::sleep(Duration::from_secs(3));
    testbed.start_part(Part::Etcd).unwrap();
    scene.follows("etcd killed for 3s", 7);

    testbed.pause(Part::ApiServer).unwrap();
    scene.demand("web", 900.0);
    std::thread::sleep(Duration::from_secs(8));
    testbed.resume(Part::ApiServer).unwrap();
    scene.follows("API server hung for 8s", 9);

    operator.check().unwrap();
    scene.bed.await_condition(&scene.ns, "web", ["Ready", "True", "Reconciled"], SOON);
    scene.ledger_is(&[(3, 5), (5, 7), (7, 9)]);
    operator.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn after_watches_expired_objectives_that_came_changed_and_went_are_known() {
    let _turn = alone();
    let scene = Scene::new("expired");
    scene.add("leaves");
    let (wire, mut operator) = behind_a_wire(scene.bed, "expired");
    scene.await_start();

    wire.set(Cut::Refuse).unwrap();
    scene.add("comes");
    let objective =
        |name: &str| format!("/apis/bizops.dev/v1alpha1/namespaces/{}/objectives/{name}", scene.ns);
    let api = scene.bed.testbed.api();
    api.delete(&objective("leaves")).unwrap();
    let twice = json!({"spec": {"mappings": [{
        "name": "web", "bounds": {"min": 1, "max": 100}, "capacity": {"perReplica": 50},
        "demand": {"query": format!("sum(demand{{app=\"{}-web\"}})", scene.ns), "unit": "requests/s"},
        "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
    }]}});
    api.merge(&objective("web"), &twice).unwrap();
    // What the watches would resume from is forgotten, by the store and by the API server.
    scene.bed.testbed.compact().unwrap();
    scene.bed.testbed.restart(Part::ApiServer).unwrap();
    let before = operator.log().len();
    wire.set(Cut::None).unwrap();
    for app in ["web", "leaves", "comes"] {
        scene.demand(app, 500.0);
    }
    scene.follows("watches expired", 10);
    scene.bed.await_replicas(&scene.ns, "comes", 5, SOON);
    let stays = || match scene.bed.replicas(&scene.ns, "leaves") {
        3 => Ok(()),
        other => Err(format!("{other} replicas")),
    };
    hold_true("3 replicas of what no objective names", Duration::from_secs(3), stays).unwrap();
    let log = operator.log();
    assert!(
        log[before..].contains("too old resource version"),
        "the watches were not told that they expired:\n{}",
        &log[before..]
    );
    operator.check().unwrap();
    operator.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn whoever_else_writes_the_workload_at_the_same_time_is_not_overwritten_and_does_not_keep_it_from_scaling() {
    let _turn = alone();
    let scene = Scene::new("conflicts");
    let operator = scene.bed.operator("conflicts", &[]);
    scene.await_start();
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/web", scene.ns);
    let (done, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut changes = vec![];
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let (path, done, written, api) = (&path, &done, &written, scene.bed.testbed.api());
                scope.spawn(move || {
                    let key = format!("example.com/writer-{writer}");
                    let mut count = 0_u64;
                    while !done.load(Ordering::Relaxed) {
                        count += 1;
                        let mark = json!({"metadata": {"annotations": {&key: count.to_string()}}});
                        api.merge(path, &mark).unwrap();
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    written.fetch_add(count, Ordering::Relaxed);
                    (key, count)
                })
            })
            .collect();
        let (mut now, mut slowest) = (3, Duration::ZERO);
        for step in 0..12_u32 {
            let wanted = 4 + step * 2;
            scene.demand("web", f64::from(wanted * 100));
            let begin = Instant::now();
            let seen = wait_until("replicas", SOON, || match scene.bed.replicas(&scene.ns, "web") {
                replicas if replicas == wanted => Ok(()),
                other => Err(format!("{other} of {wanted}")),
            });
            slowest = slowest.max(begin.elapsed());
            if let Err(error) = seen {
                done.store(true, Ordering::Relaxed);
                panic!("{error}\n{}", scene.bed.explain(&scene.ns));
            }
            changes.push((u64::from(now), u64::from(wanted)));
            now = wanted;
        }
        done.store(true, Ordering::Relaxed);
        let conflicts = scene.scalings(409);
        println!("12 changes, {conflicts} conflicts, the slowest after {slowest:.1?}");
        let annotations = writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>();
        let object = scene.bed.testbed.api().get(&path).unwrap();
        for (key, count) in annotations {
            assert_eq!(object["metadata"]["annotations"][&key], count.to_string(), "{key} was overwritten");
        }
        assert!(conflicts > 0, "{} writes of others met none of ours", written.load(Ordering::Relaxed));
    });
    scene.ledger_is(&changes);
    operator.stop(Duration::from_secs(10)).unwrap();
}

/// No seat for the operator at the API server but one, which somebody else may take.
const FULL: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: slow, namespace: bizops-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: slow}
subjects: [{kind: ServiceAccount, name: slow, namespace: bizops-system}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: full}
spec:
  type: Limited
  limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: {type: Reject}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: full}
spec:
  priorityLevelConfiguration: {name: full}
  matchingPrecedence: 2
  rules:
  - subjects:
    - {kind: ServiceAccount, serviceAccount: {name: bizops, namespace: bizops-system}}
    - {kind: ServiceAccount, serviceAccount: {name: slow, namespace: bizops-system}}
    resourceRules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*']}]
";

/// While it lives, the API server has one seat for the operator and `slow` together.
struct Full(&'static Bed);

impl Full {
    fn new(bed: &'static Bed) -> Self {
        bed.apply(FULL);
        Self(bed)
    }

    /// Takes the seat: sends a large object over a slow line, which the API server waits for. Everything the
    /// operator asks meanwhile is answered with 429.
    fn take_the_seat(&self, namespace: &str) {
        let wire = wire_to(self.0);
        let config = wired(self.0, &wire, "slow");
        wire.set(Cut::Delay(Duration::from_millis(300))).unwrap();
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large"},
            "data": {"large": "x".repeat(900_000)},
        });
        let file = config.with_extension("json");
        std::fs::write(&file, object.to_string()).unwrap();
        let path = format!("/api/v1/namespaces/{namespace}/configmaps");
        let [config, file] = [config, file].map(|path| path.display().to_string());
        self.0.kubectl(&["--kubeconfig", &config, "create", "--raw", &path, "-f", &file]);
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        let rules = ["flowschema/full", "prioritylevelconfiguration/full", "clusterrolebinding/slow"];
        let gone = self.0.testbed.kubectl(&[&["delete"][..], &rules].concat());
        gone.map_or_else(|error| eprintln!("{error}"), drop);
    }
}

#[test]
fn an_api_server_that_is_full_slow_hanging_or_out_of_reach_is_waited_for() {
    let _turn = alone();
    let scene = Scene::new("slow");
    let (wire, mut operator) = behind_a_wire(scene.bed, "slow");
    scene.await_start();

    let full = Full::new(scene.bed);
    let (begin, mut refused) = (Instant::now(), 0);
    std::thread::scope(|scope| {
        let seat = scope.spawn(|| full.take_the_seat(&scene.ns));
        // Longer than a leader may go on without renewing its lease.
        std::thread::sleep(Duration::from_secs(7));
        refused = scene.refused();
        scene.demand("web", 500.0);
        seat.join().unwrap();
    });
    println!("full for {:.1?}", begin.elapsed());
    assert!(refused > 0, "nothing the operator wrote was refused with 429");
    drop(full);
    scene.follows("429", 5);

    wire.set(Cut::Delay(Duration::from_millis(250))).unwrap();
    scene.demand("web", 700.0);
    let begin = Instant::now();
    scene.bed.await_replicas(&scene.ns, "web", 7, SOON);
    println!("each way 250ms later: 7 replicas after {:.1?}", begin.elapsed());
    wire.set(Cut::None).unwrap();

    for (cut, trouble, seconds, replicas) in
        [(Cut::Hang, "hanging for 9s", 9, 9), (Cut::Refuse, "out of reach for 6s", 6, 11)]
    {
        wire.set(cut).unwrap();
        scene.demand("web", f64::from(replicas * 100));
        std::thread::sleep(Duration::from_secs(seconds));
        wire.set(Cut::None).unwrap();
        scene.follows(trouble, replicas);
    }
    operator.check().unwrap();
    scene.bed.await_condition(&scene.ns, "web", ["Ready", "True", "Reconciled"], SOON);
    // Whatever was held on the way has come through by now, and none of it undid anything.
    std::thread::sleep(Duration::from_secs(3));
    scene.ledger_is(&[(3, 5), (5, 7), (7, 9), (9, 11)]);
    operator.stop(Duration::from_secs(10)).unwrap();
}
