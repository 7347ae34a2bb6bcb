//! A thousand laptops come back from the field within one minute.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{sync::Mutex, task::JoinSet, time::Instant};

use super::{Storage, laptop::Photo};
use crate::{central::Central, report};

const LAPTOPS: usize = 1_000;
const WITHIN: Duration = Duration::from_secs(60);
const INSPECTIONS: usize = 2;
const ENTRIES: usize = 120;
const PHOTOS: usize = 6;
const PHOTO_BYTES: usize = 300_000;

pub(crate) async fn run(storage: Storage) -> Result<()> {
    report::heading(&format!(
        "{}: 1,000 laptops come back within one minute, each with 2 inspections (120 entries, 6 photos of 300 kB)",
        storage.name()
    ));
    let dir = tempfile::tempdir()?;
    let database = storage.database();
    let central = Central::start_on(dir.path(), database.as_deref()).await?;
    let floor = super::floor::photos(&dir.path().join("floor"), LAPTOPS, PHOTOS, PHOTO_BYTES)?;
    let pushes = Arc::new(Mutex::new(Vec::with_capacity(LAPTOPS)));
    let mut tasks = JoinSet::new();
    let laptops = central.laptops(LAPTOPS)?;
    let mut prepared = Vec::with_capacity(LAPTOPS);
    for mut laptop in laptops {
        let photos: Vec<Photo> = (0..PHOTOS).map(|_| Photo::new(PHOTO_BYTES)).collect();
        let mut entries = Vec::with_capacity(ENTRIES);
        for part in photos.chunks(PHOTOS / INSPECTIONS) {
            entries.extend(laptop.inspection(ENTRIES / INSPECTIONS, part)?);
        }
        let body = laptop.device.body(&entries);
        prepared.push((laptop, body, photos));
    }
    let began = Instant::now();
    for (mut laptop, body, photos) in prepared {
        let pushes = Arc::clone(&pushes);
        let comes_back = began + WITHIN.mul_f64(rand::random());
        tasks.spawn(async move {
            tokio::time::sleep_until(comes_back).await;
            laptop.device.open_session().await;
            let asked = Instant::now();
            laptop.send(body).await?;
            pushes.lock().await.push(asked.elapsed());
            for photo in photos {
                laptop.send_photo(photo).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let took = began.elapsed();
    let mut pushes = std::mem::take(&mut *pushes.lock().await);
    report::figure(
        "all delivered after the first came back",
        &format!("{:.1} s", took.as_secs_f64()),
    );
    report::figure(
        "floor: the photos written and synced one by one",
        &format!("{:.1} s", floor.as_secs_f64()),
    );
    for part in [0.5, 0.99] {
        report::figure(
            &format!("a push, {:.0} of 100 are within", part * 100.0),
            &report::short(report::percentile(&mut pushes, part)),
        );
    }
    report::figure(
        "memory of the endpoint at its most",
        &report::megabytes(central.peak_memory()?),
    );
    central.stop().await
}
