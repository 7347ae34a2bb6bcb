//! What can go wrong between a ledger and its central endpoint, told apart as a person has to act on it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shicha_ledger::LedgerError;

use super::transport::TransportFault;
use crate::protocol::{BatchFault, CodeFault, Problem, ProblemCode, RETRY_AFTER_S};

/// No word of a server keeps a device silent for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// What the screens tell errors of synchronisation apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncErrorCode {
    /// The address is none.
    BadAddress,
    /// The server cannot be reached; tried again by itself.
    Offline,
    /// What answers at the address is no central endpoint.
    NotAServer,
    /// The server's key is not the pinned one; nothing was sent.
    UnknownServer,
    /// The enrolment code was not copied correctly.
    MistypedCode,
    /// The enrolment code is unknown, used or expired.
    BadCode,
    /// Too many attempts; wait.
    SlowDown,
    /// The device was revoked. What is on it stays on it.
    Revoked,
    /// The two sides speak different versions.
    Version,
    /// The server has no space left.
    ServerFull,
    /// The server refused something, or failed.
    ServerRefused,
    /// The server's answers contradict each other, or what it signed.
    Untrustworthy,
    /// The ledger here could not be read or written.
    Ledger,
    /// This computer is not enrolled.
    NotEnrolled,
}

/// An error of synchronisation.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The address is none.
    #[error("not the address of a server: {reason}")]
    BadAddress {
        /// Why not.
        reason: String,
    },
    /// Nothing came back.
    #[error("the server cannot be reached: {0}")]
    Transport(#[from] TransportFault),
    /// What answers is no central endpoint.
    #[error("what answers is no central endpoint: {reason}")]
    NotAServer {
        /// How that shows.
        reason: String,
    },
    /// The server has another key than the pinned one.
    #[error("the server's key is not the one that was confirmed")]
    UnknownServer,
    /// The enrolment code has a typing error.
    #[error(transparent)]
    Code(#[from] CodeFault),
    /// The server said that it cannot answer.
    #[error("the server answered {}: {} ({})", .0.code.as_str(), .0.detail, .0.request_id)]
    Problem(Box<Problem>),
    /// The server contradicts itself.
    #[error("the server cannot be trusted: {what}")]
    Untrustworthy {
        /// How that shows.
        what: String,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// This computer is not enrolled.
    #[error("this computer is not enrolled")]
    NotEnrolled,
    /// A part of this program failed.
    #[error("synchronisation failed: {0}")]
    Internal(String),
}

impl SyncError {
    pub(super) fn untrustworthy(what: impl Into<String>) -> Self {
        Self::Untrustworthy { what: what.into() }
    }

    /// What the screens tell it apart by.
    pub fn code(&self) -> SyncErrorCode {
        match self {
            Self::BadAddress { .. } => SyncErrorCode::BadAddress,
            Self::Transport(TransportFault::Unreachable(_)) => SyncErrorCode::Offline,
            Self::Transport(TransportFault::TooLarge) | Self::NotAServer { .. } => {
                SyncErrorCode::NotAServer
            }
            Self::UnknownServer => SyncErrorCode::UnknownServer,
            Self::Code(_) => SyncErrorCode::MistypedCode,
            Self::Problem(problem) => match problem.code {
                ProblemCode::BadCode => SyncErrorCode::BadCode,
                ProblemCode::SlowDown => SyncErrorCode::SlowDown,
                ProblemCode::Revoked => SyncErrorCode::Revoked,
                ProblemCode::Version => SyncErrorCode::Version,
                ProblemCode::NoSpace => SyncErrorCode::ServerFull,
                // The server is there but cannot now: as good as not reached.
                ProblemCode::Unavailable | ProblemCode::Timeout => SyncErrorCode::Offline,
                _ => SyncErrorCode::ServerRefused,
            },
            Self::Untrustworthy { .. } => SyncErrorCode::Untrustworthy,
            Self::Ledger(_) | Self::Internal(_) => SyncErrorCode::Ledger,
            Self::NotEnrolled => SyncErrorCode::NotEnrolled,
        }
    }

    /// Values for the words on the screens.
    pub fn params(&self) -> Value {
        match self {
            Self::Problem(problem) => json!({
                "problem": problem.code,
                "request_id": problem.request_id,
                "action": problem.extra.get("action"),
                "server_software": problem.extra.get("software"),
            }),
            other => json!({ "detail": other.to_string() }),
        }
    }

    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem
                .extra
                .get(RETRY_AFTER_S)
                .and_then(Value::as_u64)
                .map(|s| Duration::from_secs(s).min(LONGEST_WAIT)),
            _ => None,
        }
    }

    /// Whether there is nobody to go on with: the line broke, or whoever answers is not the server or wants nothing from this device now.
    pub(super) fn ends_all(&self) -> bool {
        match self {
            // One answer that did not come in time, or was more than is taken, says nothing of the others.
            Self::Transport(TransportFault::TooLarge) => false,
            Self::Problem(problem) if problem.code == ProblemCode::Timeout => false,
            other => matches!(
                other.code(),
                SyncErrorCode::Offline
                    | SyncErrorCode::NotAServer
                    | SyncErrorCode::UnknownServer
                    | SyncErrorCode::SlowDown
                    | SyncErrorCode::Revoked
                    | SyncErrorCode::Version
                    | SyncErrorCode::NotEnrolled
            ),
        }
    }

    /// Whether it concerns more than the one thing that was being moved: going on with the step is of no use.
    pub(super) fn ends_round(&self) -> bool {
        matches!(
            self.code(),
            SyncErrorCode::Offline
                | SyncErrorCode::NotAServer
                | SyncErrorCode::UnknownServer
                | SyncErrorCode::Revoked
                | SyncErrorCode::Version
                | SyncErrorCode::ServerFull
        )
    }

    /// Whether a person has to do something before trying again can help.
    pub fn needs_person(&self) -> bool {
        !matches!(
            self.code(),
            SyncErrorCode::Offline
                | SyncErrorCode::ServerRefused
                | SyncErrorCode::ServerFull
                | SyncErrorCode::SlowDown
        )
    }
}

impl From<BatchFault> for SyncError {
    fn from(fault: BatchFault) -> Self {
        Self::untrustworthy(fault.to_string())
    }
}
