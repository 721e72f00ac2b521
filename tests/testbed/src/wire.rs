//! A proxy of bytes: what goes through may be delayed, held or refused. For TLS, such as the API server's.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::Error;
use crate::error::Doing as _;
use crate::namespace::Network;
use crate::server::Server;

/// How often a held connection looks whether it may go on.
const LOOK: Duration = Duration::from_millis(20);

/// What a wire does to the bytes that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// Lets them through.
    #[default]
    None,
    /// Listens no more and cuts every connection: clients see "connection refused".
    Refuse,
    /// Accepts, keeps every connection and lets nothing through.
    Hang,
    /// Lets every piece through later.
    Delay(Duration),
}

/// A TCP proxy whose fault is set while it runs.
pub struct Wire {
    address: SocketAddr,
    network: Network,
    connect: Connect,
    shared: Arc<Shared>,
    server: Mutex<Option<Server>>,
}

type Connect = Arc<dyn Fn() -> io::Result<TcpStream> + Send + Sync>;

#[derive(Default)]
struct Shared {
    cut: Mutex<Cut>,
    ended: AtomicBool,
}

impl Wire {
    /// A wire from a free port of loopback to `target`, such as `127.0.0.1:20443`.
    pub fn to(target: &str) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").doing(|| "listening for a wire".to_owned())?;
        let target = target.to_owned();
        Self::between(listener, Network::default(), Arc::new(move || TcpStream::connect(&target)))
    }

    /// A wire from a listener, which lives in `network`, to whatever `connect` connects to.
    pub(crate) fn between(listener: TcpListener, network: Network, connect: Connect) -> Result<Self, Error> {
        let address = listener.local_addr().doing(|| "asking for a wire's address".to_owned())?;
        let shared = Arc::new(Shared::default());
        let wire = Self { address, network, connect, shared, server: Mutex::default() };
        wire.serve(listener)?;
        Ok(wire)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does this from now on, to open connections too.
    pub fn set(&self, cut: Cut) -> Result<(), Error> {
        *self.shared.cut.lock().unwrap_or_else(PoisonError::into_inner) = cut;
        if cut == Cut::Refuse {
            self.server().take();
        } else if self.server().is_none() {
            let listener = self.network.inside(|| TcpListener::bind(self.address));
            self.serve(listener.doing(|| format!("listening again on {}", self.address))?)?;
        }
        Ok(())
    }

    /// Cuts every open connection once and goes on as before.
    pub fn drop_connections(&self) -> Result<(), Error> {
        let before = self.shared.cut();
        self.set(Cut::Refuse)?;
        self.set(before)
    }

    fn serve(&self, listener: TcpListener) -> Result<(), Error> {
        let (shared, connect) = (Arc::clone(&self.shared), Arc::clone(&self.connect));
        let server = Server::start(listener, move |client| {
            // A target that is down is told to the client by a closed connection.
            if let Ok(target) = connect() {
                let _ = carry(&client, &target, &shared);
            }
        });
        *self.server() = Some(server.doing(|| "starting a wire".to_owned())?);
        Ok(())
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn cut(&self) -> Cut {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a piece may go through; false when the wire ended meanwhile.
    fn pass(&self) -> bool {
        loop {
            if self.ended.load(Ordering::Relaxed) {
                return false;
            }
            match self.cut() {
                Cut::None => return true,
                Cut::Refuse => return false,
                Cut::Hang => std::thread::sleep(LOOK),
                Cut::Delay(time) => {
                    std::thread::sleep(time);
                    return true;
                }
            }
        }
    }
}

/// Carries both directions until both are closed.
fn carry(client: &TcpStream, target: &TcpStream, shared: &Shared) -> io::Result<()> {
    for stream in [client, target] {
        stream.set_nodelay(true)?;
    }
    std::thread::scope(|scope| {
        scope.spawn(|| pump(client, target, shared));
        pump(target, client, shared);
    });
    Ok(())
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, shared: &Shared) {
    let mut piece = vec![0; 32 * 1024];
    loop {
        match from.read(&mut piece) {
            Ok(0) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Ok(length) if shared.pass() && to.write_all(&piece[..length]).is_ok() => {}
            _ => {
                let _ = to.shutdown(Shutdown::Both);
                let _ = from.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Answers every byte by itself.
    fn echo() -> Server {
        Server::start(TcpListener::bind("127.0.0.1:0").unwrap(), |mut stream| {
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
        })
        .unwrap()
    }

    fn ask(stream: &mut TcpStream, limit: Duration) -> io::Result<u8> {
        stream.set_read_timeout(Some(limit))?;
        stream.write_all(b"a")?;
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    #[test]
    fn a_wire_carries_delays_holds_and_refuses() {
        let echo = echo();
        let wire = Wire::to(&echo.address().to_string()).unwrap();
        let second = Duration::from_secs(1);
        let mut stream = TcpStream::connect(wire.address()).unwrap();
        assert_eq!(ask(&mut stream, second).unwrap(), b'a');

        wire.set(Cut::Delay(Duration::from_millis(60))).unwrap();
        let begin = Instant::now();
        assert_eq!(ask(&mut stream, second).unwrap(), b'a');
        assert!(begin.elapsed() >= Duration::from_millis(120), "once in each direction");

        wire.set(Cut::Hang).unwrap();
        assert!(ask(&mut stream, Duration::from_millis(100)).is_err());
        wire.set(Cut::None).unwrap();
        let mut byte = [0];
        stream.set_read_timeout(Some(second)).unwrap();
        stream.read_exact(&mut byte).unwrap();

        wire.set(Cut::Refuse).unwrap();
        assert!(TcpStream::connect(wire.address()).is_err());
        assert!(ask(&mut stream, second).is_err(), "open connections are cut");
        wire.set(Cut::None).unwrap();
        assert_eq!(ask(&mut TcpStream::connect(wire.address()).unwrap(), second).unwrap(), b'a');
    }
}
