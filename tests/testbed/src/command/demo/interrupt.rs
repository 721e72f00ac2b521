//! Ctrl-C: during the play the demo ends in order; before and after it the process ends at once, and the
//! testbed's keeper ends the rest.

use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use testbed::Error;

static ORDERLY: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);

/// Listens from now on.
pub(super) fn listen() -> Result<(), Error> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|source| Error::Io { doing: "listening for Ctrl-C".to_owned(), source })?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if ASKED.swap(true, Ordering::SeqCst) || !ORDERLY.load(Ordering::SeqCst) {
                eprintln!("\ndemo: stopped; what was started ends within some seconds");
                std::process::exit(130);
            }
        }
    });
    Ok(())
}

/// From now on somebody asks [`asked`] often, or no longer.
pub(super) fn orderly(is: bool) {
    ORDERLY.store(is, Ordering::SeqCst);
}

/// Whether the end was asked for.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
