//! A cluster with a real node: containers run, names resolve, Services carry, nothing is left.
//!
//! The containers are Prometheus and its client, which are built already: a server, a client and metrics at once.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::image::{File, Image};
use testbed::{Error, Options, Part, Testbed, wait_until};

const SOON: Duration = Duration::from_mins(1);
const PODS: &str = include_str!("real.yaml");

/// Says aloud why the tests of this file do not run, when they do not.
fn possible() -> bool {
    let possible = testbed::real_nodes();
    if let Err(why) = &possible {
        eprintln!("NOT RUN, a real node cannot be had here: {why}");
    }
    possible.is_ok()
}

/// An archive with Prometheus and promtool.
fn image(folder: &Path) -> PathBuf {
    let programs = testbed::build_all().unwrap();
    let wanted = programs.iter().filter(|(name, _)| name == "prometheus" || name == "promtool");
    let files = wanted
        .map(|(name, path)| File {
            path: format!("/{name}"),
            bytes: std::fs::read(path).unwrap(),
            mode: 0o755,
        })
        .collect();
    let image = Image {
        reference: "testbed.local/prometheus:1".to_owned(),
        files,
        entrypoint: vec!["/prometheus".to_owned()],
        user: "65532:65532".to_owned(),
        ..Image::default()
    };
    let archive = folder.join("prometheus-image.tar");
    std::fs::write(&archive, testbed::image::archive(&image).unwrap()).unwrap();
    archive
}

/// Everything of a testbed that the machine would still show.
fn left(run: &Path) -> Vec<String> {
    let name = run.file_name().unwrap().to_string_lossy().into_owned();
    let mut left = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let read = |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        if read("environ").contains(&name)
            || read("cmdline").contains(&name)
            || read("cgroup").contains(&name)
        {
            left.push(format!("process {}", read("cmdline").replace('\0', " ")));
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    left.extend(mounts.lines().filter(|line| line.contains(&name)).map(|line| format!("mount {line}")));
    let groups = std::fs::read_dir("/sys/fs/cgroup").unwrap().filter_map(Result::ok);
    let groups = groups.map(|entry| entry.path().join(format!("testbed-{name}")));
    left.extend(groups.filter(|path| path.exists()).map(|path| format!("cgroup {}", path.display())));
    if run.exists() {
        left.push(format!("folder {}", run.display()));
    }
    left
}

/// Places of the host to which the upstream programs would write if they were not kept from it.
fn outside() -> Vec<bool> {
    [
        "/run/containerd",
        "/run/netns",
        "/var/lib/kubelet",
        "/var/log/pods",
        "/var/log/containers",
        "/opt/containerd",
    ]
    .map(|path| Path::new(path).exists())
    .to_vec()
}

fn get(testbed: &Testbed, address: &str) -> Result<String, Error> {
    let mut stream = testbed.connect(address)?;
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET /-/ready HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Ok(answer)
}

#[test]
fn containers_run_names_resolve_services_carry_and_nothing_is_left() {
    if !possible() {
        return;
    }
    let before = outside();
    let archive = image(&std::env::temp_dir());
    let testbed = Testbed::start(Options::real(vec![archive.clone()])).unwrap();
    std::fs::remove_file(&archive).unwrap();
    let run = testbed.folder().to_owned();
    testbed.apply(PODS).unwrap();
    testbed.await_ready("default", "web", 3, SOON).unwrap();

    // A pod finds Services by their names, those of pods and that of the testbed's Prometheus.
    for job in ["asks-web", "asks-prometheus"] {
        testbed
            .kubectl(&["wait", "--for=condition=Complete", "--timeout=60s", &format!("job/{job}")])
            .unwrap();
        assert!(testbed.kubectl(&["logs", &format!("job/{job}")]).unwrap().contains("=> 42"));
    }

    // The host reaches pods through their Service, from within the node's network.
    let service = testbed.kubectl(&["get", "service", "web", "--output=jsonpath={.spec.clusterIP}"]).unwrap();
    let answer = get(&testbed, &format!("{service}:9090")).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK"), "{answer}");

    // Prometheus finds the pods by their annotations.
    testbed.await_value("count(up{app=\"web\", namespace=\"default\"} == 1)", 3.0, SOON).unwrap();
    let dial = testbed.dial().unwrap();
    dial.set("demand", &[], 7.0);
    testbed.await_value("demand", 7.0, SOON).unwrap();

    // A proxy stands where pods reach it.
    let proxy = testbed.proxy().unwrap();
    let address = proxy.url().trim_start_matches("http://");
    assert!(address.starts_with("172.30.0.1:"), "{address}");
    assert!(get(&testbed, address).unwrap().contains("200 OK"));

    drop(testbed);
    assert_eq!(left(&run), Vec::<String>::new());
    assert_eq!(outside(), before);
}

#[test]
fn a_node_whose_kubelet_stops_is_not_ready_until_it_goes_on_and_killed_parts_come_back() {
    if !possible() {
        return;
    }
    let testbed = Testbed::start(Options { prometheus: false, ..Options::real(vec![]) }).unwrap();
    testbed.kubectl(&["create", "deployment", "idle", "--image=testbed.local/sandbox:1"]).unwrap();
    testbed.await_ready("default", "idle", 1, SOON).unwrap();

    for part in [Part::ApiServer, Part::Kubelet, Part::Containerd, Part::Etcd] {
        testbed.restart(part).unwrap();
    }
    assert!(testbed.compact().unwrap() > 1);
    testbed.kubectl(&["scale", "deployment", "idle", "--replicas=3"]).unwrap();
    testbed.await_ready("default", "idle", 3, SOON).unwrap();

    let ready = || {
        let path = "--output=jsonpath={.items[0].status.conditions[?(@.type==\"Ready\")].status}";
        testbed.kubectl(&["get", "nodes", path])
    };
    testbed.pause(Part::Kubelet).unwrap();
    wait_until("a node that is not ready", Duration::from_mins(2), || match ready()?.as_str() {
        "Unknown" => Ok(()),
        other => Err(Error::NotHere(other.to_owned())),
    })
    .unwrap();
    testbed.resume(Part::Kubelet).unwrap();
    wait_until("a node that is ready", SOON, || match ready()?.as_str() {
        "True" => Ok(()),
        other => Err(Error::NotHere(other.to_owned())),
    })
    .unwrap();
}

#[test]
fn real_testbeds_stand_side_by_side() {
    if !possible() {
        return;
    }
    let start = || Testbed::start(Options { prometheus: false, ..Options::real(vec![]) }).unwrap();
    let (one, other) = (start(), start());
    let runs = [one.folder().to_owned(), other.folder().to_owned()];
    for testbed in [&one, &other] {
        testbed
            .kubectl(&["create", "deployment", "idle", "--image=testbed.local/sandbox:1", "--replicas=2"])
            .unwrap();
    }
    one.await_ready("default", "idle", 2, SOON).unwrap();
    drop(one);
    assert_eq!(left(&runs[0]), Vec::<String>::new());
    other.await_ready("default", "idle", 2, SOON).unwrap();
    other.kubectl(&["scale", "deployment", "idle", "--replicas=3"]).unwrap();
    other.await_ready("default", "idle", 3, SOON).unwrap();
    drop(other);
    assert_eq!(left(&runs[1]), Vec::<String>::new());
}
