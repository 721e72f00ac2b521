//! A cluster with fake nodes: it starts, does what the real one's parts do, survives faults, leaves nothing.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testbed::{Cut, Nodes, Options, Part, Testbed, Wire, hold_true, wait_until};

const SOON: Duration = Duration::from_secs(30);

/// The processes that carry a testbed's mark.
fn marked(run: &Path) -> Vec<String> {
    let mark = format!("TESTBED_RUN={}", run.display());
    let of = |pid: &PathBuf| std::fs::read(pid.join("environ")).unwrap_or_default();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).map(|entry| entry.path());
    processes
        .filter(|pid| of(pid).split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()))
        .map(|pid| std::fs::read_to_string(pid.join("comm")).unwrap_or_default())
        .collect()
}

fn five_pods(testbed: &Testbed) {
    testbed.kubectl(&["create", "deployment", "web", "--image=web", "--replicas=5"]).unwrap();
    testbed.await_ready("default", "web", 5, SOON).unwrap();
}

#[test]
fn five_replicas_of_a_deployment_become_ready_and_nothing_is_left_afterwards() {
    let testbed = Testbed::start(Options::fake()).unwrap();
    let run = testbed.folder().to_owned();
    five_pods(&testbed);
    assert!(!marked(&run).is_empty());
    drop(testbed);
    assert_eq!(marked(&run), Vec::<String>::new());
    assert!(!run.exists(), "{} is left", run.display());
}

#[test]
fn a_pod_takes_the_time_its_annotation_says_and_may_never_become_ready() {
    let testbed = Testbed::start(Options { prometheus: false, ..Options::fake() }).unwrap();
    let workload = |name: &str, annotation: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: \
             {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}, \
             annotations: {{{annotation}}}}}\n    spec: {{containers: [{{name: c, image: i}}]}}\n"
        )
    };
    testbed.apply(&workload("slow", "testbed/startup: 6s")).unwrap();
    testbed.apply(&workload("never", "testbed/ready: \"false\"")).unwrap();
    let begin = std::time::Instant::now();
    testbed.await_ready("default", "slow", 1, SOON).unwrap();
    assert!(begin.elapsed() > Duration::from_secs(4), "ready after {:?}", begin.elapsed());
    let never = testbed.await_ready("default", "never", 1, Duration::from_secs(1)).unwrap_err().to_string();
    assert!(never.contains("\"unavailableReplicas\":1"), "{never}");
}

#[test]
fn prometheus_answers_the_value_of_a_dial_and_forgets_one_that_was_removed() {
    let testbed = Testbed::start(Options { nodes: Nodes::None, ..Options::fake() }).unwrap();
    let dial = testbed.dial().unwrap();
    dial.set("demand", &[("app", "web")], 500.0);
    testbed.await_value("demand{app=\"web\"}", 500.0, SOON).unwrap();
    dial.set("demand", &[("app", "web")], 750.0);
    testbed.await_value("sum(demand)", 750.0, Duration::from_secs(3)).unwrap();
    dial.set("demand", &[("app", "web")], f64::NAN);
    testbed.await_value("demand", f64::NAN, Duration::from_secs(3)).unwrap();
    dial.remove("demand", &[("app", "web")]);
    let stale = || match testbed.query("demand").unwrap().len() {
        0 => Ok(()),
        series => Err(format!("{series} series")),
    };
    wait_until("no demand", Duration::from_secs(3), stale).unwrap();

    testbed.kill(Part::Prometheus).unwrap();
    assert!(testbed.query("demand").is_err());
    dial.set("demand", &[], 3.0);
    testbed.start_part(Part::Prometheus).unwrap();
    testbed.await_value("demand", 3.0, SOON).unwrap();
    testbed.restart_prometheus_empty().unwrap();
    testbed.await_value("count_over_time(demand[1h]) < bool 10", 1.0, SOON).unwrap();
}

#[test]
fn prometheus_can_be_given_a_past() {
    let testbed = Testbed::start(Options { nodes: Nodes::None, ..Options::fake() }).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let past = (0..7 * 24 * 60).rev().fold(String::new(), |mut past, minute| {
        writeln!(past, "orders{{}} {minute} {}", now - minute * 60).unwrap();
        past
    });
    testbed.backfill(&format!("# TYPE orders gauge\n{past}# EOF\n")).unwrap();
    assert!((testbed.value("round(orders offset 5d / 1440)").unwrap() - 5.0).abs() < 0.01);
}

#[test]
fn a_killed_api_server_and_store_come_back_with_all_they_had() {
    let testbed = Testbed::start(Options { prometheus: false, ..Options::fake() }).unwrap();
    five_pods(&testbed);
    for part in [Part::ApiServer, Part::Etcd] {
        testbed.kill(part).unwrap();
        if part == Part::ApiServer {
            assert!(testbed.api().get("/api/v1/nodes").is_err());
        }
        testbed.start_part(part).unwrap();
        testbed.await_ready("default", "web", 5, SOON).unwrap();
    }
    testbed.kubectl(&["scale", "deployment", "web", "--replicas=8"]).unwrap();
    testbed.await_ready("default", "web", 8, SOON).unwrap();

    testbed.pause(Part::ControllerManager).unwrap();
    testbed.kubectl(&["scale", "deployment", "web", "--replicas=2"]).unwrap();
    hold_true("nobody scales", Duration::from_secs(2), || {
        testbed
            .await_ready("default", "web", 8, Duration::ZERO)
            .map_or(Ok(()), |()| Err("8 ready at the new generation"))
    })
    .unwrap();
    testbed.resume(Part::ControllerManager).unwrap();
    testbed.await_ready("default", "web", 2, SOON).unwrap();
}

#[test]
fn a_watch_from_before_a_compaction_is_gone() {
    let testbed = Testbed::start(Options::control_plane()).unwrap();
    let list = testbed.api().get("/api/v1/configmaps").unwrap();
    let before = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    testbed.kubectl(&["create", "configmap", "one"]).unwrap();
    assert!(testbed.compact().unwrap() > before.parse().unwrap());
    // The API server's own cache still knows the past; it is lost with the process.
    testbed.restart(Part::ApiServer).unwrap();
    let watch = format!("/api/v1/configmaps?watch=true&timeoutSeconds=1&resourceVersion={before}");
    let answer = testbed.api().text(&watch).unwrap_or_else(|error| error.to_string());
    assert!(answer.contains("too old resource version") || answer.contains("410"), "{answer}");
}

#[test]
fn a_process_under_a_service_account_has_its_rights_and_no_more() {
    let testbed = Testbed::start(Options::control_plane()).unwrap();
    testbed.kubectl(&["create", "serviceaccount", "reader"]).unwrap();
    testbed.kubectl(&["create", "role", "reads", "--verb=list", "--resource=configmaps"]).unwrap();
    testbed
        .kubectl(&["create", "rolebinding", "reads", "--role=reads", "--serviceaccount=default:reader"])
        .unwrap();
    let kubeconfig = testbed.kubeconfig_for_service_account("default", "reader").unwrap();
    let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
    testbed.kubectl(&[&kubeconfig, "get", "configmaps"]).unwrap();
    let refused = testbed.kubectl(&[&kubeconfig, "get", "secrets"]).unwrap_err().to_string();
    assert!(refused.contains("system:serviceaccount:default:reader"), "{refused}");
    let audit = std::fs::read_to_string(testbed.audit_log()).unwrap();
    assert!(audit.contains("\"resource\":\"rolebindings\""), "changes are in the audit log");
}

#[test]
fn the_api_server_behind_a_wire_can_be_cut_off() {
    let testbed = Testbed::start(Options::control_plane()).unwrap();
    let wire = Wire::to(testbed.server().trim_start_matches("https://")).unwrap();
    let server = format!("--server=https://{}", wire.address());
    testbed.kubectl(&[&server, "get", "namespaces"]).unwrap();
    wire.set(Cut::Refuse).unwrap();
    assert!(testbed.kubectl(&[&server, "get", "namespaces"]).is_err());
    wire.set(Cut::None).unwrap();
    testbed.kubectl(&[&server, "get", "namespaces"]).unwrap();
}

#[test]
fn helm_reads_the_version_of_the_cluster() {
    let testbed = Testbed::start(Options::control_plane()).unwrap();
    assert!(testbed.helm(&["version"]).unwrap().contains("v4."), "helm 4");
    assert_eq!(testbed.helm(&["list", "--short"]).unwrap(), "");
    assert!(testbed.kubectl(&["version"]).unwrap().contains("Server Version: v1.37.2"));
}

#[test]
fn a_testbed_ends_with_the_program_that_ran_in_it() {
    let testbed = Testbed::start(Options::control_plane()).unwrap();
    let run = testbed.folder().to_owned();
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    testbed.spawn("sleeper", sleep).unwrap().leave();
    assert!(marked(&run).iter().any(|name| name == "sleep\n"));
    drop(testbed);
    assert_eq!(marked(&run), Vec::<String>::new());
}

/// Run as a program of its own by the next test: it owns a testbed until it is killed.
#[test]
#[ignore = "the test after it runs it"]
fn owner_that_waits_to_be_killed() {
    let testbed = Testbed::start(Options::control_plane()).unwrap();
    println!("run {}", testbed.folder().display());
    std::thread::sleep(Duration::from_mins(10));
}

#[test]
fn nothing_is_left_of_a_testbed_whose_owner_was_killed() {
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "owner_that_waits_to_be_killed", "--nocapture"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let run = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("run ").map(|(_, path)| PathBuf::from(path)));
    let run = run.unwrap();
    assert!(!marked(&run).is_empty());
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_until("nothing left", Duration::from_secs(10), || match (marked(&run).as_slice(), run.exists()) {
        ([], false) => Ok(()),
        (left, exists) => Err(format!("{left:?}, folder: {exists}")),
    })
    .unwrap();
}
