//! `testbed image`: one program becomes an image archive.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{File, Image, build};

/// Where programs look for the certificates they trust.
const CA_PATH: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Makes an image archive of one static program, without a container engine.
#[derive(Debug, Clone, Args)]
pub struct ImageArgs {
    /// The archive to write
    #[arg(long, value_name = "FILE.tar")]
    pub out: PathBuf,
    /// Name and tag of the image, such as bizops.dev/bizops:0.1.0
    #[arg(long = "ref", value_name = "REF")]
    pub reference: String,
    /// The static program; its file name becomes the entrypoint
    #[arg(long, value_name = "PATH")]
    pub binary: PathBuf,
    /// A bundle of CA certificates, put at /etc/ssl/certs/ca-certificates.crt
    #[arg(long, value_name = "PATH")]
    pub ca: Option<PathBuf>,
    /// A label of the image; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Whom the program runs as, in numbers
    #[arg(long, value_name = "UID:GID", default_value = "65532:65532")]
    pub user: String,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

/// Writes the archive and returns one line: path, reference and digest.
///
/// # Errors
/// When a file cannot be read or written, or the image cannot be made; the text says which and why.
pub fn run(args: &ImageArgs) -> Result<String, String> {
    let program = args
        .binary
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| format!("{}: give the path of a program", args.binary.display()))?;
    let entrypoint = format!("/{program}");
    let mut files = vec![File { path: entrypoint.clone(), bytes: read(&args.binary)?, mode: 0o755 }];
    if let Some(bundle) = &args.ca {
        files.push(File { path: CA_PATH.to_owned(), bytes: read(bundle)?, mode: 0o644 });
    }
    let image = Image {
        reference: args.reference.clone(),
        files,
        entrypoint: vec![entrypoint],
        user: args.user.clone(),
        labels: args.labels.iter().cloned().collect::<BTreeMap<_, _>>(),
    };
    let archive = build(&image).map_err(|error| error.to_string())?;
    if let Some(folder) = args.out.parent() {
        fs::create_dir_all(folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    }
    fs::write(&args.out, &archive.bytes)
        .map_err(|error| format!("{} cannot be written: {error}", args.out.display()))?;
    Ok(format!("{} {} {}", args.out.display(), args.reference, archive.digest))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
