//! A real process of the central endpoint, and what it says.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use shicha_server::home::Place;

/// How long anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Process {
    child: Child,
    log: Option<ChildStderr>,
    pub(crate) url: String,
    pub(crate) metrics: Option<String>,
}

impl Process {
    /// Serves the folder; `more` are options of `serve`.
    pub(crate) fn start(place: &Place, more: &[&str]) -> Self {
        Self::start_logging(place, more, "off")
    }

    pub(crate) fn start_logging(place: &Place, more: &[&str], filter: &str) -> Self {
        Self::start_to(place, more, filter, Stdio::piped())
    }

    /// With its log going there.
    pub(crate) fn start_to(place: &Place, more: &[&str], filter: &str, log: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_shicha-server"))
            .arg("--json")
            .arg("--data")
            .arg(&place.dir)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-json"])
            .args(more)
            .env("RUST_LOG", filter)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self {
            log: child.stderr.take(),
            child,
            url: said["url"].as_str().unwrap().to_owned(),
            metrics: said["metrics_addr"]
                .as_str()
                .map(|addr| format!("http://{addr}")),
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; what it wrote to its log meanwhile, if that came here.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        if let Some(mut from) = self.log.take() {
            from.read_to_string(&mut log).unwrap();
        }
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that fails leaves no process behind; one that ended is gone already.
        let _was_gone = self.child.kill().is_err();
        let _ended = self.child.wait().is_err();
    }
}

/// Asks until the answer is right.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn text(url: &str) -> (u16, String) {
    let response = reqwest::get(url).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}
