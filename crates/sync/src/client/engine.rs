//! The engine: goes one round of synchronisation.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use shicha_domain::{BlobHash, OrgCode};
use shicha_ledger::Ledger;

use super::{
    ends::Ends,
    error::{SyncError, SyncErrorCode},
    http::HttpTransport,
    pull::Said,
    round::Round,
    session::Session,
    state::Progress,
    transport::Transport,
    update::Offer,
};
use crate::{Random, update::UpdateFolder, work};

/// A clock; a parameter, so that tests can let time pass.
pub trait Clock: Send + Sync {
    /// Unix ms.
    fn now_ms(&self) -> u64;
}

/// This computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64)
    }
}

/// Document numbers that this device should have a stock of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberWant {
    /// Whose numbers.
    pub org: OrgCode,
    /// The word of the document kind, e.g. 应急检记.
    pub word: String,
    /// The year in the number.
    pub year: u16,
}

/// What a round moved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Entries that were delivered.
    pub pushed: u64,
    /// Of these, entries that the server refused.
    pub refused: u64,
    /// Entries that were fetched and new here.
    pub pulled: u64,
    /// Files of evidence that were delivered whole.
    pub uploaded: u64,
    /// Files of evidence that were fetched whole.
    pub downloaded: u64,
    /// Blocks of document numbers that were lent.
    pub numbers: u64,
    /// Whether the directory was fetched.
    pub directory: bool,
    /// Entries that were written again under a new identity, if the ledgers had parted.
    pub forked: Option<u64>,
    /// What could not be moved this time, and held nothing else up.
    pub skipped: Vec<Skipped>,
    /// Bytes over the wire, both ways.
    pub bytes: u64,
    /// Whether there is more to fetch of an update of the application.
    pub update_goes_on: bool,
}

/// Something that could not be moved this time.
#[derive(Debug, Clone, PartialEq)]
pub struct Skipped {
    /// What: a channel's name, a hash, a number word.
    pub what: String,
    /// Why.
    pub code: SyncErrorCode,
    /// In words, for the log.
    pub detail: String,
}

impl Skipped {
    pub(super) fn new(what: impl ToString, error: &SyncError) -> Self {
        Self {
            what: what.to_string(),
            code: error.code(),
            detail: error.to_string(),
        }
    }
}

/// Goes rounds of synchronisation with one central endpoint.
pub struct Engine {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Random,
    pub(super) session: tokio::sync::Mutex<Option<Session>>,
    pub(super) ends: Ends,
    wants: Mutex<Vec<NumberWant>>,
    /// Evidence that could not be moved lately, and until when it is left alone.
    pub(super) resting: Mutex<HashMap<BlobHash, u64>>,
    /// Evidence that was being sent when the line broke: how much of it arrived is asked before more is sent.
    pub(super) interrupted: Mutex<HashSet<BlobHash>>,
    /// What was said last that is held.
    said: Mutex<Said>,
    /// Where updates of the application go; `None`: none are taken.
    pub(super) updates: Option<Arc<UpdateFolder>>,
    pub(super) offer: Mutex<Offer>,
}

impl Engine {
    /// An engine over a transport and a clock.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self {
            transport,
            clock,
            random: Random::system(),
            session: tokio::sync::Mutex::new(None),
            ends: Ends::default(),
            wants: Mutex::new(Vec::new()),
            resting: Mutex::default(),
            interrupted: Mutex::default(),
            said: Mutex::default(),
            updates: None,
            offer: Mutex::default(),
        }
    }

    /// Takes nonces and keys from elsewhere than the system.
    #[must_use]
    pub fn with_random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// An engine over HTTP for the central endpoint that the ledger is enrolled at. Blocks for a moment.
    ///
    /// # Errors
    /// When the ledger is not enrolled or cannot be read.
    pub fn for_ledger(ledger: &Ledger) -> Result<Self, SyncError> {
        let identity = ledger.identity()?.ok_or(SyncError::NotEnrolled)?;
        Ok(Self::new(
            Arc::new(HttpTransport::new(&identity.server_url)?),
            Arc::new(SystemClock),
        ))
    }

    /// Says of which document numbers the device should have a stock. The next round asks for what is short.
    pub fn want_numbers(&self, wants: Vec<NumberWant>) {
        *self.wants.lock().unwrap_or_else(PoisonError::into_inner) = wants;
    }

    pub(super) fn wanted_numbers(&self) -> Vec<NumberWant> {
        self.wants
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Looks at what was said last, or changes it.
    pub(super) fn said<T>(&self, look: impl FnOnce(&mut Said) -> T) -> T {
        look(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Goes one round: everything that waits here goes up, everything that is new there comes down. What cannot be moved is skipped
    /// and told in the outcome; an error ends the round, and what was moved before it stays moved.
    ///
    /// # Errors
    /// When the server cannot be reached, cannot be trusted or refuses this device, or the ledger fails.
    pub async fn sync_once(
        &self,
        ledger: &Ledger,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Outcome, SyncError> {
        Round::new(self, ledger.clone(), progress).await?.go().await
    }
}

/// Does blocking work, as all work on the ledger is, off the threads that wait for the network.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SyncError> + Send + 'static,
) -> Result<T, SyncError> {
    match work::begin(work).await {
        Ok(result) => result,
        Err(error) => Err(SyncError::Internal(error.to_string())),
    }
}
