//! Where the testbed keeps its files: everything lies under `target/testbed`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;
use crate::error::Doing as _;

/// The variable that moves the testbed's folder.
pub const VARIABLE: &str = "BIZOPS_TESTBED_DIR";

/// The testbed's own folder in the sources.
pub(crate) fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of everything the testbed writes: `target/testbed` of the workspace, or `BIZOPS_TESTBED_DIR`.
pub fn home() -> PathBuf {
    match std::env::var_os(VARIABLE) {
        Some(path) if !path.is_empty() => std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(path)),
        _ => sources().ancestors().nth(2).unwrap_or(sources()).join("target/testbed"),
    }
}

/// The folder of the testbeds that run now, one folder each.
pub(crate) fn runs() -> PathBuf {
    home().join("run")
}

/// Makes a folder and all above it.
pub(crate) fn make(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).at("making the folder", path)
}

/// Writes a file as a whole or not at all: whoever reads it never sees a half.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let half = path.with_file_name(format!(".{name}.half"));
    std::fs::write(&half, content).at("writing", &half)?;
    std::fs::rename(&half, path).at("writing", path)
}

/// A file without a name, readable and writable, that is gone when the last who holds it closes it.
pub(crate) fn nameless(folder: &Path) -> Result<File, Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let path = folder.join(format!(".scratch-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let file = File::options().read(true).write(true).create_new(true).open(&path).at("making", &path)?;
    std::fs::remove_file(&path).at("removing", &path)?;
    Ok(file)
}

/// The last lines of a file, for error messages; empty when it cannot be read.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    const ENOUGH: usize = 64 * 1024;
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(ENOUGH)..]).into_owned();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_last_lines_and_nothing_for_a_missing_file() {
        let file = std::env::temp_dir().join(format!("testbed-tail-{}", std::process::id()));
        write(&file, b"one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&file, 2), "two\nthree");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(tail(&file, 2), "");
    }
}
