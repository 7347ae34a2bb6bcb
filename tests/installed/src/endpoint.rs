//! A central endpoint in a process of its own, on either system, that can be killed at any instant.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use shicha_window::{Group, free_port, until};

/// A central endpoint.
pub(crate) struct Endpoint<'a> {
    /// Its program, ready to be given words.
    start: Box<dyn Fn() -> Command + 'a>,
    /// Its folder, as its system writes it.
    data: String,
    log: PathBuf,
    port: u16,
    running: Option<Group>,
}

impl<'a> Endpoint<'a> {
    /// Makes one with an inspector, publishes a pack, and starts it.
    pub(crate) async fn make(
        start: impl Fn() -> Command + 'a,
        data: String,
        pack: &str,
        log: &Path,
    ) -> Result<Self> {
        let mut endpoint = Self {
            start: Box::new(start),
            data,
            log: log.to_path_buf(),
            port: free_port()?,
            running: None,
        };
        endpoint.say(&["init", "--name", "样本·中心端", "--sample"])?;
        let org = ["org", "add", "--kind", "city", "--short-name", "苏样"];
        endpoint.say(
            &[
                &org[..],
                &["--code", "320700", "--name", "样本·市应急管理局"],
            ]
            .concat(),
        )?;
        for (name, role) in [("王建国", "administrator"), ("张三", "inspector")] {
            endpoint.say(&[
                "person", "add", "--name", name, "--org", "320700", "--role", role,
            ])?;
        }
        endpoint.say(&["pack", "publish", pack, "--org", "320700"])?;
        endpoint.begin().await?;
        Ok(endpoint)
    }

    /// One of the administrator's commands, and its answer.
    pub(crate) fn say(&self, words: &[&str]) -> Result<Value> {
        let done = (self.start)()
            .args(["--json", "--data", &self.data])
            .args(words)
            .output()?;
        let said = String::from_utf8_lossy(&done.stdout);
        if !done.status.success() {
            bail!("{words:?}: {said}{}", String::from_utf8_lossy(&done.stderr));
        }
        serde_json::from_str(&said).with_context(|| format!("{words:?} said {said:?}"))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What somebody needs to enrol: code and fingerprint.
    pub(crate) fn invite(&self) -> Result<Value> {
        self.say(&["code", "new", "--person", "张三"])
    }

    /// Starts it and waits until it answers.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        let mut command = (self.start)();
        command
            .args(["--data", &self.data, "serve", "--listen"])
            .arg(format!("127.0.0.1:{}", self.port));
        let mut running = Group::start(&mut command, &self.log)?;
        let url = format!("{}/v1/server", self.url());
        until("the central endpoint's first answer", async || {
            if running.has_ended()? {
                bail!("it ended: {}", fs::read_to_string(&self.log)?);
            }
            Ok(reqwest::get(&url).await.is_ok().then_some(()))
        })
        .await?;
        self.running = Some(running);
        Ok(())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.running.take().map_or(Ok(()), Group::kill)
    }

    /// Ends it, and has it look through all that it holds.
    pub(crate) fn verify(&mut self) -> Result<Value> {
        self.kill()?;
        self.say(&["verify"])
    }
}

/// What can be seen from outside of how much an endpoint holds.
pub(crate) fn entries(verified: &Value) -> Value {
    json!(verified["entries"])
}
