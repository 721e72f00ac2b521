//! Something that takes a while, with a bar that says how long it will.

use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use testbed::Error;

/// How often the bar moves, and how often a file or a pipe is told that all is well.
const TICK: Duration = Duration::from_millis(250);
const REMINDER: Duration = Duration::from_secs(30);
const WIDTH: usize = 24;

/// Does something and shows meanwhile how long it has taken of the time it usually takes.
pub(super) fn step<T: Send>(
    title: &str,
    expected: Duration,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let terminal = std::io::stderr().is_terminal();
    let begin = Instant::now();
    if !terminal {
        eprintln!("demo: {title}, usually {}", time(expected));
    }
    std::thread::scope(|scope| {
        let (done, waiting) = channel();
        let worker = scope.spawn(move || {
            let result = work();
            let _ = done.send(());
            result
        });
        let mut said = Instant::now();
        while matches!(waiting.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
            if terminal {
                eprint!("\r\x1b[K{}", bar(title, begin.elapsed(), expected));
                let _ = std::io::stderr().flush();
            } else if said.elapsed() > REMINDER {
                said = Instant::now();
                eprintln!("demo: {title}: {} of usually {}", time(begin.elapsed()), time(expected));
            }
        }
        let result = worker.join();
        let verb = if matches!(result, Ok(Ok(_))) { "done in" } else { "failed after" };
        let clear = if terminal { "\r\x1b[K" } else { "" };
        eprintln!("{clear}demo: {title}: {verb} {}", time(begin.elapsed()));
        result.unwrap_or_else(|_| Err(Error::NotHere(format!("{title}: the thread that did it panicked"))))
    })
}

/// `demo: images  ▓▓▓▓▓▓░░░░░░  1:12 of usually 4:00`; beyond the usual time the bar stays full.
fn bar(title: &str, elapsed: Duration, expected: Duration) -> String {
    let share = elapsed.as_secs_f64() / expected.as_secs_f64().max(1.0);
    format!("demo: {title}  {}  {} of usually {}", filled(share, WIDTH), time(elapsed), time(expected))
}

/// A bar so wide, filled to this share.
pub(super) fn filled(share: f64, width: usize) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a width")]
    let full = ((share.clamp(0.0, 1.0) * width as f64) as usize).min(width);
    format!("{}{}", "▓".repeat(full), "░".repeat(width - full))
}

/// `1:07`.
pub(super) fn time(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_when_the_usual_time_is_over() {
        let seconds = Duration::from_secs;
        assert_eq!(
            bar("images", seconds(72), seconds(240)),
            "demo: images  ▓▓▓▓▓▓▓░░░░░░░░░░░░░░░░░  1:12 of usually 4:00"
        );
        assert!(bar("images", seconds(500), seconds(240)).contains(&"▓".repeat(WIDTH)));
    }

    #[test]
    fn a_step_gives_what_its_work_gives() {
        assert_eq!(step("counting", Duration::from_secs(1), || Ok(7)).unwrap(), 7);
        let failed = step("counting", Duration::from_secs(1), || Err::<(), _>(Error::NotHere("no".into())));
        assert_eq!(failed.unwrap_err().to_string(), "no");
    }
}
