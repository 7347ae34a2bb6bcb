//! What synchronisation does now, and how a round tells of it.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    command::Command,
    error::{SyncError, SyncErrorCode},
};

/// What synchronisation does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing is under way.
    #[default]
    Idle,
    /// Trying to reach the server.
    Connecting,
    /// Sending entries.
    Pushing,
    /// Fetching entries.
    Pulling,
    /// Sending evidence.
    Uploading,
    /// Fetching evidence.
    Downloading,
    /// The server cannot be reached; it is tried again by itself.
    Offline,
    /// A person has to do something; see the error.
    NeedsAttention,
}

/// An error as the screens get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncFault {
    /// What they tell it apart by.
    pub code: SyncErrorCode,
    /// Values for the words.
    pub params: Value,
}

impl From<&SyncError> for SyncFault {
    fn from(error: &SyncError) -> Self {
        Self {
            code: error.code(),
            params: error.params(),
        }
    }
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovedKind {
    /// Entries were delivered.
    Pushed,
    /// Entries were fetched.
    Pulled,
    /// A file of evidence was delivered.
    Uploaded,
    /// A file of evidence was fetched.
    Downloaded,
    /// A block of document numbers was lent.
    Numbers,
    /// The directory was fetched.
    Directory,
    /// The server refused entries.
    Refused,
    /// The device goes on under a new identity; `count` entries were written again.
    Forked,
    /// Something could not be moved this time.
    Skipped,
}

impl MovedKind {
    /// The word under which it stands in the ledger's log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Pulled => "pulled",
            Self::Uploaded => "uploaded",
            Self::Downloaded => "downloaded",
            Self::Numbers => "numbers",
            Self::Directory => "directory",
            Self::Refused => "refused",
            Self::Forked => "forked",
            Self::Skipped => "skipped",
        }
    }
}

/// One thing that was moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// When, Unix ms by this computer's clock.
    pub at_ms: u64,
    /// What.
    pub kind: MovedKind,
    /// How many.
    pub count: u64,
    /// How many bytes on the wire.
    pub bytes: u64,
}

/// The state of synchronisation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncState {
    /// What it does now.
    pub phase: Phase,
    /// Entries that the server does not have yet.
    pub waiting_entries: u64,
    /// Files of evidence that the server does not have yet.
    pub waiting_blobs: u64,
    /// Their bytes still to go.
    pub waiting_bytes: u64,
    /// Bytes per second now, both ways; 0 when nothing moves.
    pub bytes_per_s: u64,
    /// What the administrator ordered this device, which was revoked, to do.
    #[serde(skip)]
    pub command: Option<Command>,
    /// When a round last ended well, Unix ms by this computer's clock.
    pub last_success_ms: Option<u64>,
    /// What went wrong last; `None` once a round has ended well.
    pub last_error: Option<SyncFault>,
    /// When it is tried again by itself, Unix ms; `None` while a round is under way, or when trying again cannot help.
    pub next_try_ms: Option<u64>,
    /// How far this computer's clock is ahead of the server's, ms.
    pub clock_ahead_ms: Option<i64>,
    /// What was moved lately, newest first, at most 20.
    pub moved: VecDeque<Moved>,
}

impl SyncState {
    /// How many things that were moved are remembered here; the ledger's log has more.
    pub const MOVED: usize = 20;
}

/// What a round tells while it goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// What is done now.
    Phase(Phase),
    /// Bytes went over the wire, either way.
    Bytes(u64),
    /// Something was moved, durably.
    Moved(Moved),
    /// How far this computer's clock is ahead, ms.
    ClockAhead(i64),
}

/// Bytes per second over the last few seconds.
#[derive(Debug, Default)]
pub(super) struct Speed {
    lately: VecDeque<(Instant, u64)>,
}

impl Speed {
    const WINDOW: Duration = Duration::from_secs(4);

    pub(super) fn add(&mut self, now: Instant, bytes: u64) {
        self.lately.push_back((now, bytes));
    }

    pub(super) fn bytes_per_s(&mut self, now: Instant) -> u64 {
        while self
            .lately
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > Self::WINDOW)
        {
            self.lately.pop_front();
        }
        let bytes: u64 = self.lately.iter().map(|(_, bytes)| bytes).sum();
        let since = self
            .lately
            .front()
            .map_or(Duration::ZERO, |(at, _)| now.duration_since(*at));
        // What came within a blink says nothing of a speed yet: counted over half a second at least.
        (bytes as f64 / since.as_secs_f64().max(0.5)) as u64
    }
}
