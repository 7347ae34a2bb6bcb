//! A laptop: the application's core behind a local port, on either system, that can be killed at any instant.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use shicha_window::{Group, until};

use crate::endpoint::Endpoint;

const PASSPHRASE: &str = "连云港 2022 passphrase";

/// A laptop.
pub(crate) struct Laptop<'a> {
    start: Box<dyn Fn() -> Command + 'a>,
    log: PathBuf,
    running: Option<(Group, String)>,
}

/// What was said to be saved.
pub(crate) struct Saved {
    record: Value,
    /// By field.
    values: Vec<(String, Value)>,
}

impl Saved {
    pub(crate) fn count(&self) -> usize {
        self.values.len()
    }
}

impl<'a> Laptop<'a> {
    pub(crate) fn new(start: impl Fn() -> Command + 'a, log: &Path) -> Self {
        Self {
            start: Box::new(start),
            log: log.to_path_buf(),
            running: None,
        }
    }

    /// Starts it and waits until it answers.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        let mut running = Group::start(&mut (self.start)(), &self.log)?;
        let url = until("the laptop's first line", async || {
            let said = fs::read_to_string(&self.log)?;
            if running.has_ended()? {
                bail!("it ended: {said}");
            }
            let told = said
                .lines()
                .filter(|_| said.ends_with('\n'))
                .find_map(|line| serde_json::from_str::<Value>(line).ok());
            Ok(told.and_then(|told| told["url"].as_str().map(str::to_owned)))
        })
        .await?;
        self.running = Some((running, url));
        Ok(())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.running
            .take()
            .map_or(Ok(()), |(running, _)| running.kill())
    }

    async fn call(&self, name: &str, request: Value) -> Result<Value> {
        let (_, url) = self.running.as_ref().context("it does not run")?;
        let answer = reqwest::Client::new()
            .post(format!("{url}/rpc/{name}"))
            .json(&request)
            .send()
            .await?;
        let is_well = answer.status().is_success();
        let answer: Value = answer.json().await?;
        ensure!(is_well, "{name} {request}: {answer}");
        Ok(answer)
    }

    /// Sets it up: a key by passphrase, the endpoint, its pack.
    pub(crate) async fn enrol(&self, endpoint: &Endpoint<'_>) -> Result<()> {
        self.call("key_create", json!({ "passphrase": PASSPHRASE }))
            .await?;
        let invited = endpoint.invite()?;
        let found = self
            .call("server_probe", json!({ "url": endpoint.url() }))
            .await?;
        ensure!(
            found["fingerprint"] == invited["fingerprint"],
            "another fingerprint: {found}"
        );
        let enrol = json!({ "url": found["url"], "fingerprint": found["fingerprint"], "code": invited["code"], "label": "试验电脑" });
        self.call("enrol", enrol).await?;
        until("the pack", async || {
            let packs = self.call("packs_list", json!({})).await?;
            Ok((packs["packs"][0]["is_here"] == true).then_some(()))
        })
        .await
    }

    /// Opens what was set up before.
    pub(crate) async fn unlock(&self) -> Result<()> {
        let status = self
            .call("key_unlock", json!({ "passphrase": PASSPHRASE }))
            .await?;
        ensure!(status["stage"] == "ready", "{status}");
        ensure!(status["salvage"].is_null(), "a kill damaged it: {status}");
        Ok(())
    }

    /// Begins an inspection.
    pub(crate) async fn inspection(&self) -> Result<Saved> {
        let fields = json!({ "name": "样本·市考试中心", "subject_kind": "exam_institution", "region": "320700", "address": "苍梧路1号",
            "legal_representative": "赵国栋", "phone": "0518-1" });
        let subject = self
            .call("subject_add", json!({ "fields": fields }))
            .await?;
        let packs = self.call("packs_list", json!({})).await?;
        let pack = &packs["packs"][0];
        let list = pack["checklists"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|list| list["subject_kind"] == "exam_institution")
            .context("a checklist")?;
        let request = json!({
            "subject": subject["record"], "kind": "enforcement", "pack": pack["hash"],
            "checklist": list["id"], "phase": pack["phases"][0]["id"], "started_ms": null,
            "inspectors": [{ "person": null, "name": "张三", "certificate": "苏A1" }, { "person": null, "name": "李四", "certificate": "苏A2" }],
        });
        let opened = self.call("inspection_open", request).await?;
        Ok(Saved {
            record: opened["record"].clone(),
            values: Vec::new(),
        })
    }

    /// Answers so many items more, and keeps what was said to be saved.
    pub(crate) async fn answer(&self, saved: &mut Saved, count: usize) -> Result<()> {
        let view = self.view(saved).await?;
        let asked = view["asked"].as_array().context("items")?;
        let words = ["conforms", "to_verify", "not_applicable"];
        for n in saved.values.len()..saved.values.len() + count {
            let item = asked[n % asked.len()].as_str().context("an item")?;
            let (field, value) = if n < asked.len() {
                (format!("answers/{item}/result"), json!(words[n % 3]))
            } else {
                (
                    format!("answers/{item}/facts"),
                    json!(format!("现场情况 {n}")),
                )
            };
            let set =
                json!({ "record": saved.record, "field": field, "value": value, "over": null });
            self.call("field_set", set).await?;
            saved.values.push((field, value));
        }
        Ok(())
    }

    /// Everything that was said to be saved is there.
    pub(crate) async fn check(&self, saved: &Saved) -> Result<()> {
        let view = self.view(saved).await?;
        for (field, value) in &saved.values {
            let held = &view["fields"][field]["value"];
            ensure!(held == value, "{field} is {held}, and not {value}");
        }
        let verified = self.call("verify", json!({})).await?;
        ensure!(verified["first_bad"].is_null(), "{verified}");
        Ok(())
    }

    async fn view(&self, saved: &Saved) -> Result<Value> {
        self.call("inspection_get", json!({ "record": saved.record }))
            .await
    }

    /// Goes on until everything has arrived.
    pub(crate) async fn deliver(&self) -> Result<()> {
        self.call("sync_now", json!({})).await?;
        until("delivery", async || {
            let status = self.call("sync_status", json!({})).await?;
            let is_done = status["waiting_entries"] == 0 && status["last_error"].is_null();
            Ok(is_done.then_some(()))
        })
        .await
    }
}
