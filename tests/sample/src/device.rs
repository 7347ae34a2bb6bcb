//! A device of the sample: the application's own handlers without a window, as a person would use them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use shicha_api::{App, AppConfig};

use crate::{central::Central, clock::SetClock, story::PASSPHRASE};

/// How long a device may take to deliver everything.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is asked even when it says nothing.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// A piece of an upload.
const PIECE: usize = 1 << 20;

/// A device whose ledger is open.
pub struct Device {
    app: App,
    clock: SetClock,
}

impl Device {
    /// Sets a new device up for somebody and fetches what there is.
    pub(crate) async fn enrol(
        dir: &Path,
        fonts: &[PathBuf],
        clock: &SetClock,
        central: &Central,
        person: &str,
    ) -> Result<Self> {
        let device = Self::start(dir, fonts, clock)?;
        device
            .call("key_create", json!({ "passphrase": PASSPHRASE }))
            .await?;
        let (code, fingerprint) = central.code(person)?;
        let found = device
            .call("server_probe", json!({ "url": central.url() }))
            .await?;
        if found["fingerprint"] != json!(fingerprint) {
            bail!("the endpoint shows another fingerprint than its administrator: {found}");
        }
        let label = format!("样本电脑-{person}");
        device
            .call(
                "enrol",
                json!({ "url": found["url"], "fingerprint": fingerprint, "code": code, "label": label }),
            )
            .await?;
        device.sync().await?;
        Ok(device)
    }

    /// Opens a device that was set up before.
    pub(crate) async fn open(dir: &Path, fonts: &[PathBuf], clock: &SetClock) -> Result<Self> {
        let device = Self::start(dir, fonts, clock)?;
        device
            .call("key_unlock", json!({ "passphrase": PASSPHRASE }))
            .await?;
        Ok(device)
    }

    fn start(dir: &Path, fonts: &[PathBuf], clock: &SetClock) -> Result<Self> {
        let app = App::new(AppConfig {
            data_dir: dir.to_path_buf(),
            font_dirs: fonts.to_vec(),
            clock: Arc::new(clock.clone()),
            label: "样本电脑".into(),
            host: Arc::new(shicha_api::host::Bare),
        })?;
        Ok(Self {
            app,
            clock: clock.clone(),
        })
    }

    /// Ends it in order.
    pub(crate) async fn close(self) {
        self.app.shutdown().await;
    }

    /// Its clock.
    pub fn clock(&self) -> &SetClock {
        &self.clock
    }

    /// Calls a handler, as the screens do.
    ///
    /// # Errors
    /// What the handler refuses, with the call's name.
    pub async fn call(&self, name: &str, request: Value) -> Result<Value> {
        let short: String = request.to_string().chars().take(200).collect();
        self.app
            .call(name, request)
            .await
            .map_err(|error| anyhow!("{name} {short}: {error}"))
    }

    /// Gives a field of a record a value.
    ///
    /// # Errors
    /// What the handler refuses.
    pub async fn set(&self, record: &Value, field: &str, value: Value) -> Result<()> {
        let request = json!({ "record": record, "field": field, "value": value, "over": null });
        self.call("field_set", request).await?;
        Ok(())
    }

    /// Sends a file piece by piece and gives what stands for it in other calls.
    ///
    /// # Errors
    /// What the handlers refuse.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> Result<Value> {
        let begun = self.call("upload_begin", json!({ "name": name })).await?;
        let mut offset = 0;
        for piece in bytes.chunks(PIECE) {
            let data = BASE64_STANDARD.encode(piece);
            let request = json!({ "upload": begun["upload"], "offset": offset, "data": data });
            self.call("upload_write", request).await?;
            offset += piece.len();
        }
        Ok(json!({ "from": "upload", "upload": begun["upload"] }))
    }

    /// Adds files as evidence.
    ///
    /// # Errors
    /// What the handlers refuse, of any of the files.
    pub async fn attach(
        &self,
        record: &Value,
        place: &str,
        files: &[(String, Vec<u8>)],
    ) -> Result<()> {
        let mut sources = Vec::new();
        for (name, bytes) in files {
            let source = self.upload(name, bytes).await?;
            sources.push(json!({ "source": source, "origin": "camera", "derived_from": null }));
        }
        let request = json!({ "record": record, "place": place, "files": sources });
        let added = self.call("evidence_add", request).await?;
        let results = added["results"].as_array().context("no results")?;
        match results.iter().find(|result| !result["error"].is_null()) {
            Some(refused) => bail!("evidence refused: {refused}"),
            None => Ok(()),
        }
    }

    /// Synchronises until nothing waits here any more and a round begun since then has ended well.
    ///
    /// # Errors
    /// When that does not happen in time.
    pub async fn sync(&self) -> Result<()> {
        let mut events = self.app.events();
        let begin_ms = self.clock.now();
        let mut last = Value::Null;
        let rounds = async {
            self.call("sync_now", json!({})).await?;
            loop {
                last = self.call("sync_status", json!({})).await?;
                let is_none = |name: &str| last[name] == json!(0);
                let is_new = last["last_success_ms"].as_u64() > Some(begin_ms);
                if is_new
                    && is_none("waiting_entries")
                    && is_none("waiting_blobs")
                    && is_none("wanted_blobs")
                {
                    return Ok(());
                }
                // Whatever is told, or nothing for a while: look again.
                let _told = tokio::time::timeout(ASK_EVERY, events.recv()).await;
            }
        };
        match tokio::time::timeout(PATIENCE, rounds).await {
            Ok(done) => done,
            Err(_) => bail!("synchronisation did not end: {last}"),
        }
    }
}
