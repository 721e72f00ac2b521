//! Metrics that are away, late, broken or wrong take no replica away, are named for what they are, and are taken
//! up again as soon as they are back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use testbed::{Fault, Proxy, wait_until};

use crate::support::{Bed, Objective, SOON, alone, audit, bed, condition};

/// Between two looks: short against an interval of a second, long enough to leave the machine to the operator.
const PACE: Duration = Duration::from_millis(100);
/// What a machine with other work is given beyond what is promised; a change of a series also waits for a scrape.
/// The figures printed are those of an idle machine when it is idle.
pub const GRACE: Duration = Duration::from_secs(6);
pub const SECOND: Duration = Duration::from_secs(1);
pub const DEFAULT: Duration = Duration::from_secs(5);

/// One way in which numbers go wrong, and the word for it in `MetricsAvailable`.
struct Case {
    name: &'static str,
    reason: &'static str,
    wrong: Wrong,
}

/// Who spoils the number.
enum Wrong {
    /// What lies between bizops and the source.
    Way(Fault),
    /// The series has this value.
    Value(f64),
    /// A second series is where one is meant.
    Twin,
    /// The series ends.
    Gone,
}

fn cases() -> Vec<Case> {
    let case = |name, reason, wrong| Case { name, reason, wrong };
    let status = |code| Wrong::Way(Fault::Status(code, vec![("Retry-After".to_owned(), "1".to_owned())]));
    let now = Timestamp::now().as_second();
    let scalar = json!({"status": "success", "data": {"resultType": "scalar", "result": [now, "1"]}});
    let old = json!({"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"bizops_part": "value"}, "value": [now, "1"]},
        {"metric": {"bizops_part": "newest"}, "value": [now, (now - 240).to_string()]},
    ]}});
    vec![
        case("refused", "SourceUnreachable", Wrong::Way(Fault::Refuse)),
        case("hanging", "SourceTimedOut", Wrong::Way(Fault::Hang)),
        case("late", "SourceTimedOut", Wrong::Way(Fault::Delay(Duration::from_secs(20)))),
        case("html", "NotPrometheus", Wrong::Way(Fault::Html)),
        case("half-json", "AnswerTruncated", Wrong::Way(Fault::HalfJson(20))),
        case("throttled", "SourceUnavailable", status(429)),
        case("busy", "SourceUnavailable", status(503)),
        case("locked", "SourceRefused", status(401)),
        case("moved", "SourceRedirects", Wrong::Way(Fault::Redirect("http://127.0.0.1:1/".to_owned()))),
        case("empty", "EmptyResult", Wrong::Way(Fault::Empty)),
        case("partial", "PartialAnswer", Wrong::Way(Fault::Warnings(vec!["one store is away".to_owned()]))),
        case("scalar", "WrongResultType", Wrong::Way(Fault::Raw(scalar.to_string()))),
        case("stale", "StaleSamples", Wrong::Way(Fault::Raw(old.to_string()))),
        case("nan", "NotANumber", Wrong::Value(f64::NAN)),
        case("infinite", "Infinite", Wrong::Value(f64::INFINITY)),
        case("several", "SeveralSeries", Wrong::Twin),
        case("ended", "EmptyResult", Wrong::Gone),
    ]
}

/// One objective under one case.
struct Member<'a> {
    case: &'a Case,
    app: String,
    interval: Duration,
}

/// All cases, each under an interval of a second and under the default.
struct Fleet<'a> {
    bed: &'a Bed,
    ns: String,
    members: Vec<Member<'a>>,
    proxies: BTreeMap<&'static str, Proxy>,
}

impl<'a> Fleet<'a> {
    /// Three replicas of each, and a demand that needs them.
    fn new(bed: &'a Bed, cases: &'a [Case]) -> Self {
        let ns = bed.namespace("data");
        let both = |case| {
            [("second", SECOND), ("default", DEFAULT)].map(|(word, interval)| Member {
                case,
                app: format!("{}-{word}", case.name),
                interval,
            })
        };
        let members = cases.iter().flat_map(both).collect();
        let proxies = cases.iter().map(|case| (case.name, bed.testbed.proxy().unwrap())).collect();
        let fleet = Self { bed, ns, members, proxies };
        let mut manifests = Vec::new();
        for (name, proxy) in &fleet.proxies {
            manifests.push(source(&fleet.ns, name, proxy.url()));
        }
        for Member { case, app, interval } in &fleet.members {
            fleet.demand(app, 300.0);
            manifests.push(deployment(&fleet.ns, app, 3));
            manifests.push(objective(&fleet.ns, app, *interval, case.name).0);
        }
        apply(bed, &manifests);
        fleet
    }

    fn demand(&self, app: &str, value: f64) {
        self.bed.dial.set("demand", &[("app", &format!("{}-{app}", self.ns))], value);
    }

    /// From now on every number is wrong, and what can be read of it asks for fewer replicas.
    fn spoil(&self) {
        for Member { case, app, .. } in &self.members {
            let series = format!("{}-{app}", self.ns);
            match &case.wrong {
                Wrong::Way(fault) => self.proxies[case.name].set(fault.clone()).unwrap(),
                Wrong::Value(value) => self.bed.dial.set("demand", &[("app", &series)], *value),
                Wrong::Twin => self.bed.dial.set("demand", &[("app", &series), ("pod", "b")], 1.0),
                Wrong::Gone => self.bed.dial.remove("demand", &[("app", &series)]),
            }
            if !matches!(case.wrong, Wrong::Value(_) | Wrong::Gone) {
                self.demand(app, 100.0);
            }
        }
    }

    /// From now on every number is right, and asks for fewer replicas.
    fn mend(&self) {
        for Member { case, app, .. } in &self.members {
            self.proxies[case.name].set(Fault::None).unwrap();
            self.bed.dial.remove("demand", &[("app", &format!("{}-{app}", self.ns)), ("pod", "b")]);
            self.demand(app, 100.0);
        }
    }

    /// `MetricsAvailable` of every objective: value and reason.
    fn faces(&self) -> BTreeMap<String, (String, String)> {
        let path = format!("/apis/bizops.dev/v1alpha1/namespaces/{}/objectives", self.ns);
        let list = self.bed.testbed.api().get(&path).unwrap();
        let face = |object: &Value| {
            let [status, reason, _] = condition(object, "MetricsAvailable");
            (object["metadata"]["name"].as_str().unwrap().to_owned(), (status, reason))
        };
        list["items"].as_array().unwrap().iter().map(face).collect()
    }

    /// How many replicas every Deployment asks for.
    fn replicas(&self) -> BTreeMap<String, u64> {
        replicas(self.bed, &self.ns)
    }

    /// For each objective, how long it took until `MetricsAvailable` read as wanted.
    fn until(
        &self,
        what: &str,
        wanted: impl Fn(&Member<'_>) -> (&'static str, &'static str),
    ) -> Vec<Duration> {
        let begin = Instant::now();
        let mut seen: Vec<Option<Duration>> = vec![None; self.members.len()];
        while seen.iter().any(Option::is_none) {
            let (faces, after) = (self.faces(), begin.elapsed());
            for (member, seen) in self.members.iter().zip(&mut seen) {
                let (status, reason) = wanted(member);
                if faces[&member.app] == (status.to_owned(), reason.to_owned()) {
                    seen.get_or_insert(after);
                } else if after > SOON {
                    let found = &faces[&member.app];
                    panic!("{what}: {} is {found:?}\n{}", member.app, self.bed.explain(&self.ns));
                }
            }
            std::thread::sleep(PACE);
        }
        seen.into_iter().flatten().collect()
    }
}

pub fn replicas(bed: &Bed, ns: &str) -> BTreeMap<String, u64> {
    let list = bed.testbed.api().get(&format!("/apis/apps/v1/namespaces/{ns}/deployments")).unwrap();
    let one = |object: &Value| {
        (
            object["metadata"]["name"].as_str().unwrap().to_owned(),
            object["spec"]["replicas"].as_u64().unwrap(),
        )
    };
    list["items"].as_array().unwrap().iter().map(one).collect()
}

pub fn source(ns: &str, name: &str, url: &str) -> Value {
    json!({
        "apiVersion": "bizops.dev/v1alpha1", "kind": "MetricSource",
        "metadata": {"name": name, "namespace": ns}, "spec": {"prometheus": {"url": url}},
    })
}

pub fn deployment(ns: &str, name: &str, replicas: u32) -> Value {
    let labels = json!({"app": name});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": ns},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "c"}]},
            },
        },
    })
}

/// Scales down at once where it may: two passes are the shortest window.
pub fn objective(ns: &str, app: &str, interval: Duration, source: &str) -> Objective {
    let query = format!("demand{{app=\"{ns}-{app}\"}}");
    Objective::new(ns, app).with(&[
        ("/interval", json!(format!("{}s", interval.as_secs()))),
        ("/sourceRef", json!({"kind": "MetricSource", "name": source})),
        ("/indicator/query", json!(query)),
        ("/mappings/0/demand/query", json!(query)),
        ("/policy", json!({"scaleDown": {"window": "2s", "maxStep": "100%"}})),
    ])
}

pub fn apply(bed: &Bed, manifests: &[Value]) {
    bed.apply(&manifests.iter().map(Value::to_string).collect::<Vec<_>>().join("\n---\n"));
}

/// The longest of the times of each interval, checked against what is promised and printed.
fn within(what: &str, members: &[Member<'_>], times: &[Duration], intervals: u32) {
    for interval in [SECOND, DEFAULT] {
        let of = members.iter().zip(times).filter(|(member, _)| member.interval == interval);
        let (member, longest) = of.max_by_key(|(_, time)| **time).unwrap();
        println!("{what} at {interval:?}: at most {longest:.1?} ({})", member.app);
        let limit = interval * intervals + GRACE;
        assert!(*longest <= limit, "{what} of {} took {longest:?}, promised are {limit:?}", member.app);
    }
}

#[test]
fn no_wrong_number_takes_a_replica_away_and_each_is_named_and_forgotten_when_mended() {
    let _turn = alone();
    let (bed, cases) = (bed(), cases());
    let fleet = Fleet::new(bed, &cases);
    // The same demand and policy over a sound way: what would have happened.
    fleet.demand("sound", 300.0);
    let sound = objective(&fleet.ns, "sound", SECOND, "sound").0;
    let source = source(&fleet.ns, "sound", &bed.testbed.prometheus_url());
    apply(bed, &[source, deployment(&fleet.ns, "sound", 3), sound]);
    let operator = bed.operator("data", &[]);
    fleet.until("all present", |_| ("True", "AllPresent"));
    assert!(fleet.replicas().values().all(|replicas| *replicas == 3), "{:?}", fleet.replicas());

    let (begin, spoilt) = (Instant::now(), Timestamp::now());
    fleet.spoil();
    fleet.demand("sound", 100.0);
    let detected = fleet.until("the loss", |member| ("False", member.case.reason));
    // Past the window of the slowest.
    while begin.elapsed() < Duration::from_secs(14) {
        std::thread::sleep(PACE);
    }
    let mended = Timestamp::now();
    fleet.mend();
    let recovered = fleet.until("the recovery", |_| ("True", "AllPresent"));
    within("told a loss", &fleet.members, &detected, 2);
    within("taken up again", &fleet.members, &recovered, 1);

    let scaled: Vec<String> = audit::since(&bed.testbed, spoilt)
        .into_iter()
        .filter(|write| write.scales() && write.namespace == fleet.ns && write.at < mended)
        .map(|write| write.name)
        .collect();
    assert_eq!(scaled, ["sound"], "only the sound one is scaled while numbers are wrong");
    assert_eq!(fleet.replicas()["sound"], 1);
    let all_down = || {
        let high: Vec<_> = fleet.replicas().into_iter().filter(|(_, replicas)| *replicas != 1).collect();
        if high.is_empty() { Ok(()) } else { Err(format!("{high:?}")) }
    };
    wait_until("one replica of each once the numbers are right", SOON, all_down).unwrap();
    operator.stop(Duration::from_secs(10)).unwrap();
}

#[test]
fn after_the_hold_a_lost_number_holds_or_raises_as_declared_and_never_lowers() {
    let _turn = alone();
    let (bed, ns) = (bed(), bed().namespace("loss"));
    let proxy = bed.testbed.proxy().unwrap();
    // Name, what runs, what is declared, what it comes to. The reference of the model is 8 replicas for 800.
    let all = [
        ("hold", 4, "Hold", 4),
        ("baseline", 4, "Baseline", 8),
        ("above-baseline", 10, "Baseline", 10),
        ("max", 4, "Max", 12),
    ];
    let mut manifests = vec![source(&ns, "lost", proxy.url())];
    for (app, runs, then, _) in all {
        bed.dial.set("demand", &[("app", &format!("{ns}-{app}"))], f64::from(runs) * 100.0);
        manifests.push(deployment(&ns, app, runs));
        let loss = json!({"scaleDown": {"window": "2s", "maxStep": "100%"}, "onMetricLoss": {"hold": "6s", "then": then}});
        let objective = objective(&ns, app, SECOND, "lost").with(&[
            ("/policy", loss),
            ("/mappings/0/capacity", json!({"proportional": {"demand": 800, "replicas": 8}})),
            ("/mappings/0/bounds", json!({"min": 1, "max": 12})),
        ]);
        manifests.push(objective.0);
    }
    apply(bed, &manifests);
    let operator = bed.operator("loss", &[]);
    for (app, ..) in all {
        bed.await_condition(&ns, app, ["MetricsAvailable", "True", "AllPresent"], SOON);
    }
    let stand = |what: fn(u32, u64) -> u64| -> BTreeMap<String, u64> {
        all.iter().map(|(app, runs, _, to)| ((*app).to_owned(), what(*runs, *to))).collect()
    };
    let as_declared = |wanted: &BTreeMap<String, u64>| match replicas(bed, &ns) {
        now if now == *wanted => Ok(()),
        now => Err(format!("{now:?}")),
    };
    let (before, after) = (stand(|runs, _| u64::from(runs)), stand(|_, to| to));
    let lost = Instant::now();
    proxy.set(Fault::Status(503, vec![])).unwrap();
    while lost.elapsed() < Duration::from_secs(5) {
        as_declared(&before).unwrap();
        std::thread::sleep(PACE);
    }
    wait_until("what is declared", SOON, || as_declared(&after)).unwrap();
    println!("after a hold of 6s: {:.1?} since the loss", lost.elapsed());
    testbed::hold_true("what is declared", Duration::from_secs(4), || as_declared(&after)).unwrap();
    proxy.set(Fault::None).unwrap();
    wait_until("what the demand needs", SOON, || as_declared(&before)).unwrap();
    operator.stop(Duration::from_secs(10)).unwrap();
}
