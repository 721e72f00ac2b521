//! The programs of the host a testbed needs, and one clear sentence for each that is missing.

use std::path::{Path, PathBuf};

use crate::Error;

/// A program of the host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    name: &'static str,
    why: &'static str,
    install: &'static str,
    /// Where it may lie beside the folders of `PATH`.
    beside: &'static [&'static str],
}

/// Folders of the system's own programs, which are not in every user's `PATH`.
const SYSTEM: &[&str] = &["/usr/local/go/bin", "/usr/sbin", "/sbin", "/usr/local/sbin"];

/// The Go compiler.
pub(crate) const GO: Tool = Tool {
    name: "go",
    why: "the cluster's parts are built from source with Go 1.26.7 or newer",
    install: "unpack it from https://go.dev/dl to /usr/local/go",
    beside: SYSTEM,
};

/// What only real nodes need.
const OF_REAL_NODES: [Tool; 7] = [
    Tool {
        name: "runc",
        why: "real nodes start containers with runc 1.1 or newer",
        install: "install the Debian package runc",
        beside: SYSTEM,
    },
    Tool {
        name: "bridge",
        why: "real nodes connect pods with the CNI plugins bridge, host-local and loopback, 1.1 or newer",
        install: "install the Debian package containernetworking-plugins",
        beside: &[CNI],
    },
    Tool {
        name: "host-local",
        why: "real nodes give pods their addresses with the CNI plugin host-local, 1.1 or newer",
        install: "install the Debian package containernetworking-plugins",
        beside: &[CNI],
    },
    Tool {
        name: "nft",
        why: "kube-proxy writes its rules with nftables 1.0.1 or newer",
        install: "install the Debian package nftables",
        beside: SYSTEM,
    },
    Tool {
        name: "ip",
        why: "real nodes set up their network with iproute2",
        install: "install the Debian package iproute2",
        beside: SYSTEM,
    },
    Tool {
        name: "nsenter",
        why: "real nodes are entered with nsenter of util-linux 2.38 or newer",
        install: "install the Debian package util-linux",
        beside: SYSTEM,
    },
    Tool {
        name: "unshare",
        why: "real nodes live in namespaces made by unshare of util-linux 2.38 or newer",
        install: "install the Debian package util-linux",
        beside: SYSTEM,
    },
];

/// Where Debian keeps the CNI plugins.
pub(crate) const CNI: &str = "/usr/lib/cni";

impl Tool {
    /// Its path, or the sentence that says how to get it.
    pub(crate) fn find(&self) -> Result<PathBuf, Error> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .chain(self.beside.iter().map(PathBuf::from))
            .map(|folder| folder.join(self.name))
            .find(|candidate| candidate.is_file())
            .ok_or(Error::Missing { tool: self.name, why: self.why, install: self.install })
    }
}

/// `PATH` with the system's own programs, for whatever the testbed starts.
pub(crate) fn search_path(first: &[&Path]) -> std::ffi::OsString {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = first
        .iter()
        .map(PathBuf::from)
        .chain(std::env::split_paths(&inherited))
        .chain(SYSTEM.iter().map(PathBuf::from));
    std::env::join_paths(folders).unwrap_or(inherited)
}

/// Whether real nodes can be had here; the error says what is missing, one sentence each.
///
/// Tests of real nodes ask this first and say the answer aloud when they cannot run.
///
/// ```
/// if let Err(why) = testbed::real_nodes() {
///     eprintln!("NOT RUN: {why}");
/// }
/// ```
pub fn real_nodes() -> Result<(), Error> {
    if !cfg!(target_os = "linux") {
        return Err(Error::NoRealNodes(format!("this is {}", std::env::consts::OS)));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NoRealNodes(format!("this is user {}", rustix::process::geteuid())));
    }
    let missing: Vec<String> =
        OF_REAL_NODES.iter().filter_map(|tool| tool.find().err()).map(|error| error.to_string()).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::NotHere(missing.join("; "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_says_why_it_is_needed_and_how_to_get_it() {
        let tool = Tool { name: "no-such-tool", why: "it does nothing", install: "leave it", beside: SYSTEM };
        assert_eq!(
            tool.find().unwrap_err().to_string(),
            "no-such-tool is missing: it does nothing; leave it"
        );
    }
}
