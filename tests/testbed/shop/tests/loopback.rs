//! The shop's program, role by role, on the loopback address.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;

use std::time::Duration;

use program::{Program, ask, eventually};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(15);

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn count(summary: &Value, name: &str) -> f64 {
    summary[name].as_u64().unwrap_or_else(|| panic!("no {name} in {summary}")) as f64
}

#[test]
fn what_exceeds_capacity_is_refused_counted_on_both_sides_and_invoices_wait_for_workers() {
    let queue = Program::start("queue", &[]);
    let payment = Program::start("payment", &["--capacity", "5", "--patience", "1s"]);
    let (pay, line) = (payment.url(), queue.url());
    let web = Program::start(
        "web",
        &[
            "--startup",
            "500ms",
            "--capacity",
            "50",
            "--patience",
            "1s",
            "--conversion",
            "20%",
            "--payment-url",
            &pay,
            "--queue-url",
            &line,
        ],
    );
    let load = Program::start("load", &["--url", &web.url(), "--base", "100", "--duration", "4s"]);
    let (status, printed) = load.end(Duration::from_secs(20));
    assert!(status.success());
    let summary: Value = serde_json::from_str(&printed).unwrap();
    let [offered, served, refused, orders, lost] =
        ["offered", "served", "refused", "orders", "lost_orders"].map(|name| count(&summary, name));

    assert!((390.0..=401.0).contains(&offered), "{summary}");
    assert!((offered - served - refused).abs() < 0.5, "each request was served or refused: {summary}");
    // Web serves 50 a second and, once, a second's worth that may wait: 250 of 400. Of these a fifth check out,
    // of which payment takes 5 a second and once 5: 25 of 50.
    assert!((230.0..=275.0).contains(&served), "{summary}");
    assert!((22.0..=31.0).contains(&orders), "{summary}");
    assert!((orders + lost - offered * 0.2).abs() < 3.0, "a fifth of all visitors want to buy: {summary}");

    let is = |left: f64, right: f64| (left - right).abs() < 0.5;
    assert!(is(web.metric(r#"shop_requests_total{app="web",outcome="served"}"#), served), "{summary}");
    assert!(is(web.metric(r#"shop_requests_total{app="web",outcome="refused"}"#), refused), "{summary}");
    assert!(is(web.metric("shop_orders_total"), orders), "{summary}");
    assert!(is(web.metric("shop_checkout_failures_total"), lost), "{summary}");
    assert!(is(web.metric(r#"shop_request_duration_seconds_count{app="web"}"#), served), "{summary}");
    assert!(
        is(payment.metric(r#"shop_requests_total{app="payment",outcome="served"}"#), orders),
        "{summary}"
    );
    assert!(is(queue.metric("shop_queue_depth"), orders), "no worker yet, so every invoice waits");

    let worker = Program::start("worker", &["--queue-url", &line, "--capacity", "40"]);
    eventually("the worker empties the queue", SOON, || queue.metric("shop_queue_depth") == 0.0);
    eventually("what it took it has done", SOON, || is(worker.metric("shop_requests_total"), orders));
}

#[test]
fn a_replica_is_ready_after_its_startup_and_refuses_before() {
    let search = Program::start("search", &["--startup", "1s"]);
    assert_eq!(search.ask("GET", "/livez", "").0, 200);
    assert_eq!([search.ask("GET", "/readyz", "").0, search.ask("GET", "/", "").0], [503, 503]);
    eventually("it is ready", SOON, || search.ask("GET", "/readyz", "").0 == 200);
    assert_eq!(search.ask("GET", "/", "").0, 200);
}

#[test]
fn sigterm_lets_requests_in_flight_finish_and_turns_new_ones_away_by_readiness() {
    let mail = Program::start("mail", &["--latency", "1500ms"]);
    let address = mail.address;
    let slow = std::thread::spawn(move || ask(address, "GET", "/", "").0);
    eventually("the request is in flight", SOON, || {
        mail.metric(r#"shop_requests_total{app="mail",outcome="served"}"#) > 0.5
    });
    mail.terminate();
    eventually("it is not ready", SOON, || mail.ask("GET", "/readyz", "").0 == 503);
    let (status, _) = mail.end(SOON);
    assert_eq!(slow.join().unwrap(), 200, "the request in flight got its answer");
    assert!(status.success(), "{status}");
}

#[test]
fn the_fleet_serves_what_the_replicas_it_is_told_of_can_carry() {
    let fleet = Program::start("fleet", &["--base", "300", "--web-capacity", "100", "--patience", "100ms"]);
    assert_eq!(fleet.ask("PUT", "/ready/web", "2").0, 200);
    assert_eq!(fleet.ask("PUT", "/ready/payment", "1").0, 200);
    assert_eq!(fleet.ask("PUT", "/ready/nobody", "1").0, 400);
    let (served, refused) = (
        r#"shop_requests_total{app="web",outcome="served"}"#,
        r#"shop_requests_total{app="web",outcome="refused"}"#,
    );
    let share = |fleet: &Program, seconds: u64| {
        let before = (fleet.metric(served), fleet.metric(refused));
        std::thread::sleep(Duration::from_secs(seconds));
        let (more, less) = (fleet.metric(served) - before.0, fleet.metric(refused) - before.1);
        more / (more + less)
    };
    std::thread::sleep(Duration::from_millis(300));
    let two_thirds = share(&fleet, 2);
    assert!(
        (two_thirds - 2.0 / 3.0).abs() < 0.1,
        "two replicas of 100 carry two thirds of 300: {two_thirds}"
    );
    fleet.ask("PUT", "/ready/web", "3");
    std::thread::sleep(Duration::from_millis(300));
    assert!(share(&fleet, 1) > 0.99, "three carry all");
    assert!(fleet.metric("shop_queue_depth") > 1.0, "without workers invoices wait");
    fleet.ask("PUT", "/rate", "0");
    std::thread::sleep(Duration::from_millis(200));
    let before = fleet.metric("shop_offered_requests_total");
    std::thread::sleep(Duration::from_millis(300));
    assert!((fleet.metric("shop_offered_requests_total") - before).abs() < 1e-9, "no visitors at rate 0");
    fleet.terminate();
    let (status, printed) = fleet.end(SOON);
    let summary: Value = serde_json::from_str(&printed).unwrap();
    assert!(status.success() && count(&summary, "refused") > 100.0, "{summary}");
}

#[test]
fn the_fleet_learns_from_kubectl_how_many_replicas_are_ready() {
    let folder = std::env::temp_dir().join(format!("shop-kubectl-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let kubectl = folder.join("kubectl");
    // Speaks as `kubectl get deployments --watch --output-watch-events` does, then stays.
    let script = "#!/bin/sh\ncase \"$*\" in kubectl\\ --namespace\\ fair\\ *deployments*) echo 'ADDED web 1'; sleep 0.5; echo 'MODIFIED web 4';; \
                  *statefulsets*) echo 'ADDED mail 2';; *) echo \"$*\" >&2;; esac\nexec sleep 30\n";
    std::fs::write(&kubectl, script).unwrap();
    std::fs::set_permissions(&kubectl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let fleet = Program::start(
        "fleet",
        &["--kubectl", &format!("{} kubectl", kubectl.display()), "--namespace", "fair", "--base", "10"],
    );
    eventually("it has heard of both", SOON, || {
        fleet.metric(r#"shop_ready_replicas{app="web"}"#) > 3.5
            && fleet.metric(r#"shop_ready_replicas{app="mail"}"#) > 1.5
    });
    fleet.terminate();
    fleet.end(SOON);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn wrong_settings_are_refused_with_what_to_write() {
    for (flags, expected) in [
        (&["load", "--url", "https://web"][..], "write a URL such as http://web:8080/"),
        (&["load", "--step", "half"], "such as 5% or +50%"),
        (&["load", "--trace", "/nowhere.csv"], "/nowhere.csv cannot be read"),
        (&["web", "--startup", "10"], "such as 500ms or 10s"),
        (&["queue", "--listen", "nowhere"], "nowhere cannot be listened on"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_shop")).args(flags).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        assert!(said.contains(expected), "{flags:?}: {said}");
    }
}
