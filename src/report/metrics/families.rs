//! The closed list of metric families: names, kinds, labels and meanings, for the page and for the reference.

/// One metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// The name a query uses. A histogram's series end in `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// Its kind.
    pub kind: FamilyKind,
    /// Its labels, in the order they are written.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

/// The kind of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyKind {
    /// Only grows; begins anew when the process does, or another one leads.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations counted by size.
    Histogram,
}

impl FamilyKind {
    /// The word as in the exposition format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(#[doc = $help]
        pub(super) const $constant: Family =
            Family { name: $name, kind: FamilyKind::$kind, labels: &[$($label),*], help: $help };)+

        /// Every family of the metrics page, in its order.
        pub const FAMILIES: &[Family] = &[$($constant),+];
    };
}

families! {
    BUILD_INFO = Gauge "bizops_build_info" ["version"]
        "Always 1; the label says which version runs.";
    LEADER = Gauge "bizops_leader" []
        "1 while this replica of the operator holds the lease and decides, else 0.";
    OBJECTIVES = Gauge "bizops_objectives" ["state"]
        "How many objectives are met, missed, unknown, invalid or suspended. A replica that does not lead shows 0.";
    INDICATOR_VALUE = Gauge "bizops_objective_indicator_value" ["namespace", "objective", "unit"]
        "The indicator as last measured, in its unit. Absent while it is not known.";
    GOAL_VALUE = Gauge "bizops_objective_goal_value" ["namespace", "objective", "unit"]
        "What the goal asks of the indicator now; of a range the end that is nearer. Absent while its baseline is not known.";
    ATTAINMENT = Gauge "bizops_objective_attainment_ratio" ["namespace", "objective"]
        "How far the indicator is towards its goal: 1 is met, never above 10. Absent while it is not known.";
    MET = Gauge "bizops_objective_met" ["namespace", "objective"]
        "1 if the goal is met or on track to its date, 0 if not. Absent while that is not known.";
    SAMPLE_AGE = Gauge "bizops_sample_age_seconds" ["namespace", "objective", "query"]
        "Age of the newest sample behind a number, at the moment of the scrape; query is indicator, or demand of and the name of a mapping.";
    MAPPING_DEMAND = Gauge "bizops_mapping_demand" ["namespace", "objective", "mapping", "unit"]
        "The demand as last measured, in its unit. Absent while it is not known.";
    REPLICAS_CURRENT = Gauge "bizops_mapping_replicas_current" ["namespace", "objective", "mapping"]
        "The replicas set on the target, or the floor set on its autoscaler. Absent while the target cannot be read.";
    REPLICAS_NEEDED = Gauge "bizops_mapping_replicas_needed" ["namespace", "objective", "mapping"]
        "The replicas the demand needs, before any guard. Absent while it is not known.";
    REPLICAS_DESIRED = Gauge "bizops_mapping_replicas_desired" ["namespace", "objective", "mapping"]
        "The replicas wanted after the guards, within the bounds.";
    DECISIONS_LIMITED = Gauge "bizops_decisions_limited" ["namespace", "objective", "mapping", "reason"]
        "1 for the guard or bound that holds a mapping's decision back at present. Absent while none does.";
    SCALE_CHANGES = Counter "bizops_scale_changes_total" ["namespace", "objective", "mapping", "direction"]
        "Changes of replicas that were carried out; direction is up or down.";
    PASS_DURATION = Histogram "bizops_pass_duration_seconds" []
        "How long the pass of a group of objectives takes, from its first query to the last write.";
    PASS_LAG = Histogram "bizops_pass_lag_seconds" []
        "How late passes start after the second they are due.";
    QUERIES = Counter "bizops_queries_total" ["outcome"]
        "Questions asked of metric sources: sent (a query went out), shared (answered by a query already sent), lost (a query sent gave no usable number).";
    STATUS_WRITES = Counter "bizops_status_writes_total" ["outcome"]
        "Writes of status: done, conflict (somebody wrote first, it is done again) or failed.";
    SCALE_WRITES = Counter "bizops_scale_writes_total" ["outcome"]
        "Writes of replicas or floors: done, conflict (somebody wrote first, it is decided again) or failed.";
    EVENTS = Counter "bizops_events_total" ["outcome"]
        "Kubernetes events: done, conflict or failed (an event that fails is not sent again).";
    RESIDENT_MEMORY = Gauge "process_resident_memory_bytes" []
        "Resident memory of the process.";
    CPU_SECONDS = Counter "process_cpu_seconds_total" []
        "User and system CPU time of the process.";
    OPEN_FDS = Gauge "process_open_fds" []
        "Open file descriptors of the process.";
    MAX_FDS = Gauge "process_max_fds" []
        "The most file descriptors the process may open.";
    START_TIME = Gauge "process_start_time_seconds" []
        "When the process started, in seconds since 1970.";
}
