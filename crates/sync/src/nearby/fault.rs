//! Why two laptops did not exchange, or stopped: a reason that the screens treat differently, and which of the two gave it.

use serde::{Deserialize, Serialize};
use shicha_ledger::LedgerError;

use crate::protocol::BatchFault;

/// Why an exchange did not come about, or ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "NearbyReason"))]
pub enum Reason {
    /// Nothing answers at that address.
    Unreachable,
    /// What answers there is not this program.
    NotALaptop,
    /// The laptop that says it has the older program.
    UpdateHere,
    /// The laptop that says it has the newer program.
    UpdateThere,
    /// The other laptop belongs to another central endpoint.
    OtherEndpoint,
    /// The directory says that the other laptop was revoked, or that its person does not act any more.
    Revoked,
    /// The other laptop does not hold the key of the device that it claims to be.
    WrongKey,
    /// It is this very laptop.
    Itself,
    /// The laptop that says it is exchanging with somebody already.
    Busy,
    /// Too many attempts in a short time.
    TooMany,
    /// A person cancelled.
    Cancelled,
    /// A person said that the digits differ.
    Differs,
    /// Nobody answered in time.
    Timeout,
    /// The line broke.
    Broken,
    /// What came is not what the other laptop's program says.
    Garbage,
    /// The disk is full.
    DiskFull,
    /// The ledger could not be read or written.
    Storage,
}

/// An exchange that did not come about, or ended early. What was taken in until then stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason:?} ({}): {detail}", if *.is_there { "there" } else { "here" })]
pub struct NearbyFault {
    /// Why.
    pub reason: Reason,
    /// Whether the other laptop said so.
    pub is_there: bool,
    /// For the log.
    pub detail: String,
}

impl NearbyFault {
    /// A fault that was found here.
    pub(super) fn here(reason: Reason, detail: impl ToString) -> Self {
        Self {
            reason,
            is_there: false,
            detail: detail.to_string(),
        }
    }

    /// What the other laptop said when it ended the session.
    pub(super) fn there(reason: Reason) -> Self {
        Self {
            reason,
            is_there: true,
            detail: String::new(),
        }
    }

    /// What came is none of what could come here.
    pub(super) fn garbage(detail: impl ToString) -> Self {
        Self::here(Reason::Garbage, detail)
    }
}

impl From<std::io::Error> for NearbyFault {
    fn from(error: std::io::Error) -> Self {
        Self::here(Reason::Broken, error)
    }
}

impl From<BatchFault> for NearbyFault {
    fn from(fault: BatchFault) -> Self {
        Self::garbage(fault)
    }
}

impl From<LedgerError> for NearbyFault {
    fn from(error: LedgerError) -> Self {
        let reason = match &error {
            LedgerError::DiskFull => Reason::DiskFull,
            LedgerError::Withheld | LedgerError::BadBytes(_) => Reason::Garbage,
            _ => Reason::Storage,
        };
        Self::here(reason, error)
    }
}
