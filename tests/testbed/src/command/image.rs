//! `testbed image`: one program becomes an image archive.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use testbed::Error;
use testbed::image::{File, Image as Content, build};

/// Where programs look for the certificates they trust.
const CA_PATH: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Makes an image archive of one static program, without a container engine
#[derive(Args)]
pub(crate) struct Image {
    /// The archive to write
    #[arg(long, value_name = "FILE.tar")]
    out: PathBuf,
    /// Name and tag of the image, such as bizops.dev/bizops:0.1.0
    #[arg(long = "ref", value_name = "REF")]
    reference: String,
    /// The static program; its file name becomes the entrypoint
    #[arg(long, value_name = "PATH")]
    binary: PathBuf,
    /// A bundle of CA certificates, put at /etc/ssl/certs/ca-certificates.crt
    #[arg(long, value_name = "PATH")]
    ca: Option<PathBuf>,
    /// A label of the image; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Whom the program runs as, in numbers
    #[arg(long, value_name = "UID:GID", default_value = "65532:65532")]
    user: String,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

impl Image {
    /// Writes the archive and says where it lies, its reference and its digest.
    pub(crate) fn run(&self) -> Result<ExitCode, Error> {
        let program = self.binary.file_name().and_then(|name| name.to_str());
        let program = program.ok_or_else(|| {
            Error::NotHere(format!("--binary {}: give a program's path", self.binary.display()))
        })?;
        let entrypoint = format!("/{program}");
        let mut files = vec![File { path: entrypoint.clone(), bytes: read(&self.binary)?, mode: 0o755 }];
        if let Some(bundle) = &self.ca {
            files.push(File { path: CA_PATH.to_owned(), bytes: read(bundle)?, mode: 0o644 });
        }
        let archive = build(&Content {
            reference: self.reference.clone(),
            files,
            entrypoint: vec![entrypoint],
            user: self.user.clone(),
            labels: self.labels.iter().cloned().collect(),
        })?;
        if let Some(folder) = self.out.parent() {
            fs::create_dir_all(folder).map_err(|source| wrong("making", folder, source))?;
        }
        fs::write(&self.out, &archive.bytes).map_err(|source| wrong("writing", &self.out, source))?;
        println!("{} {} {}", self.out.display(), self.reference, archive.digest);
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| wrong("reading", path, source))
}

fn wrong(verb: &str, path: &Path, source: std::io::Error) -> Error {
    Error::Io { doing: format!("{verb} {}", path.display()), source }
}
