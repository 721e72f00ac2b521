//! Sources made ready: credentials read from Secrets, the asker told.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

use super::resolve::Found;
use crate::api::v1alpha1::{SecretKeyRef, SecretNeed, SourceRequest};
use crate::model::{Credentials, SourceFault};
use crate::observe::{Asker, SourceKey};

/// Secrets are read again after this long, so that a rotated token is taken up within a minute.
const READ_AGAIN: Duration = Duration::from_mins(1);
/// A Secret that could not be read is tried again after this long.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// How long one read may take.
const READ_TIMEOUT: Duration = Duration::from_secs(3);

/// What is known of one source's secrets.
#[derive(Debug)]
struct Page {
    version: (String, String),
    read_at: Instant,
    outcome: Result<(), SourceFault>,
    credentials: Credentials,
}

/// The sources' secrets, each read once a minute however many objectives ask.
pub struct Books {
    client: Client,
    /// Where the Secrets of cluster sources are: the operator's own namespace.
    own_namespace: String,
    pages: tokio::sync::Mutex<HashMap<SourceKey, Page>>,
}

impl std::fmt::Debug for Books {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Books").field("own_namespace", &self.own_namespace).finish_non_exhaustive()
    }
}

impl Books {
    /// Empty books.
    pub fn new(client: Client, own_namespace: String) -> Self {
        Self { client, own_namespace, pages: tokio::sync::Mutex::default() }
    }

    /// Makes a source ready to be asked.
    ///
    /// A namespaced source reads only Secrets of its own namespace, a cluster source only those of the
    /// operator's: the namespace is never taken from the object's text.
    ///
    /// # Errors
    /// Why it cannot be asked, as a fault every query of it then has.
    pub async fn ready(
        &self,
        found: &Found,
        asker: &Asker,
        now: Timestamp,
    ) -> Result<SourceKey, SourceFault> {
        let request = found.request.as_ref().map_err(|issues| SourceFault::Misconfigured {
            detail: format!("the metric source {} is not valid: {issues}", found.id),
        })?;
        let mut pages = self.pages.lock().await;
        let known = pages.get(&found.id);
        let stays = known.is_some_and(|page| {
            let limit = if page.outcome.is_ok() { READ_AGAIN } else { TRY_AGAIN };
            page.version == found.version && (request.secrets.is_empty() || page.read_at.elapsed() < limit)
        });
        if !stays {
            let before = known.map(|page| (page.version.clone(), page.credentials.clone()));
            let page = self.read(found, request, before).await;
            pages.insert(found.id.clone(), page);
        }
        let Some(page) = pages.get(&found.id) else { return Ok(found.id.clone()) };
        page.outcome.clone()?;
        asker.configure(&found.id, &request.spec, &page.credentials, now);
        Ok(found.id.clone())
    }

    /// Forgets sources that are gone.
    pub async fn keep_only(&self, exists: impl Fn(&SourceKey) -> bool) {
        self.pages.lock().await.retain(|key, _| exists(key));
    }

    async fn read(
        &self,
        found: &Found,
        request: &SourceRequest,
        before: Option<((String, String), Credentials)>,
    ) -> Page {
        let namespace = if found.id.namespace.is_empty() { &self.own_namespace } else { &found.id.namespace };
        let (outcome, credentials) = match self.credentials(namespace, request).await {
            Ok(credentials) => (Ok(()), credentials),
            // An API server that is away for a moment does not take credentials away that worked.
            Err(Trouble::Passing(_))
                if before.as_ref().is_some_and(|(version, _)| *version == found.version) =>
            {
                (Ok(()), before.map(|(_, credentials)| credentials).unwrap_or_default())
            }
            Err(Trouble::Passing(detail) | Trouble::Lasting(detail)) => {
                (Err(SourceFault::Misconfigured { detail }), Credentials::default())
            }
        };
        Page { version: found.version.clone(), read_at: Instant::now(), outcome, credentials }
    }

    async fn credentials(&self, namespace: &str, request: &SourceRequest) -> Result<Credentials, Trouble> {
        let mut secrets: HashMap<&str, Secret> = HashMap::new();
        for (_, place) in &request.secrets {
            if !secrets.contains_key(place.name.as_str()) {
                secrets.insert(&place.name, self.secret(namespace, &place.name).await?);
            }
        }
        let mut credentials = Credentials::default();
        for (need, place) in &request.secrets {
            let bytes = value(&secrets, namespace, place)?;
            put(&mut credentials, need, bytes).map_err(|what| {
                Trouble::Lasting(format!("key {} of Secret {namespace}/{} {what}", place.key, place.name))
            })?;
        }
        Ok(credentials)
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Secret, Trouble> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let place = format!("Secret {namespace}/{name}");
        match tokio::time::timeout(READ_TIMEOUT, api.get(name)).await {
            Ok(Ok(secret)) => Ok(secret),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                Err(Trouble::Lasting(format!("{place} does not exist; create it")))
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => Err(Trouble::Lasting(format!(
                "{place} may not be read by bizops; list it under `secrets` in the chart's values"
            ))),
            Ok(Err(error)) => Err(Trouble::Passing(format!("{place} could not be read: {error}"))),
            Err(_) => Err(Trouble::Passing(format!("{place} could not be read in time"))),
        }
    }
}

/// Why credentials are not to be had.
enum Trouble {
    /// It may pass by itself.
    Passing(String),
    /// Somebody must change something.
    Lasting(String),
}

fn value<'a>(
    secrets: &'a HashMap<&str, Secret>,
    namespace: &str,
    place: &SecretKeyRef,
) -> Result<&'a [u8], Trouble> {
    let data = secrets.get(place.name.as_str()).and_then(|secret| secret.data.as_ref());
    data.and_then(|data| data.get(&place.key)).map(|bytes| bytes.0.as_slice()).ok_or_else(|| {
        Trouble::Lasting(format!("Secret {namespace}/{} has no key {}; add it", place.name, place.key))
    })
}

/// Puts a secret value where it belongs; the error never holds the value.
fn put(credentials: &mut Credentials, need: &SecretNeed, bytes: &[u8]) -> Result<(), &'static str> {
    let text = || {
        std::str::from_utf8(bytes).map(|text| text.trim().to_owned()).map_err(|_| "is not text; write text")
    };
    match need {
        SecretNeed::Bearer => credentials.bearer = Some(text()?),
        SecretNeed::Username => credentials.basic.get_or_insert_default().0 = text()?,
        SecretNeed::Password => credentials.basic.get_or_insert_default().1 = text()?,
        SecretNeed::Ca => credentials.ca = Some(bytes.to_vec()),
        SecretNeed::Certificate | SecretNeed::Key => {
            let pem = credentials.client.get_or_insert_default();
            pem.extend_from_slice(bytes);
            pem.push(b'\n');
        }
        SecretNeed::Header(name) => credentials.headers.push((name.clone(), text()?)),
    }
    Ok(())
}
