//! Free ports for the parts.

use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use crate::Error;

/// Below the range from which Linux gives outgoing connections their ports (32768 and up): a part that is killed
/// finds its port still free.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// How far this process has searched: a port found free is used a moment later, and no second testbed of this
/// process may find it meanwhile.
static SEARCHED: Mutex<u32> = Mutex::new(0);

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
        let mut searched = SEARCHED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = Vec::new();
        for _ in 0..length {
            let port = RANGE.start + u16::try_from((begin + *searched) % length).unwrap_or_default();
            *searched += 1;
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
        *searched = 0;
        Err(Error::NotHere(format!("no free ports in {RANGE:?}: end programs that listen there")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_testbeds_of_a_process_get_different_ports() {
        let (one, other) = (Ports::free().unwrap(), Ports::free().unwrap());
        let all = |ports: Ports| [ports.etcd, ports.etcd_peer, ports.api, ports.prometheus, ports.kwok];
        assert!(all(one).iter().all(|port| !all(other).contains(port)), "{one:?} {other:?}");
    }
}
