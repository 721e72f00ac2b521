//! A node that runs containers, in namespaces of its own on this machine.
//!
//! One process is the first of a PID, a mount and a network namespace. The kubelet, containerd and all
//! containers live in all three: they end with that process, and so do their mounts. Everything else of the
//! cluster lives in the network namespace alone, so that it can be killed and paused as beside fake nodes.

use std::ffi::OsString;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::api::Api;
use crate::error::Doing as _;
use crate::image::{self, File, Image};
use crate::namespace::Network;
use crate::process::{Part, Recipe};
use crate::site::Site;
use crate::wire::Wire;
use crate::{Error, Testbed, folders, keeper, tools, wait_until};

mod cgroup;
mod config;

const SETUP: &str = include_str!("real/setup.sh");

/// containerd's socket, in the node's private `/run`: no path can be too long for it.
const SOCKET: &str = "/run/containerd.sock";
/// The image of a pod's sandbox.
const SANDBOX: &str = "testbed.local/sandbox:1";

/// Starts the node's first process and gives the network it made.
pub(crate) fn enter(testbed: &Testbed) -> Result<Network, Error> {
    let site = testbed.site();
    folders::write(&site.file("real"), b"")?;
    let flags = "--net --mount --pid --fork --kill-child --mount-proc --propagation private sh -c";
    let mut arguments: Vec<OsString> = flags.split(' ').map(OsString::from).collect();
    arguments.extend([SETUP.into(), "setup.sh".into(), site.run.clone().into_os_string()]);
    arguments.extend([site.programs.path("sandbox")?.into(), site.address.to_string().into()]);
    testbed.add(Recipe {
        part: Part::Node,
        program: "unshare".into(),
        arguments,
        path: tools::search_path(&[]),
        network: Network::default(),
        enters: true,
    })?;
    let up = site.file("node/up");
    wait_until("the node's namespaces", Duration::from_secs(20), || {
        testbed.check().map_err(|error| error.to_string())?;
        if up.exists() { Ok(()) } else { Err("they are being made".to_owned()) }
    })?;
    let pid =
        init_pid(testbed).ok_or_else(|| Error::NotHere("the node's first process is gone".to_owned()))?;
    Network::of(pid)
}

/// The pid, on the host, of the node's first process; none without a real node.
pub(crate) fn init_pid(testbed: &Testbed) -> Option<u32> {
    testbed.parts().get(&Part::Node)?.1.as_ref()?.pid().ok()
}

/// Makes the API server and Prometheus reachable on the host, at the addresses they have inside.
pub(crate) fn forwards(site: &Site) -> Result<Vec<Wire>, Error> {
    forward_ports(&site.network, &ports(site))
}

fn ports(site: &Site) -> Vec<u16> {
    let prometheus = site.options.prometheus.then_some(site.ports.prometheus);
    std::iter::once(site.ports.api).chain(prometheus).collect()
}

fn forward_ports(network: &Network, ports: &[u16]) -> Result<Vec<Wire>, Error> {
    let forward = |port: &u16| {
        let address = format!("127.0.0.1:{port}");
        let listener = TcpListener::bind(&address).doing(|| format!("listening on {address}"))?;
        let network = network.clone();
        let connect = move || network.inside(|| TcpStream::connect(&address));
        Wire::between(listener, Network::default(), Arc::new(connect))
    };
    ports.iter().map(forward).collect()
}

/// Forwards ports of the host's loopback into the network of a process: what keeps a kept real node reachable.
pub fn forward(pid: u32, ports: &[u16]) -> Result<Vec<Wire>, Error> {
    forward_ports(&Network::of(pid)?, ports)
}

/// Lets a process of its own forward from now on.
pub(crate) fn hand_over(testbed: &Testbed, forwarder: &Path) -> Result<(), Error> {
    let site = testbed.site();
    let pid = init_pid(testbed).unwrap_or_default();
    let mut command = Command::new(forwarder);
    command.arg("forward").arg(pid.to_string()).args(ports(site).iter().map(u16::to_string));
    testbed.spawn_in(&Network::default(), "forward", command)?.leave();
    testbed.until_ready(Part::ApiServer)
}

/// Starts the node's parts and brings the images in.
pub(crate) fn node(testbed: &Testbed, images: &[PathBuf]) -> Result<(), Error> {
    let site = testbed.site();
    cgroup::make(&cgroup::name(&site.run))?;
    config::write(site)?;
    let containerd = [format!("--config={}", site.file("containerd.toml").display())];
    testbed.add(within(testbed, Part::Containerd, site.programs.path("containerd")?, &containerd)?)?;
    testbed.until_ready(Part::Containerd)?;
    testbed.import(&sandbox(site)?)?;
    for image in images {
        testbed.import(image)?;
    }
    let name = "node-0";
    let identity = site.pki.client(name, &format!("system:node:{name}"), Some("system:nodes"))?;
    site.kubeconfig(name, &crate::pki::Credential::Certificate(&identity), "default")?;
    let kubelet = [
        "kubelet".to_owned(),
        format!("--config={}", site.file("kubelet.json").display()),
        format!("--kubeconfig={}", site.config(name).display()),
        format!("--hostname-override={name}"),
        format!("--root-dir={}", site.file("kubelet").display()),
        format!("--cert-dir={}", site.file("kubelet-pki").display()),
        format!("--node-ip={}", site.address),
    ];
    testbed.add(within(testbed, Part::Kubelet, site.programs.path("kube")?, &kubelet)?)?;
    let proxy = [format!("--config={}", site.file("proxy.json").display())];
    testbed.add(site.kube(Part::KubeProxy, &proxy)?)?;
    let names = ["-conf".to_owned(), site.file("Corefile").display().to_string()];
    testbed.add(site.recipe(Part::Dns, "coredns", &names)?)?;
    if site.options.prometheus {
        config::prometheus_service(testbed)?;
    }
    Ok(())
}

/// How a part is started in all of the node's namespaces.
fn within(testbed: &Testbed, part: Part, program: &Path, arguments: &[String]) -> Result<Recipe, Error> {
    let mut all = enter_arguments(testbed)?;
    all.push(program.into());
    all.extend(arguments.iter().map(OsString::from));
    Ok(Recipe {
        part,
        program: "nsenter".into(),
        arguments: all,
        path: testbed.site().search_path(),
        network: Network::default(),
        enters: true,
    })
}

fn enter_arguments(testbed: &Testbed) -> Result<Vec<OsString>, Error> {
    let pid = init_pid(testbed).ok_or_else(|| Error::NotHere("this testbed has no real node".to_owned()))?;
    Ok(["--target", &pid.to_string(), "--net", "--mount", "--pid", "--"].map(OsString::from).to_vec())
}

/// The archive of the sandbox image.
fn sandbox(site: &Site) -> Result<PathBuf, Error> {
    let program = site.programs.path("sandbox")?;
    let bytes = std::fs::read(program).at("reading", program)?;
    let image = Image {
        reference: SANDBOX.to_owned(),
        files: vec![File { path: "/sandbox".to_owned(), bytes, mode: 0o755 }],
        entrypoint: vec!["/sandbox".to_owned()],
        user: "65535:65535".to_owned(),
        ..Image::default()
    };
    let archive = site.file("sandbox.tar");
    folders::write(&archive, &image::archive(&image)?)?;
    Ok(archive)
}

/// Whether containerd answers.
pub(crate) fn containerd_answers(testbed: &Testbed) -> Result<(), Error> {
    ctr(testbed, &["version"], None)
}

/// Whether the kubelet says it is well. It ends by itself when containerd does not answer at its start.
pub(crate) fn kubelet_answers(testbed: &Testbed) -> Result<(), Error> {
    let kubelet = Api::plain("http://127.0.0.1:10248");
    let answer = testbed.site().network.inside(|| Ok(kubelet.text("/healthz")));
    answer.doing(|| "entering the node's network".to_owned())?.map(|_| ())
}

/// Runs containerd's client in the node, with something on its standard input.
fn ctr(testbed: &Testbed, arguments: &[&str], input: Option<std::fs::File>) -> Result<(), Error> {
    let errors = folders::nameless(testbed.folder())?;
    let mut command = Command::new("nsenter");
    command
        .args(enter_arguments(testbed)?)
        .arg(testbed.site().programs.path("ctr")?)
        .args(["--address", SOCKET, "--namespace", "k8s.io"])
        .args(arguments)
        .env(keeper::MARK, testbed.folder())
        .stdin(input.map_or_else(Stdio::null, Stdio::from))
        .stdout(Stdio::null())
        .stderr(errors.try_clone().doing(|| "running ctr".to_owned())?);
    let status = command.status().doing(|| "running nsenter".to_owned())?;
    if status.success() {
        return Ok(());
    }
    let command = format!("ctr {}", arguments.join(" "));
    Err(Error::Command { command, status: status.to_string(), stderr: text(errors).unwrap_or_default() })
}

impl Testbed {
    /// Brings an image's archive to the real node; its pods say `imagePullPolicy: Never`.
    pub fn import(&self, archive: &Path) -> Result<(), Error> {
        // By standard input: the node may not see the folder the archive lies in.
        let input = std::fs::File::open(archive).at("opening the image", archive)?;
        ctr(self, &["images", "import", "-"], Some(input))
    }
}

fn text(mut file: std::fs::File) -> io::Result<String> {
    io::Seek::rewind(&mut file)?;
    io::read_to_string(file)
}
