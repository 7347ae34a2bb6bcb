//! The endpoints: who may call them, how much they read, and what they answer.
//!
//! Invariant: whatever arrives, the answer is a reply or a problem with a request id; bodies and times are bounded before anything
//! is done with them; blocking work is done off the threads that serve connections.

mod admin;
mod awaiting;
mod blobs;
mod bodies;
mod control;
mod entries;
mod events;
mod fault;
mod guard;
mod heard;
mod known;
mod limit;
mod line;
mod metrics;
mod noting;
mod openapi;
mod packages;
mod proxy;
mod rate;
mod ready;
mod session;
mod share;
mod updates;
mod work;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Extension, Router, http::StatusCode, middleware};
use ipnet::IpNet;
use shicha_domain::{Channel, DeviceId, PersonId};
use shicha_sync::{
    Random,
    protocol::{MAX_BATCH_BODY, MAX_JSON_BODY, MAX_PULL_REQUEST},
};
use tokio::sync::{Semaphore, broadcast, watch};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::bodies::{MostBytes, OPEN_BODY};
use crate::{
    home::Home,
    places::Places,
    serve::Clock,
    store::{Format, StoreError},
};

pub(crate) use control::{enrol_newcomer, info, lend, new_identity};
pub(crate) use entries::take_push;
pub(crate) use fault::Fault;
pub(crate) use line::{Line, until_sent};
pub(crate) use metrics::router as metrics_router;
pub(crate) use proxy::{Peer, is_trusted, network};
pub use rate::{Connections, Limits, Rate};
pub(crate) use share::{Share, Shares};

/// Event streams of one device.
const STREAMS: usize = 2;
/// KiB of events in pushes that were read and wait for the disk, beyond those that are worked on.
const QUEUED: u32 = 96 << 10;
/// How many pushes these are at most: twice as many as the store writes together, so that the next are there when it is done.
const MOST_QUEUED: u32 = 256;

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
    connections: Connections,
    /// The connections of each device and person.
    lines: line::Lines,
    /// The event streams of each device.
    streams: share::Newest<DeviceId>,
    bodies: bodies::Bodies,
    parcels: packages::Parcels,
    awaiting: awaiting::Awaiting,
    work: work::Work,
    /// Pushes that are read at a time.
    reading: Arc<Semaphore>,
    queued: Arc<Semaphore>,
    heard: heard::Heard,
    noting: noting::Noting,
    /// The directory as this process knows it.
    known: watch::Sender<Arc<known::Known>>,
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
    /// Somebody has what these people wrote.
    Seen { people: Vec<PersonId> },
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
        let known = known::Known::of(home.store.register()?);
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
            connections: limits.connections,
            lines: line::Lines::new(limits.connections.device, limits.connections.person),
            streams: share::Newest::new(STREAMS),
            bodies: bodies::Bodies::new(),
            parcels: packages::Parcels::new(processors),
            awaiting: awaiting::Awaiting::new(),
            changes: broadcast::channel(256).0,
            closing,
            attempts: limit::Attempts::default(),
            work: work::Work::new(),
            reading: Arc::new(Semaphore::new(reading)),
            queued: Arc::new(Semaphore::new(QUEUED as usize)),
            heard: heard::Heard::default(),
            noting: noting::Noting::default(),
            known: watch::Sender::new(Arc::new(known)),
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

    /// Reads the directory again. May block.
    pub(crate) fn refresh(&self) -> Result<(), StoreError> {
        let register = self.home.store.register()?;
        if register.directory.version != self.known().version() {
            self.known
                .send_replace(Arc::new(known::Known::of(register)));
        }
        Ok(())
    }

    /// The directory as this process knows it.
    fn known(&self) -> Arc<known::Known> {
        Arc::clone(&self.known.borrow())
    }

    /// Somebody changed the directory here: whoever is out by it hears nothing more from now on. May block.
    fn directory_changed(&self) {
        if let Err(error) = self.refresh() {
            // It is read again in a moment.
            tracing::warn!(%error, "could not read the directory that was changed");
        }
        self.tell(Change::Directory);
    }

    /// The places of the listener for devices.
    pub(crate) fn places(&self) -> Places {
        let Connections { all, address, .. } = self.connections;
        Places::new(all, address, self.proxies.clone())
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
        .layer(Extension(MostBytes(MAX_BATCH_BODY)));
    let pulls = OpenApiRouter::new()
        .routes(routes!(entries::pull))
        .layer(Extension(MostBytes(MAX_PULL_REQUEST)));
    // They read their bodies themselves, piece by piece.
    let streamed = OpenApiRouter::new()
        .routes(routes!(blobs::fetch, blobs::state, blobs::send))
        .routes(routes!(packages::take));
    let open = OpenApiRouter::new()
        .routes(routes!(openapi::describe))
        .routes(routes!(control::server))
        .routes(routes!(control::enrol))
        .routes(routes!(control::challenge))
        .routes(routes!(control::session))
        .routes(routes!(control::obeyed))
        .layer(Extension(MostBytes(OPEN_BODY)));
    let control = OpenApiRouter::new()
        .routes(routes!(control::identity))
        .routes(routes!(control::directory))
        .routes(routes!(control::numbers))
        .routes(routes!(events::stream))
        .routes(routes!(updates::which))
        .routes(routes!(updates::fetch))
        .layer(Extension(MostBytes(MAX_JSON_BODY)));
    let (router, api) = OpenApiRouter::with_openapi(openapi::begin())
        .merge(batches)
        .merge(pulls)
        .merge(streamed)
        .merge(open)
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

/// What a connection is answered that found no place: the questions of health, and that the rest is to come again.
pub(crate) fn aside_router(app: Shared) -> Router {
    Router::new()
        .fallback({
            let app = Shared::clone(&app);
            async move || {
                app.metrics.slowed("connections");
                let detail = "too many connections, of this address or in all";
                guard::refused(&app, Fault::slow_down(session::BUSY_S, detail))
            }
        })
        .merge(ready::router(app))
}
