//! The application without a window: what is opened, who works here, and how a call finds its handler.
//!
//! Invariant: a call is either answered or refused with a code; nothing that a screen sends can stop the application. The database
//! is opened at most once, and synchronisation runs exactly while the ledger is open and enrolled.

use std::{path::PathBuf, sync::Arc};

use parking_lot::{Mutex, RwLock};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use shicha_ledger::{Identity, Ledger};
use shicha_sync::client::{Clock, Worker};
use tokio::sync::{broadcast, watch};

use crate::{
    around,
    calls::calls,
    desk::Desk,
    error::{ApiError, ErrorCode},
    handlers,
    host::Host,
    made::Made,
    names::Names,
    packs::Packs,
    parcels::Parcels,
    prefs::Prefs,
    rosters::Rosters,
    schema::*,
    undo::Undone as UndoMarks,
    updates::{UpdateConfig, Updates, Version},
    uploads::Uploads,
};

/// Events that a slow listener may be behind before it is told that it missed some.
const EVENTS_KEPT: usize = 1024;

/// What a host gives the application.
pub struct AppConfig {
    /// Folder for everything that is kept.
    pub data_dir: PathBuf,
    /// Folders with fonts for Chinese documents, before those of the system.
    pub font_dirs: Vec<PathBuf>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// What this computer is called; suggested at enrolment.
    pub label: String,
    /// The desktop around.
    pub host: Arc<dyn Host>,
}

/// Bytes of evidence or of a made file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes {
    /// Media type.
    pub mime: String,
    /// The bytes asked for.
    pub bytes: Vec<u8>,
    /// Length of the whole.
    pub total: u64,
}

/// The application. Cheap to clone, safe to share.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: AppConfig,
    pub(crate) events: broadcast::Sender<HostEvent>,
    pub(crate) prefs: Prefs,
    pub(crate) packs: Packs,
    pub(crate) made: Made,
    pub(crate) uploads: Uploads,
    pub(crate) rosters: Rosters,
    pub(crate) parcels: Parcels,
    pub(crate) undone: UndoMarks,
    pub(crate) updates: Updates,
    /// How many calls are under way.
    pub(crate) calls: watch::Sender<usize>,
    pub(crate) fonts: std::sync::OnceLock<shicha_papers::fonts::Fonts>,
    pub(crate) worker: Mutex<Option<Worker>>,
    pub(crate) nearby: tokio::sync::Mutex<handlers::nearby::Around>,
    opened: RwLock<Option<Opened>>,
}

/// An opened ledger.
#[derive(Clone)]
struct Opened {
    ledger: Ledger,
    salvage: Option<Salvage>,
    enrolled: Option<Enrolled>,
}

/// Who works here, and everybody that they know of.
#[derive(Clone)]
pub(crate) struct Enrolled {
    pub(crate) me: Arc<Identity>,
    pub(crate) names: Arc<Names>,
}

impl App {
    /// Prepares the application, and opens the ledger when the system's credential store has its key. Must be called within a Tokio
    /// runtime.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn new(config: AppConfig) -> Result<Self, ApiError> {
        let running = Version::of_this_program().map_err(|error| {
            ApiError::new(ErrorCode::Internal).with("detail", error.to_string())
        })?;
        Self::with_updates(
            config,
            UpdateConfig {
                key: None,
                platform: None,
                running,
                installer: None,
            },
        )
    }

    /// [`Self::new`] for a host that takes updates of the application.
    ///
    /// # Errors
    /// As there.
    pub fn with_updates(config: AppConfig, updates: UpdateConfig) -> Result<Self, ApiError> {
        let no_folder = |error: std::io::Error| {
            ApiError::new(ErrorCode::Storage)
                .with("detail", format!("{}: {error}", config.data_dir.display()))
        };
        std::fs::create_dir_all(&config.data_dir).map_err(no_folder)?;
        let prefs = Prefs::load(&config.data_dir);
        let made = Made::new(&config.data_dir);
        let parcels = Parcels::new(&config.data_dir);
        let updates = Updates::new(&config.data_dir, updates);
        updates.settle(config.clock.now_ms());
        let app = Self(Arc::new(Inner {
            events: broadcast::Sender::new(EVENTS_KEPT),
            prefs,
            packs: Packs::default(),
            made,
            uploads: Uploads::default(),
            rosters: Rosters::default(),
            parcels,
            undone: UndoMarks::default(),
            updates,
            calls: watch::Sender::new(0),
            fonts: std::sync::OnceLock::new(),
            worker: Mutex::new(None),
            nearby: tokio::sync::Mutex::default(),
            opened: RwLock::new(None),
            config,
        }));
        tokio::spawn(handlers::updates::follow(Arc::downgrade(&app.0)));
        handlers::setup::open_by_keychain(&app)?;
        Ok(app)
    }

    /// Answers a call by its name.
    ///
    /// # Errors
    /// A code for the screens, and values for its text.
    pub async fn call(&self, name: &str, request: Value) -> Result<Value, ApiError> {
        let _under_way = UnderWay::enter(&self.0.calls);
        macro_rules! dispatch {
            (
                app { $($app:ident: $app_request:ty => $app_response:ty,)* }
                desk { $($desk:ident: $desk_request:ty => $desk_response:ty,)* }
            ) => {
                match name {
                    $(stringify!($app) => {
                        let response: $app_response = handlers::$app(self, read::<$app_request>(request)?).await?;
                        written(&response)
                    })*
                    $(stringify!($desk) => {
                        let request: $desk_request = read(request)?;
                        let desk = self.desk()?;
                        blocking(move || {
                            let response: $desk_response = handlers::$desk(&desk, request)?;
                            written(&response)
                        })
                        .await
                    })*
                    _ => Err(ApiError::bad_request("no such call")),
                }
            };
        }
        let answer = calls!(dispatch);
        if let Err(error) = &answer {
            // Not its values: they hold what was typed, names and paths.
            tracing::info!(call = name, code = ?error.code, "refused");
        }
        answer
    }

    /// What happens without being asked for.
    pub fn events(&self) -> broadcast::Receiver<HostEvent> {
        self.0.events.subscribe()
    }

    /// Notes that a package file was opened from outside the window, with an absolute path. The screens look at it when they are ready.
    pub fn open_package(&self, path: PathBuf) {
        self.0.parcels.opened(path);
        self.emit(HostEvent::Opened {});
    }

    /// Whether the application stays beside the clock when its window is closed.
    pub fn stays(&self) -> bool {
        self.0.config.host.has_tray() && self.0.prefs.stays()
    }

    /// Whether a person wants to be told things outside the window.
    pub fn notices(&self) -> bool {
        self.0.prefs.notices()
    }

    /// The language of the screens, `zh-CN` or `en`.
    pub fn language(&self) -> String {
        self.0.prefs.language()
    }

    /// Looks once at what [`Self::keep_watch`] watches.
    #[doc(hidden)]
    pub async fn look_around(&self) {
        around::look(self).await;
    }

    /// From now on notices by itself that the network changed or the computer woke up, and what is due. Must be called within a Tokio
    /// runtime; ends with the application.
    pub fn keep_watch(&self) {
        around::begin(self);
    }

    /// Evidence by the hash of its original: `original`, `thumb`, `preview` or an edge in pixels. `range` is a stretch `from..to`.
    /// Blocks while the bytes are read.
    ///
    /// # Errors
    /// When it is not here, or is no picture where one is asked for.
    pub fn evidence(
        &self,
        hash: &str,
        variant: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Bytes, ApiError> {
        let hash = hash.parse().map_err(ApiError::bad_request)?;
        handlers::evidence::bytes(&self.ledger()?, hash, variant, range)
    }

    /// A file that a handler made.
    ///
    /// # Errors
    /// When there is none under that token.
    pub fn file(&self, token: &str) -> Result<Bytes, ApiError> {
        self.0.made.bytes(token)
    }

    /// The window is up and a screen has spoken to the core. Whoever watches over an update is told so. Blocks for a moment.
    pub fn came_up(&self) {
        match self.0.updates.came_up(self.now_ms()) {
            Ok(false) => {}
            Ok(true) => match handlers::updates::view(self) {
                Ok(view) => self.emit(HostEvent::Update { view }),
                Err(error) => tracing::warn!(%error, "the screens were not told of an update"),
            },
            Err(error) => {
                tracing::error!(%error, "it could not be written down that the program came up");
            }
        }
    }

    /// Ends synchronisation and closes the ledger. What was under way goes on at the next start.
    pub async fn shutdown(&self) {
        handlers::nearby::end(self).await;
        let worker = self.0.worker.lock().take();
        if let Some(worker) = worker {
            worker.stop().await;
        }
        let ending = self.clone();
        // Copies what was written since, where an update is about to be installed.
        let copied = blocking(move || {
            handlers::updates::copy_again(&ending);
            Ok(())
        });
        if let Err(error) = copied.await {
            tracing::error!(%error, "the copy for an update was not looked at again");
        }
        *self.0.opened.write() = None;
        self.0.made.clear();
        self.0.parcels.clear();
    }

    /// Has synchronisation try at once, where there is any.
    pub fn try_now(&self) {
        if let Some(worker) = self.0.worker.lock().as_ref() {
            worker.sync_now();
        }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.0.config.clock.now_ms()
    }

    pub(crate) fn emit(&self, event: HostEvent) {
        // Nobody listening is no fault: a screen reads the state when it opens.
        let _ = self.0.events.send(event);
    }

    pub(crate) fn ledger(&self) -> Result<Ledger, ApiError> {
        let opened = self.0.opened.read();
        opened
            .as_ref()
            .map(|opened| opened.ledger.clone())
            .ok_or(ApiError::new(ErrorCode::NotReady))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.opened.read().is_some()
    }

    pub(crate) fn salvage(&self) -> Option<Salvage> {
        self.0.opened.read().as_ref()?.salvage.clone()
    }

    pub(crate) fn enrolled(&self) -> Option<Enrolled> {
        self.0.opened.read().as_ref()?.enrolled.clone()
    }

    /// What a handler works with.
    pub(crate) fn desk(&self) -> Result<Desk, ApiError> {
        let opened = self.0.opened.read();
        let not_ready = || ApiError::new(ErrorCode::NotReady);
        let opened = opened.as_ref().ok_or_else(not_ready)?;
        let enrolled = opened.enrolled.clone().ok_or_else(not_ready)?;
        Ok(Desk::new(self.clone(), opened.ledger.clone(), enrolled))
    }

    /// Takes an opened ledger in.
    pub(crate) fn set_open(&self, ledger: Ledger, salvage: Option<Salvage>) {
        *self.0.opened.write() = Some(Opened {
            ledger,
            salvage,
            enrolled: None,
        });
    }

    /// Reads again who works here and whom they know of: after enrolment, and whenever synchronisation changed it.
    pub(crate) fn read_identity(&self) -> Result<(), ApiError> {
        let ledger = self.ledger()?;
        let Some(me) = ledger.identity()? else {
            return Ok(());
        };
        let enrolled = Enrolled {
            names: Arc::new(Names::new(ledger.directory()?)),
            me: Arc::new(me),
        };
        if let Some(opened) = self.0.opened.write().as_mut() {
            opened.enrolled = Some(enrolled);
        }
        Ok(())
    }
}

/// A call that is under way until this is dropped.
struct UnderWay<'a>(&'a watch::Sender<usize>);

impl<'a> UnderWay<'a> {
    fn enter(calls: &'a watch::Sender<usize>) -> Self {
        calls.send_modify(|calls| *calls += 1);
        Self(calls)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls -= 1);
    }
}

/// Runs what reads or writes the disk away from the threads that carry the calls.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ApiError::new(ErrorCode::Internal).with("detail", error.to_string())),
    }
}

fn read<T: DeserializeOwned>(request: Value) -> Result<T, ApiError> {
    let request = if request.is_null() {
        Value::Object(Map::new())
    } else {
        request
    };
    serde_json::from_value(request).map_err(ApiError::bad_request)
}

fn written<T: Serialize>(response: &T) -> Result<Value, ApiError> {
    serde_json::to_value(response)
        .map_err(|error| ApiError::new(ErrorCode::Internal).with("detail", error.to_string()))
}
