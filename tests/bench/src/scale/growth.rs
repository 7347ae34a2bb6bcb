//! What a push costs while the ledger grows from ten thousand entries to ten million.

use anyhow::Result;
use std::time::{Duration, Instant};

use super::{Storage, laptop::Laptop};
use crate::{central::Central, report};

const DEVICES: usize = 60;
const PUSHES: usize = 300;
const TOGETHER: usize = 100;
const FILLING: usize = 10_000;
const AIM: f64 = 1.3;

pub(crate) async fn run(storage: Storage, largest: usize) -> Result<()> {
    report::heading(&format!(
        "{}: a push of {TOGETHER} entries as the ledger grows (aim: at the end at most {AIM} times as at the beginning)",
        storage.name()
    ));
    let dir = tempfile::tempdir()?;
    let database = storage.database();
    let central = Central::start_on(dir.path(), database.as_deref()).await?;
    let mut laptops = central.laptops(DEVICES)?;
    let (mut held, mut first) = (0, None);
    let mut target = 10_000;
    while target <= largest {
        for laptop in &mut laptops {
            // A session lasts an hour; filling may last longer.
            laptop.device.open_session().await;
        }
        while held < target {
            let at = held / FILLING % DEVICES;
            let body = laptops[at].push_of(FILLING)?;
            laptops[at].send(body).await?;
            held += FILLING;
        }
        let median = measure(&mut laptops).await?;
        held += PUSHES * TOGETHER;
        let first = *first.get_or_insert(median);
        report::time(&format!("among {target} entries"), median, first);
        let size = storage.size(&central.data(), database.as_deref())?;
        report::figure(
            "the store on the disk",
            &format!(
                "{}, {:.0} bytes/entry",
                report::megabytes(size),
                size as f64 / held as f64
            ),
        );
        let within = median.as_secs_f64() <= first.as_secs_f64() * AIM;
        if target * 10 > largest {
            let verdict = if within { "within" } else { "BEYOND" };
            report::figure("", &format!("{verdict} the aim of {AIM} times the first"));
        }
        target *= 10;
    }
    central.stop().await
}

/// The median time of a push.
async fn measure(laptops: &mut [Laptop]) -> Result<Duration> {
    let mut times = Vec::with_capacity(PUSHES);
    let count = laptops.len();
    for n in 0..PUSHES {
        let laptop = &mut laptops[n % count];
        let body = laptop.push_of(TOGETHER)?;
        let asked = Instant::now();
        laptop.send(body).await?;
        times.push(asked.elapsed());
    }
    Ok(report::percentile(&mut times, 0.5))
}
