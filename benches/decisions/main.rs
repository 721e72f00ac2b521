//! How good the decisions are: `make bench-decisions`.
//!
//! Plays the six traces of `benches/traces` with replicas that take one and three minutes to start, and prints the
//! tables of `docs/reference/decisions.md`; `-- --write FILE` writes them there.

mod others;
mod suite;
mod tables;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bizops::model::Reserve;
use suite::{Demand, Played, Player, TRACES};

/// How long a replica takes to start, in seconds.
pub const STARTUPS: [i64; 2] = [60, 180];
/// Prices of a replica, in replicas' worth of demand it must be expected to save.
pub const PRICES: [f64; 12] = [0.3, 0.2, 0.12, 0.08, 0.05, 0.03, 0.02, 0.012, 0.007, 0.004, 0.002, 0.001];
/// Shares of demand that may go unserved.
pub const SHARES: [f64; 3] = [0.01, 0.003, 0.001];
/// Utilisations of the autoscalers.
pub const BUSY: [f64; 3] = [0.6, 0.7, 0.8];

/// One game and what came of it.
#[derive(Debug, Clone)]
pub struct Game {
    /// The demand.
    pub trace: &'static str,
    /// How long a replica takes to start, in seconds.
    pub startup: i64,
    /// Who played.
    pub player: Player,
    /// What came of it.
    pub played: Played,
}

fn players() -> Vec<Player> {
    let mut players: Vec<Player> = SHARES.map(|share| Player::Objective(Reserve::Unserved(share))).to_vec();
    players.extend(PRICES.map(|price| Player::Objective(Reserve::Price(price))));
    for kind in [Player::Hpa, Player::Keda, Player::Knative, Player::LastWeek] {
        players.extend(BUSY.map(kind));
    }
    players.extend([Player::Height, Player::Clairvoyant]);
    players
}

/// Plays all of it on all cores.
fn play(demands: &[Demand]) -> Result<Vec<Game>, String> {
    let jobs: Vec<(&Demand, i64, Player)> = demands
        .iter()
        .flat_map(|demand| STARTUPS.map(|startup| (demand, startup)))
        .flat_map(|(demand, startup)| players().into_iter().map(move |player| (demand, startup, player)))
        .collect();
    let (next, games, begun) = (AtomicUsize::new(0), Mutex::new(vec![]), Instant::now());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let work = || -> Result<(), String> {
            while let Some((demand, startup, player)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let played = player.play(demand, *startup)?;
                let mut games = games.lock().map_err(|error| error.to_string())?;
                games.push(Game { trace: demand.name, startup: *startup, player: player.clone(), played });
                let seconds = begun.elapsed().as_secs();
                eprintln!(
                    "{}/{} {seconds} s: {} {startup} s {player:?}",
                    games.len(),
                    jobs.len(),
                    demand.name
                );
            }
            Ok(())
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a game panicked".to_owned())?)
    })?;
    games.into_inner().map_err(|error| error.to_string())
}

fn run() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/traces");
    let demands = TRACES.iter().map(|origin| Demand::read(&folder, origin)).collect::<Result<Vec<_>, _>>()?;
    let text = tables::text(&play(&demands)?).ok_or("a game is missing")?;
    let mut args = std::env::args().skip_while(|arg| arg != "--write").skip(1);
    let Some(path) = args.next() else {
        println!("{text}");
        return Ok(());
    };
    std::fs::write(&path, text).map_err(|error| format!("{path}: {error}"))
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("decisions: {words}");
            ExitCode::FAILURE
        }
    }
}
