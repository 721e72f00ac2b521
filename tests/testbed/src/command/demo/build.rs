//! What must be built before a demo: the cluster's parts and the two images.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use testbed::Error;

use super::day::root;
use super::progress::step;

/// How long the images take when nothing is built yet, and when everything is.
const COLD: Duration = Duration::from_mins(5);
const WARM: Duration = Duration::from_secs(5);

/// The images and the programs in them.
#[derive(Debug)]
pub(super) struct Images {
    folder: PathBuf,
    programs: PathBuf,
}

impl Images {
    /// The archive of `bizops` or `shop`.
    pub(super) fn archive(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.tar"))
    }

    /// The static program in it.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

/// Builds both images as `make image` does, or takes those that are there.
pub(super) fn images(anew: bool) -> Result<Images, Error> {
    let root = root();
    let profile = std::env::var("IMAGE_PROFILE").unwrap_or_else(|_| "release".to_owned());
    let folder = if profile == "dev" { "debug".to_owned() } else { profile };
    let images = Images {
        folder: root.join("target/image"),
        programs: root.join("target/static/x86_64-unknown-linux-gnu").join(folder),
    };
    let built = ["bizops", "shop"].iter().all(|name| images.archive(name).exists());
    if !anew {
        let none = || {
            Error::NotHere("no images in target/image; leave --no-build out, or run `make image`".to_owned())
        };
        return built.then_some(images).ok_or_else(none);
    }
    let expected = if built { WARM } else { COLD };
    step("the images of bizops and the shop", expected, || run(&root))?;
    Ok(images)
}

fn run(root: &Path) -> Result<(), Error> {
    let log = root.join("target/image.log");
    let wrong = |doing: &str, source| Error::Io { doing: format!("{doing} {}", log.display()), source };
    std::fs::create_dir_all(root.join("target")).map_err(|source| wrong("making the folder of", source))?;
    let output = File::create(&log).map_err(|source| wrong("writing", source))?;
    let errors = output.try_clone().map_err(|source| wrong("writing", source))?;
    let status = Command::new(root.join(".ci/image.sh"))
        .arg("all")
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .map_err(|source| Error::Io { doing: "running .ci/image.sh".to_owned(), source })?;
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    Err(Error::Command {
        command: ".ci/image.sh all".to_owned(),
        status: status.to_string(),
        stderr: format!(
            "its log {} ends with:\n{}",
            log.display(),
            lines[lines.len().saturating_sub(15)..].join("\n")
        ),
    })
}
