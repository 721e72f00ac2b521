//! The configurations of a real node's parts.

use serde_json::json;

use super::{SANDBOX, SOCKET, cgroup};
use crate::site::Site;
use crate::{Error, Testbed, folders, tools};

/// The addresses of pods.
const PODS: &str = "10.88.0.0/16";

/// Writes them all.
pub(crate) fn write(site: &Site) -> Result<(), Error> {
    folders::make(&site.file("cni"))?;
    let put = |name: &str, content: String| folders::write(&site.file(name), content.as_bytes());
    put("cni/10-testbed.conflist", cni(site))?;
    put("containerd.toml", containerd(site))?;
    put("kubelet.json", kubelet(site))?;
    put("proxy.json", proxy(site))?;
    put("Corefile", names(site))
}

/// Pods hang on a bridge that is their gateway; a pod reaches itself through a Service, too.
fn cni(site: &Site) -> String {
    let bridge = json!({
        "type": "bridge",
        "bridge": "pods",
        "isDefaultGateway": true,
        "ipMasq": false,
        "hairpinMode": true,
        "ipam": {"type": "host-local", "dataDir": site.file("ipam"), "ranges": [[{"subnet": PODS}]]},
    });
    json!({"cniVersion": "1.0.0", "name": "testbed", "plugins": [bridge]}).to_string()
}

fn containerd(site: &Site) -> String {
    let path = |name: &str| site.file(name).display().to_string();
    format!(
        r#"version = 3
root = "{root}"
state = "/run/containerd"
[grpc]
address = "{SOCKET}"
[ttrpc]
address = "{SOCKET}.ttrpc"
[plugins.'io.containerd.internal.v1.opt']
path = "{opt}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{SANDBOX}"
[plugins.'io.containerd.cri.v1.runtime']
# A machine without CAP_SYS_RESOURCE may not lower the score; every pod would fail.
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{bin}"]
conf_dir = "{cni}"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
"#,
        root = path("containerd"),
        opt = path("containerd-opt"),
        bin = tools::CNI,
        cni = path("cni"),
    )
}

fn kubelet(site: &Site) -> String {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", cgroup::name(&site.run)),
        "enforceNodeAllocatable": [],
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": site.pki.file("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "failSwapOn": false,
        // The disk of the machine is not the testbed's: it neither evicts pods nor collects images for it.
        "evictionHard": {},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "clusterDNS": [site.address],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "maxPods": 250,
        "syncFrequency": "10s",
    })
    .to_string()
}

fn proxy(site: &Site) -> String {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": PODS,
        "hostnameOverride": "node-0",
        "clientConnection": {"kubeconfig": site.config("proxy")},
        "conntrack": {"maxPerCore": 0, "min": 0},
        "nodePortAddresses": [format!("{}/32", site.address)],
    })
    .to_string()
}

fn names(site: &Site) -> String {
    format!(
        ".:53 {{\n bind {}\n kubernetes cluster.local {{\n  kubeconfig {} testbed\n }}\n}}\n",
        site.address,
        site.config("admin").display()
    )
}

/// The Service by which pods reach Prometheus: `http://prometheus.monitoring.svc:9090`.
pub(crate) fn prometheus_service(testbed: &Testbed) -> Result<(), Error> {
    let api = testbed.api();
    let of = |name: &str| json!({"name": name, "namespace": "monitoring"});
    api.post("/api/v1/namespaces", &json!({"metadata": {"name": "monitoring"}}))?;
    api.post(
        "/api/v1/namespaces/monitoring/services",
        &json!({"metadata": of("prometheus"), "spec": {"ports": [{"name": "http", "port": 9090}]}}),
    )?;
    let mut metadata = of("prometheus-testbed");
    metadata["labels"] = json!({"kubernetes.io/service-name": "prometheus"});
    api.post(
        "/apis/discovery.k8s.io/v1/namespaces/monitoring/endpointslices",
        &json!({
            "metadata": metadata,
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": testbed.prometheus_port(), "protocol": "TCP"}],
            "endpoints": [{"addresses": [testbed.address()], "conditions": {"ready": true}}],
        }),
    )?;
    Ok(())
}
