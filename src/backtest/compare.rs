//! Policies side by side on the same recording.

use jiff::{SignedDuration, Timestamp};

use super::pilot::{Pilot, Seen};
use super::pods::Pods;
use super::policy::{Fixed, Hpa, Policy, Prescribed, View};
use super::recording::Recording;
use super::tally::{Outcome, Tally, Track};
use crate::engine::{carried, need};
use crate::model::{Bounds, CapacityModel, Intent, Mapping, MappingMemory, Money, Outlook, Replicas};

/// How a comparison is made.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The first moment that is judged; what lies before is history.
    pub from: Timestamp,
    /// What replicas carry, whatever an objective takes them to carry.
    pub capacity: CapacityModel,
    /// How long a replica takes to start.
    pub startup: SignedDuration,
    /// How old the newest sample is when it is decided on.
    pub age: SignedDuration,
    /// Replicas at the first moment; what the demand needs then if left out.
    pub replicas: Option<u32>,
    /// What a replica costs per hour.
    pub cost: Option<Money>,
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

/// Plays one policy within bounds.
pub fn play(
    bounds: Bounds,
    need: &Recording,
    demand: &Recording,
    setting: &Setting,
    policy: &mut dyn Policy,
) -> (Outcome, Track) {
    let step = demand.step;
    let first = demand.index(setting.from);
    let steps = |span: SignedDuration| usize::try_from((span.as_secs() + step / 2) / step).unwrap_or(0);
    let startup = steps(setting.startup);
    let lag = steps(setting.age);
    let least = need.demand.get(first).copied().flatten().map_or(Replicas(1), Replicas::ceil);
    let begin = setting.replicas.map_or(bounds.clamp(least), Replicas);
    let mut pods = Pods::new(begin.0, startup);
    let mut tally = Tally::new(demand, first);
    let carried = |ready: u32| {
        carried(&setting.capacity, &MappingMemory::default(), f64::from(ready)).unwrap_or_default()
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

/// The least that loses nothing, made by one who knew: the highest need from each moment until a replica ordered
/// then would serve.
pub fn clairvoyant(need: &Recording, startup: usize, bounds: Bounds) -> Prescribed {
    let whole: Vec<u32> =
        need.demand.iter().map(|need| bounds.clamp(need.map_or(Replicas(0), Replicas::ceil)).0).collect();
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
    let bounds = intent.mappings[mapping].bounds;
    let (outcome, track) = play(bounds, need, demand, setting, &mut policy);
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

/// Compares one mapping of several variants of an objective with what others would have done within the bounds of the
/// first. The variants must have the mapping.
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
        demand.and_then(|demand| need(&setting.capacity, &MappingMemory::default(), demand))
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
        ("clairvoyant", Box::new(clairvoyant(&needs, startup, kept.bounds))),
    ];
    for (name, policy) in &mut others {
        let (outcome, track) = play(kept.bounds, &needs, demand, setting, policy.as_mut());
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
        "Every replica carries what the first objective says, and starts as fast, whatever a variant says."
            .to_owned(),
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
            capacity: intent("a").mappings[0].capacity.clone(),
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
    fn a_variant_that_is_mistaken_about_its_replicas_is_judged_by_what_they_carry() {
        let (demand, sound) = (days(), intent("a"));
        let mut mistaken = intent("a");
        mistaken.mappings[0].capacity = CapacityModel::PerReplica(200.0);
        let variants = [("sound", &sound), ("mistaken", &mistaken)];
        let made = compare(&variants, 0, &demand, &setting(&demand)).unwrap();
        let [sound, mistaken] = [&made.rows[0].outcome, &made.rows[1].outcome];
        assert!(mistaken.replica_hours < 0.6 * sound.replica_hours, "{mistaken:?} {sound:?}");
        assert!(mistaken.lost_share > 0.3 && sound.lost_share < 0.05, "{mistaken:?} {sound:?}");
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
