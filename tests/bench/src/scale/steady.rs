//! Two hundred devices push at once, for two minutes. Floor: the same rows inserted in bulk by the store's plain driver.

use std::{thread, time::Duration};

use anyhow::{Result, anyhow};
use tokio::{
    task::{self, JoinSet},
    time::Instant,
};

use super::{Storage, floor, laptop::Laptop};
use crate::{central::Central, report};

const DEVICES: usize = 200;
/// Entries in one push: an inspection.
const TOGETHER: usize = 100;
const FLOOR_ROWS: usize = 300_000;
/// Entries a second for which pushes are made before the time runs; what is needed beyond that is made on the way.
const BEFOREHAND: usize = 150_000;

pub(crate) async fn run(storage: Storage, seconds: u64) -> Result<()> {
    report::heading(&format!(
        "{}: pushes of {TOGETHER} entries from {DEVICES} devices at once for {seconds} s (aim: {} of the floor)",
        storage.name(),
        storage.aim()
    ));
    let dir = tempfile::tempdir()?;
    let database = storage.database();
    let central = Central::start_on(dir.path(), database.as_deref()).await?;
    let mut laptops = central.laptops(DEVICES)?;
    for laptop in &mut laptops {
        laptop.device.open_session().await;
    }
    // Made beforehand, so that the devices' own work takes little from the endpoint on the same processors.
    let each = seconds as usize * BEFOREHAND / DEVICES / TOGETHER + 1;
    let prepared = task::block_in_place(|| prepare(laptops, each))?;
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for (mut laptop, bodies) in prepared {
        tasks.spawn(async move {
            let (mut sent, mut times, mut bodies) = (0, Vec::new(), bodies.into_iter());
            while Instant::now() < until {
                let body = match bodies.next() {
                    Some(body) => body,
                    None => laptop.push_of(TOGETHER)?,
                };
                let asked = Instant::now();
                laptop.send(body).await?;
                times.push(asked.elapsed());
                sent += TOGETHER;
            }
            Ok::<_, anyhow::Error>((sent, times, laptop))
        });
    }
    let (mut sent, mut times, mut laptops) = (0, Vec::new(), Vec::with_capacity(DEVICES));
    while let Some(done) = tasks.join_next().await {
        let (some, took, laptop) = done??;
        sent += some;
        times.extend(took);
        laptops.push(laptop);
    }
    let rate = sent as f64 / began.elapsed().as_secs_f64();
    let floor_rate = floor::rows(storage, dir.path(), &mut laptops, FLOOR_ROWS)?;
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
    report::figure(
        "memory of the endpoint at its most",
        &report::megabytes(central.peak_memory()?),
    );
    central.stop().await
}

/// Laptops with so many pushes each, in the order of their ledgers.
fn prepare(laptops: Vec<Laptop>, each: usize) -> Result<Vec<(Laptop, Vec<Vec<u8>>)>> {
    let threads = thread::available_parallelism()?.get();
    let share = laptops.len().div_ceil(threads);
    let mut laptops = laptops.into_iter();
    thread::scope(|scope| {
        let made: Vec<_> = (0..threads)
            .map(|_| {
                let some: Vec<Laptop> = laptops.by_ref().take(share).collect();
                scope.spawn(move || {
                    some.into_iter()
                        .map(|mut laptop| {
                            let bodies: Result<_> =
                                (0..each).map(|_| laptop.push_of(TOGETHER)).collect();
                            Ok((laptop, bodies?))
                        })
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        let mut prepared = Vec::new();
        for some in made {
            prepared.extend(some.join().map_err(|_| anyhow!("a thread panicked"))??);
        }
        Ok(prepared)
    })
}
