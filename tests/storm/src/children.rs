//! Processes that can be killed at any instant, and what they said until then.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

/// How long a process may take to start, or to end after it was told to: also one that fetches everything there is.
const PATIENCE: Duration = Duration::from_secs(600);

/// A process of this program in another part.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    reading: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts one and waits for its first line. What it complains of is added to a file.
    pub(crate) fn start(
        part: &str,
        words: impl IntoIterator<Item = OsString>,
        environment: impl IntoIterator<Item = (String, String)>,
        complaints: &Path,
    ) -> Result<(Self, String)> {
        let complaints = File::options().create(true).append(true).open(complaints)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(part)
            .args(words)
            .envs(environment)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()?;
        let output = child.stdout.take().context("its output")?;
        let (said, lines) = channel();
        let reading = std::thread::spawn(move || {
            // The last line of a process that is killed may lack its end: it was not said.
            let mut output = BufReader::new(output);
            let mut line = String::new();
            while matches!(output.read_line(&mut line), Ok(1..)) && line.ends_with('\n') {
                if said.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        let mut process = Self {
            input: child.stdin.take(),
            child,
            lines,
            reading: Some(reading),
        };
        match process.lines.recv_timeout(PATIENCE) {
            Ok(first) => Ok((process, first)),
            Err(error) => {
                let ended = process.child.try_wait()?;
                bail!("{part} said nothing ({error}, {ended:?})");
            }
        }
    }

    /// What it has said since this was asked last.
    pub(crate) fn said(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_gone(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Ends it at once, whatever it does, and gives all that it had said.
    pub(crate) fn kill(mut self) -> Result<Vec<String>> {
        self.child.kill()?;
        self.child.wait()?;
        self.rest()
    }

    /// Tells it to stop and waits for it, and gives all that it had said.
    pub(crate) fn stop(mut self) -> Result<Vec<String>> {
        drop(self.input.take());
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            ensure!(begin.elapsed() < PATIENCE, "a process does not stop");
            std::thread::sleep(Duration::from_millis(5));
        };
        let said = self.rest()?;
        ensure!(
            status.success(),
            "a process ended with {status}: {:?}",
            said.last()
        );
        Ok(said)
    }

    fn rest(&mut self) -> Result<Vec<String>> {
        if let Some(reading) = self.reading.take()
            && reading.join().is_err()
        {
            bail!("its output could not be read");
        }
        Ok(self.said())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A storm that fails leaves no process behind.
        let _was_gone = self.child.kill().is_err();
        let _ended = self.child.wait().is_err();
    }
}
