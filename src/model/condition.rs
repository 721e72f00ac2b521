//! The closed lists of conditions, their reasons, and the reasons of events.

use super::closed_list::closed_list;

closed_list! {
    /// The conditions an object can carry.
    pub enum ConditionKind {
        Ready => "The spec is accepted and reconciled. Says nothing about the business: that is what Met is for.",
        Reconciling => "Present and True only while a new spec is being taken up, or while what it names cannot be used yet (kstatus).",
        Stalled => "Present and True only while the spec cannot be reconciled without somebody changing it (kstatus).",
        Met => "The indicator satisfies the goal now.",
        MetricsAvailable => "Every query of the objective gave a usable, fresh number.",
        ForecastReady => "There is enough history, and the forecast has been better than the last value lately.",
        AtRisk => "The goal is met now and is likely to be missed within policy.forecast.horizon.",
        ScalingActive => "bizops may and can change the replicas of every mapping's target.",
        ScalingLimited => "A guard holds a wanted change back or a bound caps it.",
        Conflict => "Something else owns a target, or another objective claims more of it.",
    }
}

closed_list! {
    /// Why a condition is what it is.
    pub enum ConditionReason {
        Reconciled => "The spec is accepted and the last pass went through.",
        Progressing => "The spec was accepted and its first pass is not finished.",
        InvalidSpec => "The spec contradicts itself or a query is not PromQL; the message has the field path and position.",
        Suspended => "spec.suspend is true: nothing is measured, nothing is changed.",
        SourceNotFound => "The metric source named, or a default one, does not exist.",
        GoalMet => "The indicator satisfies the goal.",
        GoalMissed => "The indicator does not satisfy the goal.",
        OnTrack => "A growBy goal lies in the future and the indicator is on or above the straight line to it.",
        BehindPlan => "A growBy goal lies in the future and the indicator is below the straight line to it.",
        MeasuringBaseline => "The baseline of a relative goal or mapping is not measured yet.",
        NoData => "The indicator has no usable number, so nothing can be said about the goal.",
        LearningHistory => "There is not enough history yet, or it is being read; decisions stand on what is observed.",
        SkillMissing => "The forecast has not been better than the last value lately, so it is not used.",
        ForecastSkilled => "Every forecast of the objective is used.",
        NoForecast => "Nothing can be said ahead of the goal; the message says why.",
        MissAhead => "The forecast of the indicator misses the goal.",
        NoMissAhead => "The forecast of the indicator keeps the goal.",
        AllPresent => "Every query gave a usable, fresh number.",
        EmptyResult => "A query gave no series.",
        NotANumber => "A query gave NaN.",
        Infinite => "A query gave an infinite number.",
        SeveralSeries => "A query gave several series where one number is meant.",
        NoSamples => "A query gave a number with not one sample behind it.",
        StaleSamples => "The newest sample behind a number is too old.",
        PartialAnswer => "The source warned that its answer is not complete.",
        SourceUnreachable => "The connection to the source was refused or broke.",
        SourceTimedOut => "The source did not answer in time.",
        NotPrometheus => "Something other than the Prometheus API answered.",
        AnswerTruncated => "The source's answer broke off.",
        AnswerTooLarge => "The source's answer exceeds limits.maxBytes.",
        TooManySeries => "The source's answer exceeds limits.maxSeries.",
        SourceUnavailable => "The source answered with an HTTP error such as 429 or 503.",
        SourceRedirects => "The source redirects to another address, which bizops does not follow.",
        SourceRefused => "The source refused the credentials.",
        QueryRejected => "The source rejected the query.",
        WrongResultType => "The query's result is not a number.",
        SourceMisconfigured => "The source cannot be used as configured: a Secret, a key or a certificate is missing.",
        SourceReachable => "The source answered and speaks the Prometheus API.",
        Enforcing => "bizops changes the targets as decided.",
        Observing => "policy.autonomy is Observe: wishes are shown and nothing is changed.",
        Frozen => "A freeze window of the policy is open: nothing is changed.",
        NoMappings => "The objective has no mappings: it is measured only.",
        TargetNotFound => "A mapping's target does not exist.",
        TargetNotScalable => "A mapping's target has no scale subresource.",
        TargetForbidden => "bizops has no permission to read or scale a mapping's target.",
        TargetUnavailable => "A mapping's target could not be read or changed; bizops tries again.",
        HpaNotFound => "The actuator is HpaFloor and no HorizontalPodAutoscaler scales the target.",
        HpaMaxReached => "The floor wanted is above the HorizontalPodAutoscaler's maxReplicas, which bizops never raises.",
        AtMaximum => "More replicas are needed than bounds.max allows.",
        AtMinimum => "Fewer replicas would do than bounds.min asks for.",
        WithoutData => "Capacity is held because the demand is not known.",
        WaitingForWindow => "Fewer replicas would do; the scale-down window has not passed yet.",
        StepLimited => "The change is cut to policy.scaleDown.maxStep.",
        NotLimited => "No guard holds anything back.",
        OwnedByHpa => "A HorizontalPodAutoscaler owns the target; use actuator HpaFloor or remove one of the two.",
        Outbid => "Another objective claims more replicas of the same target; the larger claim wins.",
        NoConflict => "Nothing else claims the targets.",
    }
}

closed_list! {
    /// The reasons of Kubernetes events.
    pub enum EventReason {
        ScaledUp => "The replicas of a target were raised.",
        ScaledDown => "The replicas of a target were lowered.",
        FloorRaised => "The minReplicas of a HorizontalPodAutoscaler were raised.",
        FloorLowered => "The minReplicas of a HorizontalPodAutoscaler were lowered.",
        ScaleFailed => "A change of replicas failed; bizops tries again.",
        ChangedOutside => "Somebody else changed the replicas of a target.",
        GoalMet => "The goal is met again.",
        GoalMissed => "The goal is missed.",
        MetricsLost => "A query no longer gives a usable number; capacity is held.",
        MetricsRecovered => "Every query gives a usable number again.",
        BaselineMeasured => "A baseline was measured and frozen in status.",
        InvalidSpec => "The spec cannot be reconciled; the message says where and why.",
        Conflict => "Something else owns a target.",
    }
}
