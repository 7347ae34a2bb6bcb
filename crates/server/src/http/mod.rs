//! The endpoints: who may call them, how much they read, and what they answer.
//!
//! Invariant: whatever arrives, the answer is a reply or a problem with a request id; bodies and times are bounded before anything
//! is done with them; blocking work is done off the threads that serve connections.

mod admin;
mod blobs;
mod control;
mod entries;
mod events;
mod fault;
mod guard;
mod heard;
mod limit;
mod metrics;
mod noting;
mod openapi;
mod packages;
mod proxy;
mod rate;
mod ready;
mod session;
mod updates;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Extension, Router, extract::DefaultBodyLimit, http::StatusCode, middleware};
use ipnet::IpNet;
use shicha_domain::{Channel, DeviceId};
use shicha_sync::{
    Random,
    protocol::{MAX_BATCH_BODY, MAX_JSON_BODY, MAX_PULL_REQUEST},
};
use tokio::sync::{Semaphore, broadcast, watch};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    home::Home,
    serve::Clock,
    store::{Format, Register, StoreError},
};

pub(crate) use control::{enrol_newcomer, info, lend, new_identity};
pub(crate) use entries::take_push;
pub(crate) use fault::Fault;
pub(crate) use metrics::router as metrics_router;
pub(crate) use proxy::Peer;
pub use rate::{Limits, Rate};

/// How much is worked on at a time, in the weight of a small push.
const HEAVY: usize = 36;
/// The weight of a pull or of a large push, which may take a few times 32 MiB.
const LARGE: u32 = 6;
/// KiB of events in pushes that were read and wait for the disk, beyond those that are worked on.
const QUEUED: u32 = 96 << 10;
/// How many pushes these are at most: twice as many as the store writes together, so that the next are there when it is done.
const MOST_QUEUED: u32 = 256;
/// The body of a small push has at most this many bytes: an inspection with all its answers has a tenth of it.
const SMALL_BODY: usize = 64 << 10;

/// What all endpoints share.
pub(crate) struct App {
    pub(crate) home: Home,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) changes: broadcast::Sender<Arc<Change>>,
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) readiness: ready::Readiness,
    pub(crate) metrics: metrics::Metrics,
    sessions: session::Sessions,
    attempts: limit::Attempts,
    proxies: Vec<IpNet>,
    devices: rate::Buckets<DeviceId>,
    evidence: rate::Buckets<DeviceId>,
    addresses: rate::Buckets<IpAddr>,
    heavy: Arc<Semaphore>,
    /// Pushes that are read at a time.
    reading: Arc<Semaphore>,
    queued: Arc<Semaphore>,
    heard: heard::Heard,
    noting: noting::Noting,
    /// The directory as the event streams know it.
    register: parking_lot::RwLock<Arc<Register>>,
    /// A newer program changed the store so that this one must not touch it any more.
    is_outgrown: AtomicBool,
}

/// What an instance is given beside its data.
pub(crate) struct Life {
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    /// Proxies whose word is taken for the address of a client.
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) limits: Limits,
}

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A device brought new entries for these channels.
    Entries {
        channels: Vec<Channel>,
        by: Option<DeviceId>,
    },
    /// Another process changed something.
    Anything,
    /// The directory changed.
    Directory,
}

impl App {
    /// Begins a life of the endpoint. May block.
    pub(crate) fn start(
        home: Home,
        life: Life,
        leaving: Arc<AtomicBool>,
        closing: watch::Receiver<bool>,
    ) -> Result<Self, StoreError> {
        let Life {
            clock,
            random,
            proxies,
            limits,
        } = life;
        if home.store.begin_life(random.id_at(clock()), clock())? {
            tracing::warn!("restored from a backup: the devices send again what it lacks");
        }
        let register = home.store.register()?;
        // As many as there are processors, so that whoever writes what was read need not wait for one; where another process writes it,
        // most of the time goes by waiting for that.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let reading = processors * if home.store.has_queue() { 1 } else { 8 };
        Ok(Self {
            sessions: session::Sessions::new(&home, &random),
            home,
            clock,
            random,
            readiness: ready::Readiness::new(leaving),
            metrics: metrics::Metrics::new(),
            proxies,
            devices: rate::Buckets::new(limits.device),
            evidence: rate::Buckets::new(limits.evidence),
            addresses: rate::Buckets::new(limits.address),
            changes: broadcast::channel(256).0,
            closing,
            attempts: limit::Attempts::default(),
            heavy: Arc::new(Semaphore::new(HEAVY)),
            reading: Arc::new(Semaphore::new(reading)),
            queued: Arc::new(Semaphore::new(QUEUED as usize)),
            heard: heard::Heard::default(),
            noting: noting::Noting::default(),
            register: parking_lot::RwLock::new(register),
            is_outgrown: AtomicBool::new(false),
        })
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Notes what became of the store's format while this program serves it.
    pub(crate) fn note_format(&self, format: Format) {
        let is_outgrown = !format.is_fit();
        if is_outgrown && !self.is_outgrown.swap(true, Ordering::SeqCst) {
            let Format { found, known, .. } = format;
            tracing::error!(
                found,
                known,
                "a newer program took the store over; this one must be replaced"
            );
        }
    }

    /// Whether requests may touch the store.
    pub(crate) fn is_outgrown(&self) -> bool {
        self.is_outgrown.load(Ordering::SeqCst)
    }

    /// Why no new work should be sent here; nothing when it may.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        self.readiness
            .lacks(self.is_outgrown(), self.home.store.is_damaged())
    }

    /// Reads the directory again for the event streams.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        *self.register.write() = self.home.store.register()?;
        Ok(())
    }

    fn known_register(&self) -> Arc<Register> {
        Arc::clone(&self.register.read())
    }

    /// Tells the event streams.
    pub(crate) fn tell(&self, change: Change) {
        // No stream may be open; then nobody needs to know.
        let _nobody = self.changes.send(Arc::new(change));
    }
}

/// What handlers are given.
pub(crate) type Shared = Arc<App>;

/// All endpoints. One that is added says what it takes and answers with `#[utoipa::path]`; a test finds those that do not.
pub(crate) fn router(app: Shared) -> Router {
    let batches = OpenApiRouter::new()
        .routes(routes!(entries::push))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BODY));
    let pulls = OpenApiRouter::new()
        .routes(routes!(entries::pull))
        .layer(DefaultBodyLimit::max(MAX_PULL_REQUEST));
    let blobs = OpenApiRouter::new()
        .routes(routes!(blobs::fetch, blobs::state, blobs::send))
        .layer(DefaultBodyLimit::disable());
    let packages = OpenApiRouter::new()
        .routes(routes!(packages::take))
        .layer(DefaultBodyLimit::disable());
    let control = OpenApiRouter::new()
        .routes(routes!(openapi::describe))
        .routes(routes!(control::server))
        .routes(routes!(control::enrol))
        .routes(routes!(control::challenge))
        .routes(routes!(control::session))
        .routes(routes!(control::identity))
        .routes(routes!(control::directory))
        .routes(routes!(control::numbers))
        .routes(routes!(events::stream))
        .routes(routes!(updates::which))
        .routes(routes!(updates::fetch))
        .routes(routes!(control::obeyed))
        .layer(DefaultBodyLimit::max(MAX_JSON_BODY));
    let (router, api) = OpenApiRouter::with_openapi(openapi::begin())
        .merge(batches)
        .merge(pulls)
        .merge(blobs)
        .merge(packages)
        .merge(control)
        .merge(admin::router())
        .split_for_parts();
    let contract = Arc::new(openapi::Contract::new(&api));
    router
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(Extension(Arc::clone(&contract)))
        .layer(middleware::from_fn_with_state(
            (Shared::clone(&app), contract),
            guard::guard,
        ))
        .with_state(Arc::clone(&app))
        .merge(ready::router(app))
}
