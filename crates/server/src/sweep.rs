//! Clearing away evidence that somebody began to send and nobody went on with.
//!
//! Invariant: only parts are thrown away, and a part is never counted as held. The device has the original until all of it was taken
//! and sends from the start, so that a clock that is wrong, or several processes that sweep at once, cost time and nothing else.

use std::{sync::Arc, time::Duration};

use tokio::time::MissedTickBehavior;

use crate::http::App;

/// How long a file that is on its way may get no byte: longer than a laptop is away on leave.
const ABANDONED_AFTER_MS: u64 = 60 * 24 * 3_600_000;
const EVERY: Duration = Duration::from_secs(24 * 3600);

/// Sweeps when the server starts, and each day.
pub(crate) async fn daily(app: Arc<App>) {
    let mut days = tokio::time::interval(EVERY);
    days.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        days.tick().await;
        let swept = tokio::task::spawn_blocking({
            let app = Arc::clone(&app);
            move || {
                let before_ms = app.now_ms().saturating_sub(ABANDONED_AFTER_MS);
                app.home.evidence.sweep(before_ms)
            }
        });
        match swept.await {
            Ok(Ok(swept)) if swept.files > 0 => {
                tracing::info!(
                    files = swept.files,
                    bytes = swept.bytes,
                    "threw away evidence that nobody went on sending"
                );
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "could not look for abandoned evidence"),
            Err(error) => tracing::error!(%error, "looking for abandoned evidence failed"),
        }
    }
}
