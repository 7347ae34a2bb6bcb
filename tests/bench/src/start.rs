//! The application from its start to the first screen that a person can use, where it was used before and where it never was. Floor: a
//! bare window with one word in it, started the same way. All are seen through the same driver, whose own start is in every figure.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use shicha_ledger::KeyStore;
use shicha_window::{Clock, Display, Driver, part};

use crate::report;

const ROUNDS: usize = 7;

pub(crate) async fn run() -> Result<()> {
    report::heading("start to the first usable screen (aim: 1.5 × the floor)");
    let dir = tempfile::tempdir()?;
    let display = Display::start(dir.path()).await?;
    let folder = std::env::current_exe()?
        .parent()
        .map(Path::to_path_buf)
        .context("a folder")?;
    // A computer that is set up: the first screen asks for the passphrase.
    let data = dir.path().join("data");
    KeyStore::new(&data).create_with_passphrase("bench bench bench")?;
    let (app, bare) = (
        program(&folder, "shicha")?,
        program(&folder, "shicha-bare")?,
    );
    let (mut times, mut firsts, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    // By turns, so that both see the same machine; the first of each warms the disk up.
    for round in 0..=ROUNDS {
        let floor = once(
            &bare,
            &dir.path().join("bare"),
            &display,
            dir.path(),
            "bare",
        )
        .await?;
        let time = once(&app, &data, &display, dir.path(), "setup-stage-locked").await?;
        let nothing_yet = dir.path().join(format!("first-{round}"));
        let first = once(
            &app,
            &nothing_yet,
            &display,
            dir.path(),
            "setup-stage-needs_key",
        )
        .await?;
        if round > 0 {
            floors.push(floor);
            times.push(time);
            firsts.push(first);
        }
    }
    for (name, times) in [("", &mut times), ("first start, ", &mut firsts)] {
        for (part, share) in [("p50", 0.5), ("worst", 1.0)] {
            report::time(
                &format!("{name}{part}"),
                report::percentile(times, share),
                report::percentile(&mut floors, share),
            );
        }
    }
    Ok(())
}

fn program(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    ensure!(path.is_file(), "{} is missing", path.display());
    Ok(path)
}

async fn once(
    app: &Path,
    data: &Path,
    display: &Display,
    logs: &Path,
    first: &str,
) -> Result<Duration> {
    let clock = Clock::system();
    let driver = Driver {
        app,
        data,
        display,
        clock: &clock,
        logs,
    };
    let began = Instant::now();
    let session = driver.start().await?;
    session.wait_for(&part(first)).await?;
    let took = began.elapsed();
    session.close().await?;
    Ok(took)
}
