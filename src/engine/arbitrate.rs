//! Several claims on one target: the largest wins.

use crate::model::{ActuatorKind, Autonomy, Claim, Decision, Hold, Intent, ObjectId, Replicas, TargetRef};

/// What a decision asks of its target, if it may ask at all.
///
/// Advice (Observe in both directions) and targets that cannot be used ask for nothing. A freeze, or Observe in
/// the direction of the wish, asks for what stands: such an objective changes nothing, and nobody takes from
/// under it what it needs.
pub(super) fn claim(intent: &Intent, decision: &Decision) -> Option<Claim> {
    let current = decision.current?;
    let advice = intent.policy.up == Autonomy::Observe && intent.policy.down == Autonomy::Observe;
    let replicas = match decision.hold {
        None => decision.desired,
        Some(Hold::Frozen) => current,
        Some(Hold::Observe) if !advice => current,
        Some(Hold::Observe | Hold::Conflict | Hold::Unusable(_)) => return None,
    };
    Some(Claim {
        objective: intent.id.clone(),
        mapping: decision.mapping.clone(),
        target: decision.target.clone(),
        actuator: decision.actuator,
        replicas,
    })
}

/// The claim that wins one target: the largest, and of equals the first by name.
pub(super) fn winner<'a>(claims: &'a [Claim], of: &Subject<'_>) -> Option<&'a Claim> {
    claims.iter().filter(|claim| of.matches(claim)).max_by(|a, b| {
        a.replicas.cmp(&b.replicas).then_with(|| (&b.objective, &b.mapping).cmp(&(&a.objective, &a.mapping)))
    })
}

/// One number that can be changed: a target's replicas or its autoscaler's floor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) namespace: &'a str,
    pub(super) target: &'a TargetRef,
    pub(super) actuator: ActuatorKind,
}

impl Subject<'_> {
    fn matches(&self, claim: &Claim) -> bool {
        claim.objective.namespace == self.namespace
            && claim.actuator == self.actuator
            && claim.target.kind == self.target.kind
            && claim.target.name == self.target.name
            && claim.target.group() == self.target.group()
    }
}

/// Who outbids a claim, if anybody does.
pub(super) fn outbid_by(winner: &Claim, own: &ObjectId, wanted: Replicas) -> Option<(ObjectId, Replicas)> {
    (winner.objective != *own && winner.replicas > wanted)
        .then(|| (winner.objective.clone(), winner.replicas))
}
