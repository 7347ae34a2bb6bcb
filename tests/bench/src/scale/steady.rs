//! Two hundred devices push at once, for two minutes. Floor: the same rows inserted in bulk by the store's plain driver.

use std::time::Duration;

use anyhow::Result;
use tokio::{task::JoinSet, time::Instant};

use super::{Storage, floor};
use crate::{central::Central, report};

const DEVICES: usize = 200;
/// Entries in one push: an inspection.
const TOGETHER: usize = 100;
const FLOOR_ROWS: usize = 300_000;

pub(crate) async fn run(storage: Storage, seconds: u64) -> Result<()> {
    report::heading(&format!(
        "{}: pushes of {TOGETHER} entries from {DEVICES} devices at once for {seconds} s (aim: {} of the floor)",
        storage.name(),
        storage.aim()
    ));
    let dir = tempfile::tempdir()?;
    let database = storage.database();
    let central = Central::start_on(dir.path(), database.as_deref()).await?;
    let mut tasks = JoinSet::new();
    let mut laptops = central.laptops(DEVICES)?;
    for laptop in &mut laptops {
        laptop.device.open_session().await;
    }
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    for mut laptop in laptops {
        tasks.spawn(async move {
            let (mut sent, mut making, mut times) = (0, Duration::ZERO, Vec::new());
            while Instant::now() < until {
                let making_began = std::time::Instant::now();
                let body = laptop.push_of(TOGETHER)?;
                making += making_began.elapsed();
                let asked = Instant::now();
                laptop.send(body).await?;
                times.push(asked.elapsed());
                sent += TOGETHER;
            }
            Ok::<_, anyhow::Error>((sent, making, times))
        });
    }
    let (mut sent, mut making, mut times) = (0, Duration::ZERO, Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (some, spent, took) = done??;
        sent += some;
        making += spent;
        times.extend(took);
    }
    let rate = sent as f64 / began.elapsed().as_secs_f64();
    let floor_rate = floor::rows(storage, dir.path(), FLOOR_ROWS)?;
    report::rate("pushes", rate, floor_rate, "entries/s");
    let part = rate / floor_rate;
    let verdict = if part >= storage.aim() {
        "reaches"
    } else {
        "MISSES"
    };
    report::figure(
        "",
        &format!(
            "{part:.2} of the floor: {verdict} the aim of {}",
            storage.aim()
        ),
    );
    report::figure(
        "a push, 99 of 100 are within",
        &report::short(report::percentile(&mut times, 0.99)),
    );
    // On the same processors: what the devices' own work took from the endpoint.
    report::figure(
        "processor time spent by the devices on writing and signing",
        &report::short(making),
    );
    report::figure(
        "memory of the endpoint at its most",
        &report::megabytes(central.peak_memory()?),
    );
    central.stop().await
}
