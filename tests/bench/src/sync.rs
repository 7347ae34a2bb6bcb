//! Push and pull of 60,000 answers between two processes over loopback. Floor: the same rows inserted straight into SQLite.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rusqlite::params;
use shicha_domain::directory::Role;
use shicha_ledger::Ledger;
use shicha_sync::client::{Engine, HttpTransport, Outcome, SystemClock};

use crate::{central::Central, data, floor, report};

const INSPECTIONS: usize = 600;
const ANSWERS: usize = 100;
const TOGETHER: usize = 4;
const ENTRIES: usize = INSPECTIONS * ANSWERS;
/// So soon after the beginning everybody is enrolled.
const ENROLLED_MS: u64 = 60_000;
const AIM_PER_SECOND: f64 = 60_000.0;
const AIM_BYTES: f64 = 60.0;

pub(crate) async fn run() -> Result<()> {
    report::heading("push and pull of 60,000 answers (aim: 60,000 entries/s each, 60 bytes/entry)");
    let dir = tempfile::tempdir()?;
    let mut central = Central::start_then(dir.path()).await?;
    let (inspector, person) = central
        .ledger(&dir.path().join("inspector"), "320703", Role::Inspector)
        .await?;
    let (supervisor, _) = central
        .ledger(&dir.path().join("supervisor"), "320700", Role::Supervisor)
        .await?;
    round(&central, &inspector).await?;
    round(&central, &supervisor).await?;
    central.come_to_now().await?;
    let mut now_ms = data::START_MS + ENROLLED_MS;
    for n in 0..INSPECTIONS {
        let opening = data::inspection(n)?;
        let record = opening.record;
        inspector.append(person, vec![opening], now_ms)?;
        // A few answers at a time, with pauses as people make them: times that differ are what a wire has to carry.
        for items in (0..ANSWERS).collect::<Vec<_>>().chunks(TOGETHER) {
            now_ms += rand::random_range(2_000..60_000);
            let drafts = items
                .iter()
                .map(|item| {
                    let result = ["conforms", "nonconforming", "not_applicable", "to_verify"];
                    data::answer(record, *item, result[rand::random_range(0..result.len())])
                })
                .collect::<Result<_>>()?;
            inspector.append(person, drafts, now_ms)?;
        }
    }
    let floor = floor_rows(dir.path(), &inspector)?;
    let floor_rate = ENTRIES as f64 / floor.as_secs_f64();

    let (pushed, took) = round(&central, &inspector).await?;
    ensure!(
        pushed.pushed as usize >= ENTRIES,
        "all of it is pushed: {pushed:?}"
    );
    told("push", &pushed, pushed.pushed, took, floor_rate);
    let (pulled, took) = round(&central, &supervisor).await?;
    ensure!(
        pulled.pulled as usize >= ENTRIES,
        "all of it is pulled: {pulled:?}"
    );
    told("pull", &pulled, pulled.pulled, took, floor_rate);
    central.stop().await
}

fn told(what: &str, outcome: &Outcome, entries: u64, took: Duration, floor_rate: f64) {
    let rate = entries as f64 / took.as_secs_f64();
    report::rate(what, rate, floor_rate, "entries/s");
    let bytes = outcome.bytes as f64 / entries as f64;
    report::figure(
        &format!("{what}, on the wire"),
        &format!("{bytes:.1} bytes/entry"),
    );
    for (is_met, aim) in [
        (rate >= AIM_PER_SECOND, "60,000 entries/s"),
        (bytes <= AIM_BYTES, "60 bytes/entry"),
    ] {
        let verdict = if is_met { "reaches" } else { "MISSES" };
        report::figure("", &format!("{verdict} the aim of {aim}"));
    }
}

/// One round of synchronisation, and how long it took.
pub(crate) async fn round(central: &Central, ledger: &Ledger) -> Result<(Outcome, Duration)> {
    let engine = Engine::new(
        Arc::new(HttpTransport::new(&central.url)?),
        Arc::new(SystemClock),
    );
    let began = Instant::now();
    let outcome = engine.sync_once(ledger, &|_| {}).await?;
    Ok((outcome, began.elapsed()))
}

/// The same rows, in transactions of the same size, straight into a database with the ledger's settings.
fn floor_rows(dir: &Path, ledger: &Ledger) -> Result<Duration> {
    let entries = ledger.outbox(usize::MAX, usize::MAX)?;
    let mut db = floor::open(&dir.join("floor-rows.db"))?;
    db.execute_batch(
        "CREATE TABLE entry (n INTEGER PRIMARY KEY, device INTEGER NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL,
            prev BLOB NOT NULL, at INTEGER NOT NULL, record BLOB NOT NULL, event BLOB NOT NULL) STRICT;
         CREATE UNIQUE INDEX entry_device ON entry (device, seq);",
    )?;
    let began = Instant::now();
    for part in entries.chunks(10_000) {
        let tx = db.transaction()?;
        let mut insert = tx.prepare_cached(
            "INSERT INTO entry (device, seq, id, prev, at, record, event) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (id, entry) in part {
            insert.execute(params![
                entry.seq as i64,
                id.0,
                entry.prev.0,
                entry.at.0 as i64,
                entry.record.0.as_bytes(),
                entry.event
            ])?;
        }
        drop(insert);
        tx.commit()?;
    }
    Ok(began.elapsed())
}
