//! Running the endpoints: listening, one task for each connection, and an orderly end.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{body::Body, extract::Request, response::IntoResponse as _};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use shicha_sync::Random;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};
use tower::ServiceExt as _;

use crate::{
    home::{Home, HomeError, Place, now_ms},
    http::{App, Change, Peer, router},
    store::{MIGRATIONS, Migration},
    sweep,
};

/// How long a client may take over its request line and headers, or be silent between requests.
const HEADER_TIME: Duration = Duration::from_secs(20);
/// Open connections. Each device needs two: one for its requests, one for the event stream.
const MAX_CONNECTIONS: usize = 4_096;
/// How long requests that are under way may go on when the server closes.
const CLOSING_TIME: Duration = Duration::from_secs(10);
/// How often it is asked whether the administrator's commands changed something.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

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
}

/// A server that runs. Dropping it lets it run on; [`Running::shutdown`] ends it.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// The fingerprint of its key.
    pub fingerprint: String,
    closing: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Running {
    /// Its address for clients.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Takes no more connections, lets requests under way end for a while, and closes. The data folder is then in nobody's hands: it can
    /// be moved or replaced.
    pub async fn shutdown(self) {
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
/// When there is no central endpoint in the folder, or the address is taken.
pub async fn serve(config: Config) -> Result<Running, ServeError> {
    let place = config.place.clone();
    let (closing, is_closing) = watch::channel(false);
    let opened = tokio::task::spawn_blocking({
        let is_closing = is_closing.clone();
        move || -> Result<App, HomeError> {
            let home = Home::open_as(place, config.migrations)?;
            Ok(App::start(home, config.clock, config.random, is_closing)?)
        }
    });
    let app = match opened.await {
        Ok(app) => Arc::new(app?),
        Err(error) => {
            let source = std::io::Error::other(error);
            return Err(HomeError::Io {
                path: config.place.dir,
                source,
            }
            .into());
        }
    };
    let at = |source| ServeError::Listen {
        addr: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(at)?;
    let addr = listener.local_addr().map_err(at)?;
    let fingerprint = app.home.signer.fingerprint();
    tracing::info!(%addr, "serving");
    let serving = tokio::spawn(run(listener, app, is_closing));
    Ok(Running {
        addr,
        fingerprint,
        closing,
        serving,
    })
}

async fn run(listener: TcpListener, app: Arc<App>, mut is_closing: watch::Receiver<bool>) {
    let service = router(Arc::clone(&app));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let sweeping = tokio::spawn(sweep::daily(Arc::clone(&app)));
    let watching = tokio::spawn(watch_store(app));
    loop {
        // Waiting for a place before accepting leaves the surplus in the system's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
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
        let connection = graceful.watch(connection(stream, peer, service.clone()));
        tokio::spawn(async move {
            // Clients go away all the time.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    watching.abort();
    sweeping.abort();
    if tokio::time::timeout(CLOSING_TIME, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests that did not end were cut off");
    }
    tracing::info!("closed");
}

/// Waits until the server is to close.
pub(crate) async fn closed(closing: &mut watch::Receiver<bool>) {
    // An error means that whoever could say so is gone, which says the same.
    let _gone = closing.wait_for(|closing| *closing).await.is_err();
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: axum::Router,
) -> impl GracefulConnection<Error = hyper::Error> + Send + 'static {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move {
            Ok::<_, std::convert::Infallible>(match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => never.into_response(),
            })
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
}

/// Notices what the administrator's commands changed in another process.
async fn watch_store(app: Arc<App>) {
    let mut known: Option<(u64, u64)> = None;
    let mut changes = app.changes.subscribe();
    let mut interval = tokio::time::interval(WATCH_INTERVAL);
    loop {
        let is_ours = tokio::select! {
            _ = interval.tick() => false,
            change = changes.recv() => match change {
                Ok(change) if *change == Change::Directory => true,
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => continue,
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
        };
        let begun = Instant::now();
        let look = tokio::task::spawn_blocking({
            let app = Arc::clone(&app);
            move || {
                let changes = app.home.store.foreign_changes()?;
                app.note_format(app.home.store.format()?);
                let version = app.home.store.register()?.directory.version;
                app.refresh()?;
                Ok::<_, crate::store::StoreError>((changes, version))
            }
        });
        match look.await {
            Ok(Ok(now)) => {
                if let Some(before) = known.filter(|before| before.0 != now.0) {
                    app.tell(if before.1 == now.1 {
                        Change::Anything
                    } else {
                        Change::Directory
                    });
                }
                known = Some(now);
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, is_ours, ms = begun.elapsed().as_millis() as u64, "could not look for changes")
            }
            Err(error) => tracing::error!(%error, "looking for changes failed"),
        }
    }
}
