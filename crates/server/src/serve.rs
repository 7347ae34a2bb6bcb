//! Running the endpoints: listening, one task for each connection, and an orderly end.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{body::Body, extract::Request, response::IntoResponse as _};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown, Watcher},
};
use ipnet::IpNet;
use shicha_sync::Random;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tower::ServiceExt as _;

use crate::{
    home::{DATABASE_FILE, Home, HomeError, Place, now_ms},
    http::{App, Life, Limits, Line, Peer, aside_router, metrics_router, router, until_sent},
    linger::Lingering,
    places::Seat,
    serving::Serving,
    store::{MIGRATIONS, Migration, damage_mark, sqlite},
    sweep,
    tls::{Certificates, TlsError, TlsFiles},
    watch as look,
};

/// How long a client may take over its request line and headers, or be silent between requests.
const HEADER_TIME: Duration = Duration::from_secs(20);
/// How long a connection lasts that found no place, and how long it may take over its headers.
const ASIDE_TIME: Duration = Duration::from_secs(5);
/// How long requests that are under way may go on when the server closes.
const CLOSING_TIME: Duration = Duration::from_secs(10);
/// How long a connection over which nothing is asked or answered is still open when the server closes.
const IDLE_TIME: Duration = Duration::from_secs(1);
/// How long a client may take to agree on TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// The clock: Unix ms. A parameter so that tests can let an hour pass.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How to serve.
#[derive(Clone)]
pub struct Config {
    /// Where the data are.
    pub place: Place,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The clock.
    pub clock: Clock,
    /// The formats of the store that this program knows.
    pub migrations: &'static [Migration],
    /// Where identities and challenges come from.
    pub random: Random,
    /// The certificate to serve with; plain HTTP without one.
    pub tls: Option<TlsFiles>,
    /// Proxies whose word is taken for the address of a client.
    pub proxies: Vec<IpNet>,
    /// Where Prometheus may ask.
    pub metrics_listen: Option<SocketAddr>,
    /// How often one device or address may ask.
    pub limits: Limits,
    /// How long requests are still taken after it was said that no more should be sent here.
    pub drain: Duration,
}

impl Config {
    /// Serves by the system's clock.
    pub fn new(place: impl Into<Place>, listen: SocketAddr) -> Self {
        Self {
            place: place.into(),
            listen,
            clock: Arc::new(now_ms),
            migrations: MIGRATIONS,
            random: Random::system(),
            tls: None,
            proxies: Vec::new(),
            metrics_listen: None,
            limits: Limits::default(),
            drain: Duration::ZERO,
        }
    }
}

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The address cannot be listened at.
    #[error("cannot listen at {addr}: {source}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The certificate cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A server that runs. Dropping it lets it run on; [`Running::shutdown`] ends it.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where Prometheus may ask.
    pub metrics_addr: Option<SocketAddr>,
    /// The fingerprint of its key.
    pub fingerprint: String,
    certificates: Option<Arc<Certificates>>,
    clock: Clock,
    leaving: Arc<AtomicBool>,
    drain: Duration,
    closing: watch::Sender<bool>,
    serving: JoinHandle<()>,
    /// Let go only when all work on the folder has ended.
    _folder: Option<Serving>,
}

impl Running {
    /// Its address for clients.
    pub fn url(&self) -> String {
        let scheme = if self.certificates.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.addr)
    }

    /// Looks at the files of the certificate now. It is done every few seconds anyway.
    pub async fn reload_certificate(&self) {
        if let Some(certificates) = self.certificates.clone() {
            let now_ms = (self.clock)();
            let looked = tokio::task::spawn_blocking(move || certificates.look(now_ms));
            if let Err(error) = looked.await {
                tracing::error!(%error, "looking at the certificate failed");
            }
        }
    }

    /// Says that it is not ready any more, and goes on for as long as [`Config::drain`] says. Then takes no more connections, lets requests under way end for a while, and closes. The data folder is then in nobody's hands: it can
    /// be moved or replaced.
    pub async fn shutdown(self) {
        self.leaving.store(true, Ordering::SeqCst);
        if !self.drain.is_zero() {
            tracing::info!("not ready any more; closing soon");
            tokio::time::sleep(self.drain).await;
        }
        // Fails only when the server has ended already.
        let _ended = self.closing.send(true);
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the server ended badly");
        }
        // Whoever works with the store listens for the closing for as long.
        if tokio::time::timeout(CLOSING_TIME, self.closing.closed())
            .await
            .is_err()
        {
            tracing::warn!("work on the data folder has not ended");
        }
    }
}

/// Opens the data folder and serves it.
///
/// # Errors
/// When there is no whole central endpoint in the folder, another process serves it, the certificate cannot be served, or the address is
/// taken.
pub async fn serve(config: Config) -> Result<Running, ServeError> {
    let (closing, is_closing) = watch::channel(false);
    let leaving = Arc::new(AtomicBool::new(false));
    let opened = tokio::task::spawn_blocking({
        let (config, leaving) = (config.clone(), Arc::clone(&leaving));
        let is_closing = is_closing.clone();
        move || -> Result<(App, Option<Certificates>, Option<Serving>), ServeError> {
            let now_ms = (config.clock)();
            let certificates = config
                .tls
                .clone()
                .map(|files| Certificates::open(files, now_ms))
                .transpose()?;
            // Before the store is opened, which may migrate it. Where there is none, no file is left either.
            let dir = &config.place.dir;
            let folder = if config.place.database.is_none() && dir.join(DATABASE_FILE).is_file() {
                let claimed = claim(dir)?;
                look_at_damage(&dir.join(DATABASE_FILE))?;
                Some(claimed)
            } else {
                None
            };
            let home = Home::open_as(config.place.clone(), config.migrations)?;
            let life = Life {
                clock: config.clock,
                random: config.random,
                proxies: config.proxies,
                limits: config.limits,
            };
            let app = App::start(home, life, leaving, is_closing).map_err(HomeError::from)?;
            Ok((app, certificates, folder))
        }
    });
    let (app, certificates, folder) = match opened.await {
        Ok(opened) => opened?,
        Err(error) => {
            let source = std::io::Error::other(error);
            return Err(HomeError::Io {
                path: config.place.dir,
                source,
            }
            .into());
        }
    };
    let (app, certificates) = (Arc::new(app), certificates.map(Arc::new));
    let (listener, addr) = listen(config.listen).await?;
    let metrics = match config.metrics_listen {
        None => None,
        Some(addr) => Some(listen(addr).await?),
    };
    let fingerprint = app.home.signer.fingerprint();
    tracing::info!(%addr, is_encrypted = certificates.is_some(), "serving");
    let metrics_addr = metrics.as_ref().map(|(_, addr)| *addr);
    let clock = Arc::clone(&app.clock);
    let serving = tokio::spawn({
        let folder = folder.clone();
        let listening = Listening {
            listener,
            metrics: metrics.map(|(listener, _)| listener),
            certificates: certificates.clone(),
        };
        async move {
            run(listening, app, is_closing).await;
            drop(folder);
        }
    });
    Ok(Running {
        addr,
        metrics_addr,
        fingerprint,
        certificates,
        clock,
        leaving,
        drain: config.drain,
        closing,
        serving,
        _folder: folder,
    })
}

fn claim(dir: &Path) -> Result<Serving, HomeError> {
    match Serving::begin(dir) {
        Ok(Some(serving)) => Ok(serving),
        Ok(None) => Err(HomeError::InUse(dir.to_owned())),
        Err(source) => Err(HomeError::Io {
            path: dir.to_owned(),
            source,
        }),
    }
}

/// Where an earlier process met damage, the database is gone through before it is served again.
fn look_at_damage(path: &Path) -> Result<(), HomeError> {
    let mark = damage_mark(path);
    if !mark.exists() {
        return Ok(());
    }
    match sqlite::inspect::inspect(path)?.damage {
        Some(what) => Err(HomeError::Damaged {
            path: path.to_owned(),
            what,
        }),
        None => std::fs::remove_file(&mark).map_err(|source| HomeError::Io { path: mark, source }),
    }
}

async fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let at = |source| ServeError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(at)?;
    let addr = listener.local_addr().map_err(at)?;
    Ok((listener, addr))
}

struct Listening {
    listener: TcpListener,
    metrics: Option<TcpListener>,
    certificates: Option<Arc<Certificates>>,
}

async fn run(listening: Listening, app: Arc<App>, mut is_closing: watch::Receiver<bool>) {
    let answering = Answering {
        full: router(Arc::clone(&app)),
        aside: aside_router(Arc::clone(&app)),
        certificates: listening.certificates.clone(),
        closing: is_closing.clone(),
    };
    let graceful = GracefulShutdown::new();
    let (cut, is_cut) = watch::channel(false);
    let places = app.places();
    let mut aside = tokio::task::JoinSet::new();
    aside.spawn(look::store(Arc::clone(&app)));
    aside.spawn(look::seldom(Arc::clone(&app)));
    aside.spawn(sweep::daily(Arc::clone(&app)));
    if let Some(certificates) = &listening.certificates {
        aside.spawn(look::certificate(
            Arc::clone(&app),
            Arc::clone(certificates),
        ));
    }
    if let Some(listener) = listening.metrics {
        let service = metrics_router(Arc::clone(&app));
        aside.spawn(async move {
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "metrics are not served any more");
            }
        });
    }
    let listener = listening.listener;
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, or a connection that was gone at once: neither is a reason to stop.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = closed(&mut is_closing) => break,
        };
        let seat = places.take(peer.ip());
        let (watcher, answering) = (graceful.watcher(), answering.clone());
        let (app, mut is_cut) = (Arc::clone(&app), is_cut.clone());
        tokio::spawn(async move {
            app.metrics.connections.inc();
            tokio::select! {
                () = answering.answer(stream, peer, seat, watcher) => {}
                () = closed(&mut is_cut) => {}
            }
            app.metrics.connections.dec();
        });
    }
    drop(listener);
    aside.shutdown().await;
    if tokio::time::timeout(CLOSING_TIME, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests that did not end are cut off");
    }
    drop(is_cut);
    // Fails only when no connection is left.
    let _none_left = cut.send(true);
    cut.closed().await;
    tracing::info!("closed");
}

/// What connections are answered with.
#[derive(Clone)]
struct Answering {
    full: axum::Router,
    aside: axum::Router,
    certificates: Option<Arc<Certificates>>,
    closing: watch::Receiver<bool>,
}

impl Answering {
    /// Answers one client until it goes away. Clients go away all the time.
    async fn answer(self, stream: TcpStream, peer: SocketAddr, seat: Seat, watcher: Watcher) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        match seat {
            full @ Seat::Full { .. } => {
                let line = Served {
                    peer,
                    router: self.full,
                    closing: self.closing,
                    header_time: HEADER_TIME,
                    keeps: true,
                };
                converse(stream, self.certificates, line, watcher).await;
                drop(full);
            }
            Seat::Aside(mut ends) => {
                let line = Served {
                    peer,
                    router: self.aside,
                    closing: self.closing,
                    header_time: ASIDE_TIME,
                    keeps: false,
                };
                tokio::select! {
                    () = converse(stream, self.certificates, line, watcher) => {}
                    () = tokio::time::sleep(ASIDE_TIME) => {}
                    _ = &mut ends => {}
                }
            }
        }
    }
}

/// How one connection is served.
struct Served {
    peer: SocketAddr,
    router: axum::Router,
    closing: watch::Receiver<bool>,
    header_time: Duration,
    /// Whether it may be used for more than one request.
    keeps: bool,
}

async fn converse(
    stream: TcpStream,
    certificates: Option<Arc<Certificates>>,
    served: Served,
    watcher: Watcher,
) {
    let (asked, asking) = watch::channel(0_usize);
    let closing = served.closing.clone();
    let conversation = async move {
        match certificates {
            None => watcher.watch(connection(stream, served, asked)).await,
            Some(certificates) => {
                let agreed = certificates.acceptor().accept(stream);
                match tokio::time::timeout(HANDSHAKE_TIME, agreed).await {
                    Ok(Ok(stream)) => watcher.watch(connection(stream, served, asked)).await,
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "a client did not agree on TLS");
                        Ok(())
                    }
                    Err(_elapsed) => Ok(()),
                }
            }
        }
    };
    tokio::select! {
        ended = conversation => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = idle_at_the_end(closing, asking) => {}
    }
}

/// Waits until the server closes and nothing has been asked or answered for a moment: whoever began to ask and said no more would be
/// waited for otherwise.
async fn idle_at_the_end(mut closing: watch::Receiver<bool>, mut asking: watch::Receiver<usize>) {
    closed(&mut closing).await;
    loop {
        // An error means that the connection is gone, or was none yet.
        let _gone = asking.wait_for(|asking| *asking == 0).await.is_err();
        tokio::time::sleep(IDLE_TIME).await;
        if *asking.borrow() == 0 {
            return;
        }
    }
}

/// A request that is being answered.
struct Asking(watch::Sender<usize>);

impl Asking {
    fn begin(asked: &watch::Sender<usize>) -> Self {
        asked.send_modify(|asking| *asking += 1);
        Self(asked.clone())
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.send_modify(|asking| *asking -= 1);
    }
}

/// Waits until the server is to close.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that whoever could say so is gone, which says the same.
    let _gone = closing.wait_for(|closing| *closing).await.is_err();
}

fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    served: Served,
    asked: watch::Sender<usize>,
) -> impl GracefulConnection<Error = hyper::Error> + Send + 'static {
    let Served {
        peer,
        router,
        closing,
        header_time,
        keeps,
    } = served;
    let line = Line::default();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer.ip()));
        request.extensions_mut().insert(line.clone());
        let (router, asking) = (router.clone(), Asking::begin(&asked));
        async move {
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => never.into_response(),
            };
            let answer = response.map(|body| until_sent(body, asking));
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .keep_alive(keeps)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(Lingering::new(stream, closing)), service)
}
