//! The log: one file a day in the data folder, the oldest removed, and panics told before anything else.
//!
//! Invariant: no personal data. Only this software's own messages are kept below warnings, and none of them names a person, a subject
//! or what was recorded.

use std::{backtrace::Backtrace, panic, path::Path};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{notice, notice::Fault};

const KEPT_DAYS: usize = 14;
const FILTER: &str = "warn,shicha=info,shicha_shell=info,shicha_api=info,shicha_sync=info,shicha_ledger=info,shicha_papers=info";

/// Starts logging into a folder.
pub(crate) fn start(folder: &Path) -> Result<(), Fault> {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("shicha")
        .filename_suffix("log")
        .max_log_files(KEPT_DAYS)
        .build(folder)
        .map_err(|error| Fault::Log(error.to_string()))?;
    let stderr =
        cfg!(debug_assertions).then(|| fmt::layer().compact().with_writer(std::io::stderr));
    tracing_subscriber::registry()
        .with(EnvFilter::try_from_env("SHICHA_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER)))
        .with(fmt::layer().with_ansi(false).with_writer(file))
        .with(stderr)
        .try_init()
        .map_err(|error| Fault::Log(error.to_string()))?;
    log_panics();
    Ok(())
}

fn log_panics() {
    let earlier = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        // The message may quote what was recorded; the place says enough.
        tracing::error!(place, backtrace = %Backtrace::force_capture(), "panic");
        earlier(info);
        notice::panicked(&place);
    }));
}
