//! A real Kubernetes cluster with Prometheus on one machine, without Docker, for the tests and the demo.
//!
//! [`Testbed::start`] gives a cluster in some seconds, with **fake** nodes (any user, thousands of pods that only
//! say they run) or one **real** node (containers; root on Linux). Everything ends with the [`Testbed`], however
//! its owner ends: no process, mount, cgroup, namespace or file is left outside `target/testbed`.
//!
//! | to | there is |
//! |---|---|
//! | say what is wanted | [`Options`], [`Nodes`] |
//! | act as a user | [`Testbed::kubectl`], [`Testbed::apply`], [`Testbed::helm`], [`Testbed::api`] |
//! | run the operator as a process | [`Testbed::spawn`], [`Testbed::kubeconfig_for_service_account`] |
//! | set demand | [`Testbed::dial`], [`Dial::set`] |
//! | ask Prometheus | [`Testbed::query`], [`Testbed::value`], [`Testbed::backfill`] |
//! | wait | [`wait_until`], [`hold_true`], [`Testbed::await_ready`], [`Testbed::await_value`] |
//! | break things | [`Testbed::kill`], [`Testbed::pause`], [`Testbed::compact`], [`Wire`], [`Proxy`] |
//! | make an image | [`image`] |

mod access;
mod api;
mod commands;
mod control;
mod control_plane;
mod dial;
mod dump;
mod error;
mod fake;
mod folders;
pub mod image;
mod keeper;
mod kept;
mod namespace;
mod options;
mod parts;
mod pki;
mod ports;
mod process;
mod prometheus;
mod proxy;
mod real;
mod server;
mod site;
mod spawned;
mod testbed;
mod tools;
mod wait;
mod wire;

pub use api::Api;
pub use dial::Dial;
pub use error::Error;
pub use folders::{VARIABLE, home};
pub use kept::Kept;
pub use options::{Nodes, Options};
pub use parts::build_all;
pub use process::Part;
pub use prometheus::Sample;
pub use proxy::{Fault, Proxy};
pub use real::forward;
pub use spawned::Spawned;
pub use testbed::Testbed;
pub use tools::real_nodes;
pub use wait::{hold_true, wait_until};
pub use wire::{Cut, Wire};
