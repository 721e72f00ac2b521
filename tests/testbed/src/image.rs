//! An image archive from files, without a container engine.
//!
//! The archive is an OCI image layout and a docker archive in one: `ctr images import` and `docker load` both
//! read it. The same files give the same bytes, on every machine and at any time: nothing of the clock, the
//! user or the host goes in. The layer is not compressed, since compressors differ from version to version.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

#[cfg(test)]
mod tests;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// A fixed time of creation: the same files are the same image.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// One file of an image; its folders are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it lies in the image: `/bizops`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its permissions: `0o755` for a program.
    pub mode: u32,
}

/// What an image is made of. It is for linux/amd64 and has one layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Image {
    /// Name and tag: `bizops.dev/bizops:0.1.0`.
    pub reference: String,
    /// The files of the one layer.
    pub files: Vec<File>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// Whom it runs as: `65532:65532`. Numbers, since there is no `/etc/passwd` and Kubernetes'
    /// `runAsNonRoot` believes only numbers.
    pub user: String,
    /// Labels of the image's config: `org.opencontainers.image.title` and so on.
    pub labels: BTreeMap<String, String>,
}

/// An archive and the names its content goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The archive, a tar.
    pub bytes: Vec<u8>,
    /// Digest of the manifest: what a registry and containerd call the image.
    pub digest: String,
    /// Digest of the config: what Docker and the kubelet call the image's id.
    pub id: String,
}

/// Why no archive could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The reference has no tag or is not of the allowed characters.
    #[error("image reference {0:?}: write a lower-case name and a tag, such as bizops.dev/bizops:0.1.0")]
    Reference(String),
    /// A path leaves the image, is empty or is given twice.
    #[error("image file {path:?} {what}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A user that is a name or missing.
    #[error("image user {0:?}: write uid:gid in numbers, such as 65532:65532")]
    User(String),
    /// Nothing to start.
    #[error("the image has no entrypoint: name the program it starts")]
    NoEntrypoint,
    /// The archive could not be written.
    #[error("the image archive could not be written: {0}")]
    Tar(#[from] std::io::Error),
}

/// The image as an archive.
///
/// # Errors
/// When a reference, path, user or entrypoint is not one; the text says what to write.
pub fn archive(image: &Image) -> Result<Vec<u8>, Error> {
    build(image).map(|archive| archive.bytes)
}

/// The image as an archive, with its digests.
///
/// # Errors
/// As [`archive`].
pub fn build(image: &Image) -> Result<Archive, Error> {
    let tag = tag(&image.reference)?;
    check_user(&image.user)?;
    if image.entrypoint.is_empty() {
        return Err(Error::NoEntrypoint);
    }
    let layer = layer(&image.files)?;
    let layer_digest = sha256(&layer);
    let config = config(image, &layer_digest).to_string().into_bytes();
    let id = sha256(&config);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": id, "size": config.len()},
        "layers": [{"mediaType": LAYER, "digest": layer_digest, "size": layer.len()}],
    })
    .to_string()
    .into_bytes();
    let digest = sha256(&manifest);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{
            "mediaType": MANIFEST,
            "digest": digest,
            "size": manifest.len(),
            "platform": {"architecture": "amd64", "os": "linux"},
            "annotations": {
                "io.containerd.image.name": image.reference,
                "org.opencontainers.image.ref.name": tag,
            },
        }],
    });
    let docker = json!([{
        "Config": blob(&id),
        "RepoTags": [image.reference],
        "Layers": [blob(&layer_digest)],
    }]);
    let entries = BTreeMap::from([
        (blob(&id), config),
        (blob(&digest), manifest),
        (blob(&layer_digest), layer),
        ("index.json".to_owned(), index.to_string().into_bytes()),
        ("manifest.json".to_owned(), docker.to_string().into_bytes()),
        ("oci-layout".to_owned(), json!({"imageLayoutVersion": "1.0.0"}).to_string().into_bytes()),
    ]);
    let bytes = tar(entries.iter().map(|(path, bytes)| (path.as_str(), &bytes[..], 0o644)))?;
    Ok(Archive { bytes, digest, id })
}

fn config(image: &Image, layer_digest: &str) -> Value {
    json!({
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": image.user,
            "Entrypoint": image.entrypoint,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "WorkingDir": "/",
            "Labels": image.labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
        "history": [{"created": CREATED, "created_by": "bizops image"}],
    })
}

/// The files as one tar, folders first, sorted by path.
fn layer(files: &[File]) -> Result<Vec<u8>, Error> {
    let mut sorted = BTreeMap::new();
    for file in files {
        let path = inner_path(&file.path)?;
        if sorted.insert(path, file).is_some() {
            return Err(Error::Path { path: file.path.clone(), what: "is given twice" });
        }
    }
    tar(sorted.iter().map(|(path, file)| (*path, &file.bytes[..], file.mode)))
}

fn tar<'a>(files: impl Iterator<Item = (&'a str, &'a [u8], u32)>) -> Result<Vec<u8>, Error> {
    let mut made = BTreeSet::new();
    let mut builder = ::tar::Builder::new(Vec::new());
    for (path, bytes, mode) in files {
        for (end, _) in path.match_indices('/') {
            let folder = &path[..=end];
            if made.insert(folder) {
                let mut header = header(0o755, 0);
                header.set_entry_type(::tar::EntryType::Directory);
                builder.append_data(&mut header, folder, &[][..])?;
            }
        }
        builder.append_data(&mut header(mode, bytes.len() as u64), path, bytes)?;
    }
    Ok(builder.into_inner()?)
}

/// A header without a trace of this machine: time zero, owned by root.
fn header(mode: u32, size: u64) -> ::tar::Header {
    let mut header = ::tar::Header::new_ustar();
    header.set_entry_type(::tar::EntryType::Regular);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn inner_path(path: &str) -> Result<&str, Error> {
    let inner = path.trim_start_matches('/');
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if inner.split('/').all(plain) {
        Ok(inner)
    } else {
        Err(Error::Path { path: path.to_owned(), what: "is not a plain absolute path" })
    }
}

/// The tag of a reference that has one.
fn tag(reference: &str) -> Result<&str, Error> {
    let bad = || Error::Reference(reference.to_owned());
    let (name, tag) = reference.rsplit_once(':').ok_or_else(bad)?;
    let name_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:".contains(c);
    let tag_char = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || tag.is_empty() || !name.chars().all(name_char) || !tag.chars().all(tag_char) {
        return Err(bad());
    }
    Ok(tag)
}

fn check_user(user: &str) -> Result<(), Error> {
    match user.split_once(':') {
        Some((uid, gid)) if uid.parse::<u32>().is_ok() && gid.parse::<u32>().is_ok() => Ok(()),
        _ => Err(Error::User(user.to_owned())),
    }
}

fn blob(digest: &str) -> String {
    digest.replacen("sha256:", "blobs/sha256/", 1)
}

fn sha256(bytes: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
