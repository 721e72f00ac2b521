//! Commands run against a testbed: kubectl, helm, promtool.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::Doing as _;
use crate::{Error, Testbed, folders, keeper};

/// The longest a command may take; a hanging one is an error, not a hanging test.
const LIMIT: Duration = Duration::from_mins(5);

impl Testbed {
    /// Runs kubectl as the administrator and gives its output.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, Error> {
        self.kubectl_with("", arguments)
    }

    /// Runs kubectl with something on its standard input.
    pub fn kubectl_with(&self, input: &str, arguments: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(self.site().programs.path("kube")?);
        command.arg("kubectl").args(arguments);
        self.run(command, "kubectl", arguments, input)
    }

    /// Applies manifests.
    pub fn apply(&self, yaml: &str) -> Result<String, Error> {
        self.kubectl_with(yaml, &["apply", "-f", "-"])
    }

    /// Runs helm as the administrator and gives its output.
    pub fn helm(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(self.site().programs.path("helm")?);
        command.args(arguments);
        self.run(command, "helm", arguments, "")
    }

    /// Runs promtool and gives its output.
    pub fn promtool(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(self.site().programs.path("promtool")?);
        command.args(arguments);
        self.run(command, "promtool", arguments, "")
    }

    /// Input and outputs are files without a name: nothing blocks on a full pipe, nothing is left.
    fn run(
        &self,
        mut command: Command,
        name: &str,
        arguments: &[&str],
        input: &str,
    ) -> Result<String, Error> {
        let title = format!("{name} {}", arguments.join(" "));
        let files =
            || -> Result<[File; 3], Error> { Ok([self.scratch()?, self.scratch()?, self.scratch()?]) };
        let [mut stdin, stdout, stderr] = files()?;
        let copy = |file: &File| file.try_clone().doing(|| format!("running {title}"));
        stdin.write_all(input.as_bytes()).doing(|| format!("writing the input of {title}"))?;
        stdin.rewind().doing(|| format!("writing the input of {title}"))?;
        let mut child = command
            .env(keeper::MARK, self.folder())
            .env("KUBECONFIG", self.kubeconfig())
            .env("KUBERC", "off")
            .env("HOME", self.folder())
            .stdin(Stdio::from(stdin))
            .stdout(copy(&stdout)?)
            .stderr(copy(&stderr)?)
            .spawn()
            .doing(|| format!("running {title}"))?;
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().doing(|| format!("waiting for {title}"))? {
                break status.to_string();
            }
            if begin.elapsed() > LIMIT {
                let _ = child.kill();
                let _ = child.wait();
                break format!("no end within {} s", LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        if status == "exit status: 0" {
            return read(stdout);
        }
        Err(Error::Command { command: title, status, stderr: format!("{}{}", read(stderr)?, read(stdout)?) })
    }

    /// A file that is gone when it is closed.
    fn scratch(&self) -> Result<File, Error> {
        folders::nameless(self.folder())
    }
}

fn read(mut file: File) -> Result<String, Error> {
    file.rewind().doing(|| "reading the output of a command".to_owned())?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes)
        .doing(|| "reading the output of a command".to_owned())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
