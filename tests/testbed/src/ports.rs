//! Free ports for the parts.

use std::net::TcpListener;

use crate::Error;

/// Below the range from which Linux gives outgoing connections their ports (32768 and up): a part that is killed
/// finds its port still free.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// Where the parts listen, on loopback.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) etcd: u16,
    pub(crate) etcd_peer: u16,
    pub(crate) api: u16,
    pub(crate) prometheus: u16,
    pub(crate) kwok: u16,
}

impl Ports {
    /// Five ports that nobody listens on. The search begins at another place in each process, so that testbeds
    /// started at the same time do not meet.
    pub(crate) fn free() -> Result<Self, Error> {
        let length = u32::from(RANGE.end - RANGE.start);
        let begin = std::process::id().wrapping_mul(97) % length;
        let mut held = Vec::new();
        for step in 0..length {
            let port = RANGE.start + u16::try_from((begin + step) % length).unwrap_or_default();
            if let Ok(listener) = TcpListener::bind(("0.0.0.0", port)) {
                held.push((port, listener));
            }
            if let [(etcd, _), (etcd_peer, _), (api, _), (prometheus, _), (kwok, _)] = held.as_slice() {
                return Ok(Self {
                    etcd: *etcd,
                    etcd_peer: *etcd_peer,
                    api: *api,
                    prometheus: *prometheus,
                    kwok: *kwok,
                });
            }
        }
        Err(Error::NotHere(format!("no free ports in {RANGE:?}: end programs that listen there")))
    }
}
