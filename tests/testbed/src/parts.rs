//! The programs a cluster is made of, built from source once and kept by content.
//!
//! A program lies in `target/testbed/bin/<name>-<hash>/<name>`; the hash is that of everything its bytes depend
//! on, so a change of a version or a flag builds anew and everything else is found at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::error::Doing as _;
use crate::options::{Nodes, Options};
use crate::{Error, folders, tools};

mod build;

/// A program and how it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its name, and that of its file.
    pub(crate) name: &'static str,
    /// Its module: a folder under `parts`.
    folder: &'static str,
    /// What `go build` builds in that module.
    package: &'static str,
    /// Build tags.
    tags: &'static str,
    /// Values set at link time: versions, which clients read and compare.
    versions: &'static [&'static str],
    /// How long a cold build takes on two cores, in seconds: for the progress line.
    pub(crate) expected: u64,
}

const KUBE: Program = Program {
    name: "kube",
    folder: "kubernetes",
    package: ".",
    tags: "",
    versions: &[
        "k8s.io/component-base/version.gitVersion=v1.37.2",
        "k8s.io/component-base/version.gitMajor=1",
        "k8s.io/component-base/version.gitMinor=37",
    ],
    expected: 360,
};
const KWOK: Program =
    Program { name: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok", versions: &[], expected: 50, ..KUBE };
const HELM: Program =
    Program { name: "helm", package: "helm.sh/helm/v4/cmd/helm", versions: &[], expected: 60, ..KUBE };
const PROMETHEUS: Program = Program {
    name: "prometheus",
    folder: "prometheus",
    package: "github.com/prometheus/prometheus/cmd/prometheus",
    tags: "netgo,remove_all_sd,enable_kubernetes_sd",
    versions: &["github.com/prometheus/common/version.Version=3.16.0"],
    expected: 90,
};
const PROMTOOL: Program = Program {
    name: "promtool",
    package: "github.com/prometheus/prometheus/cmd/promtool",
    expected: 40,
    ..PROMETHEUS
};
const CONTAINERD: Program = Program {
    name: "containerd",
    folder: "containerd",
    package: "github.com/containerd/containerd/v2/cmd/containerd",
    tags: "no_btrfs,no_zfs,no_devmapper",
    versions: &["github.com/containerd/containerd/v2/version.Version=v2.4.2"],
    expected: 90,
};
const SHIM: Program = Program {
    name: "containerd-shim-runc-v2",
    package: "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
    expected: 15,
    ..CONTAINERD
};
const CTR: Program = Program {
    name: "ctr",
    package: "github.com/containerd/containerd/v2/cmd/ctr",
    expected: 15,
    ..CONTAINERD
};
const COREDNS: Program = Program {
    name: "coredns",
    folder: "dns",
    package: "github.com/coredns/coredns",
    tags: "",
    versions: &[],
    expected: 160,
};
const SANDBOX: Program =
    Program { name: "sandbox", folder: "sandbox", package: ".", tags: "", versions: &[], expected: 5 };

/// Every program, in the order in which they are built: what the fake cluster needs first.
const ALL: [Program; 10] = [KUBE, PROMETHEUS, KWOK, HELM, PROMTOOL, SANDBOX, CONTAINERD, SHIM, CTR, COREDNS];

/// Where each program lies.
#[derive(Debug, Clone)]
pub(crate) struct Programs(BTreeMap<&'static str, PathBuf>);

impl Programs {
    /// The path of a program that was asked for.
    pub(crate) fn path(&self, name: &str) -> Result<&Path, Error> {
        self.0
            .get(name)
            .map(PathBuf::as_path)
            .ok_or_else(|| Error::NotHere(format!("this testbed was started without {name}")))
    }
}

/// Builds what a testbed with these options needs; what is there already is found in milliseconds.
pub(crate) fn needed(options: &Options) -> Result<Programs, Error> {
    let is_needed = |program: &Program| match program.name {
        "kube" | "helm" => true,
        "prometheus" | "promtool" => options.prometheus,
        "kwok" => matches!(options.nodes, Nodes::Fake { .. }),
        _ => options.is_real(),
    };
    ensure(ALL.into_iter().filter(is_needed).collect())
}

/// Builds every program, for `testbed build`.
///
/// ```no_run
/// for (name, path) in testbed::build_all()? {
///     println!("{name}: {}", path.display());
/// }
/// # Ok::<(), testbed::Error>(())
/// ```
pub fn build_all() -> Result<Vec<(String, PathBuf)>, Error> {
    let programs = ensure(ALL.to_vec())?;
    Ok(programs.0.into_iter().map(|(name, path)| (name.to_owned(), path)).collect())
}

fn ensure(programs: Vec<Program>) -> Result<Programs, Error> {
    let go = go_version()?;
    let mut paths = BTreeMap::new();
    let mut missing = Vec::new();
    for program in programs {
        let path = place(&program, &go)?;
        if !path.exists() {
            missing.push((program, path.clone()));
        }
        paths.insert(program.name, path);
    }
    build::all(&missing)?;
    Ok(Programs(paths))
}

/// Where a program lies or will lie.
fn place(program: &Program, go: &str) -> Result<PathBuf, Error> {
    let folder = program.sources();
    let mut hash = Sha256::new();
    for file in ["go.mod", "go.sum", "main.go"] {
        let path = folder.join(file);
        if path.exists() {
            hash.update(std::fs::read(&path).at("reading", &path)?);
        }
        hash.update([0]);
    }
    for word in program.arguments() {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    hash.update(go.as_bytes());
    let hash = hash.finalize().iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    Ok(folders::home().join("bin").join(format!("{}-{hash:016x}", program.name)).join(program.name))
}

impl Program {
    fn sources(&self) -> PathBuf {
        folders::sources().join("parts").join(self.folder)
    }

    /// The arguments of `go` but for the place of the output.
    fn arguments(&self) -> Vec<String> {
        let versions: Vec<String> = self.versions.iter().map(|version| format!("-X {version}")).collect();
        let mut arguments = vec![
            "build".to_owned(),
            "-trimpath".to_owned(),
            format!("-ldflags=-s -w {}", versions.join(" ")).trim().to_owned(),
        ];
        if !self.tags.is_empty() {
            arguments.push(format!("-tags={}", self.tags));
        }
        arguments.push(self.package.to_owned());
        arguments
    }
}

/// `go1.26.8`: part of what a program's bytes depend on.
fn go_version() -> Result<String, Error> {
    let go = tools::GO.find()?;
    let output = Command::new(&go).args(["env", "GOVERSION"]).output().at("running", &go)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_kept_by_everything_its_bytes_depend_on() {
        let place_of = |program: &Program, go: &str| place(program, go).unwrap();
        assert_eq!(place_of(&KWOK, "go1.26.8"), place_of(&KWOK, "go1.26.8"));
        assert_ne!(place_of(&KWOK, "go1.26.8"), place_of(&KWOK, "go1.26.9"));
        let other = Program { tags: "netgo", ..KWOK };
        assert_ne!(place_of(&KWOK, "go1.26.8"), place_of(&other, "go1.26.8"));
    }

    #[test]
    fn the_versions_that_clients_read_are_those_of_the_modules() {
        for (program, module, version) in [
            (KUBE, "k8s.io/kubernetes", "v1.37.2"),
            (KWOK, "sigs.k8s.io/kwok", "v0.8.0"),
            (PROMETHEUS, "github.com/prometheus/prometheus", "v0.316.0"),
            (CONTAINERD, "github.com/containerd/containerd/v2", "v2.4.2"),
        ] {
            let pinned = std::fs::read_to_string(program.sources().join("go.mod")).unwrap();
            assert!(pinned.contains(&format!("\t{module} {version}")), "{module} is not at {version}");
        }
    }
}
