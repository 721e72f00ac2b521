//! The calls an election makes, each under its own timeout, and what became of them.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};

use super::contender::{Record, Seen};

/// What became of one call.
#[derive(Debug)]
pub(super) enum Answer {
    /// The lease as it stands; `None` if it does not exist.
    Read(Option<Seen>),
    /// The lease as it was written.
    Wrote(Seen),
    /// Somebody else wrote it first.
    Refused,
    /// No or no usable answer, in words.
    Failed(String),
}

/// One lease of the cluster.
#[derive(Debug)]
pub(super) struct Calls {
    api: Api<Lease>,
    name: String,
    timeout: Duration,
    /// Labels and the like that others put there: a replacement keeps them.
    metadata: ObjectMeta,
}

impl Calls {
    pub(super) fn new(api: Api<Lease>, name: &str, timeout: Duration) -> Self {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        Self { api, name: name.to_owned(), timeout, metadata }
    }

    pub(super) async fn read(&mut self) -> Answer {
        match self.in_time(self.api.get_opt(&self.name)).await {
            Ok(lease) => Answer::Read(lease.map(|lease| self.seen(lease))),
            Err(trouble) => trouble.into(),
        }
    }

    /// Creates the lease if it does not exist.
    pub(super) async fn create(&mut self, record: &Record) -> Answer {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(spec(record)) };
        match self.in_time(self.api.create(&PostParams::default(), &lease)).await {
            Ok(lease) => Answer::Wrote(self.seen(lease)),
            Err(trouble) => trouble.into(),
        }
    }

    /// Replaces the lease if it is still of this version.
    pub(super) async fn replace(&mut self, version: String, record: &Record) -> Answer {
        let metadata = ObjectMeta { resource_version: Some(version), ..self.metadata.clone() };
        let lease = Lease { metadata, spec: Some(spec(record)) };
        match self.in_time(self.api.replace(&self.name, &PostParams::default(), &lease)).await {
            Ok(lease) => Answer::Wrote(self.seen(lease)),
            // Somebody deleted it since it was read.
            Err(Trouble::Missing(_)) => Answer::Refused,
            Err(trouble) => trouble.into(),
        }
    }

    fn seen(&mut self, lease: Lease) -> Seen {
        let seen = seen(&lease);
        self.metadata = ObjectMeta { managed_fields: None, ..lease.metadata };
        seen
    }

    async fn in_time<T>(&self, call: impl Future<Output = kube::Result<T>>) -> Result<T, Trouble> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(kube::Error::Api(status))) if status.is_conflict() || status.is_already_exists() => {
                Err(Trouble::Conflict)
            }
            Ok(Err(error)) => Err(match &error {
                kube::Error::Api(status) if status.is_not_found() => Trouble::Missing(words(&error)),
                _ => Trouble::Other(words(&error)),
            }),
            Err(_) => Err(Trouble::Other(format!("no answer within {:?}", self.timeout))),
        }
    }
}

/// Why a call gave nothing.
enum Trouble {
    Conflict,
    Missing(String),
    Other(String),
}

impl From<Trouble> for Answer {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Conflict => Self::Refused,
            Trouble::Missing(words) | Trouble::Other(words) => Self::Failed(words),
        }
    }
}

/// The error in one line, with what to do where that is clear.
fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.is_forbidden() => {
            format!("{}; allow get, create and update on leases in the namespace of bizops", status.message)
        }
        kube::Error::Api(status) => format!("HTTP status {}: {}", status.code, status.message),
        other => other.to_string(),
    }
}

fn spec(record: &Record) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(record.holder.clone()),
        lease_duration_seconds: Some(i32::try_from(record.duration.as_secs()).unwrap_or(i32::MAX).max(1)),
        lease_transitions: Some(record.transitions),
        acquire_time: record.acquired.map(MicroTime),
        renew_time: record.renewed.map(MicroTime),
        ..LeaseSpec::default()
    }
}

fn seen(lease: &Lease) -> Seen {
    let spec = lease.spec.clone().unwrap_or_default();
    let duration = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Seen {
        record: Record {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(duration.unwrap_or_default()),
            transitions: spec.lease_transitions.unwrap_or_default(),
            acquired: spec.acquire_time.map(|time| time.0),
            renewed: spec.renew_time.map(|time| time.0),
        },
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
    }
}
