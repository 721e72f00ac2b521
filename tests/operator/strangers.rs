//! A cluster is full of others: people who scale, autoscalers, other objectives, objects that are away or broken.
//! bizops names them, gives way or sets right, and one that is broken stops none of the others.

use std::time::Duration;

use serde_json::{Value, json};

use testbed::wait_until;

use crate::scenes::{Scene, Stage, collection, play, scenes};
use crate::support::{SOON, alone, bed};

#[test]
fn others_in_the_cluster_are_named_and_never_fought() {
    let all: &[Scene] = scenes![
        what_a_person_scales_is_told_and_set_right,
        what_a_person_scales_is_told_and_left_where_bizops_only_observes,
        what_an_autoscaler_owns_is_a_conflict_and_left_alone,
        a_floor_rises_with_demand_up_to_the_ceiling_and_falls_again,
        of_several_objectives_the_largest_claim_wins_and_the_others_say_so,
        a_stateful_set_is_scaled_like_a_deployment,
        a_target_that_is_missing_is_named_and_taken_up_when_it_comes,
        a_kind_that_cannot_be_scaled_is_named,
        a_suspended_objective_changes_nothing_until_it_goes_on,
        a_freeze_holds_what_runs_and_shows_the_wish,
        advice_up_is_shown_and_not_followed,
        advice_down_is_shown_and_not_followed,
        a_baseline_is_measured_once_and_anew_when_asked,
        a_deleted_objective_leaves_its_workload_as_it_is,
    ];
    play("strangers", all);
}

/// The field manager that last wrote the replicas, as the API server remembers it.
fn scaled_by(stage: &Stage, app: &str) -> Vec<String> {
    let object = stage.get("apps/v1", &format!("deployments/{app}"));
    let all = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let of_replicas = all.iter().filter(|one| one["fieldsV1"]["f:spec"].get("f:replicas").is_some());
    of_replicas.map(|one| one["manager"].as_str().unwrap_or_default().to_owned()).collect()
}

fn scale_by_hand(stage: &Stage, app: &str, replicas: u32) {
    let (target, count) = (format!("deployment/{app}"), format!("--replicas={replicas}"));
    stage.bed.kubectl(&["scale", &target, "-n", &stage.ns, &count]);
}

fn what_a_person_scales_is_told_and_set_right(stage: &Stage) {
    stage.carried("web", 4, 400.0);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    scale_by_hand(stage, "web", 9);
    let note = stage.until_event("ChangedOutside");
    assert!(note.ends_with(" changed the replicas from 4 to 9"), "{note}");
    let by = note.strip_prefix("web 4 → 9: ").unwrap().split(' ').next().unwrap();
    assert!(by.starts_with("kube"), "{note}: the manager is kubectl, as its program is called");
    stage.until_replicas("web", 4);
    assert_eq!(scaled_by(stage, "web"), ["bizops-scale"]);
    scale_by_hand(stage, "web", 1);
    stage.until_replicas("web", 4);
}

fn what_a_person_scales_is_told_and_left_where_bizops_only_observes(stage: &Stage) {
    stage.demand("web", 400.0);
    stage.deployment("web", 4);
    let observe = json!({"autonomy": {"up": "Observe", "down": "Observe"}});
    stage.create(&stage.objective("web").with(&[("/policy", observe)]).0);
    stage.until_condition("web", ["ScalingActive", "False", "Observing"]);
    scale_by_hand(stage, "web", 2);
    let note = stage.until_event("ChangedOutside");
    assert!(note.ends_with(" changed the replicas from 4 to 2"), "{note}");
    stage.stays("2 replicas, as the person wants", || stage.replicas("web"), &2);
    let row = stage.bed.objective(&stage.ns, "web")["status"]["mappings"][0].clone();
    assert_eq!((&row["current"], &row["desired"]), (&json!(2), &json!(4)), "{row:#}");
    assert_eq!(stage.events("ChangedOutside").len(), 1, "it is told once");
}

fn what_an_autoscaler_owns_is_a_conflict_and_left_alone(stage: &Stage) {
    stage.deployment("web", 4);
    stage.autoscaler("web", 1, 10);
    stage.demand("web", 900.0);
    // The watch of autoscalers may be a moment behind; a cluster where both come at once has this moment too.
    std::thread::sleep(Duration::from_secs(1));
    stage.create(&stage.objective("web").0);
    let words = stage.until_condition("web", ["Conflict", "True", "OwnedByHpa"]);
    assert_eq!(
        words,
        "mapping web: HorizontalPodAutoscaler web owns the target; write actuator: HpaFloor, or remove one of the two"
    );
    stage.until_condition("web", ["Ready", "False", "OwnedByHpa"]);
    stage.stays("4 replicas", || stage.replicas("web"), &4);
    assert!(!scaled_by(stage, "web").contains(&"bizops-scale".to_owned()));
    assert_eq!(stage.until_event("Conflict"), words);
    // Once the autoscaler is gone the objective takes over by itself.
    let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/web", stage.ns);
    stage.bed.testbed.api().delete(&path).unwrap();
    stage.until_replicas("web", 9);
    stage.until_condition("web", ["Conflict", "False", "NoConflict"]);
}

fn a_floor_rises_with_demand_up_to_the_ceiling_and_falls_again(stage: &Stage) {
    let floor = || {
        let hpa = stage.get("autoscaling/v2", "horizontalpodautoscalers/web");
        (hpa["spec"]["minReplicas"].as_u64().unwrap(), hpa["spec"]["maxReplicas"].as_u64().unwrap())
    };
    stage.deployment("web", 3);
    stage.autoscaler("web", 2, 10);
    stage.demand("web", 500.0);
    stage.create(&stage.objective("web").with(&[("/mappings/0/actuator", json!("HpaFloor"))]).0);
    stage.until("a floor of 5", floor, |now| *now == (5, 10));
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    stage.demand("web", 2500.0);
    stage.until("a floor of the ceiling", floor, |now| *now == (10, 10));
    let reasons = || stage.bed.objective(&stage.ns, "web")["status"]["mappings"][0]["limitedBy"].clone();
    stage.until("the ceiling as the limit", reasons, |now| now == "HpaMaxReached");
    stage.stays("the ceiling stays", floor, &(10, 10));
    stage.demand("web", 300.0);
    stage.until("a floor of 3", floor, |now| *now == (3, 10));
    stage.until_event("FloorRaised");
    stage.until_event("FloorLowered");
}

fn of_several_objectives_the_largest_claim_wins_and_the_others_say_so(stage: &Stage) {
    stage.carried("web", 4, 400.0);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    let mut other = stage.objective("web");
    other.0["metadata"]["name"] = json!("checkout");
    other.0["spec"]["mappings"][0]["capacity"] = json!({"perReplica": 50});
    stage.create(&other.0);
    stage.until_replicas("web", 8);
    let words = stage.until_condition("web", ["Conflict", "True", "Outbid"]);
    assert!(words.contains(&format!("objective {}/checkout claims 8 replicas", stage.ns)), "{words}");
    assert_eq!(stage.condition("checkout", "Conflict")[..2], ["False", "NoConflict"]);
    assert_eq!(stage.condition("web", "Ready")[..2], ["True", "Reconciled"], "being outbid is no fault");
    stage.stays("8 replicas, nobody pulls them down", || stage.replicas("web"), &8);
    let path = format!("{}/checkout", collection(&other.0));
    stage.bed.testbed.api().delete(&path).unwrap();
    stage.until_replicas("web", 4);
}

fn a_stateful_set_is_scaled_like_a_deployment(stage: &Stage) {
    stage.demand("db", 300.0);
    stage.create(&stage.workload("StatefulSet", "db", 1));
    stage.create(&stage.objective("db").with(&[("/mappings/0/target/kind", json!("StatefulSet"))]).0);
    let replicas = || stage.get("apps/v1", "statefulsets/db")["spec"]["replicas"].as_u64();
    stage.until("3 replicas", replicas, |now| *now == Some(3));
    stage.until_condition("db", ["ScalingActive", "True", "Enforcing"]);
}

fn a_target_that_is_missing_is_named_and_taken_up_when_it_comes(stage: &Stage) {
    stage.demand("web", 300.0);
    stage.create(&stage.objective("web").0);
    let words = stage.until_condition("web", ["Ready", "False", "TargetNotFound"]);
    assert!(words.contains("Deployment web does not exist in this namespace; create it"), "{words}");
    stage.until_condition("web", ["Reconciling", "True", "TargetNotFound"]);
    stage.until_condition("web", ["Met", "True", "GoalMet"]);
    stage.deployment("web", 1);
    stage.until_replicas("web", 3);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    assert_eq!(stage.condition("web", "Reconciling"), ["", "", ""]);
}

fn a_kind_that_cannot_be_scaled_is_named(stage: &Stage) {
    stage.demand("a", 300.0);
    stage.demand("b", 300.0);
    let target = |kind: &str, version: &str| json!({"apiVersion": version, "kind": kind, "name": "settings"});
    let of = |app: &str, target: Value| stage.objective(app).with(&[("/mappings/0/target", target)]).0;
    stage.create(&of("a", target("ConfigMap", "v1")));
    stage.create(&of("b", target("Rocket", "space.dev/v1")));
    let words = stage.until_condition("a", ["Ready", "False", "TargetNotScalable"]);
    assert!(
        words.contains("has no scale subresource; choose a kind that `kubectl scale` can scale"),
        "{words}"
    );
    let words = stage.until_condition("b", ["Ready", "False", "TargetNotFound"]);
    assert!(words.contains("is of a kind this cluster does not serve; correct target.apiVersion"), "{words}");
}

fn a_suspended_objective_changes_nothing_until_it_goes_on(stage: &Stage) {
    stage.carried("web", 4, 400.0);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    stage.change("web", &json!({"suspend": true}));
    stage.until_condition("web", ["Ready", "True", "Suspended"]);
    stage.demand("web", 900.0);
    stage.stays("4 replicas", || stage.replicas("web"), &4);
    stage.change("web", &json!({"suspend": false}));
    stage.until_replicas("web", 9);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
}

fn a_freeze_holds_what_runs_and_shows_the_wish(stage: &Stage) {
    stage.demand("web", 900.0);
    stage.deployment("web", 4);
    let freeze =
        json!([{"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "reason": "stocktaking"}]);
    stage.create(&stage.objective("web").with(&[("/policy/freeze", freeze)]).0);
    let words = stage.until_condition("web", ["ScalingActive", "False", "Frozen"]);
    assert_eq!(words, "nothing is changed until 2099-01-01T00:00:00Z: stocktaking");
    stage.stays("4 replicas", || stage.replicas("web"), &4);
    let row = stage.bed.objective(&stage.ns, "web")["status"]["mappings"][0].clone();
    assert_eq!((&row["current"], &row["desired"]), (&json!(4), &json!(9)), "{row:#}");
    stage.change("web", &json!({"policy": {"freeze": null}}));
    stage.until_replicas("web", 9);
}

fn advice_up_is_shown_and_not_followed(stage: &Stage) {
    stage.demand("web", 900.0);
    stage.deployment("web", 4);
    stage.create(&stage.objective("web").with(&[("/policy/autonomy", json!({"up": "Observe"}))]).0);
    let desired = || stage.bed.objective(&stage.ns, "web")["status"]["mappings"][0]["desired"].clone();
    stage.until("a wish of 9", desired, |now| *now == 9);
    stage.stays("4 replicas", || stage.replicas("web"), &4);
    stage.demand("web", 200.0);
    stage.until_replicas("web", 2);
}

fn advice_down_is_shown_and_not_followed(stage: &Stage) {
    stage.demand("web", 200.0);
    stage.deployment("web", 4);
    stage.create(&stage.objective("web").with(&[("/policy/autonomy", json!({"down": "Observe"}))]).0);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    // Longer than the window, after which an Enforce would have gone down.
    std::thread::sleep(Duration::from_secs(4));
    stage.stays("4 replicas", || stage.replicas("web"), &4);
    stage.demand("web", 700.0);
    stage.until_replicas("web", 7);
}

fn a_baseline_is_measured_once_and_anew_when_asked(stage: &Stage) {
    stage.demand("web", 400.0);
    stage.deployment("web", 4);
    std::thread::sleep(Duration::from_secs(12));
    let measured = stage.objective("web").with(&[
        ("/goal", json!({"growBy": "50%", "baseline": {"window": "10s"}})),
        ("/mappings/0/capacity", json!({"proportional": {"baseline": {"window": "10s"}}})),
    ]);
    stage.create(&measured.0);
    let kept = || {
        let status = stage.bed.objective(&stage.ns, "web")["status"].clone();
        (status["baseline"].clone(), status["mappings"][0]["reference"].clone())
    };
    let (baseline, reference) =
        stage.until("both baselines", kept, |(base, of)| !base.is_null() && !of.is_null());
    assert_eq!(baseline["value"], json!("400"), "{baseline:#}");
    assert_eq!((&reference["demand"], &reference["replicas"]), (&json!("400"), &json!(4)), "{reference:#}");
    stage.until_condition("web", ["Met", "False", "GoalMissed"]);
    stage.demand("web", 600.0);
    stage.until_replicas("web", 6);
    stage.until_condition("web", ["Met", "True", "GoalMet"]);
    assert_eq!(kept(), (baseline.clone(), reference.clone()), "both are frozen");
    std::thread::sleep(Duration::from_secs(12));
    stage.bed.kubectl(&[
        "annotate",
        "objective",
        "web",
        "-n",
        &stage.ns,
        "bizops.dev/measure-baseline=again",
    ]);
    let (again, anew) = stage.until("both anew", kept, |(base, of)| *base != baseline && *of != reference);
    assert_eq!(again["value"], json!("600"), "{again:#}");
    assert_eq!((&anew["demand"], &anew["replicas"]), (&json!("600"), &json!(6)), "{anew:#}");
    stage.until_condition("web", ["Met", "False", "GoalMissed"]);
    stage.until("its events", || stage.events("BaselineMeasured"), |notes| notes.len() >= 4);
}

fn a_deleted_objective_leaves_its_workload_as_it_is(stage: &Stage) {
    let objective = stage.carried("web", 4, 600.0);
    stage.until_replicas("web", 6);
    let path = format!("{}/web", collection(&objective.0));
    stage.bed.testbed.api().delete(&path).unwrap();
    stage.demand("web", 900.0);
    stage.stays("6 replicas", || stage.replicas("web"), &6);
    assert!(stage.bed.testbed.api().get(&path).is_err(), "no finalizer keeps it");
}

/// The definition of Objective, opened so wide that anything passes.
struct LooseSchema(Value);

const DEFINITION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/objectives.bizops.dev";

impl LooseSchema {
    fn open() -> Self {
        let api = bed().testbed.api();
        let stored = api.get(DEFINITION).unwrap();
        let mut loose = stored.clone();
        let spec = &mut loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        *spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        loose["metadata"]["managedFields"] = Value::Null;
        api.put(DEFINITION, &loose).unwrap();
        Self(stored["spec"].clone())
    }
}

impl Drop for LooseSchema {
    fn drop(&mut self) {
        let api = bed().testbed.api();
        let mut definition = api.get(DEFINITION).unwrap();
        definition["spec"] = self.0.clone();
        definition["metadata"]["managedFields"] = Value::Null;
        if let Err(error) = api.put(DEFINITION, &definition) {
            eprintln!("the definition of Objective could not be put back: {error}");
        }
    }
}

/// Stores an object the schema would refuse, while it is loose.
fn let_through(object: &Value) {
    let created = wait_until("the loose schema to be in force", SOON, || {
        bed().testbed.api().post(&collection(object), object).map_err(|error| error.to_string())
    });
    created.unwrap();
}

/// It is said on the object itself what is wrong with it, and that somebody must change it.
fn is_told_to_be_invalid(stage: &Stage, object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap();
    let words = stage.until_condition(name, ["Ready", "False", "InvalidSpec"]);
    stage.until_condition(name, ["Stalled", "True", "InvalidSpec"]);
    words
}

#[test]
fn an_object_that_a_looser_schema_let_through_stops_none_of_the_others() {
    let _turn = alone();
    let bed = bed();
    let stage = Stage { bed, ns: bed.namespace("broken") };
    let broken = |name: &str, spec: Value| {
        json!({
            "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
            "metadata": {"name": name, "namespace": stage.ns}, "spec": spec
        })
    };
    let mut contradiction = stage.objective("web").0["spec"].clone();
    contradiction["mappings"][0]["bounds"] = json!({"min": 9, "max": 3});
    let from_the_future =
        json!({"indicator": {"query": "sum(x)", "unit": "x"}, "goal": {"asGoodAs": "possible"}});
    let objects = [
        broken("shapeless", json!({"indicator": "orders", "goal": 17})),
        broken("from-the-future", from_the_future),
        broken("contradiction", contradiction),
    ];
    let loose = LooseSchema::open();
    objects.iter().for_each(let_through);
    // The operator begins with the broken ones there.
    let operator = bed.operator("broken", &[]);
    stage.carried("web", 4, 400.0);
    stage.until_condition("web", ["Ready", "True", "Reconciled"]);
    let words = objects.each_ref().map(|object| is_told_to_be_invalid(&stage, object));
    assert!(words[0].contains("cannot be read by this version of bizops"), "{words:#?}");
    assert!(words[1].contains("spec.goal: write exactly one of"), "{words:#?}");
    assert!(words[2].contains("spec.mappings[0].bounds"), "{words:#?}");
    stage.demand("web", 700.0);
    stage.until_replicas("web", 7);
    operator.stop(Duration::from_secs(10)).unwrap();

    // Under the sound schema the API server takes no status for what it would refuse: events tell.
    let_through(&broken("unwritable", json!({"indicator": {"query": 5}})));
    drop(loose);
    let operator = bed.operator("broken-next", &[]);
    let told = || stage.events("InvalidSpec");
    stage.until("an event on it", told, |notes| notes.iter().any(|note| note.contains("integer `5`")));
    stage.demand("web", 800.0);
    stage.until_replicas("web", 8);
    assert_eq!(stage.condition("web", "Ready")[..2], ["True", "Reconciled"]);
    bed.kubectl(&["delete", "objectives", "-n", &stage.ns, "--all"]);
    operator.stop(Duration::from_secs(10)).unwrap();
}
