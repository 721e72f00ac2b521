//! Everything the parts of one testbed share: folder, programs, ports, certificates, network.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use crate::api::Api;
use crate::namespace::Network;
use crate::options::Options;
use crate::parts::{self, Programs};
use crate::pki::{self, Credential, Identity, Pki};
use crate::ports::Ports;
use crate::process::{Part, Recipe};
use crate::{Error, folders, tools};

/// The address of a real node and everything on it, inside its namespace.
pub(crate) const NODE: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 30, 0, 1));
/// The addresses of Services; the first is the API server's, see [`pki`].
pub(crate) const SERVICES: &str = "10.0.0.0/16";

/// The common ground of a testbed's parts.
pub(crate) struct Site {
    pub(crate) run: PathBuf,
    pub(crate) programs: Programs,
    pub(crate) ports: Ports,
    pub(crate) pki: Pki,
    pub(crate) admin: Identity,
    pub(crate) network: Network,
    /// Where other parts and pods reach what listens here.
    pub(crate) address: IpAddr,
    pub(crate) options: Options,
}

impl Site {
    /// Finds or builds the programs, then prepares folder, ports and certificates.
    pub(crate) fn new(run: PathBuf, options: Options, programs: Programs) -> Result<Self, Error> {
        let address = if options.is_real() { NODE } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
        folders::make(&run.join("logs"))?;
        let pki = Pki::new(&run.join("pki"))?;
        pki.server(address)?;
        let admin = pki.client("admin", "admin", Some("system:masters"))?;
        let site = Self {
            run,
            programs,
            ports: Ports::free()?,
            pki,
            admin,
            network: Network::default(),
            address,
            options,
        };
        site.kubeconfig("admin", &Credential::Certificate(&site.admin), "default")?;
        for (file, user) in [
            ("controller-manager", "system:kube-controller-manager"),
            ("scheduler", "system:kube-scheduler"),
            ("proxy", "system:kube-proxy"),
        ] {
            site.kubeconfig(file, &Credential::Certificate(&site.pki.client(file, user, None)?), "default")?;
        }
        Ok(site)
    }

    /// `https://127.0.0.1:20443`: the same on the host and inside a real node's namespace.
    pub(crate) fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api)
    }

    /// `http://127.0.0.1:20090`.
    pub(crate) fn prometheus(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.prometheus)
    }

    /// `http://127.0.0.1:20379`.
    pub(crate) fn etcd(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.etcd)
    }

    /// The path of a file or folder of this testbed.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.run.join(name)
    }

    /// Writes a kubeconfig and says where.
    pub(crate) fn kubeconfig(
        &self,
        name: &str,
        credential: &Credential<'_>,
        namespace: &str,
    ) -> Result<PathBuf, Error> {
        let path = self.config(name);
        pki::kubeconfig(&path, &self.server(), &self.pki.authority(), credential, namespace)?;
        Ok(path)
    }

    /// The path of a kubeconfig.
    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.file(&format!("{name}.kubeconfig"))
    }

    /// A client of the API server as the administrator.
    pub(crate) fn api(&self) -> Result<Api, Error> {
        Api::trusted(&self.server(), &self.pki.authority(), &self.admin)
    }

    /// How a part is started that is a program of its own, in the testbed's network.
    pub(crate) fn recipe(&self, part: Part, program: &str, arguments: &[String]) -> Result<Recipe, Error> {
        Ok(Recipe {
            part,
            program: self.programs.path(program)?.to_owned(),
            arguments: arguments.iter().map(OsString::from).collect(),
            path: self.search_path(),
            network: self.network.clone(),
            enters: false,
        })
    }

    /// How a part is started that is one of the programs in `kube`.
    pub(crate) fn kube(&self, part: Part, arguments: &[String]) -> Result<Recipe, Error> {
        let mut all = vec![part.to_string()];
        all.extend_from_slice(arguments);
        self.recipe(part, "kube", &all)
    }

    /// `PATH` for the parts: containerd finds its shim in it.
    pub(crate) fn search_path(&self) -> OsString {
        let own: Vec<&Path> = ["containerd-shim-runc-v2"]
            .iter()
            .filter_map(|name| self.programs.path(name).ok()?.parent())
            .collect();
        tools::search_path(&own)
    }
}

/// Finds or builds what these options need, after saying what of the host is missing.
pub(crate) fn programs(options: &Options) -> Result<Programs, Error> {
    if !cfg!(target_os = "linux") {
        return Err(Error::NotHere("the testbed runs on Linux alone".to_owned()));
    }
    if options.is_real() {
        tools::real_nodes()?;
    }
    parts::needed(options)
}
