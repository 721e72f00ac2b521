//! What came of a policy: counted moment by moment.

use jiff::Timestamp;

use super::recording::Recording;

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

/// What is counted while a policy is played.
#[derive(Debug)]
pub(super) struct Tally<'a> {
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
    pub(super) fn new(demand: &'a Recording, first: usize) -> Self {
        let track = Track::default();
        Self { demand, first, asked: 0.0, lost: 0.0, paid: 0.0, under: 0, known: 0, actions: 0, track }
    }

    pub(super) fn note(&mut self, moment: usize, existing: u32, changed: bool, capacity: f64) {
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

    pub(super) fn close(self) -> (Outcome, Track) {
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
