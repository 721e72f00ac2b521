//! What a testbed is made of.

use std::path::PathBuf;
use std::time::Duration;

/// Which nodes the cluster has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nodes {
    /// Only the control plane: enough for admission, schemas and charts.
    None,
    /// Nodes that only say they run pods: any user, fast, thousands of pods. A pod becomes ready after the time
    /// in its annotation `testbed/startup` (`30s`; one second without it) and never with `testbed/ready: "false"`.
    Fake {
        /// How many; each holds 500 pods.
        count: usize,
    },
    /// One node that runs containers: kubelet, containerd, runc, CNI, kube-proxy and DNS. Needs root on Linux.
    Real {
        /// Archives of the images its pods start from; pods say `imagePullPolicy: Never`.
        images: Vec<PathBuf>,
    },
}

/// What [`crate::Testbed::start`] starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// The nodes.
    pub nodes: Nodes,
    /// Whether a Prometheus runs beside the cluster.
    pub prometheus: bool,
    /// How often Prometheus scrapes.
    pub scrape_interval: Duration,
    /// Whether the API server writes an audit log of every change.
    pub audit: bool,
}

impl Default for Options {
    /// Three fake nodes, Prometheus with one sample a second, an audit log.
    fn default() -> Self {
        Self {
            nodes: Nodes::Fake { count: 3 },
            prometheus: true,
            scrape_interval: Duration::from_secs(1),
            audit: true,
        }
    }
}

impl Options {
    /// Three fake nodes and everything else.
    pub fn fake() -> Self {
        Self::default()
    }

    /// One real node with these images and everything else.
    pub fn real(images: Vec<PathBuf>) -> Self {
        Self { nodes: Nodes::Real { images }, ..Self::default() }
    }

    /// Only etcd, the API server and the controllers: no node, no Prometheus.
    pub fn control_plane() -> Self {
        Self { nodes: Nodes::None, prometheus: false, ..Self::default() }
    }

    /// Whether the node is a real one.
    pub(crate) fn is_real(&self) -> bool {
        matches!(self.nodes, Nodes::Real { .. })
    }
}
