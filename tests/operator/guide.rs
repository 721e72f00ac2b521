//! docs/getting-started.md, followed to the letter: every command of it is run, in its order, on a cluster where
//! nothing is installed yet.
//!
//! Pods of fake nodes run nothing, so that a process stands in for the operator's pod, under its
//! service account.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testbed::{Options, Spawned, Testbed};

use crate::counters::{Counter, until_rate, while_growing};

/// Requests a second of the shop; `2 → 11` in the guide comes of it.
const REQUESTS: f64 = 900.0;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The blocks of commands, in their order.
fn blocks(page: &str) -> Vec<String> {
    let parts = page.split("```sh\n").skip(1);
    parts.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// A folder in which `kubectl` and `helm` are the testbed's own.
fn tools(testbed: &Testbed) -> PathBuf {
    let state = std::fs::read_to_string(testbed.folder().join("state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    let folder = testbed.folder().join("tools");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, program, more) in [("kubectl", "kube", "kubectl "), ("helm", "helm", "")] {
        let path = folder.join(name);
        let program = state[program].as_str().unwrap();
        std::fs::write(&path, format!("#!/bin/sh\nexec '{program}' {more}\"$@\"\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

/// Runs one block as a user would, and gives what it printed.
fn run(testbed: &Testbed, tools: &Path, block: &str) -> String {
    let path = std::env::join_paths(
        [tools.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let ended = Command::new("sh")
        .args(["-eu", "-c", block])
        .current_dir(root())
        .env("PATH", path.unwrap())
        .env("KUBECONFIG", testbed.kubeconfig())
        .env("KUBERC", "off")
        .env("HOME", testbed.folder())
        .env("PROMETHEUS", testbed.prometheus_url())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complaint) = (text(&ended.stdout), text(&ended.stderr));
    assert!(ended.status.success(), "{block}\nended with {}:\n{said}{complaint}", ended.status);
    eprintln!("$ {}\n{said}", block.trim().replace('\n', "\n$ "));
    said
}

fn operator(testbed: &Testbed) -> Spawned {
    let kubeconfig = testbed.kubeconfig_for_service_account("bizops-system", "bizops").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bizops"));
    command
        .args(["run", "--namespace", "bizops-system", "--identity", "guide"])
        .args(["--metrics-listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
        .env("KUBECONFIG", kubeconfig);
    testbed.spawn("guide", command).unwrap()
}

#[test]
fn the_guide_leads_from_nothing_to_a_workload_that_follows() {
    let page = std::fs::read_to_string(root().join("docs/getting-started.md")).unwrap();
    let blocks = blocks(&page);
    let [install, source, measure, advice, enforce, read, away] = &blocks[..] else {
        panic!("the guide has {} blocks of commands; this test follows seven", blocks.len());
    };
    let testbed = Testbed::start(Options::fake()).unwrap_or_else(|error| panic!("{error}"));
    let (dial, tools) = (testbed.dial().unwrap(), tools(&testbed));
    let orders: Counter<'_> = ("shop_orders_total", &[], 0.5);
    while_growing(&dial, &[orders, ("shop_requests_total", &[("app", "web")], REQUESTS)], || {
        assert!(run(&testbed, &tools, install).contains("STATUS: deployed"));
        // The shop of whoever follows the guide has been running for a while.
        until_rate(&testbed, "shop_requests_total", REQUESTS);
        let operator = operator(&testbed);
        assert!(run(&testbed, &tools, source).contains("condition met"));
        let said = run(&testbed, &tools, measure);
        assert!(said.contains("orders/h") && said.contains("≥ 1000 orders/h"), "{said}");
        let said = run(&testbed, &tools, advice);
        assert!(["2 → 10", "2 → 11", "2 → 12"].contains(&said.trim().lines().last().unwrap()), "{said}");
        run(&testbed, &tools, enforce);
        let said = run(&testbed, &tools, read);
        for words in ["requests/s of the 100 wanted", "Deployment web 2 → 1", "ScaledUp"] {
            assert!(said.contains(words), "{words} is not in\n{said}");
        }
        assert!(run(&testbed, &tools, away).contains("web"));
        operator.stop(Duration::from_secs(10)).unwrap();
    });
}
