//! Testbeds that stand without an owner: found again, used, ended.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Doing as _;
use crate::{Error, keeper};

/// A testbed that was kept, see [`crate::Testbed::keep`].
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
    state: Value,
}

impl Kept {
    /// All of them, oldest first.
    pub fn all() -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        for folder in keeper::all()?.into_iter().filter(|folder| folder.join("kept").exists()) {
            let path = folder.join("state.json");
            let state = std::fs::read(&path).at("reading", &path)?;
            let state = serde_json::from_slice(&state).at("reading", &path)?;
            all.push(Self { folder, state });
        }
        Ok(all)
    }

    /// The one that was kept last.
    pub fn latest() -> Result<Self, Error> {
        let none = || Error::NotHere("no testbed is kept: start one with `testbed up --keep`".to_owned());
        Self::all()?.pop().ok_or_else(none)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &str {
        self.text("kubeconfig")
    }

    /// The address of its Prometheus.
    pub fn prometheus(&self) -> &str {
        self.text("prometheus")
    }

    /// The program that is `kubectl` when that is its first argument.
    pub fn kube(&self) -> &str {
        self.text("kube")
    }

    /// The program `helm`.
    pub fn helm(&self) -> &str {
        self.text("helm")
    }

    fn text(&self, field: &str) -> &str {
        self.state[field].as_str().unwrap_or_default()
    }

    /// Ends it; nothing is left.
    pub fn end(self) -> Result<(), Error> {
        keeper::end(&self.folder)
    }
}
