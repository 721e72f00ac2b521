//! A real Kubernetes cluster on one machine.

pub mod image;
