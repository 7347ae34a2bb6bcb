//! Photos on their way up: resumable, hashed, out of an encrypted database. Floor: a plain HTTP PUT of the same files to a process that
//! writes them to the disk.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path as UrlPath, State},
    http::StatusCode,
    routing::put,
};
use shicha_domain::{Event, Evidence, directory::Role};
use shicha_ledger::Draft;

use crate::{
    central::{Central, start_other},
    data, report,
    sync::round,
};

/// By this word the program knows that it is to take files in.
pub(crate) const TAKE: &str = "take-for-measuring";
const COUNT: usize = 24;
const SIZE: usize = 4 << 20;

pub(crate) async fn run() -> Result<()> {
    report::heading("photos uploaded");
    let dir = tempfile::tempdir()?;
    let central = Central::start(dir.path()).await?;
    let (ledger, person) = central
        .ledger(&dir.path().join("inspector"), "320703", Role::Inspector)
        .await?;
    let opening = data::inspection(0)?;
    let record = opening.record;
    ledger.append(person, vec![opening], data::START_MS)?;
    round(&central, &ledger).await?;
    // Noise, like the data of a photo: nothing on the way can make it smaller.
    let photos: Vec<Vec<u8>> = (0..COUNT)
        .map(|_| {
            (0..SIZE / 16)
                .flat_map(|_| rand::random::<u128>().to_le_bytes())
                .collect()
        })
        .collect();
    for (n, photo) in photos.iter().enumerate() {
        let taken = ledger.blob_import(&mut photo.as_slice(), &mut |_| {}, data::START_MS)?;
        let evidence = Evidence {
            blob: taken.hash,
            size: taken.size,
            name: format!("{n}.jpg"),
            mime: taken.mime,
            source: "file".into(),
            taken_at_ms: None,
            position_e7: None,
            camera: None,
            derived_from: None,
        };
        let draft = Draft {
            channel: data::channel()?,
            record,
            event: Event::Attached {
                place: "record".into(),
                evidence,
            },
        };
        ledger.append(person, vec![draft], data::START_MS + n as u64)?;
    }
    let floor = floor_puts(dir.path(), &photos).await?;
    let (outcome, took) = round(&central, &ledger).await?;
    ensure!(
        outcome.uploaded as usize == COUNT,
        "all photos are uploaded: {outcome:?}"
    );
    let megabytes = (COUNT * SIZE) as f64 / 1e6;
    report::rate(
        "upload",
        megabytes / took.as_secs_f64(),
        megabytes / floor.as_secs_f64(),
        "MB/s",
    );
    central.stop().await
}

async fn floor_puts(dir: &Path, photos: &[Vec<u8>]) -> Result<Duration> {
    let folder = dir.join("puts");
    std::fs::create_dir(&folder)?;
    let (_child, url) = start_other(&[TAKE.as_ref(), folder.as_ref()]).await?;
    let client = reqwest::Client::new();
    let began = Instant::now();
    for (n, photo) in photos.iter().enumerate() {
        let answer = client
            .put(format!("{url}/{n}"))
            .body(photo.clone())
            .send()
            .await?;
        ensure!(answer.status().is_success(), "{}", answer.status());
    }
    Ok(began.elapsed())
}

/// What the other process does.
pub(crate) async fn take(folder: &Path) -> Result<()> {
    let routes = Router::new()
        .route("/{name}", put(keep))
        .layer(DefaultBodyLimit::max(SIZE * 2))
        .with_state(Arc::new(folder.to_path_buf()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn keep(
    State(folder): State<Arc<PathBuf>>,
    UrlPath(name): UrlPath<u32>,
    body: Bytes,
) -> StatusCode {
    let written = tokio::task::spawn_blocking(move || {
        let mut file = std::fs::File::create(folder.join(name.to_string()))?;
        std::io::Write::write_all(&mut file, &body)?;
        file.sync_all()
    })
    .await;
    match written {
        Ok(Ok(())) => StatusCode::NO_CONTENT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
