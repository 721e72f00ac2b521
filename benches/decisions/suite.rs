//! Six recorded demands against the objective and against what others would do: one number of replicas every 15 s.
//!
//! The traces lie in `benches/traces`, with their origins. Every trace is scaled so that twenty replicas carry the
//! 99th percentile of what is judged; a replica serves a start-up after it is ordered, and demand above the ready
//! replicas is lost. Everybody plays an hour before it is judged, so that nobody is judged on its beginning.

use std::path::Path;

use bizops::api::v1alpha1::{Objective, intent};
use bizops::backtest::{
    Fixed, Following, Hpa, Kind, Pilot, Policy, Recording, Seen, Setting, View, bridged, clairvoyant, play,
};
use bizops::model::{Intent, Replicas, Reserve};
use jiff::SignedDuration;

use crate::others::{Knative, LastWeek};

/// The grid, in seconds.
pub const STEP: i64 = 15;
/// How old a sample is when it is decided on: 30 s since it was scraped, and the 15 s it covers.
const AGE: SignedDuration = SignedDuration::from_secs(45);
/// Moments everybody plays before it is judged: an hour.
const BEFORE: usize = 240;
/// Moments of a day.
pub const DAY: usize = 5760;
/// Replicas that carry the 99th percentile of the judged demand.
const HEIGHT: f64 = 20.0;
/// Chooses the path between samples that are coarser than the grid.
const SEED: u64 = 1;

/// A trace of the repository.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The name of its file.
    pub name: &'static str,
    kind: Kind,
    /// So many days at its end are judged; what lies before is history.
    judged: usize,
}

/// All of them, the longest to play first.
pub const TRACES: [Origin; 6] = [
    Origin { name: "nyc_taxi", kind: Kind::Count, judged: 21 },
    Origin { name: "retail_order_lines", kind: Kind::Count, judged: 21 },
    Origin { name: "twitter_amzn", kind: Kind::Count, judged: 21 },
    Origin { name: "nasa_http", kind: Kind::Count, judged: 19 },
    Origin { name: "crane_diurnal", kind: Kind::Gauge, judged: 9 },
    Origin { name: "llm_msmall", kind: Kind::Rate, judged: 7 },
];

/// A demand in replicas' worth, and from which moment on it is judged.
#[derive(Debug, Clone)]
pub struct Demand {
    pub name: &'static str,
    pub need: Recording,
    pub judged: usize,
}

impl Demand {
    /// Reads a trace from a folder.
    pub fn read(folder: &Path, origin: &Origin) -> Result<Self, String> {
        let path = folder.join(format!("{}.csv", origin.name));
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let samples = samples(&text).ok_or_else(|| format!("{}: not timestamp,value", path.display()))?;
        let mut need = bridged(&samples, origin.kind, STEP, SEED);
        let judged = need.demand.len().saturating_sub(origin.judged * DAY);
        let per = quantile(need.demand[judged..].iter().flatten().copied().collect(), 0.99) / HEIGHT;
        need.demand.iter_mut().flatten().for_each(|demand| *demand /= per);
        Ok(Self { name: origin.name, need, judged })
    }

    /// The same with so many days of history and so many judged after them: its middle, for a quick look.
    pub fn part(&self, history: usize, judged: usize) -> Self {
        let from = self.judged.saturating_sub(history * DAY);
        let to = (self.judged + judged * DAY).min(self.need.demand.len());
        let start = self.need.at(from).as_second();
        let need = Recording { start, step: STEP, demand: self.need.demand[from..to].to_vec() };
        Self { name: self.name, need, judged: self.judged - from }
    }

    /// So many moments that are judged.
    pub fn moments(&self) -> usize {
        self.need.demand.len() - self.judged
    }
}

fn samples(text: &str) -> Option<Recording> {
    let mut times = vec![];
    let mut demand = vec![];
    for line in text.lines().skip(1) {
        let (time, value) = line.split_once(',')?;
        times.push(time.parse::<i64>().ok()?);
        demand.push(Some(value.parse::<f64>().ok()?));
    }
    let (start, step) = (*times.first()?, times.get(1)? - times.first()?);
    times.windows(2).all(|pair| pair[1] - pair[0] == step).then_some(Recording { start, step, demand })
}

/// Between the two values around it, in proportion.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = share * (values.len() - 1) as f64;
    let low = place.floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the length")]
    let left = low as usize;
    let right = (left + 1).min(values.len() - 1);
    values[left] + (values[right] - values[left]) * (place - low)
}

/// Who plays.
#[derive(Debug, Clone, PartialEq)]
pub enum Player {
    /// An objective with this reserve, everything else at its defaults.
    Objective(Reserve),
    /// The `HorizontalPodAutoscaler` at this utilisation.
    Hpa(f64),
    /// The same behind an adapter that asks every 30 s.
    Keda(f64),
    /// Knative's autoscaler at this utilisation.
    Knative(f64),
    /// The `HorizontalPodAutoscaler`, and never below what last week needed then.
    LastWeek(f64),
    /// The height of what is judged, always.
    Height,
    /// The least that loses nothing.
    Clairvoyant,
}

/// What came of it, over what is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Played {
    /// Replicas paid for, on average.
    pub replicas: f64,
    /// Share of demand lost.
    pub lost: f64,
    /// Share of time in which demand exceeded the ready replicas.
    pub under: f64,
    /// Changes a day.
    pub actions: f64,
}

impl Player {
    /// Plays a demand with replicas that take `startup` seconds to start.
    ///
    /// # Errors
    /// The objective of the suite is not valid.
    pub fn play(&self, demand: &Demand, startup: i64) -> Result<Played, String> {
        let objective = objective(startup)?;
        let mapping = &objective.mappings[0];
        let steps = usize::try_from(startup / STEP).unwrap_or(0);
        let judged = &demand.need.demand[demand.judged..];
        let height = judged.iter().flatten().copied().fold(0.0, f64::max);
        let mut policy: Box<dyn Policy> = match self {
            Self::Objective(reserve) => Box::new(ours(objective.clone(), reserve.clone(), demand)?),
            Self::Hpa(busy) => Box::new(Hpa::new(*busy, STEP, 0)),
            Self::Keda(busy) => Box::new(Hpa::new(*busy, STEP, 30)),
            Self::Knative(busy) => Box::new(Knative::new(*busy)),
            Self::LastWeek(busy) => Box::new(LastWeek::new(*busy, steps)),
            Self::Height => Box::new(Fixed(Replicas::ceil(height).0)),
            Self::Clairvoyant => Box::new(clairvoyant(&demand.need, steps, mapping.bounds)),
        };
        let first = demand.judged.saturating_sub(BEFORE);
        let setting = Setting {
            from: demand.need.at(first),
            capacity: mapping.capacity.clone(),
            startup: mapping.startup,
            age: AGE,
            replicas: None,
            cost: None,
        };
        let mut wanted = vec![];
        let mut counted = Following(|view: &View<'_>| {
            wanted.push(mapping.bounds.clamp(Replicas(policy.wanted(view))).0);
            wanted[wanted.len() - 1]
        });
        let (_, track) = play(mapping.bounds, &demand.need, &demand.need, &setting, &mut counted);
        Ok(judge(&wanted, &track.lost, judged))
    }
}

/// What the last moments of a game come to, those that are judged.
fn judge(wanted: &[u32], lost: &[f32], judged: &[Option<f64>]) -> Played {
    let before = wanted.len() - judged.len();
    let (lost, count) = (&lost[before..], judged.len() as f64);
    let changed = wanted.windows(2).skip(before.saturating_sub(1)).filter(|pair| pair[0] != pair[1]).count();
    Played {
        replicas: wanted[before..].iter().copied().map(f64::from).sum::<f64>() / count,
        lost: lost.iter().copied().map(f64::from).sum::<f64>() / judged.iter().flatten().sum::<f64>(),
        under: lost.iter().filter(|lost| **lost > 1e-9).count() as f64 / count,
        actions: changed as f64 * DAY as f64 / count,
    }
}

/// An objective as its owner writes it, for a demand in replicas' worth.
fn objective(startup: i64) -> Result<Intent, String> {
    let manifest = serde_json::json!({
        "apiVersion": "bizops.dev/v1alpha1", "kind": "Objective",
        "metadata": {"name": "suite", "namespace": "suite"},
        "spec": {
            "description": "Demand is served", "owner": "suite", "service": "suite", "interval": format!("{STEP}s"),
            "indicator": {"query": "demand", "unit": "replicas"}, "goal": {"atLeast": 1},
            "mappings": [{
                "name": "demand", "demand": {"query": "demand", "unit": "replicas"},
                "target": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demand"},
                "capacity": {"perReplica": 1, "startup": format!("{startup}s")},
                "bounds": {"min": 1, "max": 10_000}, "unserved": "1%",
            }],
        },
    });
    let object: Objective = serde_json::from_value(manifest).map_err(|error| error.to_string())?;
    intent(&object).map_err(|issues| issues.to_string())
}

/// The objective's own pilot, with all of the history it could have read.
fn ours(mut objective: Intent, reserve: Reserve, demand: &Demand) -> Result<impl Policy + use<>, String> {
    objective.mappings[0].reserve = reserve;
    let mut pilot = Pilot::new(&objective, 0, STEP, AGE).ok_or("the objective has no mapping")?;
    let lag = usize::try_from(AGE.as_secs() / STEP).unwrap_or(0);
    for moment in 0..demand.judged.saturating_sub(BEFORE + lag) {
        pilot.recall(demand.need.at(moment), demand.need.demand[moment]);
    }
    Ok(Following(move |view: &View<'_>| {
        let Some(newest) = view.seen.checked_sub(1) else { return view.existing };
        let seen = Seen {
            now: view.need.at(view.moment),
            sampled: view.need.at(newest),
            demand: view.need.demand[newest],
            existing: view.existing,
            ready: view.ready,
        };
        pilot.pass(&seen).desired.0
    }))
}
