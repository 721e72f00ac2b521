//! A testbed: started as a whole, ended as a whole.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::Api;
use crate::keeper::{self, Keeper};
use crate::options::{Nodes, Options};
use crate::process::{Part, Process, Recipe};
use crate::site::{self, Site};
use crate::wire::Wire;
use crate::{Error, control_plane, fake, folders, prometheus, real, wait_until};

/// How long a part may take until it answers. Some seconds are usual; a machine that compiles beside needs more.
const START: Duration = Duration::from_mins(2);

/// A cluster, its Prometheus and everything started in it. It ends when dropped, and also when its owner is
/// killed.
///
/// ```no_run
/// use std::time::Duration;
/// let testbed = testbed::Testbed::start(testbed::Options::fake())?;
/// testbed.kubectl(&["create", "deployment", "web", "--image=web", "--replicas=5"])?;
/// testbed.await_ready("default", "web", 5, Duration::from_secs(30))?;
/// let dial = testbed.dial()?;
/// dial.set("demand", &[("app", "web")], 500.0);
/// testbed.await_value("demand", 500.0, Duration::from_secs(5))?;
/// # Ok::<(), testbed::Error>(())
/// ```
pub struct Testbed {
    site: Site,
    api: Api,
    prometheus: Api,
    parts: Mutex<BTreeMap<Part, (Recipe, Option<Process>)>>,
    targets: Mutex<Vec<Value>>,
    forwards: Vec<Wire>,
    keeper: Option<Keeper>,
}

impl Testbed {
    /// Builds what is missing, starts everything and waits until the nodes are ready.
    pub fn start(options: Options) -> Result<Self, Error> {
        let programs = site::programs(&options)?;
        keeper::sweep()?;
        let run = keeper::new_run()?;
        let keeper = Keeper::start(&run)?;
        if std::env::var_os("BIZOPS_TESTBED_LOGS").is_some() {
            folders::write(&run.join("keep-logs"), b"")?;
        }
        let site = Site::new(run, options, programs)?;
        let mut testbed = Self {
            api: site.api()?,
            prometheus: Api::plain(&site.prometheus()),
            site,
            parts: Mutex::default(),
            targets: Mutex::default(),
            forwards: vec![],
            keeper: Some(keeper),
        };
        testbed.start_all()?;
        Ok(testbed)
    }

    fn start_all(&mut self) -> Result<(), Error> {
        if self.site.options.is_real() {
            self.site.network = real::enter(self)?;
            self.forwards = real::forwards(&self.site)?;
        }
        self.add(control_plane::etcd(&self.site)?)?;
        self.add(control_plane::api_server(&self.site)?)?;
        if self.site.options.prometheus {
            self.add(prometheus::recipe(&self.site)?)?;
        }
        self.until_ready(Part::ApiServer)?;
        self.add(control_plane::controller_manager(&self.site)?)?;
        self.add(control_plane::scheduler(&self.site)?)?;
        match self.site.options.nodes.clone() {
            Nodes::None => {}
            Nodes::Fake { count } => {
                self.add(fake::kwok(&self.site)?)?;
                fake::nodes(&self.api, count)?;
                self.await_nodes(count)?;
            }
            Nodes::Real { images } => {
                real::node(self, &images)?;
                self.await_nodes(1)?;
            }
        }
        if self.site.options.prometheus {
            self.until_ready(Part::Prometheus)?;
        }
        // Pods need it; the controllers make it a moment after their start.
        self.alive_until("the ServiceAccount default", || {
            self.api.get("/api/v1/namespaces/default/serviceaccounts/default").map(|_| ())
        })?;
        self.write_state()
    }

    /// What somebody else needs to find and use this testbed: the command, when it was kept.
    fn write_state(&self) -> Result<(), Error> {
        let state = json!({
            "kubeconfig": self.kubeconfig(),
            "server": self.server(),
            "prometheus": self.prometheus_url(),
            "kube": self.site.programs.path("kube")?,
            "helm": self.site.programs.path("helm")?,
            "apiPort": self.site.ports.api,
            "prometheusPort": self.site.options.prometheus.then_some(self.site.ports.prometheus),
            "node": real::init_pid(self),
        });
        folders::write(&self.site.file("state.json"), state.to_string().as_bytes())
    }

    fn await_nodes(&self, count: usize) -> Result<(), Error> {
        self.alive_until(&format!("{count} nodes ready"), || {
            let list = self.api.get("/api/v1/nodes").map_err(|error| error.to_string())?;
            let nodes = list["items"].as_array().cloned().unwrap_or_default();
            let is_ready = |node: &&Value| {
                let conditions = node["status"]["conditions"].as_array();
                conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
            };
            let ready = nodes.iter().filter(is_ready).count();
            if ready >= count { Ok(()) } else { Err(format!("{ready} ready")) }
        })
    }

    /// Waits for something of the start, and fails at once when a part ends.
    fn alive_until<E: std::fmt::Display>(
        &self,
        what: &str,
        mut look: impl FnMut() -> Result<(), E>,
    ) -> Result<(), Error> {
        wait_until(what, START, || match self.check() {
            Err(ended) => Ok(Err(ended)),
            Ok(()) => look().map(Ok),
        })?
    }

    /// Waits until a part answers; those without a way to ask are ready when they run.
    pub(crate) fn until_ready(&self, part: Part) -> Result<(), Error> {
        self.alive_until(&format!("{part} to answer"), || match part {
            Part::Etcd => self.etcd("/v3/kv/range", &json!({"key": "eA=="})).map(|_| ()),
            Part::ApiServer => self.api.text("/readyz").map(|_| ()),
            Part::Prometheus => self.prometheus.text("/-/ready").map(|_| ()),
            Part::Containerd => real::containerd_answers(self),
            Part::Kubelet => real::kubelet_answers(self),
            _ => Ok(()),
        })
    }

    /// Fails when a part that should run ended by itself.
    pub fn check(&self) -> Result<(), Error> {
        self.parts().values_mut().filter_map(|(_, process)| process.as_mut()).try_for_each(Process::check)
    }

    /// Starts a part for the first time.
    pub(crate) fn add(&self, recipe: Recipe) -> Result<(), Error> {
        let process = recipe.start(&self.site.run)?;
        self.parts().insert(recipe.part, (recipe, Some(process)));
        Ok(())
    }

    pub(crate) fn parts(&self) -> MutexGuard<'_, BTreeMap<Part, (Recipe, Option<Process>)>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn targets(&self) -> MutexGuard<'_, Vec<Value>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// The API server as the administrator: quicker than kubectl.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Prometheus' own interface.
    pub fn prometheus_api(&self) -> &Api {
        &self.prometheus
    }

    /// Everything the testbed writes while it runs; its logs are in `logs`.
    pub fn folder(&self) -> &Path {
        &self.site.run
    }

    /// Lets the testbed stand when this process ends. `testbed down` ends it.
    ///
    /// A real node is reached from the host through this process; `forwarder`, a `testbed` command, takes that
    /// over.
    pub fn keep(mut self, forwarder: &Path) -> Result<(), Error> {
        folders::write(&self.site.file("kept"), b"")?;
        self.forwards.clear();
        if self.site.options.is_real() {
            real::hand_over(&self, forwarder)?;
        }
        self.keeper.take().map_or(Ok(()), Keeper::keep)
    }
}

impl Drop for Testbed {
    /// Ends everything; after a failed test it first tells what state things were in.
    fn drop(&mut self) {
        let Some(keeper) = self.keeper.take() else { return };
        if std::thread::panicking() {
            eprintln!("{}", self.dump());
        }
        self.forwards.clear();
        if let Err(error) = keeper.end() {
            eprintln!("testbed: {error}");
        }
        // Buries the ended parts, which are children of this process.
        for (_, process) in self.parts().values_mut() {
            if let Some(process) = process.take() {
                process.bury();
            }
        }
    }
}
