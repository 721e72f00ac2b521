//! Kubernetes events, published beside the passes: a slow API server delays an event, never a decision.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;

use super::events::Notice;
use super::metrics::{Metrics, WriteOutcome};
use super::publish::Subject;

/// So many events may wait; more are dropped and counted. A thousand objectives can change at once.
const WAITING: usize = 1024;
/// How long one event may take.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(3);

/// Tells events. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Herald {
    queue: mpsc::Sender<(Event, ObjectReference)>,
    metrics: Arc<Metrics>,
}

impl Herald {
    /// Starts to publish as this instance of bizops. Ends when the last clone is dropped.
    pub fn start(client: Client, instance: String, metrics: Arc<Metrics>) -> Self {
        let (queue, mut waiting) = mpsc::channel::<(Event, ObjectReference)>(WAITING);
        let counts = metrics.clone();
        tokio::spawn(async move {
            let reporter =
                Reporter { controller: "bizops.dev/operator".to_owned(), instance: Some(instance) };
            let recorder = Recorder::new(client, reporter);
            while let Some((event, about)) = waiting.recv().await {
                let published = tokio::time::timeout(PUBLISH_TIMEOUT, recorder.publish(&event, &about)).await;
                counts.events.count(match published {
                    Ok(Ok(())) => WriteOutcome::Done,
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "an event could not be published");
                        WriteOutcome::Failed
                    }
                    Err(_) => WriteOutcome::Failed,
                });
            }
        });
        Self { queue, metrics }
    }

    /// Tells one event. Never waits: when the API server is too slow for them all, events are dropped.
    pub fn tell(&self, subject: &Subject, notice: &Notice) {
        let related = notice.about.as_ref().map(|target| ObjectReference {
            api_version: Some(target.api_version.clone()),
            kind: Some(target.kind.clone()),
            name: Some(target.name.clone()),
            namespace: Some(subject.id.namespace.clone()),
            ..ObjectReference::default()
        });
        let event = Event {
            type_: if notice.warning { EventType::Warning } else { EventType::Normal },
            reason: notice.reason.to_string(),
            note: Some(notice.note.clone()),
            action: action(&notice.note),
            secondary: related,
        };
        if self.queue.try_send((event, subject.reference())).is_err() {
            self.metrics.events.count(WriteOutcome::Failed);
        }
    }
}

/// Events of the same action are aggregated and keep the first note; the note's own beginning as the action
/// keeps "web 6 → 9" and "web 9 → 12" apart, and counts what repeats to the letter.
fn action(note: &str) -> String {
    note.split(':').next().unwrap_or_default().chars().take(64).collect()
}
