//! A listener with a thread for each connection, ended when dropped. Dial, proxies and forwards stand on it.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The most connections at once; what comes beyond is closed at once.
const MAX_CONNECTIONS: usize = 512;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    listener: TcpListener,
    open: Open,
    accepting: Option<JoinHandle<()>>,
}

/// The connections that are open now, to be cut at the end.
#[derive(Debug, Clone, Default)]
struct Open(Arc<Mutex<Vec<(u64, TcpStream)>>>);

impl Server {
    /// Serves each connection of `listener` by `serve`, in a thread of its own.
    pub(crate) fn start(
        listener: TcpListener,
        serve: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let accepting = listener.try_clone()?;
        let open = Open::default();
        let served = open.clone();
        let serve = Arc::new(serve);
        let thread = std::thread::Builder::new().name(format!("server {address}")).spawn(move || {
            for (number, stream) in (0..).zip(accepting.incoming()) {
                let Ok(stream) = stream else { return };
                let (serve, open) = (Arc::clone(&serve), served.clone());
                if open.add(number, &stream) {
                    std::thread::spawn(move || {
                        serve(stream);
                        open.remove(number);
                    });
                }
            }
        })?;
        Ok(Self { address, listener, open, accepting: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    /// Listens no more, cuts what is open.
    fn drop(&mut self) {
        // Shutting a listening socket down wakes the thread that waits in accept.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
        self.open.cut();
    }
}

impl Open {
    fn add(&self, number: u64, stream: &TcpStream) -> bool {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(copy) = stream.try_clone() else { return false };
        let fits = open.len() < MAX_CONNECTIONS;
        if fits {
            open.push((number, copy));
        }
        fits
    }

    fn remove(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| *other != number);
    }

    fn cut(&self) {
        for (_, stream) in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
