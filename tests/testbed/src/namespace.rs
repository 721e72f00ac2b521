//! Acting inside a real node's network namespace from a thread of this process.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::Error;
use crate::error::Doing as _;

/// The network things happen in: the host's own, or a namespace.
///
/// Sockets and processes belong for life to the network of the thread that made them. So a short-lived thread
/// that entered the namespace makes them, and anyone may use them afterwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network(Option<Arc<File>>);

impl Network {
    /// The network namespace of a process.
    pub(crate) fn of(pid: u32) -> Result<Self, Error> {
        let path = format!("/proc/{pid}/ns/net");
        let file = File::open(&path).doing(|| format!("opening {path}"))?;
        Ok(Self(Some(Arc::new(file))))
    }

    /// Runs something short in this network.
    pub(crate) fn inside<T: Send>(&self, act: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        let Some(namespace) = &self.0 else { return act() };
        let entered = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            act()
        };
        std::thread::scope(|scope| scope.spawn(entered).join())
            .unwrap_or_else(|_| Err(io::Error::other("the thread inside the namespace panicked")))
    }
}
