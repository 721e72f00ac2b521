//! What a running leader holds of each objective between passes.

use std::sync::Arc;

use jiff::Timestamp;

use crate::api::v1alpha1::{Issues, Objective, ObjectiveStatus, intent, restore};
use crate::model::{Intent, Memory};

/// One objective in the hands of the leader.
///
/// Status is the only store: a life begins from it, and everything a later pass needs goes back into it.
#[derive(Debug)]
pub struct Life {
    /// The object as last seen in the API server.
    pub object: Arc<Objective>,
    /// What its owner means, or every issue with it.
    pub intent: Result<Arc<Intent>, Issues>,
    /// What the last pass left.
    pub memory: Memory,
    /// The status as last written.
    pub written: ObjectiveStatus,
    /// The memory in that status.
    pub written_memory: Memory,
    /// When it was written; `None` until this process writes it.
    pub written_at: Option<Timestamp>,
}

impl Life {
    /// Takes an objective up where its status left it.
    pub fn begin(object: Arc<Objective>, check: impl Fn(&Intent) -> Issues) -> Self {
        let written = object.status.clone().unwrap_or_default();
        let memory = restore(&written);
        Self {
            intent: understand(&object, check),
            object,
            memory: memory.clone(),
            written,
            written_memory: memory,
            written_at: None,
        }
    }

    /// Takes up a new version of the object. Its status is not read again: this process wrote it.
    pub fn renew(&mut self, object: Arc<Objective>, check: impl Fn(&Intent) -> Issues) {
        let same_spec = self.object.metadata.generation == object.metadata.generation
            && self.object.metadata.annotations == object.metadata.annotations;
        if !same_spec {
            self.intent = understand(&object, check);
        }
        self.object = object;
    }

    /// Whether this is the object of that uid; one that was deleted and made again is another.
    pub fn is(&self, object: &Objective) -> bool {
        self.object.metadata.uid == object.metadata.uid
    }
}

/// Converts and checks: the schema's rules, the conversion's, and those of `check` (the queries' language).
fn understand(object: &Objective, check: impl Fn(&Intent) -> Issues) -> Result<Arc<Intent>, Issues> {
    let intent = intent(object)?;
    let issues = check(&intent);
    if issues.0.is_empty() { Ok(Arc::new(intent)) } else { Err(issues) }
}
