//! One step carried out: one number of one object, if it is still the object the decision was made on.
//!
//! An actuator never reads a metric and never chooses a number. What became of a step is a value, never an
//! error: [`Outcome`].

mod floor;
mod scale;

use std::time::Duration;

use kube::Client;
use kube::api::ApiResource;

use crate::model::{ActuatorKind, ConditionReason, Outcome, Permission, Reach, Step};

/// The field managers the actuators write as.
#[derive(Debug, Clone, Copy)]
pub struct WriteAs {
    /// Of replicas.
    pub scale: &'static str,
    /// Of an autoscaler's floor.
    pub hpa_floor: &'static str,
}

/// What this room does at the API server, besides the scale subresource of the kinds in the chart's values.
pub const PERMISSIONS: &[Permission] =
    &[Permission::on(Reach::Watched, "autoscaling", "horizontalpodautoscalers", &["patch"])];

/// How long one write may take. A write that took longer has an unknown end: the next pass reads what came of
/// it, and nothing is written blindly a second time.
const WRITE_TIMEOUT: Duration = Duration::from_secs(3);

/// Carries out one step. `resource` is how the API server names the target's kind.
pub async fn carry_out(client: &Client, step: &Step, resource: &ApiResource, write_as: WriteAs) -> Outcome {
    let written = async {
        match step.actuator {
            ActuatorKind::Scale => scale::write(client, step, resource, write_as.scale).await,
            ActuatorKind::HpaFloor => floor::write(client, step, write_as.hpa_floor).await,
        }
    };
    match tokio::time::timeout(WRITE_TIMEOUT, written).await {
        Ok(Ok(version)) => Outcome::Done { version },
        Ok(Err(error)) => outcome_of(&error),
        Err(_) => Outcome::Failed {
            reason: ConditionReason::TargetUnavailable,
            detail: format!("the API server gave no answer within {}s", WRITE_TIMEOUT.as_secs()),
        },
    }
}

/// What an error of the API server means for a step.
fn outcome_of(error: &kube::Error) -> Outcome {
    let kube::Error::Api(status) = error else {
        return Outcome::Failed { reason: ConditionReason::TargetUnavailable, detail: error.to_string() };
    };
    let reason = match status.code {
        409 => return Outcome::Superseded,
        403 => ConditionReason::TargetForbidden,
        404 => ConditionReason::TargetNotFound,
        _ => ConditionReason::TargetUnavailable,
    };
    Outcome::Failed { reason, detail: status.message.clone() }
}

#[cfg(test)]
mod tests;
