//! What is counted, for Prometheus.
//!
//! Invariant: labels come from fixed lists (routes, methods, statuses, codes of the protocol), never from what a client sends; nothing
//! here tells of a person or a device.

use std::sync::{Arc, atomic::AtomicU64};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use super::{App, ready};
use crate::{log::LOST, store::Appended};

/// From one millisecond to a quarter of an hour.
const SECONDS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0,
    900.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    pushes: Family<Outcome, Counter>,
    entries: Family<Outcome, Counter>,
    pulled: Counter,
    bytes: Family<Call, Counter>,
    store: Family<Call, Histogram>,
    slowed: Family<Call, Counter>,
    heavy_wait: Histogram,
    pub(crate) event_streams: Gauge,
    pub(crate) connections: Gauge,
    is_ready: Gauge,
    store_bytes: Gauge,
    devices: Gauge,
    devices_active: Gauge,
    certificate_ends: Gauge<f64, AtomicU64>,
}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("shicha");
        registry.register(
            "build",
            "The version that runs.",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        let metrics = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            pushes: Family::default(),
            entries: Family::default(),
            pulled: Counter::default(),
            bytes: Family::default(),
            store: Family::new_with_constructor(histogram),
            slowed: Family::default(),
            heavy_wait: histogram(),
            event_streams: Gauge::default(),
            connections: Gauge::default(),
            is_ready: Gauge::default(),
            store_bytes: Gauge::default(),
            devices: Gauge::default(),
            devices_active: Gauge::default(),
            certificate_ends: Gauge::default(),
            registry: Registry::default(),
        };
        let r = &mut registry;
        r.register(
            "requests",
            "Requests that were answered.",
            metrics.requests.clone(),
        );
        let s = Unit::Seconds;
        r.register_with_unit(
            "request",
            "Time until an answer began.",
            s.clone(),
            metrics.seconds.clone(),
        );
        r.register(
            "pushes",
            "Pushes by what came of them: held, fork, gap.",
            metrics.pushes.clone(),
        );
        r.register(
            "entries",
            "Entries that were sent: new, or the code of the refusal.",
            metrics.entries.clone(),
        );
        r.register(
            "entries_pulled",
            "Entries that were given out.",
            metrics.pulled.clone(),
        );
        r.register(
            "bytes",
            "Bytes of batches and evidence, in and out.",
            metrics.bytes.clone(),
        );
        r.register_with_unit(
            "store",
            "Time that the store took.",
            s.clone(),
            metrics.store.clone(),
        );
        r.register(
            "slowed_down",
            "Requests that were told to wait.",
            metrics.slowed.clone(),
        );
        r.register_with_unit(
            "heavy_wait",
            "Time that a push or a pull waited for its turn.",
            s,
            metrics.heavy_wait.clone(),
        );
        r.register(
            "log_lines_lost",
            "Lines of the log that could not be written.",
            LOST.clone(),
        );
        r.register(
            "event_streams",
            "Open event streams.",
            metrics.event_streams.clone(),
        );
        r.register(
            "connections",
            "Open connections.",
            metrics.connections.clone(),
        );
        r.register(
            "ready",
            "1 while new work may be sent here.",
            metrics.is_ready.clone(),
        );
        r.register(
            "store_bytes",
            "Size of the store.",
            metrics.store_bytes.clone(),
        );
        r.register(
            "devices",
            "Devices that may take part.",
            metrics.devices.clone(),
        );
        r.register(
            "devices_active",
            "Of these, those that opened a session within 7 days.",
            metrics.devices_active.clone(),
        );
        r.register(
            "certificate_ends_timestamp_seconds",
            "When the certificate ends; 0 without one.",
            metrics.certificate_ends.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }

    pub(super) fn answered(&self, route: &str, method: &axum::http::Method, status: u16, s: f64) {
        use axum::http::Method;
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PATCH => "PATCH",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let route = route.to_owned();
        self.seconds
            .get_or_create(&Route {
                route: route.clone(),
            })
            .observe(s);
        self.requests
            .get_or_create(&Answered {
                route,
                method,
                status,
            })
            .inc();
    }

    /// What came of a push, with the entries that were taken in and those that were refused, by code.
    pub(super) fn appended(&self, appended: &Appended) {
        let outcome = match appended {
            Appended::Held(_) => "held",
            Appended::Fork { .. } => "fork",
            Appended::Gap { .. } => "gap",
        };
        self.pushes
            .get_or_create_owned(&Outcome {
                outcome: outcome.to_owned(),
            })
            .inc();
        let Appended::Held(held) = appended else {
            return;
        };
        let entries = |outcome: &str| {
            self.entries.get_or_create_owned(&Outcome {
                outcome: outcome.to_owned(),
            })
        };
        if held.new > 0 {
            entries("new").inc_by(held.new);
        }
        for (_, code) in &held.refused {
            entries(code).inc();
        }
    }

    pub(super) fn gave(&self, entries: u64) {
        self.pulled.inc_by(entries);
    }

    pub(super) fn bytes(&self, call: &'static str, bytes: u64) {
        self.bytes.get_or_create(&Call { call }).inc_by(bytes);
    }

    pub(crate) fn store_took(&self, call: &'static str, since: std::time::Instant) {
        self.store
            .get_or_create(&Call { call })
            .observe(since.elapsed().as_secs_f64());
    }

    pub(super) fn slowed(&self, call: &'static str) {
        self.slowed.get_or_create(&Call { call }).inc();
    }

    pub(super) fn waited(&self, since: std::time::Instant) {
        self.heavy_wait.observe(since.elapsed().as_secs_f64());
    }

    /// What a look at the store found.
    pub(crate) fn note(&self, figures: crate::store::Figures) {
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.store_bytes.set(gauge(figures.bytes));
        self.devices.set(gauge(figures.devices));
        self.devices_active.set(gauge(figures.devices_active));
    }

    pub(crate) fn certificate_ends(&self, ms: u64) {
        self.certificate_ends.set(ms as f64 / 1_000.0);
    }
}

/// `/metrics`, and the questions of life beside it: for a listener of its own that the devices do not reach.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(&app))
        .merge(ready::router(app))
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.metrics.is_ready.set(i64::from(app.lacks().is_none()));
    let mut text = String::new();
    if let Err(error) = encode(&mut text, &app.metrics.registry) {
        tracing::error!(%error, "metrics cannot be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        text,
    )
        .into_response()
}
