//! The scene: a cluster, the shop in it, bizops installed from its chart, the examples applied.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testbed::{Error, Options, Spawned, Testbed, wait_until};

use super::build::Images;
use super::day::{Day, PEAK, root, trace};
use super::manifests;
use super::progress::step;

/// The namespace bizops is installed in.
pub(super) const SYSTEM: &str = "bizops-system";
/// How long a part of the scene may take that usually takes seconds: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(3);

/// Everything that stands.
pub(super) struct Scene {
    pub(super) testbed: Testbed,
    /// Whether pods run, and not only say so.
    pub(super) real: bool,
    /// Beside fake nodes: the operator and the simulated shop, as processes.
    processes: Vec<Spawned>,
}

impl Scene {
    /// Sets it, up to the visitors.
    pub(super) fn set(real: bool, images: &Images) -> Result<Self, Error> {
        let archives = ["bizops", "shop"].map(|name| images.archive(name)).to_vec();
        let (kind, options, usual) = if real {
            ("a cluster with a real node and Prometheus", Options::real(archives), 15)
        } else {
            ("a cluster with fake nodes and Prometheus", Options::fake(), 8)
        };
        let testbed = step(kind, Duration::from_secs(usual), || Testbed::start(options))?;
        let mut scene = Self { testbed, real, processes: vec![] };
        step("the shop", Duration::from_secs(15), || scene.shop())?;
        step("bizops from its chart", Duration::from_secs(15), || scene.bizops())?;
        if !real {
            scene.operator(images)?;
        }
        step("the examples", Duration::from_secs(10), || scene.examples())?;
        Ok(scene)
    }

    fn shop(&self) -> Result<(), Error> {
        manifests::apply(&self.testbed, &manifests::shop(&self.testbed)?)?;
        for (app, replicas) in [("web", 2), ("payment", 2), ("search", 1), ("queue", 1)] {
            self.testbed.await_ready("shop", app, replicas, PATIENCE)?;
        }
        Ok(())
    }

    /// The release, in a namespace that admits only pods of the restricted profile.
    fn bizops(&self) -> Result<(), Error> {
        let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
        let namespace = json!({"metadata": {"name": SYSTEM, "labels": labels}});
        self.testbed.api().post("/api/v1/namespaces", &namespace)?;
        let chart = root().join("charts/bizops").display().to_string();
        let never = "image.pullPolicy=Never";
        let release = ["install", "bizops", &chart, "--namespace", SYSTEM, "--set", never];
        self.testbed.helm(&[&release[..], &["--wait", "--timeout", "3m"]].concat()).map(|_| ())
    }

    /// Beside fake nodes nobody runs the release's pod: the same program runs here, with the same rights.
    fn operator(&mut self, images: &Images) -> Result<(), Error> {
        let kubeconfig = self.testbed.kubeconfig_for_service_account(SYSTEM, "bizops")?;
        let mut command = Command::new(images.program("bizops"));
        command
            .args(["run", "--namespace", SYSTEM, "--identity", "demo"])
            .args(["--metrics-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
            .env("KUBECONFIG", kubeconfig);
        let operator = self.testbed.spawn("bizops", command)?;
        let address = wait_until("the operator's metrics", PATIENCE, || {
            let log = operator.log();
            let address = log.split("metrics=").nth(1).and_then(|rest| rest.split_whitespace().next());
            address.map(str::to_owned).ok_or(log)
        })?;
        self.testbed.scrape_address(&address, &[])?;
        self.processes.push(operator);
        Ok(())
    }

    fn examples(&self) -> Result<(), Error> {
        // On a real node the examples' own address of Prometheus is right.
        let own = "http://prometheus.monitoring:9090";
        let address = if self.real { own.to_owned() } else { self.testbed.prometheus_url() };
        manifests::apply(&self.testbed, &manifests::examples(&self.testbed, &address)?)?;
        let path = "/apis/bizops.dev/v1alpha1/namespaces/shop/objectives";
        wait_until("objectives that are reconciled", PATIENCE, || {
            let list = self.testbed.api().get(path).map_err(|error| error.to_string())?;
            let items = list["items"].as_array().cloned().unwrap_or_default();
            let open: Vec<String> = items.iter().filter_map(not_ready).collect();
            if open.is_empty() { Ok(()) } else { Err(open.join("; ")) }
        })
    }

    /// Lets the visitors come, and says since when they do.
    pub(super) fn begin(&mut self, day: &Day, images: &Images) -> Result<Instant, Error> {
        if self.real {
            let visitors = manifests::visitors(&self.testbed, day.speed(), PEAK)?;
            manifests::apply(&self.testbed, &visitors)?;
        } else {
            self.fleet(day, images)?;
        }
        let begun = wait_until("visitors", PATIENCE, || {
            let offered = self.testbed.value("sum(shop_offered_requests_total)");
            let offered = offered.map_err(|error| error.to_string())?;
            if offered > 0.0 { Ok(offered) } else { Err("none yet".to_owned()) }
        })?;
        // How long ago it began: as long as so many visitors take.
        let mut played = 0.0;
        let mut visitors = 0.0;
        while visitors < begun && played < day.seconds {
            played += 0.01;
            visitors += day.rate(played) * 0.01;
        }
        Instant::now()
            .checked_sub(Duration::from_secs_f64(played))
            .ok_or_else(|| Error::NotHere("the clock is younger than the demo".to_owned()))
    }

    /// All pods and visitors in one process, by the model the real ones follow.
    fn fleet(&mut self, day: &Day, images: &Images) -> Result<(), Error> {
        let mut command = Command::new(images.program("shop"));
        command
            .args(["fleet", "--listen", "127.0.0.1:0", "--then", "hold"])
            .args(["--speed", &day.speed().to_string(), "--peak", &PEAK.to_string()])
            .args(["--web-capacity", &manifests::WEB.to_string()])
            .args(["--payment-capacity", &manifests::PAYMENT.to_string()])
            .arg("--trace")
            .arg(trace())
            .arg("--kubectl")
            .arg(self.kubectl()?)
            .arg("--kubeconfig")
            .arg(self.testbed.kubeconfig());
        let fleet = self.testbed.spawn("shop", command)?;
        let address = wait_until("the fleet's address", Duration::from_secs(10), || {
            let log = fleet.log();
            log.lines().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).ok_or(log)
        })?;
        // What stands already is told at once; kubectl's watch needs a second for its first word.
        for (app, pods) in super::world::pods(&self.testbed)? {
            put(&address, &format!("/ready/{app}"), &pods.ready.to_string())
                .map_err(|source| Error::Io { doing: format!("telling the fleet about {app}"), source })?;
        }
        self.testbed.scrape_address(&address, &[])?;
        self.processes.push(fleet);
        Ok(())
    }

    /// A kubectl in one file: the testbed's own is a part of a larger program.
    fn kubectl(&self) -> Result<PathBuf, Error> {
        let wrong = |source| Error::Io { doing: "writing a kubectl for the fleet".to_owned(), source };
        let state = fs::read(self.testbed.folder().join("state.json")).map_err(wrong)?;
        let state: Value = serde_json::from_slice(&state).map_err(|error| wrong(error.into()))?;
        let path = self.testbed.folder().join("kubectl");
        let script =
            format!("#!/bin/sh\nexec '{}' kubectl \"$@\"\n", state["kube"].as_str().unwrap_or_default());
        fs::write(&path, script).map_err(wrong)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(wrong)?;
        Ok(path)
    }

    /// Fails when something of the scene ended by itself.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        self.testbed.check()?;
        self.processes.iter_mut().try_for_each(Spawned::check)
    }

    /// Leaves everything standing.
    pub(super) fn keep(self) -> Result<(), Error> {
        let own = std::env::current_exe()
            .map_err(|source| Error::Io { doing: "finding this program".to_owned(), source })?;
        // A build since the start put a new program in the place of this one: it does as well.
        let own =
            own.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map_or(own.clone(), PathBuf::from);
        self.processes.into_iter().for_each(Spawned::leave);
        self.testbed.keep(&own)
    }
}

/// One PUT to the fleet; what it answers is no matter.
fn put(address: &str, path: &str, body: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let length = body.len();
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nHost: fleet\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}

/// An objective that is not reconciled yet, with what it says.
fn not_ready(objective: &Value) -> Option<String> {
    let conditions = objective["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    match ready {
        Some(condition) if condition["status"] == "True" => None,
        Some(condition) => Some(format!("{}: {}", objective["metadata"]["name"], condition["message"])),
        None => Some(format!("{}: no status", objective["metadata"]["name"])),
    }
}
