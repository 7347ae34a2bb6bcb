//! Waiting for what can be seen.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How long anything may take to show itself. Generous: other builds may run beside.
pub const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Looks until there is something to see.
///
/// # Errors
/// When looking fails, or nothing shows itself within [`PATIENCE`].
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let begin = Instant::now();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    loop {
        tick.tick().await;
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if begin.elapsed() > PATIENCE {
            bail!("waited {} s in vain: {what}", PATIENCE.as_secs());
        }
    }
}

/// Waits for one answer of another program, which may be stuck: no test waits for ever.
///
/// # Errors
/// When the work fails, or is not done after twice [`PATIENCE`].
pub(crate) async fn bounded<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE * 2, work)
        .await
        .with_context(|| format!("{what} gave no answer for {} s", PATIENCE.as_secs() * 2))?
}
