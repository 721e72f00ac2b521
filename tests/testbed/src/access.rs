//! How a testbed is reached: addresses and kubeconfigs.

use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::PathBuf;

use serde_json::json;

use crate::error::Doing as _;
use crate::pki::Credential;
use crate::{Error, Testbed};

impl Testbed {
    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.site().config("admin")
    }

    /// The API server: `https://127.0.0.1:20443`, on the host and inside a real node's network alike.
    pub fn server(&self) -> String {
        self.site().server()
    }

    /// The certificate of the authority that signed the API server's.
    pub fn authority(&self) -> PathBuf {
        self.site().pki.file("ca.crt")
    }

    /// Prometheus: `http://127.0.0.1:20090`, on the host and inside a real node's network alike.
    pub fn prometheus_url(&self) -> String {
        self.site().prometheus()
    }

    /// The address at which pods of a real node reach what listens in its network (Prometheus, proxies); loopback
    /// beside fake nodes.
    pub fn address(&self) -> IpAddr {
        self.site().address
    }

    /// The port of Prometheus.
    pub fn prometheus_port(&self) -> u16 {
        self.site().ports.prometheus
    }

    /// The API server's audit log: one JSON event a line for every change, with user and time.
    pub fn audit_log(&self) -> PathBuf {
        self.site().file("logs/audit.log")
    }

    /// A kubeconfig with a fresh token of a service account, valid for an hour: a process of the host that uses it
    /// has the rights it would have as a pod.
    pub fn kubeconfig_for_service_account(&self, namespace: &str, name: &str) -> Result<PathBuf, Error> {
        let token = self.service_account_token(namespace, name, 3600)?;
        self.kubeconfig_for_token(&format!("{namespace}-{name}"), namespace, &token)
    }

    /// A kubeconfig that shows this token.
    pub fn kubeconfig_for_token(&self, file: &str, namespace: &str, token: &str) -> Result<PathBuf, Error> {
        self.site().kubeconfig(file, &Credential::Token(token), namespace)
    }

    /// A token of a service account. The API server gives none for less than ten minutes.
    pub fn service_account_token(&self, namespace: &str, name: &str, seconds: u32) -> Result<String, Error> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        });
        let answer = self.api().post(&path, &request)?;
        answer["status"]["token"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| Error::NotHere(format!("no token in {answer}")))
    }

    /// A listener that the parts and pods of this testbed reach.
    pub fn listen(&self) -> Result<TcpListener, Error> {
        let address = if self.site().options.is_real() { "0.0.0.0:0" } else { "127.0.0.1:0" };
        self.site().network.inside(|| TcpListener::bind(address)).doing(|| format!("listening on {address}"))
    }

    /// A connection to something that listens in this testbed's network: a pod, a Service.
    pub fn connect(&self, address: &str) -> Result<TcpStream, Error> {
        self.site()
            .network
            .inside(|| TcpStream::connect(address))
            .doing(|| format!("connecting to {address}"))
    }
}
