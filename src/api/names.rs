//! Names under the group's own domain: annotations, field managers, the lease.

/// The API group of every kind.
pub const GROUP: &str = "bizops.dev";

/// The version of every kind.
pub const VERSION: &str = "v1alpha1";

/// Annotation on an objective: whenever its value changes, measured baselines are measured anew.
///
/// `kubectl annotate objective checkout bizops.dev/measure-baseline="$(date +%s)" --overwrite`
pub const MEASURE_BASELINE: &str = "bizops.dev/measure-baseline";

/// Field manager of the replicas written through the scale subresource.
pub const SCALE_MANAGER: &str = "bizops-scale";

/// Field manager of the `minReplicas` of autoscalers.
pub const HPA_FLOOR_MANAGER: &str = "bizops-hpa-floor";

/// Field manager of the status of bizops' own kinds.
pub const STATUS_MANAGER: &str = "bizops-status";
