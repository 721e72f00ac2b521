//! How many replicas are ready, as kubectl tells it.
//!
//! Two watches of kubectl, one per kind, print a line for each change: no polling, and no client of our own.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::simulation::{APPS, Ready};

/// How long to wait before a watch that ended is started again.
const AGAIN: Duration = Duration::from_millis(500);
const COLUMNS: &str =
    r#"jsonpath={.type}{" "}{.object.metadata.name}{" "}{.object.status.readyReplicas}{"\n"}"#;

/// Where the counts come from. Without a kubectl they are given by `PUT /ready/APP`.
#[derive(Debug, Clone, Args)]
pub struct ReadyArgs {
    /// A kubectl that watches Deployments and `StatefulSets`, with first arguments if need be: "/bin/kube kubectl"
    #[arg(long, env = "SHOP_KUBECTL", value_name = "COMMAND")]
    pub kubectl: Option<String>,
    /// The kubeconfig it uses
    #[arg(long, env = "SHOP_KUBECONFIG", value_name = "PATH")]
    pub kubeconfig: Option<String>,
    /// The shop's namespace
    #[arg(long, env = "SHOP_NAMESPACE", default_value = "shop")]
    pub namespace: String,
}

/// The counts, shared between who learns them and who uses them.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    ready: Arc<Mutex<Ready>>,
}

impl Counts {
    /// The counts now.
    pub fn now(&self) -> Ready {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the count of an app; says whether the shop has such an app.
    pub fn set(&self, app: &str, replicas: u32) -> bool {
        let known = APPS.contains(&app);
        if known {
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(app.to_owned(), replicas);
        }
        known
    }

    /// Takes up one line of a watch: what happened, the name, and the ready replicas (nothing for none).
    fn read(&self, line: &str) {
        let mut words = line.split_whitespace();
        let (Some(event), Some(name)) = (words.next(), words.next()) else { return };
        let replicas = words.next().and_then(|count| count.parse().ok()).unwrap_or(0);
        self.set(name, if event == "DELETED" { 0 } else { replicas });
    }
}

/// Watches until it is dropped, when a kubectl is given; else waits for ever.
pub async fn watch(args: &ReadyArgs, counts: &Counts) {
    let Some(kubectl) = &args.kubectl else { return std::future::pending().await };
    let kinds = ["deployments", "statefulsets"].map(|kind| follow(kubectl, kind, args, counts));
    let [deployments, stateful_sets] = kinds;
    tokio::join!(deployments, stateful_sets);
}

async fn follow(kubectl: &str, kind: &str, args: &ReadyArgs, counts: &Counts) {
    loop {
        if let Err(error) = follow_once(kubectl, kind, args, counts).await {
            eprintln!("{kubectl} cannot watch {kind}, trying again: {error}");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn follow_once(kubectl: &str, kind: &str, args: &ReadyArgs, counts: &Counts) -> std::io::Result<()> {
    let mut words = kubectl.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("kubectl"));
    command.args(words);
    if let Some(kubeconfig) = &args.kubeconfig {
        command.arg("--kubeconfig").arg(kubeconfig);
    }
    command.args([
        "--namespace",
        &args.namespace,
        "get",
        kind,
        "--watch",
        "--output-watch-events",
        "-o",
        COLUMNS,
    ]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let Some(output) = child.stdout.take() else { return Ok(()) };
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        counts.read(&line);
    }
    child.wait().await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_watch_become_counts() {
        let counts = Counts::default();
        for line in ["ADDED web 3", "ADDED payment ", "MODIFIED web 5", "ADDED bizops 2", "", "ADDED mail 1"]
        {
            counts.read(line);
        }
        counts.read("DELETED mail 1");
        let expected = [("web", 5), ("payment", 0), ("mail", 0)].map(|(app, count)| (app.to_owned(), count));
        assert_eq!(counts.now(), expected.into());
    }
}
