//! What an installation really is: the image that is shipped, started by its chart on a real node, beside real pods
//! under real load.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod site;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{hold_true, wait_until};

use crate::site::{SYSTEM, Site, possible};

/// How long something may take that usually takes seconds: the machine may be compiling beside.
const SOON: Duration = Duration::from_mins(2);

/// Requests per second, before and after. A replica serves 30: four carry the first with ease and not the second,
/// six carry both.
const BEFORE: &str = "97";
const AFTER: &str = "145.5";

/// "100 requests/s need four replicas, half more need half more."
fn objective() -> Value {
    let demand = "sum(rate(shop_requests_total{app=\"web\"}[10s]))";
    json!({
        "apiVersion": "bizops.dev/v1alpha1",
        "kind": "Objective",
        "metadata": {"name": "browse", "namespace": "shop"},
        "spec": {
            "interval": "1s",
            "indicator": {"query": demand, "unit": "requests/s"},
            "goal": {"atLeast": 1},
            "mappings": [{
                "name": "web",
                "demand": {"query": demand, "unit": "requests/s"},
                "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "capacity": {"proportional": {"demand": 100, "replicas": 4}},
                "bounds": {"min": 4, "max": 12},
            }],
        },
    })
}

#[test]
fn the_shipped_image_runs_restricted_is_read_and_scraped_and_follows_real_load_with_real_pods() {
    if !possible() {
        return;
    }
    let site = Site::start();
    site.install();
    the_pod_runs_the_shipped_image_under_the_restricted_profile(&site);
    its_logs_are_read_through_the_api_server(&site);
    prometheus_finds_its_metrics_by_service_discovery(&site);
    half_more_load_is_followed_by_half_more_pods_and_then_no_order_is_refused(&site);
    its_probes_passed_all_the_time(&site);
}

fn the_pod_runs_the_shipped_image_under_the_restricted_profile(site: &Site) {
    let pod = site.operator();
    let container = &pod["spec"]["containers"][0];
    let image = format!("bizops.dev/bizops:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(container["image"], image, "{container:#}");
    assert_eq!(container["imagePullPolicy"], "Never");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["spec"]["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["spec"]["serviceAccountName"], "bizops");
    assert_eq!(pod["status"]["phase"], "Running");

    // The profile is not only a label: a pod that is less restricted is refused there.
    let lax = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lax", "namespace": SYSTEM},
        "spec": {"containers": [{"name": "lax", "image": image}]},
    });
    let refused = site.testbed.api().post(&format!("/api/v1/namespaces/{SYSTEM}/pods"), &lax).unwrap_err();
    assert!(refused.to_string().contains("violates PodSecurity \"restricted"), "{refused}");
}

fn its_logs_are_read_through_the_api_server(site: &Site) {
    let leads = || {
        let log = site.kubectl(&["logs", "deployment/bizops", "--namespace", SYSTEM]);
        if log.contains("leads") { Ok(()) } else { Err(log) }
    };
    wait_until("a log that says who leads", SOON, leads).unwrap();
}

fn prometheus_finds_its_metrics_by_service_discovery(site: &Site) {
    let of = |metric: &str| format!("{metric}{{namespace=\"{SYSTEM}\"}}");
    site.testbed.await_value(&of("up"), 1.0, SOON).unwrap();
    site.testbed.await_value(&of("bizops_leader"), 1.0, SOON).unwrap();
    let info = site.testbed.query(&of("bizops_build_info")).unwrap();
    assert_eq!(info.len(), 1, "{info:?}");
    assert_eq!(info[0].labels["version"], env!("CARGO_PKG_VERSION"));
}

fn half_more_load_is_followed_by_half_more_pods_and_then_no_order_is_refused(site: &Site) {
    site.shop();
    site.apply(&objective());
    site.load(BEFORE);
    site.testbed.await_ready("shop", "web", 4, SOON).unwrap();
    wait_until("a demand of 97 requests/s", SOON, || match site.rate() {
        rate if (92.0..102.0).contains(&rate) => Ok(()),
        rate => Err(format!("{rate} requests/s")),
    })
    .unwrap();
    let calm = || if site.web() == 4 { Ok(()) } else { Err(format!("{} replicas", site.web())) };
    hold_true("four replicas for the demand of four", Duration::from_secs(5), calm).unwrap();

    site.set_load(AFTER);
    wait_until("six replicas", SOON, || match site.web() {
        6 => Ok(()),
        other => Err(format!("{other} replicas at {} requests/s", site.rate())),
    })
    .unwrap();
    site.testbed.await_ready("shop", "web", 6, SOON).unwrap();
    // Routes follow readiness, and Prometheus has the counts a scrape later.
    std::thread::sleep(Duration::from_secs(3));

    let (refused, lost, placed) = site.counts();
    let none_is_refused = || match (site.counts(), site.web()) {
        ((now, orders, _), 6) if (now, orders) == (refused, lost) => Ok(()),
        (counts, replicas) => Err(format!("{counts:?} and {replicas} replicas after ({refused}, {lost})")),
    };
    hold_true("no order is refused", Duration::from_secs(15), none_is_refused).unwrap();
    assert!(site.counts().2 > placed + 100.0, "orders went on: {:?} after {placed}", site.counts());
    // The rate rises over its window, so the way from four to six may have a stop at five.
    let browse = site.get("/apis/bizops.dev/v1alpha1/namespaces/shop/objectives/browse");
    let decisions = browse["status"]["decisions"].as_array().unwrap();
    let (last, first) = (decisions.first().unwrap(), decisions.last().unwrap());
    assert_eq!((&first["from"], &last["to"]), (&json!(4), &json!(6)), "{decisions:#?}");
    assert!(decisions.iter().all(|decision| decision["outcome"] == "Done"), "{decisions:#?}");
}

fn its_probes_passed_all_the_time(site: &Site) {
    let pod = site.operator();
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 0, "{:#}", pod["status"]);
    assert_eq!(pod["status"]["containerStatuses"][0]["ready"], true, "{:#}", pod["status"]);
    let probes = site.testbed.api().text("/api/v1/nodes/node-0/proxy/metrics/probes").unwrap();
    for kind in ["Liveness", "Readiness"] {
        let of = |result: &str| {
            let wanted = |line: &&str| {
                line.starts_with("prober_probe_total{")
                    && line.contains("container=\"bizops\"")
                    && line.contains(&format!("probe_type=\"{kind}\""))
                    && line.contains(&format!("result=\"{result}\""))
            };
            let count = |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
            probes.lines().filter(wanted).filter_map(count).sum::<f64>()
        };
        assert!(of("successful") >= 2.0, "{kind}: {probes}");
        // Readiness may fail while it starts; liveness never.
        assert!(kind == "Readiness" || of("failed") < 0.5, "{kind}: {probes}");
    }
}
