//! A supervisor's new laptop fetches everything: a million entries.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use shicha_domain::directory::Role;
use shicha_ledger::{InspectionFilter, KeyStore, Ledger};
use shicha_sync::client::{Engine, HttpTransport, SystemClock};

use super::{Storage, floor};
use crate::{central::Central, data, report};

/// By this word the program knows that it is to be the supervisor's laptop.
pub(crate) const PULL: &str = "pull-for-measuring";
const LAPTOPS: usize = 60;
const FILLING: usize = 10_000;
const FLOOR_ROWS: usize = 300_000;
const AIM_MEMORY: u64 = 200 << 20;
const AIM_BYTES: f64 = 60.0;

/// What the laptop's process tells.
#[derive(Serialize, Deserialize)]
struct Pulled {
    entries: u64,
    bytes: u64,
    seconds: f64,
    overview_seconds: f64,
    inspections: u64,
    memory: u64,
}

pub(crate) async fn run(storage: Storage, entries: usize) -> Result<()> {
    report::heading(&format!(
        "{}: a supervisor's first pull of {entries} entries (aim: 200 MB of memory, 60 bytes/entry)",
        storage.name()
    ));
    let dir = tempfile::tempdir()?;
    let database = storage.database();
    let central = Central::start_on(dir.path(), database.as_deref()).await?;
    let mut laptops = central.laptops(LAPTOPS)?;
    let mut held = 0;
    for n in (0..).take_while(|n| n * FILLING < entries) {
        let at = n % LAPTOPS;
        laptops[at].device.open_session().await;
        let body = laptops[at].push_of(FILLING)?;
        laptops[at].send(body).await?;
        held += FILLING as u64;
    }
    let folder = dir.path().join("supervisor");
    let (ledger, _) = central.ledger(&folder, "320700", Role::Supervisor).await?;
    drop(ledger);
    let said = tokio::process::Command::new(std::env::current_exe()?)
        .args([PULL.as_ref(), folder.as_os_str(), central.url.as_ref()])
        .output()
        .await?;
    ensure!(
        said.status.success(),
        "the laptop failed: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    let pulled: Pulled = serde_json::from_slice(&said.stdout)?;
    ensure!(pulled.entries >= held, "everything is pulled");
    ensure!(pulled.inspections > 0, "the overview shows them");
    let floor_rate = floor::rows(Storage::Sqlite, dir.path(), &mut laptops, FLOOR_ROWS)?;
    let rate = pulled.entries as f64 / pulled.seconds;
    report::rate("pull", rate, floor_rate, "entries/s");
    let bytes = pulled.bytes as f64 / pulled.entries as f64;
    report::figure("on the wire", &format!("{bytes:.1} bytes/entry"));
    let overview = Duration::from_secs_f64(pulled.overview_seconds);
    report::figure("the overview after that", &report::short(overview));
    report::figure(
        "from the start until it shows everything",
        &report::short(overview + Duration::from_secs_f64(pulled.seconds)),
    );
    report::figure(
        "memory of the laptop's program at its most",
        &report::megabytes(pulled.memory),
    );
    let mut held_bytes = 0;
    for file in std::fs::read_dir(&folder)? {
        held_bytes += file?.metadata()?.len();
    }
    report::figure(
        "the ledger on its disk",
        &format!(
            "{}, {:.0} bytes/entry",
            report::megabytes(held_bytes),
            held_bytes as f64 / pulled.entries as f64
        ),
    );
    for (is_met, aim) in [
        (pulled.memory <= AIM_MEMORY, "200 MB of memory"),
        (bytes <= AIM_BYTES, "60 bytes/entry"),
    ] {
        let verdict = if is_met { "reaches" } else { "MISSES" };
        report::figure("", &format!("{verdict} the aim of {aim}"));
    }
    report::figure(
        "memory of the endpoint at its most",
        &report::megabytes(central.peak_memory()?),
    );
    central.stop().await
}

/// What the laptop's process does.
pub(crate) async fn pull(folder: &Path, url: &str) -> Result<()> {
    let key = KeyStore::new(folder).unlock_with_passphrase(crate::central::PASSPHRASE)?;
    let (ledger, _) = Ledger::open(folder, &key, data::START_MS)?;
    let engine = Engine::new(Arc::new(HttpTransport::new(url)?), Arc::new(SystemClock));
    let began = Instant::now();
    let outcome = engine.sync_once(&ledger, &|_| {}).await?;
    let seconds = began.elapsed().as_secs_f64();
    let asked = Instant::now();
    let overview = ledger.overview(&InspectionFilter::default())?;
    let told = Pulled {
        entries: outcome.pulled,
        bytes: outcome.bytes,
        seconds,
        overview_seconds: asked.elapsed().as_secs_f64(),
        inspections: overview.inspections.into(),
        memory: report::peak_memory(std::process::id()).context("of this process")?,
    };
    println!("{}", serde_json::to_string(&told)?);
    Ok(())
}
