//! One mapping's decision: what its demand needs, held back by the guards.

use jiff::{SignedDuration, Timestamp};

use super::ahead::{self, Ahead};
use super::guard::{self, Wish};
use super::{capacity, learn, trim, window};
use crate::model::{
    ActuatorKind, Autonomy, Basis, CapacityModel, ConditionReason, Decision, Hold, HpaState, Intent, Mapping,
    MappingFacts, MappingMemory, Need, Outlook, Reason, Replicas, Sample, TargetState, WhenLost,
};

/// A loss of so many passes is a hiccup: shorter, and a slow source empties every window; longer, and a real loss
/// is taken for a dip of the demand.
pub(super) const SHORT_LOSS: i32 = 3;

/// Decides one mapping and returns what its next pass must know.
pub(super) fn decide(
    intent: &Intent,
    mapping: &Mapping,
    facts: &MappingFacts,
    memory: MappingMemory,
    now: Timestamp,
) -> (Decision, MappingMemory) {
    let mut pass = Pass { intent, mapping, facts, memory, now };
    let ground = pass.ground();
    let taught = pass.learn();
    let demand = known(&facts.demand);
    let planned = demand.map(|demand| demand * (1.0 + pass.headroom()));
    let needed = planned.and_then(|planned| pass.needs(planned));
    let ahead = needed.and_then(|needed| ahead::look(mapping, &pass.memory, &facts.outlook, needed));
    let mut wish = pass.wish(demand, planned, needed, ahead.as_ref(), ground.current);
    wish.reasons.extend(taught);
    pass.notice_change(&mut wish, &ground);
    guard::bounds(&mut wish, mapping.bounds);
    if let Some(hpa) = ground.hpa.filter(|_| mapping.actuator == ActuatorKind::HpaFloor) {
        guard::hpa_max(&mut wish, hpa);
    }
    let hold = pass.hold(&mut wish, &ground);
    let decision = Decision {
        mapping: mapping.name.clone(),
        target: mapping.target.clone(),
        actuator: mapping.actuator,
        demand,
        planned: ahead.as_ref().map(|ahead| ahead.planned).or(planned),
        basis: ahead.as_ref().map_or(Basis::Observed, |ahead| ahead.basis),
        current: ground.current,
        needed: ahead.map(|ahead| ahead.replicas).or(needed),
        desired: wish.replicas,
        hold,
        limited_by: wish.limited_by,
        reasons: wish.reasons,
    };
    (decision, pass.memory)
}

/// The number of a sample that may be decided upon at all.
fn known(sample: &Sample) -> Option<f64> {
    match sample {
        Sample::Present { value, .. } | Sample::Partial { value, .. } => Some(*value),
        Sample::Stale { .. } | Sample::Absent | Sample::Failed(_) => None,
    }
}

/// What stands in the cluster: the number that is changed, and whose it is.
struct Ground<'a> {
    current: Option<Replicas>,
    hpa: Option<&'a HpaState>,
    changed_by: Option<&'a String>,
    unusable: Option<(ConditionReason, String)>,
}

/// One mapping's pass.
struct Pass<'a> {
    intent: &'a Intent,
    mapping: &'a Mapping,
    facts: &'a MappingFacts,
    memory: MappingMemory,
    now: Timestamp,
}

impl<'a> Pass<'a> {
    fn ground(&self) -> Ground<'a> {
        let workload = match &self.facts.target {
            TargetState::Known(workload) => workload,
            TargetState::Unknown(fault) => {
                let words = format!("{} {fault}", self.mapping.target);
                return Ground {
                    current: None,
                    hpa: None,
                    changed_by: None,
                    unusable: Some((fault.reason(), words)),
                };
            }
        };
        let hpa = workload.hpa.as_ref();
        match (self.mapping.actuator, hpa) {
            (ActuatorKind::Scale, _) => Ground {
                current: Some(workload.replicas),
                hpa,
                changed_by: workload.changed_by.as_ref(),
                unusable: None,
            },
            (ActuatorKind::HpaFloor, Some(found)) => Ground {
                current: Some(found.min),
                hpa,
                changed_by: found.changed_by.as_ref(),
                unusable: None,
            },
            (ActuatorKind::HpaFloor, None) => {
                let words = format!(
                    "no HorizontalPodAutoscaler scales {}; create one, or write actuator: Scale",
                    self.mapping.target
                );
                Ground {
                    current: None,
                    hpa,
                    changed_by: None,
                    unusable: Some((ConditionReason::HpaNotFound, words)),
                }
            }
        }
    }

    /// What is kept above the demand observed. While the history is read, a reserve that a forecast sets is whatever
    /// runs: the process before set it, and a moment later this one knows as much.
    fn headroom(&self) -> f64 {
        let reserve = &self.mapping.reserve;
        let awaited = self.facts.outlook == Outlook::Awaited && reserve.is_forecast();
        if awaited { 0.0 } else { reserve.headroom() }
    }

    /// What so much planned demand needs.
    fn needs(&self, planned: f64) -> Option<Replicas> {
        capacity::needed(&self.mapping.capacity, &self.memory, planned)
    }

    /// The wish after every guard but the bounds.
    fn wish(
        &mut self,
        demand: Option<f64>,
        planned: Option<f64>,
        needed: Option<Replicas>,
        ahead: Option<&Ahead>,
        current: Option<Replicas>,
    ) -> Wish {
        let standing = current.or(self.memory.last_set).unwrap_or(self.mapping.bounds.min);
        let (Some(demand), Some(planned), Some(needed)) = (demand, planned, needed) else {
            return self.without_need(demand, standing);
        };
        let unit = self.mapping.demand.unit.clone();
        let priced = ahead.is_some_and(|ahead| ahead.basis == Basis::Priced);
        // A price leaves no headroom to speak of.
        let (shown, needs) =
            if priced { (demand, self.needs(demand).unwrap_or(needed)) } else { (planned, needed) };
        let observed = Reason::ObservedDemand { demand, planned: shown, unit, needs };
        let mut wish = Wish::new(needed, vec![observed]);
        if let Some(ahead) = ahead {
            wish.replicas = ahead.replicas;
            wish.reasons.push(ahead.reason.clone());
        }
        let added = self.trim(&mut wish);
        if self.facts.demand.present().is_none() {
            return self.on_partial_data(wish, standing);
        }
        let needs = if priced {
            wish.replicas
        } else {
            let planned = ahead.map_or(planned, |ahead| ahead.planned);
            self.tolerate(&mut wish, planned * (1.0 + added), standing)
        };
        self.data_is_back(standing);
        self.note(needs);
        self.hold_down(&mut wish, standing, priced);
        wish
    }

    /// Learns what one replica carries, where that is to be learned, and says what is known.
    fn learn(&mut self) -> Option<Reason> {
        let CapacityModel::Learned(model) = &self.mapping.capacity else { return None };
        let learned = learn::learn(self.intent, self.mapping, model, self.facts, &self.memory, self.now);
        let reason = Reason::LearnedCapacity {
            carries: learned.carries,
            low: learned.low,
            high: learned.high,
            unit: self.mapping.demand.unit.clone(),
            slower: learned.slower.map(|slower| (slower.since, slower.share)),
        };
        self.memory.learned = Some(learned);
        Some(reason)
    }

    /// Adds what measurements out of bounds ask for; says as which share.
    fn trim(&mut self, wish: &mut Wish) -> f64 {
        let before = self.memory.trimmed;
        let (after, reason) =
            trim::trim(self.intent, self.mapping, self.facts, before, self.window(), self.now);
        self.memory.trimmed = after;
        wish.replicas = trim::raised(wish.replicas, after);
        wish.reasons.extend(reason);
        after.map_or(0.0, |trimmed| trimmed.extra)
    }

    /// What keeps replicas from being taken away. A price has its own hysteresis and hold, and knows when demand will
    /// be back: only a window somebody wrote and the largest step hold it back.
    fn hold_down(&self, wish: &mut Wish, standing: Replicas, priced: bool) {
        let (window, policy) = (self.window(), &self.intent.policy);
        if !priced || policy.down_window.is_some() {
            guard::scale_down_window(wish, standing, &self.memory.needs, self.now, window);
        }
        if !priced {
            guard::startup(wish, standing, &self.memory, self.now, self.mapping.startup);
        }
        if self.facts.outlook == Outlook::Awaited {
            guard::history(wish, standing);
        }
        guard::step_limit(wish, standing, self.memory.step_from, self.now, window, policy.down_max_step);
    }

    /// Keeps small changes from happening, and returns what the window is to remember: what stands, if the need
    /// is within the tolerance of it. The tolerance is judged on the demand, so it comes to the same whether the
    /// window is asked before or after it; asked after, a demand within the tolerance leaves no trace at all.
    fn tolerate(&self, wish: &mut Wish, planned: f64, standing: Replicas) -> Replicas {
        let policy = &self.intent.policy;
        let (tolerance, near) = if wish.replicas > standing {
            (policy.up_tolerance, planned / (1.0 + policy.up_tolerance))
        } else {
            (policy.down_tolerance, planned * (1.0 + policy.down_tolerance))
        };
        let near = self.needs(near).unwrap_or(standing);
        guard::tolerance(wish, standing, near, tolerance);
        wish.replicas
    }

    fn window(&self) -> SignedDuration {
        window::length(&self.intent.policy, self.intent.interval)
    }

    /// Without a need nothing is lowered: what stands is held, and raised to the fallback after a while.
    fn without_need(&mut self, demand: Option<f64>, standing: Replicas) -> Wish {
        if demand.is_some() {
            self.memory.lost_since = None;
            let mut wish = Wish::new(standing, vec![Reason::ReferenceUnknown { held: standing }]);
            wish.limited_by = Some(ConditionReason::MeasuringBaseline);
            return wish;
        }
        let since = *self.memory.lost_since.get_or_insert(self.now);
        let loss = self.intent.policy.metric_loss;
        let mut wish = Wish::new(standing, vec![Reason::DemandUnknown { since, held: standing }]);
        wish.limited_by = Some(ConditionReason::WithoutData);
        if self.now.duration_since(since) >= loss.hold {
            let fallback = match loss.then {
                WhenLost::Hold => None,
                WhenLost::Max => Some(self.mapping.bounds.max),
                WhenLost::Baseline => capacity::reference_replicas(&self.mapping.capacity, &self.memory),
            };
            if let Some(to) = fallback.filter(|to| *to > standing) {
                wish.replicas = to;
                wish.reasons.push(Reason::LossFallback { hold: loss.hold, to });
            }
        }
        wish
    }

    /// What is missing from a partial answer can only add: such a demand raises, and never lowers.
    fn on_partial_data(&mut self, mut wish: Wish, standing: Replicas) -> Wish {
        let since = *self.memory.lost_since.get_or_insert(self.now);
        if wish.replicas < standing {
            wish.replicas = standing;
            wish.limited_by = Some(ConditionReason::WithoutData);
            wish.reasons.push(Reason::DemandUnknown { since, held: standing });
        }
        wish
    }

    /// After a loss of more than [`SHORT_LOSS`] passes nobody knows what was needed meanwhile: what stood counts as needed.
    fn data_is_back(&mut self, standing: Replicas) {
        if let Some(since) = self.memory.lost_since.take()
            && self.now.duration_since(since) > self.intent.interval * SHORT_LOSS
        {
            self.note(standing);
        }
        if window::is_blank(&self.memory.needs, self.now, self.window()) {
            self.note(standing);
        }
    }

    fn note(&mut self, replicas: Replicas) {
        let window = self.window();
        window::note(&mut self.memory.needs, self.now, replicas, window);
    }

    /// Notes a change somebody else made since the last pass; it is told once. What an autoscaler owns it changes
    /// all the time: that is told as the conflict it is.
    fn notice_change(&mut self, wish: &mut Wish, ground: &Ground<'_>) {
        let owned = self.mapping.actuator == ActuatorKind::Scale && ground.hpa.is_some();
        let Some(to) = ground.current.filter(|_| !owned) else { return };
        if let (Some(by), Some(from)) = (ground.changed_by, self.memory.last_set)
            && from != to
        {
            wish.reasons.push(Reason::ChangedOutside { by: by.clone(), from, to });
        }
        self.memory.last_set = Some(to);
    }

    /// Whether the wish is put into effect.
    fn hold(&self, wish: &mut Wish, ground: &Ground<'_>) -> Option<Hold> {
        if let Some((reason, words)) = &ground.unusable {
            wish.reasons.push(Reason::TargetUnusable { detail: words.clone() });
            return Some(Hold::Unusable(*reason));
        }
        if let (ActuatorKind::Scale, Some(hpa)) = (self.mapping.actuator, ground.hpa) {
            wish.reasons.push(Reason::OwnedByHpa { hpa: hpa.name.clone() });
            return Some(Hold::Conflict);
        }
        let policy = &self.intent.policy;
        let open = policy.freezes.iter().filter(|freeze| freeze.from <= self.now && self.now < freeze.to);
        if let Some(freeze) = open.max_by_key(|freeze| freeze.to) {
            wish.reasons.push(Reason::Frozen { until: freeze.to, why: freeze.reason.clone() });
            return Some(Hold::Frozen);
        }
        let current = ground.current?;
        let autonomy = match wish.replicas.cmp(&current) {
            std::cmp::Ordering::Greater => policy.up,
            std::cmp::Ordering::Less => policy.down,
            std::cmp::Ordering::Equal => return None,
        };
        (autonomy == Autonomy::Observe).then(|| {
            wish.reasons.push(Reason::Observing { wanted: wish.replicas });
            Hold::Observe
        })
    }
}

/// Notes a change that is about to be made.
pub(super) fn remember_step(
    memory: &mut MappingMemory,
    from: Replicas,
    to: Replicas,
    now: Timestamp,
    intent: &Intent,
) {
    memory.last_set = Some(to);
    if to > from {
        memory.last_up = Some(now);
    } else {
        memory.last_down = Some(now);
        // A step that began below what ran since then is measured against what runs now.
        let window = window::length(&intent.policy, intent.interval);
        let running = guard::running_step(memory.step_from, now, window);
        if running.is_none_or(|step| step.replicas < from) {
            memory.step_from = Some(Need { at: now, replicas: from });
        }
    }
}
