//! What a process looks at by itself while it serves: the store, evidence and the certificate.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::MissedTickBehavior;

use crate::{
    http::{App, Change},
    store::StoreError,
    tls::{self, Certificates},
};

/// How often it is asked whether the administrator's commands changed something.
const STORE: Duration = Duration::from_secs(1);
/// How often evidence is tried, and figures are taken.
const SELDOM: Duration = Duration::from_secs(20);
/// How often the files of the certificate are looked at.
const CERTIFICATE: Duration = Duration::from_secs(2);
/// How often it is said again that the certificate ends.
const DAY: Duration = Duration::from_secs(86_400);
/// A device that opened a session within this time is active, in ms.
const ACTIVE_MS: u64 = 7 * 86_400_000;

/// Notices what the administrator's commands changed in another process, and whether the store answers at all.
pub(crate) async fn store(app: Arc<App>) {
    let mut known: Option<(u64, u64)> = None;
    let mut changes = app.changes.subscribe();
    let mut interval = ticks(STORE);
    loop {
        let is_ours = tokio::select! {
            _ = interval.tick() => false,
            change = changes.recv() => match change {
                Ok(change) if *change == Change::Directory => true,
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => continue,
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
        };
        let begun = Instant::now();
        let look = tokio::task::spawn_blocking({
            let app = Arc::clone(&app);
            move || {
                let changes = app.home.store.foreign_changes()?;
                app.note_format(app.home.store.format()?);
                let version = app.home.store.register()?.directory.version;
                app.refresh()?;
                Ok::<_, StoreError>((changes, version))
            }
        });
        match look.await {
            Ok(Ok(now)) => {
                app.readiness.store_answered();
                app.metrics.store_took("look", begun);
                if let Some(before) = known.filter(|before| before.0 != now.0) {
                    app.tell(if before.1 == now.1 {
                        Change::Anything
                    } else {
                        Change::Directory
                    });
                }
                known = Some(now);
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, is_ours, ms = begun.elapsed().as_millis() as u64, "could not look for changes")
            }
            Err(error) => tracing::error!(%error, "looking for changes failed"),
        }
    }
}

/// Tries whether evidence can be reached, and takes the figures that are told to Prometheus.
pub(crate) async fn seldom(app: Arc<App>) {
    let mut interval = ticks(SELDOM);
    loop {
        interval.tick().await;
        let look = tokio::task::spawn_blocking({
            let app = Arc::clone(&app);
            move || {
                match app.home.evidence.check() {
                    Ok(()) => app.readiness.evidence_answered(),
                    Err(error) => {
                        tracing::warn!(%error, "evidence cannot be reached");
                        // All processes share a bucket. To take each of them out would stop entries too, which go on without it.
                        if !app.home.location.is_folder() {
                            app.readiness.evidence_answered();
                        }
                    }
                }
                match app.home.store.newest_receipt_ms() {
                    Ok(newest_ms) => app.readiness.note_clock(app.now_ms(), newest_ms),
                    Err(error) => tracing::warn!(%error, "could not look at the newest receipt"),
                }
                let since_ms = app.now_ms().saturating_sub(ACTIVE_MS);
                match app.home.store.figures(since_ms) {
                    Ok(figures) => app.metrics.note(figures),
                    Err(error) => tracing::warn!(%error, "could not take figures"),
                }
            }
        });
        if let Err(error) = look.await {
            tracing::error!(%error, "taking figures failed");
        }
    }
}

/// Takes a new certificate when the files change, and reminds of one that ends.
pub(crate) async fn certificate(app: Arc<App>, certificates: Arc<Certificates>) {
    let mut interval = ticks(CERTIFICATE);
    let mut told = Instant::now();
    loop {
        app.metrics.certificate_ends(certificates.validity().to_ms);
        interval.tick().await;
        let now_ms = app.now_ms();
        let looked = tokio::task::spawn_blocking({
            let certificates = Arc::clone(&certificates);
            move || certificates.look(now_ms)
        });
        if let Err(error) = looked.await {
            tracing::error!(%error, "looking at the certificate failed");
        }
        if told.elapsed() >= DAY {
            told = Instant::now();
            tls::tell(certificates.validity(), now_ms);
        }
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
