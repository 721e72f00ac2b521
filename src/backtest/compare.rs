//! Policies side by side on the same recording.

use jiff::{SignedDuration, Timestamp};

use super::pilot::{Pilot, Seen};
use super::pods::Pods;
use super::policy::{Fixed, Hpa, Policy, Prescribed, View};
use super::recording::Recording;
use crate::engine::{carried, need};
use crate::model::{Intent, Mapping, MappingMemory, Money, Outlook, Replicas};

/// How a comparison is made.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The first moment that is judged; what lies before is history.
    pub from: Timestamp,
    /// How long a replica takes to start.
    pub startup: SignedDuration,
    /// How old the newest sample is when it is decided on.
    pub age: SignedDuration,
    /// Replicas at the first moment; what the demand needs then if left out.
    pub replicas: Option<u32>,
    /// What a replica costs per hour.
    pub cost: Option<Money>,
}

/// What came of one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Share of demand that met no capacity.
    pub lost_share: f64,
    /// Demand that met no capacity: its unit × seconds.
    pub lost: f64,
    /// Hours of replicas that were paid for.
    pub replica_hours: f64,
    /// Share of time in which demand exceeded the ready capacity.
    pub under: f64,
    /// Changes of the number of replicas.
    pub actions: u64,
    /// Changes a day.
    pub actions_per_day: f64,
    /// The hour that lost most, and the share of its demand that was lost.
    pub worst: Option<(Timestamp, f64)>,
}

/// What happened at every moment that was judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    /// What the ready replicas carried, in the unit of the demand.
    pub capacity: Vec<f32>,
    /// Demand that met no capacity.
    pub lost: Vec<f32>,
}

/// One change an objective would have made.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The index of its moment among those judged.
    pub moment: usize,
    /// From so many replicas …
    pub from: Replicas,
    /// … to so many.
    pub to: Replicas,
    /// Why.
    pub why: String,
}

/// One policy in a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub policy: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What its replica hours cost.
    pub cost: Option<Money>,
    /// What happened.
    pub track: Track,
    /// What it changed and why; of objectives only.
    pub changes: Vec<Change>,
    /// The demand expected for each moment, and that exceeded in one case of twenty; of objectives with a forecast.
    pub foreseen: Vec<Option<(f32, f32)>>,
}

/// Policies side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The first moment judged.
    pub from: Timestamp,
    /// Seconds from one moment to the next.
    pub step: i64,
    /// The unit of the demand.
    pub unit: String,
    /// The demand judged.
    pub demand: Vec<Option<f64>>,
    /// The policies: objectives first, then the others, the clairvoyant last.
    pub rows: Vec<Row>,
    /// What was assumed.
    pub assumed: Vec<String>,
}

/// Plays one policy. `note` is shown every decision: the moment, the replicas before and after.
pub fn play(
    mapping: &Mapping,
    need: &Recording,
    demand: &Recording,
    setting: &Setting,
    policy: &mut dyn Policy,
) -> (Outcome, Track) {
    let step = demand.step;
    let first = demand.index(setting.from);
    let steps = |span: SignedDuration| usize::try_from((span.as_secs() + step / 2) / step).unwrap_or(0);
    let startup = steps(setting.startup);
    let (lag, bounds) = (steps(setting.age), mapping.bounds);
    let least = need.demand.get(first).copied().flatten().map_or(Replicas(1), Replicas::ceil);
    let begin = setting.replicas.map_or(bounds.clamp(least), Replicas);
    let mut pods = Pods::new(begin.0, startup);
    let mut tally = Tally::new(demand, first);
    let carried = |ready: u32| {
        carried(&mapping.capacity, &MappingMemory::default(), f64::from(ready)).unwrap_or_default()
    };
    for moment in first..demand.demand.len() {
        pods.begin(moment);
        let (existing, ready) = (pods.existing(), pods.ready());
        let view = View { need, moment, seen: moment.saturating_sub(lag) + 1, existing, ready };
        let wanted = bounds.clamp(Replicas(policy.wanted(&view))).0;
        pods.set(moment, wanted);
        tally.note(moment, wanted, wanted != existing, carried(pods.ready()));
    }
    tally.close()
}

/// What is counted while a policy is played.
struct Tally<'a> {
    demand: &'a Recording,
    first: usize,
    asked: f64,
    lost: f64,
    paid: f64,
    under: u64,
    known: u64,
    actions: u64,
    track: Track,
}

impl<'a> Tally<'a> {
    fn new(demand: &'a Recording, first: usize) -> Self {
        let track = Track::default();
        Self { demand, first, asked: 0.0, lost: 0.0, paid: 0.0, under: 0, known: 0, actions: 0, track }
    }

    fn note(&mut self, moment: usize, existing: u32, changed: bool, capacity: f64) {
        let demand = self.demand.demand[moment];
        let lost = demand.map_or(0.0, |demand| (demand - capacity).max(0.0));
        self.asked += demand.unwrap_or_default();
        self.lost += lost;
        self.paid += f64::from(existing);
        self.known += u64::from(demand.is_some());
        self.under += u64::from(lost > 1e-9);
        self.actions += u64::from(changed);
        #[expect(clippy::cast_possible_truncation, reason = "a picture needs no more digits")]
        let (capacity, lost) = (capacity as f32, lost as f32);
        self.track.capacity.push(capacity);
        self.track.lost.push(lost);
    }

    fn close(self) -> (Outcome, Track) {
        let (step, count) = (self.demand.step as f64, self.track.lost.len() as f64);
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let outcome = Outcome {
            lost_share: share(self.lost, self.asked),
            lost: self.lost * step,
            replica_hours: self.paid * step / 3600.0,
            under: share(self.under as f64, self.known as f64),
            actions: self.actions,
            actions_per_day: share(self.actions as f64, count * step / 86_400.0),
            worst: self.worst(),
        };
        (outcome, self.track)
    }

    fn worst(&self) -> Option<(Timestamp, f64)> {
        let per = usize::try_from(3600 / self.demand.step).unwrap_or(1).max(1);
        let hours = self.track.lost.chunks(per).enumerate().map(|(hour, lost)| {
            let first = self.first + hour * per;
            let asked: f64 = self.demand.demand[first..first + lost.len()].iter().flatten().sum();
            let lost: f64 = lost.iter().copied().map(f64::from).sum();
            (self.demand.at(first), if asked > 0.0 { lost / asked } else { 0.0 })
        });
        hours.filter(|(_, share)| *share > 0.0).max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// The least that loses nothing, made by one who knew: the highest need from each moment until a replica ordered
/// then would serve.
pub fn clairvoyant(need: &Recording, startup: usize, mapping: &Mapping) -> Prescribed {
    let whole: Vec<u32> = need
        .demand
        .iter()
        .map(|need| mapping.bounds.clamp(need.map_or(Replicas(0), Replicas::ceil)).0)
        .collect();
    let ahead = |moment: usize| {
        whole[moment..(moment + startup + 1).min(whole.len())].iter().copied().max().unwrap_or_default()
    };
    Prescribed((0..whole.len()).map(ahead).collect())
}

/// Plays an objective's mapping, with what it would have known.
fn objective(
    name: &str,
    (intent, mapping): (&Intent, usize),
    (need, demand): (&Recording, &Recording),
    setting: &Setting,
) -> Option<Row> {
    let mut pilot = Pilot::new(intent, mapping, demand.step, setting.age)?;
    let first = demand.index(setting.from);
    let lag = usize::try_from(setting.age.as_secs() / demand.step).unwrap_or(0);
    for moment in 0..first.saturating_sub(lag) {
        pilot.recall(demand.at(moment), demand.demand[moment]);
    }
    let (mut changes, mut foreseen) = (vec![], vec![None; demand.demand.len().saturating_sub(first)]);
    let mut policy = super::policy::Following(|view: &View<'_>| {
        let Some(newest) = view.seen.checked_sub(1) else { return view.existing };
        let decided = pilot.pass(&Seen {
            now: demand.at(view.moment),
            sampled: demand.at(newest),
            demand: demand.demand[newest],
            existing: view.existing,
            ready: view.ready,
        });
        if let Outlook::Ready(seen) = pilot.outlook() {
            let ahead = usize::try_from(seen.horizon.as_secs() / demand.step).unwrap_or(0);
            if let Some(place) = foreseen.get_mut(newest + ahead - first.min(newest + ahead)) {
                #[expect(clippy::cast_possible_truncation, reason = "a picture needs no more digits")]
                let pair = (seen.expected as f32, seen.upper as f32);
                *place = Some(pair);
            }
        }
        if decided.desired != Replicas(view.existing) {
            let why: Vec<String> = decided.reasons.iter().map(ToString::to_string).collect();
            changes.push(Change {
                moment: view.moment - first,
                from: Replicas(view.existing),
                to: decided.desired,
                why: why.join("; "),
            });
        }
        decided.desired.0
    });
    let kept = &intent.mappings[mapping];
    let (outcome, track) = play(kept, need, demand, setting, &mut policy);
    Some(row(name, outcome, track, changes, foreseen, setting))
}

fn row(
    name: &str,
    outcome: Outcome,
    track: Track,
    changes: Vec<Change>,
    foreseen: Vec<Option<(f32, f32)>>,
    setting: &Setting,
) -> Row {
    let cost = setting
        .cost
        .as_ref()
        .map(|cost| Money { amount: cost.amount * outcome.replica_hours, currency: cost.currency.clone() });
    Row { policy: name.to_owned(), outcome, cost, track, changes, foreseen }
}

/// One objective to be compared.
pub type Variant<'a> = (&'a str, &'a Intent);

/// Compares one mapping of several variants of an objective with what others would have done. The variants must have
/// the mapping; its capacity, start-up and bounds are those of the first.
///
/// `None` when there is no variant, or it has no such mapping, or what the demand needs is not known.
pub fn compare(
    variants: &[Variant<'_>],
    mapping: usize,
    demand: &Recording,
    setting: &Setting,
) -> Option<Comparison> {
    let (_, intent) = variants.first()?;
    let kept = intent.mappings.get(mapping)?;
    let of = |demand: &Option<f64>| {
        demand.and_then(|demand| need(&kept.capacity, &MappingMemory::default(), demand))
    };
    let needs = Recording { demand: demand.demand.iter().map(of).collect(), ..demand.clone() };
    let first = demand.index(setting.from);
    let judged = &needs.demand[first..];
    let height = judged.iter().flatten().copied().fold(0.0, f64::max);
    let startup = usize::try_from((setting.startup.as_secs() + demand.step / 2) / demand.step).unwrap_or(0);
    let mut rows: Vec<Row> = variants
        .iter()
        .filter_map(|(name, intent)| objective(name, (intent, mapping), (&needs, demand), setting))
        .collect();
    let mut others: Vec<(&str, Box<dyn Policy>)> = vec![
        ("HPA 70 %", Box::new(Hpa::new(0.7, demand.step, 0))),
        ("KEDA 70 %", Box::new(Hpa::new(0.7, demand.step, 30))),
        ("fixed at the height", Box::new(Fixed(Replicas::ceil(height).0))),
        ("clairvoyant", Box::new(clairvoyant(&needs, startup, kept))),
    ];
    for (name, policy) in &mut others {
        let (outcome, track) = play(kept, &needs, demand, setting, policy.as_mut());
        rows.push(row(name, outcome, track, vec![], vec![], setting));
    }
    Some(Comparison {
        from: demand.at(first),
        step: demand.step,
        unit: kept.demand.unit.clone(),
        demand: demand.demand[first..].to_vec(),
        rows,
        assumed: assumed(kept, demand, setting),
    })
}

/// Comparisons of several variants on the same recording as one: the objectives of all, the others once. `None` for
/// none.
pub fn join(comparisons: Vec<Comparison>) -> Option<Comparison> {
    let mut all = comparisons.into_iter();
    let mut first = all.next()?;
    for (place, next) in all.enumerate() {
        for row in next.rows.into_iter().take(1) {
            first.rows.insert(place + 1, row);
        }
    }
    Some(first)
}

fn assumed(mapping: &Mapping, demand: &Recording, setting: &Setting) -> Vec<String> {
    let span = crate::model::span;
    vec![
        format!(
            "A replica serves {} after it is ordered, and is paid for from then on.",
            span(setting.startup)
        ),
        "Demand above the ready capacity is lost at once; nothing waits.".to_owned(),
        format!(
            "Every {} s it is decided on samples that are {} old; the autoscalers look at the average of the last minute.",
            demand.step,
            span(setting.age)
        ),
        format!("Replicas stay within {} to {}.", mapping.bounds.min, mapping.bounds.max),
        "The fixed size and the clairvoyant know all of the demand beforehand.".to_owned(),
        "The objective's autonomy is taken to be Enforce, and its replicas are set whatever the actuator."
            .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reserve;
    use crate::model::scenario::intent;

    /// Two weeks of days with a peak at noon, in requests/s; a replica carries 100.
    fn days() -> Recording {
        let demand = (0..14 * 1440).map(|minute| {
            let day = std::f64::consts::TAU * f64::from(minute % 1440) / 1440.0;
            Some(1500.0 - 1000.0 * day.cos() + f64::from(minute * 7919 % 101) - 50.0)
        });
        Recording { start: 1_800_000_000 - 1_800_000_000 % 86_400, step: 60, demand: demand.collect() }
    }

    fn setting(demand: &Recording) -> Setting {
        Setting {
            from: demand.at(12 * 1440),
            startup: SignedDuration::from_secs(60),
            age: SignedDuration::from_secs(60),
            replicas: None,
            cost: Some(Money { amount: 0.5, currency: "USD".to_owned() }),
        }
    }

    #[test]
    fn the_clairvoyant_loses_nothing_and_nobody_who_loses_nothing_pays_less() {
        let demand = days();
        let made = compare(&[("ours", &intent("a"))], 0, &demand, &setting(&demand)).unwrap();
        let best = made.rows.last().unwrap();
        assert_eq!((best.policy.as_str(), best.outcome.lost_share), ("clairvoyant", 0.0));
        for row in made.rows.iter().filter(|row| row.outcome.lost_share == 0.0) {
            assert!(row.outcome.replica_hours >= best.outcome.replica_hours, "{}", row.policy);
        }
        let cost = best.cost.as_ref().unwrap().amount;
        assert!((cost - best.outcome.replica_hours * 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_forecast_loses_less_than_an_autoscaler_for_fewer_replica_hours() {
        let demand = days();
        let mut ahead = intent("a");
        ahead.mappings[0].reserve = Reserve::Unserved(0.003);
        ahead.policy.forecast.auto = true;
        let made = compare(&[("ahead", &ahead)], 0, &demand, &setting(&demand)).unwrap();
        let of = |name: &str| made.rows.iter().find(|row| row.policy == name).unwrap();
        let (ours, hpa) = (of("ahead"), of("HPA 70 %"));
        assert!(ours.outcome.lost_share <= 0.003, "{:?}", ours.outcome);
        assert!(
            ours.outcome.replica_hours < 0.9 * hpa.outcome.replica_hours,
            "{:?} {:?}",
            ours.outcome,
            hpa.outcome
        );
        assert!(ours.changes.iter().all(|change| change.why.contains("replica")), "every change says why");
        assert!(ours.foreseen.iter().filter(|seen| seen.is_some()).count() > 2000);
    }
}
