//! The log: one file a day in the data folder, the oldest removed, and panics told before anything else.
//!
//! Invariant: no personal data. What other people's code would say is not kept, and of what this software says only its own fixed
//! words: messages, codes, versions, counts. The text of an error may hold a path, a name or a number of somebody; of it only the
//! system's code stays. The file enforces this itself, whatever a call passes to it.

use std::{backtrace::Backtrace, fmt::Debug, panic, path::Path};

use tracing::field::{Field, Visit};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{
    EnvFilter,
    field::RecordFields,
    fmt::{self, FormatFields, format::Writer},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{notice, notice::Fault};

const KEPT_DAYS: usize = 14;
const FILTER: &str = "off,shicha=info,shicha_shell=info,shicha_api=info,shicha_sync=info,shicha_ledger=info,shicha_papers=info";

/// Fields that hold only words of this software.
const OWN_WORDS: [&str; 14] = [
    "message",
    "call",
    "code",
    "version",
    "from",
    "to",
    "place",
    "backtrace",
    "kind",
    "fate",
    "status",
    "table",
    "walk",
    "direction",
];

/// Writes of each event what cannot tell of anybody.
struct Discreet;

impl<'writer> FormatFields<'writer> for Discreet {
    fn format_fields<R: RecordFields>(
        &self,
        writer: Writer<'writer>,
        fields: R,
    ) -> std::fmt::Result {
        let mut words = Words {
            writer,
            done: Ok(()),
            is_first: true,
        };
        fields.record(&mut words);
        words.done
    }
}

struct Words<'writer> {
    writer: Writer<'writer>,
    done: std::fmt::Result,
    is_first: bool,
}

impl Words<'_> {
    fn put(&mut self, name: &str, value: &dyn std::fmt::Display) {
        if self.done.is_err() {
            return;
        }
        let gap = if std::mem::take(&mut self.is_first) {
            ""
        } else {
            " "
        };
        self.done = match name {
            "message" => write!(self.writer, "{gap}{value}"),
            name => write!(self.writer, "{gap}{name}={value}"),
        };
    }

    fn text(&mut self, field: &Field, text: &str) {
        if OWN_WORDS.contains(&field.name()) {
            self.put(field.name(), &text);
        } else if let Some(code) = system_code(text) {
            self.put(field.name(), &format_args!("os_error_{code}"));
        }
    }
}

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), &value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), &value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), &value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), &value);
    }
}

/// The number that the system gave for what failed, as the standard library writes it at the end of its texts.
fn system_code(text: &str) -> Option<i32> {
    let (_, rest) = text.rsplit_once("(os error ")?;
    rest.split_once(')')?.0.parse().ok()
}

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
        .with(
            fmt::layer()
                .with_ansi(false)
                .log_internal_errors(false)
                .fmt_fields(Discreet)
                .with_writer(file),
        )
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_line_holds_a_path_a_name_or_a_number_of_somebody() {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = fmt::layer()
            .with_ansi(false)
            .fmt_fields(Discreet)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry()
            .with(EnvFilter::new(FILTER))
            .with(layer);
        let path = "/home/u/李四-320722199001011234.xlsx";
        tracing::subscriber::with_default(subscriber, || {
            let error = io::Error::from_raw_os_error(2);
            let error = format!("{path}: {error}");
            tracing::info!(target: "shicha_api", call = "roster_open", code = ?"NotFound", %error, "refused");
            tracing::warn!(target: "shicha_sync", what = path, detail = path, count = 3_u64, "skipped");
            tracing::error!(target: "shicha_ledger", error = path, path, is_there = true, "a file says nothing");
            tracing::error!(target: "mdns_sd", "{path} answers");
            let span = tracing::info_span!(target: "shicha_api", "call", who = path);
            span.in_scope(|| tracing::info!(target: "shicha_api", "inside"));
        });
        let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        for personal in ["李四", "3207", "/home", "xlsx"] {
            assert!(!log.contains(personal), "{personal} is in\n{log}");
        }
        for line in [
            "refused call=roster_open code=\"NotFound\" error=os_error_2",
            "skipped count=3",
            "a file says nothing is_there=true",
            "inside",
        ] {
            assert!(log.contains(line), "{line} is not in\n{log}");
        }
        assert_eq!(log.lines().count(), 4, "{log}");
    }
}
