//! Faults made on purpose: parts killed, stopped and started again, the store compacted.

use serde_json::{Value, json};

use crate::api::Api;
use crate::error::Doing as _;
use crate::process::{Part, Process};
use crate::{Error, Testbed};

impl Testbed {
    /// Kills a part as `kill -9` does and waits until it is gone.
    pub fn kill(&self, part: Part) -> Result<(), Error> {
        self.parts()
            .get_mut(&part)
            .and_then(|(_, process)| process.take())
            .map_or_else(not_running(part), Process::kill)
    }

    /// Starts a part that was killed and waits until it answers.
    pub fn start_part(&self, part: Part) -> Result<(), Error> {
        {
            let mut parts = self.parts();
            let Some((recipe, process)) = parts.get_mut(&part) else { return not_running(part)() };
            if process.is_none() {
                *process = Some(recipe.start(&self.site().run)?);
            }
        }
        self.until_ready(part)
    }

    /// Kills a part, starts it again and waits until it answers.
    pub fn restart(&self, part: Part) -> Result<(), Error> {
        self.kill(part)?;
        self.start_part(part)
    }

    /// Stops a part where it is: it keeps its connections and answers nobody.
    pub fn pause(&self, part: Part) -> Result<(), Error> {
        self.parts()
            .get(&part)
            .and_then(|(_, process)| process.as_ref())
            .map_or_else(not_running(part), Process::pause)
    }

    /// Lets a stopped part go on.
    pub fn resume(&self, part: Part) -> Result<(), Error> {
        self.parts()
            .get(&part)
            .and_then(|(_, process)| process.as_ref())
            .map_or_else(not_running(part), Process::resume)
    }

    /// Forgets the history of the store: a watch that resumes from before gets `410 Gone`. The answer is the
    /// revision up to which all is forgotten.
    pub fn compact(&self) -> Result<i64, Error> {
        // A range over one key that need not exist ("x") tells the revision of the whole store.
        let range = self.etcd("/v3/kv/range", &json!({"key": "eA=="}))?;
        let revision = range["header"]["revision"].as_str().and_then(|text| text.parse().ok());
        let revision: i64 =
            revision.ok_or_else(|| Error::NotHere(format!("etcd tells no revision: {range}")))?;
        self.etcd("/v3/kv/compaction", &json!({"revision": revision.to_string(), "physical": true}))?;
        Ok(revision)
    }

    /// Asks etcd, from within the network it listens in.
    pub(crate) fn etcd(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let etcd = Api::plain(&self.site().etcd());
        let answer = self.site().network.inside(|| Ok(etcd.post(path, body)));
        answer.doing(|| "entering the node's network".to_owned())?
    }
}

fn not_running<T>(part: Part) -> impl FnOnce() -> Result<T, Error> {
    move || Err(Error::NotHere(format!("{part} does not run in this testbed")))
}
