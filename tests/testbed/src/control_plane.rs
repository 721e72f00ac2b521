//! etcd, API server, controllers and scheduler: how they are started.

use serde_json::json;

use crate::process::{Part, Recipe};
use crate::site::{SERVICES, Site};
use crate::{Error, folders};

/// The store. It does not wait for the disk: a testbed lives for minutes and nobody misses its data.
pub(crate) fn etcd(site: &Site) -> Result<Recipe, Error> {
    let (client, peer) = (site.etcd(), format!("http://127.0.0.1:{}", site.ports.etcd_peer));
    let arguments = [
        format!("--data-dir={}", site.file("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
        format!("--quota-backend-bytes={}", 8_u64 << 30),
    ];
    site.kube(Part::Etcd, &arguments)
}

/// The API server.
pub(crate) fn api_server(site: &Site) -> Result<Recipe, Error> {
    let pki = |name: &str| site.pki.file(name).display().to_string();
    let mut arguments = vec![
        format!("--etcd-servers={}", site.etcd()),
        format!("--secure-port={}", site.ports.api),
        format!("--advertise-address={}", site.address),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        format!("--client-ca-file={}", pki("ca.crt")),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", pki("sa.pub")),
        format!("--service-account-signing-key-file={}", pki("sa.key")),
        format!("--service-cluster-ip-range={SERVICES}"),
        "--allow-privileged=true".to_owned(),
    ];
    if site.options.is_real() {
        arguments.extend([
            // Its name is in no DNS.
            "--kubelet-preferred-address-types=InternalIP".to_owned(),
            format!("--kubelet-client-certificate={}", pki("admin.crt")),
            format!("--kubelet-client-key={}", pki("admin.key")),
        ]);
    } else {
        // A loopback address may not be the endpoint of a Service.
        arguments.extend(["--bind-address=127.0.0.1", "--endpoint-reconciler-type=none"].map(String::from));
    }
    if site.options.audit {
        arguments.push(format!("--audit-policy-file={}", audit_policy(site)?));
        arguments.push(format!("--audit-log-path={}", site.file("logs/audit.log").display()));
    }
    site.kube(Part::ApiServer, &arguments)
}

/// Every change, once, with who and when; reads would be most of the log and tell nothing.
fn audit_policy(site: &Site) -> Result<String, Error> {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "None", "verbs": ["get", "list", "watch"]}, {"level": "Metadata"}],
    });
    let path = site.file("audit-policy.json");
    folders::write(&path, policy.to_string().as_bytes())?;
    Ok(path.display().to_string())
}

/// The controllers. Faster than their defaults, which are made for clusters that live for years.
pub(crate) fn controller_manager(site: &Site) -> Result<Recipe, Error> {
    let mut arguments = vec![
        format!("--kubeconfig={}", site.config("controller-manager").display()),
        format!("--service-account-private-key-file={}", site.pki.file("sa.key").display()),
        format!("--root-ca-file={}", site.pki.file("ca.crt").display()),
        "--use-service-account-credentials".to_owned(),
        "--leader-elect=false".to_owned(),
        "--secure-port=0".to_owned(),
        "--horizontal-pod-autoscaler-sync-period=5s".to_owned(),
        "--concurrent-deployment-syncs=20".to_owned(),
        "--concurrent-replicaset-syncs=20".to_owned(),
        "--kube-api-qps=300".to_owned(),
        "--kube-api-burst=600".to_owned(),
    ];
    if !site.options.is_real() {
        // Fake nodes have no heartbeat; after 40 s without one their pods would count as not ready, for good.
        arguments.push("--node-monitor-grace-period=24h".to_owned());
    }
    site.kube(Part::ControllerManager, &arguments)
}

/// The scheduler.
pub(crate) fn scheduler(site: &Site) -> Result<Recipe, Error> {
    let config = json!({
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": false},
        "clientConnection": {"kubeconfig": site.config("scheduler"), "qps": 300, "burst": 600},
    });
    let path = site.file("scheduler.json");
    folders::write(&path, config.to_string().as_bytes())?;
    let arguments = [format!("--config={}", path.display()), "--secure-port=0".to_owned()];
    site.kube(Part::Scheduler, &arguments)
}
