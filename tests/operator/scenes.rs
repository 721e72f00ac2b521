//! Several scenes played at once before one operator, each in a namespace of its own: they mostly wait.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{hold_true, wait_until};

use crate::support::{Bed, Objective, SOON, alone, bed, condition};

/// How long "nothing happens" is watched: several passes of a second.
pub const QUIET: Duration = Duration::from_secs(4);

/// Where one scene is played.
pub struct Stage {
    pub bed: &'static Bed,
    pub ns: String,
}

/// A scene and its name.
pub type Scene = (&'static str, fn(&Stage));

/// The scenes of these functions.
macro_rules! scenes {
    ($($scene:ident),+ $(,)?) => { &[$((stringify!($scene), $scene as fn(&crate::scenes::Stage))),+] };
}
pub(crate) use scenes;

/// Plays all scenes at once before one operator. Each that fails is named.
pub fn play(operator: &str, scenes: &[Scene]) {
    let _turn = alone();
    let bed = bed();
    let process = bed.operator(operator, &[]);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let running = scenes.iter().map(|(name, scene)| {
            let ns = bed.namespace(operator);
            let stage = Stage { bed, ns };
            let played = std::thread::Builder::new()
                .name((*name).to_owned())
                .spawn_scoped(scope, move || std::panic::catch_unwind(AssertUnwindSafe(|| scene(&stage))));
            (*name, played.unwrap())
        });
        let running: Vec<_> = running.collect();
        let ended = running.into_iter().map(|(name, played)| (name, played.join().unwrap()));
        ended.filter_map(|(name, end)| end.err().map(|_| name.to_owned())).collect()
    });
    assert!(failed.is_empty(), "{} of {} scenes failed: {}", failed.len(), scenes.len(), failed.join(", "));
    process.stop(Duration::from_secs(10)).unwrap();
}

/// The path of a collection at the API server.
pub fn collection(object: &Value) -> String {
    let version = object["apiVersion"].as_str().unwrap();
    let base = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{kind}s"),
        None => format!("{base}/{kind}s"),
    }
}

impl Stage {
    /// What an app of this scene is asked to do, from now on.
    pub fn demand(&self, app: &str, value: f64) {
        self.bed.dial.set("demand", &[("app", &format!("{}-{app}", self.ns))], value);
    }

    /// Creates an object.
    pub fn create(&self, object: &Value) {
        let created = self.bed.testbed.api().post(&collection(object), object);
        created.unwrap_or_else(|error| panic!("{error}\n{object:#}"));
    }

    /// An objective of this scene, looked at every second, that goes down at once after a short window.
    pub fn objective(&self, app: &str) -> Objective {
        Objective::new(&self.ns, app).with(&[
            ("/interval", json!("1s")),
            ("/policy", json!({"scaleDown": {"window": "3s", "maxStep": "100%"}})),
        ])
    }

    /// A Deployment, a demand and an objective that carries it, each named `app`.
    pub fn carried(&self, app: &str, replicas: u32, demand: f64) -> Objective {
        self.demand(app, demand);
        self.deployment(app, replicas);
        let objective = self.objective(app);
        self.create(&objective.0);
        objective
    }

    pub fn deployment(&self, app: &str, replicas: u32) {
        self.create(&self.workload("Deployment", app, replicas));
    }

    /// A workload of a kind of `apps/v1`.
    pub fn workload(&self, kind: &str, app: &str, replicas: u32) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": {"name": app, "namespace": self.ns},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": app}},
                "template": {
                    "metadata": {"labels": {"app": app}},
                    "spec": {"containers": [{"name": "c", "image": "c"}]}
                }
            }
        })
    }

    /// An autoscaler of a Deployment.
    pub fn autoscaler(&self, app: &str, min: u32, max: u32) {
        self.create(&json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": app, "namespace": self.ns},
            "spec": {
                "minReplicas": min, "maxReplicas": max,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app},
                "metrics": [{"type": "Resource", "resource": {
                    "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]
            }
        }));
    }

    /// Changes fields of the spec of an objective.
    pub fn change(&self, name: &str, spec: &Value) {
        let path = format!("/apis/bizops.dev/v1alpha1/namespaces/{}/objectives/{name}", self.ns);
        let changed = self.bed.testbed.api().merge(&path, &json!({"spec": spec}));
        changed.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The object at a path below this scene's namespace: `apps/v1`, `deployments/web`.
    pub fn get(&self, version: &str, path: &str) -> Value {
        let base = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        let path = format!("{base}/namespaces/{}/{path}", self.ns);
        self.bed.testbed.api().get(&path).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The replicas a Deployment asks for.
    pub fn replicas(&self, app: &str) -> u64 {
        self.get("apps/v1", &format!("deployments/{app}"))["spec"]["replicas"].as_u64().unwrap()
    }

    /// Waits for a number of replicas of a Deployment.
    pub fn until_replicas(&self, app: &str, wanted: u64) {
        self.until(&format!("{app} at {wanted} replicas"), || self.replicas(app), |now| *now == wanted);
    }

    /// Waits until `look` sees what is meant.
    pub fn until<T: std::fmt::Debug>(
        &self,
        what: &str,
        look: impl Fn() -> T,
        is_meant: impl Fn(&T) -> bool,
    ) -> T {
        let seen = wait_until(what, SOON, || {
            let now = look();
            if is_meant(&now) { Ok(now) } else { Err(format!("{now:?}")) }
        });
        seen.unwrap_or_else(|error| panic!("{error}\n{}", self.told()))
    }

    /// Nothing else is seen for some passes.
    pub fn stays<T: std::fmt::Debug + PartialEq>(&self, what: &str, look: impl Fn() -> T, wanted: &T) {
        let held = hold_true(what, QUIET, || {
            let now = look();
            if now == *wanted { Ok(()) } else { Err(format!("{now:?}")) }
        });
        held.unwrap_or_else(|error| panic!("{error}\n{}", self.told()));
    }

    /// Waits for a condition and gives its message.
    pub fn until_condition(&self, name: &str, wanted: [&str; 3]) -> String {
        let [kind, status, reason] = wanted;
        let look = || self.bed.condition(&self.ns, name, kind);
        let is_meant = |now: &[String; 3]| now[0] == status && now[1] == reason;
        let [_, _, message] = self.until(&format!("{name}: {kind}={status} {reason}"), look, is_meant);
        message
    }

    /// A condition as it stands: status, reason, message.
    pub fn condition(&self, name: &str, kind: &str) -> [String; 3] {
        condition(&self.bed.objective(&self.ns, name), kind)
    }

    /// The notes of the events of a reason.
    pub fn events(&self, reason: &str) -> Vec<String> {
        let list = self.get("events.k8s.io/v1", "events");
        let all = list["items"].as_array().cloned().unwrap_or_default();
        let of_reason = all.iter().filter(|event| event["reason"] == reason);
        of_reason.map(|event| event["note"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Waits for an event and gives its note.
    pub fn until_event(&self, reason: &str) -> String {
        let seen =
            self.until(&format!("an event {reason}"), || self.events(reason), |notes| !notes.is_empty());
        seen[0].clone()
    }

    /// What to look at when a scene fails.
    pub fn told(&self) -> String {
        let show = |what: &str| self.bed.testbed.kubectl(&["get", what, "-n", &self.ns, "-o", "yaml"]);
        let objectives = show("objectives").unwrap_or_default();
        let events = self.bed.testbed.kubectl(&["get", "events.events.k8s.io", "-n", &self.ns]);
        format!("{objectives}\n{}", events.unwrap_or_default())
    }
}
