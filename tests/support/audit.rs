//! What was written to the API server, by whom and when: from its audit log.

use jiff::Timestamp;
use serde_json::Value;
use testbed::Testbed;

/// One write, as the API server received it.
#[derive(Debug, Clone)]
pub struct Write {
    /// When the request came.
    pub at: Timestamp,
    /// The user's name.
    pub user: String,
    /// Which token of the user, where it was a token.
    pub credential: String,
    /// `patch deployments/scale`.
    pub what: String,
    pub namespace: String,
    pub name: String,
    /// The HTTP status it was answered with.
    pub code: u64,
}

impl Write {
    fn of(line: &str) -> Option<Self> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &entry["objectRef"];
        let sub = object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
        Some(Self {
            at: entry["requestReceivedTimestamp"].as_str()?.parse().ok()?,
            user: word(&entry["user"]["username"]),
            credential: word(&entry["user"]["extra"]["authentication.kubernetes.io/credential-id"][0]),
            what: format!("{} {}{sub}", word(&entry["verb"]), word(&object["resource"])),
            namespace: word(&object["namespace"]),
            name: word(&object["name"]),
            code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
        })
    }

    /// Whether it was carried out.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether it changes a scale, or tries to.
    pub fn scales(&self) -> bool {
        self.what == "patch deployments/scale"
    }
}

/// Every write received since a moment, in the order in which they came.
pub fn since(testbed: &Testbed, moment: Timestamp) -> Vec<Write> {
    let log = std::fs::read_to_string(testbed.audit_log()).unwrap();
    let mut writes: Vec<Write> =
        log.lines().filter_map(Write::of).filter(|write| write.at >= moment).collect();
    writes.sort_by_key(|write| write.at);
    writes
}
