//! The central endpoint as a process of its own, with the administrator's commands.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    acts::Invitation,
    clock::Clock,
    process::Group,
    programs::{Programs, free_port},
    wait::{bounded, until},
};

/// A central endpoint: its data folder, its address, and its process while it runs.
#[derive(Debug)]
pub struct Central {
    program: PathBuf,
    data: PathBuf,
    port: u16,
    clock: Clock,
    running: Option<Group>,
}

impl Central {
    /// Makes an endpoint marked as sample, with a city, a county and the given people (`name`, `org`, `role`, `certificate`), and
    /// publishes the shipped pack. It does not run yet.
    pub async fn make(
        programs: &Programs,
        dir: &Path,
        people: &Value,
        clock: &Clock,
    ) -> Result<Self> {
        let central = Self::at(programs, dir.join("central"), free_port()?, clock.clone());
        central
            .command(["init", "--name", "样本·市应急管理局中心端", "--sample"])
            .await?;
        let directory = dir.join("directory.json");
        let orgs = json!([
            { "code": "320700", "name": "样本·市应急管理局", "short_name": "苏样", "parent": null, "kind": "city", "region": "320700" },
            { "code": "320722", "name": "样本·东海县应急管理局", "short_name": "苏样东", "parent": "320700", "kind": "county", "region": "320722" },
        ]);
        fs::write(
            &directory,
            json!({ "orgs": orgs, "people": people }).to_string(),
        )?;
        central
            .command([
                OsStr::new("org"),
                OsStr::new("import"),
                directory.as_os_str(),
            ])
            .await?;
        let pack = programs.root.join("packs/lyg-2021-training/pack.json");
        central
            .command([
                OsStr::new("pack"),
                OsStr::new("publish"),
                pack.as_os_str(),
                OsStr::new("--org"),
                OsStr::new("320700"),
            ])
            .await?;
        Ok(central)
    }

    /// An endpoint whose data folder is there already.
    pub fn at(programs: &Programs, data: PathBuf, port: u16, clock: Clock) -> Self {
        Self {
            program: programs.server.clone(),
            data,
            port,
            clock,
            running: None,
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Runs one of the administrator's commands and returns what it says.
    pub async fn command<S: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = S>,
    ) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command
            .arg("--json")
            .arg("--data")
            .arg(&self.data)
            .args(words);
        self.clock.set(&mut command);
        let words = format!("{command:?}");
        let mut command = tokio::process::Command::from(command);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = bounded(&words, async {
            command.output().await.context("start shicha-server")
        })
        .await?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("{words}: {said}{}", String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_str(&said).with_context(|| format!("{words} said {said:?}"))
    }

    /// What somebody needs to set a computer up: address, fingerprint, one-time code.
    pub async fn invite(&self, person: &str) -> Result<Invitation> {
        let said = self.command(["code", "new", "--person", person]).await?;
        let text = |key: &str| {
            said[key]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("no {key}"))
        };
        Ok(Invitation {
            url: self.url(),
            fingerprint: text("fingerprint")?,
            code: text("code")?,
        })
    }

    /// Starts it and waits until it answers.
    pub async fn start(&mut self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .arg("--data")
            .arg(&self.data)
            .args(["serve", "--listen"])
            .arg(format!("127.0.0.1:{}", self.port));
        self.clock.set(&mut command);
        let log = self.data.with_extension("log");
        let mut running = Group::start(&mut command, &log)?;
        let url = format!("{}/v1/server", self.url());
        until("the central endpoint's first answer", async || {
            if running.has_ended()? {
                bail!("the central endpoint ended: {}", fs::read_to_string(&log)?);
            }
            Ok(reqwest::get(&url).await.is_ok().then_some(()))
        })
        .await?;
        self.running = Some(running);
        Ok(())
    }

    /// Ends it in order.
    pub async fn stop(&mut self) -> Result<()> {
        match self.running.take() {
            Some(running) => running.end().await,
            None => Ok(()),
        }
    }
}
