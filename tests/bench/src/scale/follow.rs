//! What an inspector wrote shows on a supervisor's laptop. Floor: the two rounds that it takes, one right after the other.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use shicha_domain::{PersonId, RecordId, directory::Role};
use shicha_ledger::Ledger;
use shicha_sync::client::{Engine, HttpTransport, Phase, SystemClock, Worker};

use super::Storage;
use crate::{central::Central, data, report};

const TIMES: usize = 60;
const AIM: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(storage: Storage) -> Result<()> {
    report::heading(&format!(
        "{}: from an inspector's answer to a supervisor's screen (aim: within a second)",
        storage.name()
    ));
    let dir = tempfile::tempdir()?;
    let database = storage.database();
    let central = Central::start_on(dir.path(), database.as_deref()).await?;
    let (inspector, person) = central
        .ledger(&dir.path().join("inspector"), "320703", Role::Inspector)
        .await?;
    let (supervisor, _) = central
        .ledger(&dir.path().join("supervisor"), "320700", Role::Supervisor)
        .await?;
    let engine = || engine(&central);

    let (there, here) = (engine()?, engine()?);
    let mut floor = Vec::with_capacity(TIMES);
    for n in 0..TIMES {
        write(&inspector, person, n)?;
        let began = Instant::now();
        there.sync_once(&inspector, &|_| {}).await?;
        here.sync_once(&supervisor, &|_| {}).await?;
        floor.push(began.elapsed());
    }

    let writing = Worker::start(engine()?, inspector.clone());
    let reading = Worker::start(engine()?, supervisor.clone());
    let mut state = reading.state();
    let settled =
        state.wait_for(|state| state.phase == Phase::Idle && state.last_success_ms.is_some());
    tokio::time::timeout(PATIENCE, settled).await??;
    let mut times = Vec::with_capacity(TIMES);
    for n in 0..TIMES {
        let record = write(&inspector, person, TIMES + n)?;
        let began = Instant::now();
        writing.poke();
        let shows = async {
            while supervisor.record(record)?.is_none() {
                state.changed().await.context("the worker ended")?;
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::time::timeout(PATIENCE, shows).await??;
        times.push(began.elapsed());
    }
    for (name, part) in [("half", 0.5), ("99 of 100", 0.99)] {
        report::time_with_aim(
            &format!("{name} show within"),
            report::percentile(&mut times, part),
            report::percentile(&mut floor, part),
            AIM,
        );
    }
    writing.stop().await;
    reading.stop().await;
    central.stop().await
}

fn engine(central: &Central) -> Result<Engine> {
    Ok(Engine::new(
        Arc::new(HttpTransport::new(&central.url)?),
        Arc::new(SystemClock),
    ))
}

fn write(ledger: &Ledger, person: PersonId, n: usize) -> Result<RecordId> {
    let opening = data::inspection(n)?;
    let record = opening.record;
    ledger.append(person, vec![opening], data::START_MS)?;
    Ok(record)
}
