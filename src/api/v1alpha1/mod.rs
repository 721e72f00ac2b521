//! The kinds of `bizops.dev/v1alpha1`.

mod convert;
mod goal;
mod mapping;
mod memory;
mod objective;
mod policy;
mod scalar;
mod source;
mod source_convert;
mod status;

pub use convert::{Issue, Issues, intent};
pub use goal::{Baseline, BetweenGoal, GoalSpec, IndicatorSpec, WhenEmptySpec};
pub use mapping::{
    ActuatorSpec, BoundsSpec, CapacitySpec, CostSpec, DemandSpec, LearnedSpec, LostSpec, MappingSpec,
    MoneySpec, ProportionalSpec, ReferenceBaseline, StepSpec, TargetSpec, TrimSpec,
};
pub use memory::{LearnedStatus, MappingMemoryStatus, MemoryStatus, NeedStatus, TrimmedStatus, restore};
pub use objective::{Objective, ObjectiveSpec, SourceKind, SourceRefSpec};
pub use policy::{
    AutonomyLevel, AutonomySpec, ForecastMode, ForecastSpec, FreezeSpec, MetricLossSpec, PolicySpec,
    ScaleDownSpec, ScaleUpSpec, WhenLostSpec,
};
pub use scalar::{PositiveQuantity, Quantity, Share, Span};
pub use source::{
    AuthSpec, BasicSpec, ClusterMetricSource, ClusterMetricSourceSpec, HeaderSpec, LimitsSpec, MetricSource,
    MetricSourceSpec, MetricSourceStatus, NameValue, PrometheusSpec, SecretKeyRef, TlsSpec,
};
pub use source_convert::{SecretNeed, SourceRequest, source_request};
pub use status::{
    BaselineStatus, DecisionOutcome, DecisionStatus, ForecastStatus, GoalForecastStatus, IndicatorStatus,
    MappingStatus, ObjectiveStatus, ReasonStatus, ReferenceStatus,
};
