//! The cgroup under which a real node puts its containers: one of its own in every hierarchy.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::error::Doing as _;

const ROOT: &str = "/sys/fs/cgroup";

/// The name of a testbed's cgroup; `end.sh` removes what bears it.
pub(crate) fn name(run: &Path) -> String {
    format!("testbed-{}", run.file_name().unwrap_or_default().to_string_lossy())
}

/// Makes the cgroup in every hierarchy, of version 1 or 2.
pub(crate) fn make(name: &str) -> Result<(), Error> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        let own = root.join(name);
        std::fs::create_dir(&own).at("making the cgroup", &own)?;
        for folder in [root, &own] {
            let file = folder.join("cgroup.subtree_control");
            std::fs::write(&file, "+cpu +cpuset +memory +pids").at("enabling controllers in", &file)?;
        }
        return Ok(());
    }
    for hierarchy in hierarchies(root)? {
        let own = hierarchy.join(name);
        std::fs::create_dir(&own).at("making the cgroup", &own)?;
        // A group without CPUs and memory nodes of its own takes no process.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let (from, to) = (hierarchy.join(file), own.join(file));
            if from.exists() {
                let value = std::fs::read(&from).at("reading", &from)?;
                std::fs::write(&to, value).at("writing", &to)?;
            }
        }
    }
    Ok(())
}

fn hierarchies(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let folders =
        std::fs::read_dir(root).at("reading", root)?.filter_map(Result::ok).map(|entry| entry.path());
    // cpu and cpuacct may be two names of one hierarchy; a link is such a second name.
    Ok(folders.filter(|path| path.join("cgroup.procs").exists() && !path.is_symlink()).collect())
}
