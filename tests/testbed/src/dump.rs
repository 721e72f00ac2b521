//! What state things are in: told when a test failed, so that nobody has to run it again to see.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;

use crate::{Error, Testbed, folders, wait_until};

/// How much is told of each list; a thousand pods would hide the rest.
const ROWS: usize = 40;

impl Testbed {
    /// Nodes, workloads, pods, the last events and the ends of all logs, as text.
    pub fn dump(&self) -> String {
        let mut text = String::from("=== the testbed's state ===\n");
        if let Err(error) = self.check() {
            let _ = writeln!(text, "{error}");
        }
        if self.api().text("/livez").is_err() {
            text.push_str("the API server does not answer\n");
        } else {
            for arguments in [
                &["get", "nodes"][..],
                &["get", "deployments,statefulsets", "--all-namespaces"],
                &["get", "pods", "--all-namespaces", "--output=wide"],
                &["get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"],
            ] {
                let told = self.kubectl(arguments).unwrap_or_else(|error| error.to_string());
                let _ = writeln!(text, "--- kubectl {}\n{}", arguments.join(" "), last_rows(&told));
            }
        }
        let logs = self.folder().join("logs");
        let files = std::fs::read_dir(&logs).into_iter().flatten().filter_map(Result::ok);
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        files.sort();
        for log in files.iter().filter(|log| !log.ends_with("audit.log")) {
            let _ = writeln!(text, "--- {} ends with:\n{}", log.display(), folders::tail(log, 8));
        }
        text
    }

    /// Waits until a Deployment has exactly so many replicas and all are ready.
    pub fn await_ready(
        &self,
        namespace: &str,
        deployment: &str,
        replicas: u64,
        limit: Duration,
    ) -> Result<(), Error> {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}");
        wait_until(&format!("{replicas} ready replicas of {namespace}/{deployment}"), limit, || {
            let found = self.api().get(&path).map_err(|error| error.to_string())?;
            let status = &found["status"];
            let count = |field: &str| status[field].as_u64().unwrap_or_default();
            let seen = status["observedGeneration"] == found["metadata"]["generation"];
            if seen && count("readyReplicas") == replicas && count("replicas") == replicas {
                return Ok(());
            }
            Err(without_conditions(status))
        })
    }
}

fn without_conditions(status: &Value) -> String {
    let mut status = status.clone();
    if let Some(fields) = status.as_object_mut() {
        fields.remove("conditions");
    }
    status.to_string()
}

/// The heading and the last rows of a list.
fn last_rows(list: &str) -> String {
    let rows: Vec<&str> = list.lines().collect();
    if rows.len() <= ROWS {
        return list.to_owned();
    }
    let left_out = rows.len() - ROWS;
    format!("{}\n… {left_out} rows\n{}", rows[0], rows[left_out + 1..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_list_the_heading_and_the_end_are_told() {
        let list: Vec<String> = (0..100).map(|number| format!("row {number}")).collect();
        let told = last_rows(&list.join("\n"));
        assert!(told.starts_with("row 0\n… 60 rows\nrow 61\n"), "{told}");
        assert!(told.ends_with("row 99"));
    }
}
