//! Closing: the window goes at once, the program when everything typed is durable and the core has ended.
//!
//! Nothing depends on this: text is durable while it is typed. It only spares the next start some work.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use shicha_api::App;
use tauri::{AppHandle, Manager as _};

/// How long calls must have been absent before the screens count as settled.
const QUIET: Duration = Duration::from_millis(150);
/// The longest that closing may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is under way.
#[derive(Default)]
pub(crate) struct Closing {
    has_begun: AtomicBool,
    under_way: AtomicUsize,
}

/// A call that is under way until this is dropped.
pub(crate) struct UnderWay<'a>(&'a AtomicUsize);

impl Closing {
    /// A call begins.
    pub(crate) fn enter(&self) -> UnderWay<'_> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(&self.under_way)
    }

    /// Whether the program is about to end.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    fn is_quiet(&self) -> bool {
        self.under_way.load(Ordering::SeqCst) == 0
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Begins to close; asking again changes nothing.
pub(crate) fn begin(handle: &AppHandle) {
    if handle
        .state::<Closing>()
        .has_begun
        .swap(true, Ordering::SeqCst)
    {
        return;
    }
    tracing::info!("closing");
    put_away(handle);
    let handle = handle.clone();
    tauri::async_runtime::spawn(async move {
        if tokio::time::timeout(PATIENCE, settle(&handle))
            .await
            .is_err()
        {
            tracing::warn!("closing took too long");
        }
        handle.exit(0);
    });
}

/// Takes the window off the screen; the program goes on.
pub(crate) fn put_away(handle: &AppHandle) {
    for window in handle.webview_windows().values() {
        // The screens bring in what is being typed when their page goes.
        let flushed = window.eval("window.dispatchEvent(new Event('pagehide'))");
        if let Err(error) = flushed.and_then(|()| window.hide()) {
            tracing::warn!(%error, "the window did not hear that it closes");
        }
    }
}

async fn settle(handle: &AppHandle) {
    let closing = handle.state::<Closing>();
    let mut quiet_since = Instant::now();
    let mut tick = tokio::time::interval(QUIET / 10);
    while quiet_since.elapsed() < QUIET {
        tick.tick().await;
        if !closing.is_quiet() {
            quiet_since = Instant::now();
        }
    }
    if let Some(core) = handle.try_state::<App>() {
        core.shutdown().await;
    }
}

/// Closes in order when the system asks the program to end.
pub(crate) fn on_signals(handle: AppHandle) {
    tauri::async_runtime::spawn(async move {
        match asked_to_end().await {
            Ok(()) => begin(&handle),
            Err(error) => tracing::warn!(%error, "signals are not heard"),
        }
    });
}

#[cfg(unix)]
async fn asked_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn asked_to_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_counts_as_under_way_until_it_ends() {
        let closing = Closing::default();
        let first = closing.enter();
        let second = closing.enter();
        drop(first);
        assert!(!closing.is_quiet());
        drop(second);
        assert!(closing.is_quiet());
    }
}
