//! A certificate and its key from PEM files, read again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::Instant;

/// How often, at most, the files are looked at. A renewed certificate is used after so long; certificates are
/// renewed days before they end.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}; check the path and that the Secret is mounted")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A file is not the PEM that is needed.
    #[error("{path} holds no {what} in PEM: {detail}")]
    NotPem {
        /// Which.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// The parser's words.
        detail: String,
    },
    /// Certificate and key do not fit each other or the TLS library.
    #[error("the certificate {certificate} and the key {key} cannot be used together: {source}")]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The TLS library's words.
        source: rustls::Error,
    },
}

/// Where a certificate chain and its key are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// What tells one version of the files from another: time and size of each.
type Stamp = [(SystemTime, u64); 2];

/// A server's TLS settings that follow their files.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    stamp: Stamp,
    looked: Instant,
}

impl Tls {
    /// Loads the files for the first time.
    ///
    /// # Errors
    /// Says which file and what is wrong with it.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let stamp = stamp(&files)?;
        let config = read(&files)?;
        Ok(Self { files, loaded: Mutex::new(Loaded { config, stamp, looked: Instant::now() }) })
    }

    /// The settings for a new connection. Files that changed are loaded; as long as the new ones cannot be used,
    /// the old ones serve on.
    pub fn current(&self) -> Arc<ServerConfig> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.looked.elapsed() >= LOOK_EVERY {
            loaded.looked = Instant::now();
            match self.changed(loaded.stamp) {
                Ok(None) => {}
                Ok(Some((config, stamp))) => {
                    tracing::info!(certificate = %self.files.certificate.display(), "took up a new certificate");
                    (loaded.config, loaded.stamp) = (config, stamp);
                }
                Err(error) => {
                    tracing::warn!(%error, "the certificate changed and cannot be used; the old one serves on");
                }
            }
        }
        loaded.config.clone()
    }

    /// The files anew, if they are not those of this stamp. The stamp is taken before they are read: a change in
    /// between is found the next time.
    fn changed(&self, since: Stamp) -> Result<Option<(Arc<ServerConfig>, Stamp)>, TlsError> {
        let stamp = stamp(&self.files)?;
        if stamp == since { Ok(None) } else { Ok(Some((read(&self.files)?, stamp))) }
    }
}

fn stamp(files: &TlsFiles) -> Result<Stamp, TlsError> {
    let one = |path: &Path| {
        let of = || {
            let metadata = std::fs::metadata(path)?;
            Ok((metadata.modified()?, metadata.len()))
        };
        of().map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
    };
    Ok([one(&files.certificate)?, one(&files.key)?])
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let bytes = |path: &PathBuf| {
        std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.clone(), source })
    };
    let not_pem = |path: &PathBuf, what, detail: &dyn ToString| TlsError::NotPem {
        path: path.clone(),
        what,
        detail: detail.to_string(),
    };
    let chain = CertificateDer::pem_slice_iter(&bytes(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| not_pem(&files.certificate, "certificate", &error))?;
    if chain.is_empty() {
        return Err(not_pem(&files.certificate, "certificate", &"no such section"));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes(&files.key)?)
        .map_err(|error| not_pem(&files.key, "private key", &error))?;
    let unusable = |source| TlsError::Unusable {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
