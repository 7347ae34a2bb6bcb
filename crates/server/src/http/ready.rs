//! Whether the process lives, and whether it can serve: for supervisors of processes and for load balancers, without a secret.
//!
//! Nothing is asked of the store for a question from outside: what the regular look at it found is answered, as long as it is fresh. So
//! a store that hangs shows, and nobody can wear it out by asking.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use parking_lot::Mutex;
use shicha_domain::bounds;

use super::App;

/// How old the last good look at the store may be. It is looked at each second.
const FRESH: Duration = Duration::from_secs(5);
/// The same of evidence, which is looked at less often.
const EVIDENCE_FRESH: Duration = Duration::from_secs(60);

/// What the last looks found.
pub(crate) struct Readiness {
    store: Mutex<Instant>,
    evidence: Mutex<Instant>,
    /// The clock lies too far behind the newest receipt, so that no entries are taken.
    is_clock_behind: AtomicBool,
    /// Set before the server closes, so that no new work is sent to it.
    leaving: Arc<AtomicBool>,
}

impl Readiness {
    /// Of a process that has just opened its data.
    pub(crate) fn new(leaving: Arc<AtomicBool>) -> Self {
        Self {
            store: Mutex::new(Instant::now()),
            evidence: Mutex::new(Instant::now()),
            is_clock_behind: AtomicBool::new(false),
            leaving,
        }
    }

    pub(crate) fn store_answered(&self) {
        *self.store.lock() = Instant::now();
    }

    pub(crate) fn evidence_answered(&self) {
        *self.evidence.lock() = Instant::now();
    }

    /// Notes how the clock stands against the newest receipt; both Unix ms.
    pub(crate) fn note_clock(&self, now_ms: u64, newest_receipt_ms: u64) {
        let is_behind = bounds::received(now_ms, newest_receipt_ms, 0).is_none();
        if is_behind && !self.is_clock_behind.swap(is_behind, Ordering::SeqCst) {
            tracing::error!(
                now_ms,
                newest_receipt_ms,
                "the clock lies behind the newest receipt"
            );
        }
        self.is_clock_behind.store(is_behind, Ordering::SeqCst);
    }

    /// Why it is not ready; nothing when it is.
    pub(crate) fn lacks(&self, is_outgrown: bool, is_damaged: bool) -> Option<&'static str> {
        if self.leaving.load(Ordering::SeqCst) {
            Some("closing")
        } else if is_outgrown {
            Some("too old for the store")
        } else if is_damaged {
            Some("the database is damaged")
        } else if self.store.lock().elapsed() > FRESH {
            Some("the store does not answer")
        } else if self.evidence.lock().elapsed() > EVIDENCE_FRESH {
            Some("evidence cannot be reached")
        } else if self.is_clock_behind.load(Ordering::SeqCst) {
            Some("the clock is behind the newest receipt")
        } else {
            None
        }
    }
}

/// `/healthz` and `/readyz`, in plain text.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || plain(StatusCode::OK, "ok")))
        .route("/readyz", get(ready))
        .with_state(app)
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.lacks() {
        None => plain(StatusCode::OK, "ready"),
        Some(what) => plain(StatusCode::SERVICE_UNAVAILABLE, what),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, text).into_response()
}
