//! What the process still waits for before it can do its work.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Named things to wait for. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<RwLock<BTreeMap<String, bool>>>);

impl Readiness {
    /// Nothing to wait for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Something more to wait for, named as `/readyz` shows it, e.g. `list of objectives`. Name everything before
    /// the health page is served: what is not named yet is not waited for.
    pub fn wait_for(&self, name: impl Into<String>) -> Flag {
        let name = name.into();
        self.set(&name, false);
        Flag { name, readiness: self.clone() }
    }

    /// What is still waited for, in the order of the names; nothing when ready.
    pub fn waiting(&self) -> Vec<String> {
        let flags = self.0.read().unwrap_or_else(PoisonError::into_inner);
        flags.iter().filter(|(_, done)| !**done).map(|(name, _)| name.clone()).collect()
    }

    fn set(&self, name: &str, done: bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), done);
    }
}

/// One thing to wait for.
#[derive(Debug)]
pub struct Flag {
    name: String,
    readiness: Readiness,
}

impl Flag {
    /// It has come, or is missing again.
    pub fn set(&self, done: bool) {
        self.readiness.set(&self.name, done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_named_until_it_has_come() {
        let readiness = Readiness::new();
        let [sources, objectives] =
            ["list of sources", "list of objectives"].map(|it| readiness.wait_for(it));
        assert_eq!(readiness.waiting(), ["list of objectives", "list of sources"]);
        objectives.set(true);
        assert_eq!(readiness.waiting(), ["list of sources"]);
        sources.set(true);
        assert!(readiness.waiting().is_empty());
        objectives.set(false);
        assert_eq!(readiness.waiting(), ["list of objectives"]);
    }
}
