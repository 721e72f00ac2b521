//! The metrics page: every family with its samples.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel, EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::families::{self as family, Family, FamilyKind};
use super::process::Process;
use super::{Metrics, WriteOutcome, Writes};
use crate::model::{ObjectId, Replicas};
use crate::report::board::{MappingRow, ObjectiveRow, RowState};

/// The whole page.
pub(super) fn page(metrics: &Arc<Metrics>, now: Timestamp) -> String {
    let rows = metrics.board.rows();
    let mut text = String::with_capacity(8 * 1024 + rows.len() * 2 * 1024);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page {
        metrics: metrics.clone(),
        rows,
        process: Process::read(),
        now,
    }));
    // Writing to a String does not fail.
    let _ = encode(&mut text, &registry);
    text
}

/// One scrape.
#[derive(Debug)]
struct Page {
    metrics: Arc<Metrics>,
    rows: BTreeMap<ObjectId, Arc<ObjectiveRow>>,
    process: Process,
    now: Timestamp,
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        self.operator(&mut out)?;
        self.objectives(&mut out)?;
        self.mappings(&mut out)?;
        self.work(&mut out)?;
        self.process(&mut out)
    }
}

impl Page {
    fn operator(&self, out: &mut Out<'_>) -> fmt::Result {
        let leads = self.metrics.leads.load(std::sync::atomic::Ordering::Relaxed);
        out.samples(&family::BUILD_INFO, [([self.metrics.version], 1.0)])?;
        out.samples(&family::LEADER, [([], f64::from(u8::from(leads)))])?;
        out.samples(
            &family::OBJECTIVES,
            RowState::ALL.map(|state| {
                let count = self.rows.values().filter(|row| row.state == state).count();
                ([state.as_str()], count as f64)
            }),
        )
    }

    fn objectives(&self, out: &mut Out<'_>) -> fmt::Result {
        let rows = || self.rows.iter().map(|(id, row)| (id.namespace.as_str(), id.name.as_str(), row));
        out.samples(
            &family::INDICATOR_VALUE,
            rows().filter_map(|(namespace, name, row)| Some(([namespace, name, &row.unit], row.value?))),
        )?;
        out.samples(
            &family::GOAL_VALUE,
            rows().filter_map(|(namespace, name, row)| Some(([namespace, name, &row.unit], row.goal?))),
        )?;
        out.samples(
            &family::ATTAINMENT,
            rows().filter_map(|(namespace, name, row)| Some(([namespace, name], row.attainment?))),
        )?;
        out.samples(
            &family::MET,
            rows().filter_map(|(namespace, name, row)| match row.state {
                RowState::Met => Some(([namespace, name], 1.0)),
                RowState::Missed => Some(([namespace, name], 0.0)),
                RowState::Unknown | RowState::Invalid | RowState::Suspended => None,
            }),
        )?;
        out.samples(
            &family::SAMPLE_AGE,
            rows().flat_map(|(namespace, name, row)| {
                row.sampled.iter().map(move |(query, at)| {
                    ([namespace, name, query], self.now.duration_since(*at).as_secs_f64().max(0.0))
                })
            }),
        )
    }

    fn mappings(&self, out: &mut Out<'_>) -> fmt::Result {
        let rows = || {
            self.rows.iter().flat_map(|(id, row)| {
                row.mappings
                    .iter()
                    .map(|row| ([id.namespace.as_str(), id.name.as_str(), row.name.as_str()], row))
            })
        };
        let replicas = |of: fn(&MappingRow) -> Option<Replicas>| {
            rows().filter_map(move |(labels, row)| Some((labels, of(row)?.as_f64())))
        };
        out.samples(
            &family::MAPPING_DEMAND,
            rows().filter_map(|([namespace, name, mapping], row)| {
                Some(([namespace, name, mapping, &row.unit], row.demand?))
            }),
        )?;
        out.samples(&family::REPLICAS_CURRENT, replicas(|row| row.current))?;
        out.samples(&family::REPLICAS_NEEDED, replicas(|row| row.needed))?;
        out.samples(&family::REPLICAS_DESIRED, replicas(|row| Some(row.desired)))?;
        out.samples(
            &family::DECISIONS_LIMITED,
            rows().filter_map(|([namespace, name, mapping], row)| {
                Some(([namespace, name, mapping, row.limited_by?.as_str()], 1.0))
            }),
        )?;
        let changes = self.metrics.board.changes();
        out.samples(
            &family::SCALE_CHANGES,
            changes.iter().map(|((id, mapping, direction), count)| {
                (
                    [id.namespace.as_str(), id.name.as_str(), mapping.as_str(), direction.as_str()],
                    *count as f64,
                )
            }),
        )
    }

    fn work(&self, out: &mut Out<'_>) -> fmt::Result {
        let metrics = &self.metrics;
        metrics.pass_duration.encode(out.family(&family::PASS_DURATION)?)?;
        metrics.pass_lag.encode(out.family(&family::PASS_LAG)?)?;
        let queries = *metrics.queries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        out.samples(
            &family::QUERIES,
            [("sent", queries.sent), ("shared", queries.shared), ("lost", queries.lost)]
                .map(|(outcome, count)| ([outcome], count as f64)),
        )?;
        let outcomes = |writes: &Writes| {
            WriteOutcome::ALL.map(|outcome| ([outcome.as_str()], writes.get(outcome) as f64))
        };
        out.samples(&family::STATUS_WRITES, outcomes(&metrics.status_writes))?;
        out.samples(&family::SCALE_WRITES, outcomes(&metrics.scale_writes))?;
        out.samples(&family::EVENTS, outcomes(&metrics.events))
    }

    fn process(&self, out: &mut Out<'_>) -> fmt::Result {
        let one = |value: Option<f64>| value.map(|value| ([], value));
        out.samples(&family::RESIDENT_MEMORY, one(self.process.resident_bytes))?;
        out.samples(&family::CPU_SECONDS, one(self.process.cpu_seconds))?;
        out.samples(&family::OPEN_FDS, one(self.process.open_fds))?;
        out.samples(&family::MAX_FDS, one(self.process.max_fds))?;
        out.samples(&family::START_TIME, one(self.process.start_seconds))
    }
}

/// Where the page goes; families are written as the closed list names them.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn family(&mut self, family: &'static Family) -> Result<MetricEncoder<'_>, fmt::Error> {
        let (name, kind) = match family.kind {
            // The format adds the suffix to each sample.
            FamilyKind::Counter => (family.name.trim_end_matches("_total"), MetricType::Counter),
            FamilyKind::Gauge => (family.name, MetricType::Gauge),
            FamilyKind::Histogram => (family.name, MetricType::Histogram),
        };
        self.0.encode_descriptor(name, family.help, None, kind)
    }

    /// A gauge or counter with its samples.
    fn samples<'l, const N: usize>(
        &mut self,
        family: &'static Family,
        samples: impl IntoIterator<Item = ([&'l str; N], f64)>,
    ) -> fmt::Result {
        let mut encoder = self.family(family)?;
        for (values, value) in samples {
            let labels = Labels { names: family.labels, values: &values };
            if labels.names.is_empty() {
                sample(&mut encoder, family.kind, value)?;
            } else {
                sample(&mut encoder.encode_family(&labels)?, family.kind, value)?;
            }
        }
        Ok(())
    }
}

fn sample(encoder: &mut MetricEncoder<'_>, kind: FamilyKind, value: f64) -> fmt::Result {
    match kind {
        FamilyKind::Counter => encoder.encode_counter::<NoLabelSet, f64, u64>(&value, None),
        FamilyKind::Gauge => encoder.encode_gauge(&value),
        FamilyKind::Histogram => Err(fmt::Error),
    }
}

/// Label values beside the names the family gives them.
#[derive(Debug)]
struct Labels<'a> {
    names: &'static [&'static str],
    values: &'a [&'a str],
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        self.names
            .iter()
            .copied()
            .zip(self.values.iter().copied())
            .try_for_each(|label| label.encode(encoder.encode_label()))
    }
}
