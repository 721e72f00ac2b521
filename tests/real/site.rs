//! A cluster with a real node, bizops installed by its chart from its shipped image, and the shop.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Options, Testbed};

/// The namespace bizops is installed in.
pub const SYSTEM: &str = "bizops-system";

/// Says aloud why the tests of this binary do not run, when they do not.
pub fn possible() -> bool {
    let possible = testbed::real_nodes();
    if let Err(why) = &possible {
        eprintln!("DID NOT RUN: bizops on a real node was not tried, none can be had here: {why}");
    }
    possible.is_ok()
}

pub struct Site {
    pub testbed: Testbed,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The archives `make image` makes, made by the same script.
fn images() -> Vec<PathBuf> {
    let made = Command::new(root().join(".ci/image.sh")).arg("all").current_dir(root()).output().unwrap();
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), ".ci/image.sh: {}\n{said}", made.status);
    ["bizops", "shop"].map(|name| root().join(format!("target/image/{name}.tar"))).to_vec()
}

impl Site {
    pub fn start() -> Self {
        let testbed = Testbed::start(Options::real(images())).unwrap_or_else(|error| panic!("{error}"));
        Self { testbed }
    }

    /// The release, in a namespace that admits only pods of the restricted profile, and where its numbers are.
    pub fn install(&self) {
        self.apply(&json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": SYSTEM, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
        }));
        let chart = root().join("charts/bizops").display().to_string();
        let install = ["install", "bizops", &chart, "--namespace", SYSTEM];
        let more = ["--set", "image.pullPolicy=Never", "--wait", "--timeout", "3m"];
        self.testbed.helm(&[&install[..], &more].concat()).unwrap_or_else(|error| panic!("{error}"));
        self.apply_file("examples/00-source.yaml", |text| text);
    }

    /// The shop, whose web replicas serve 30 requests a second each; four of them.
    pub fn shop(&self) {
        self.apply_file("tests/testbed/shop/deploy/shop.yaml", |text| {
            let slower = text.replacen("SHOP_CAPACITY, value: \"100\"", "SHOP_CAPACITY, value: \"30\"", 1);
            let four = slower.replacen("replicas: 2", "replicas: 4", 1);
            assert!(slower != text && four != slower, "the manifests of web are not what this test expects");
            four
        });
        for (app, replicas) in [("web", 4), ("payment", 2), ("search", 1), ("queue", 1)] {
            self.testbed.await_ready("shop", app, replicas, Duration::from_mins(2)).unwrap();
        }
        // One search replica serves 50 searches a second, and there will be 58.
        self.kubectl(&[
            "--namespace",
            "shop",
            "patch",
            "hpa",
            "search",
            "--patch",
            r#"{"spec":{"minReplicas":2}}"#,
        ]);
    }

    /// Visitors, so many a second.
    pub fn load(&self, rate: &str) {
        self.apply_file("tests/testbed/shop/deploy/load.yaml", |text| {
            text.replacen("SHOP_BASE, value: \"50\"", &format!("SHOP_BASE, value: \"{rate}\""), 1)
        });
        self.testbed.await_ready("shop", "load", 1, Duration::from_mins(2)).unwrap();
    }

    /// So many a second from now on.
    pub fn set_load(&self, rate: &str) {
        let path = "/api/v1/namespaces/shop/services/load:http/proxy/rate";
        let set = self.testbed.kubectl_with(rate, &["replace", "--raw", path, "--filename", "-"]).unwrap();
        assert_eq!(set.trim(), "set");
    }

    /// Requests per second that reached the web pods.
    pub fn rate(&self) -> f64 {
        self.testbed.value("sum(rate(shop_requests_total{app=\"web\"}[10s]))").unwrap_or(0.0)
    }

    /// As the visitors saw it: requests refused, orders lost, orders placed.
    pub fn counts(&self) -> (f64, f64, f64) {
        let value = |query: &str| self.testbed.query(query).unwrap().first().map_or(0.0, |one| one.value);
        (
            value("sum(shop_load_refused_total{cause=\"refused\"})"),
            value("sum(shop_load_orders_total{outcome=\"lost\"})"),
            value("sum(shop_load_orders_total{outcome=\"placed\"})"),
        )
    }

    /// How many web replicas there should be.
    pub fn web(&self) -> u64 {
        self.get("/apis/apps/v1/namespaces/shop/deployments/web")["spec"]["replicas"].as_u64().unwrap()
    }

    /// The operator's only pod.
    pub fn operator(&self) -> Value {
        let pods = self.get(&format!("/api/v1/namespaces/{SYSTEM}/pods"));
        let pods = pods["items"].as_array().unwrap();
        assert_eq!(pods.len(), 1, "{pods:#?}");
        pods[0].clone()
    }

    pub fn get(&self, path: &str) -> Value {
        self.testbed.api().get(path).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.testbed.kubectl(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn apply(&self, object: &Value) {
        self.testbed.apply(&object.to_string()).unwrap_or_else(|error| panic!("{error}"));
    }

    fn apply_file(&self, file: &str, edit: impl Fn(String) -> String) {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        self.testbed.apply(&edit(text)).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}
