//! Errors as they cross to the screens: a code that the screens treat differently, and values for the text.
//!
//! The words, Chinese and English, with what is safe and what to do, stand in the screens' language files; nobody matches on text.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use ts_rs::TS;

/// What the screens are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The call does not exist or its request does not fit it.
    BadRequest,
    /// The call needs an opened database or an enrolment first.
    NotReady,
    /// No such record, file or pack here.
    NotFound,
    /// The role does not allow it.
    NotAllowed,
    /// The record is signed; its content is frozen.
    Frozen,
    /// The content changed since the screen showed it.
    Stale,
    /// Something is missing before it can be signed.
    Incomplete,
    /// A value that its field cannot hold.
    BadValue,
    /// Passphrase wrong.
    WrongPassphrase,
    /// Passphrase too short.
    WeakPassphrase,
    /// The system has no credential store.
    NoKeychain,
    /// The database is encrypted with another key than the one that is kept for it.
    WrongKey,
    /// The database belongs to a newer version.
    NewerDatabase,
    /// Another process has the database open.
    DatabaseInUse,
    /// The disk is full.
    DiskFull,
    /// The database could not be read or written.
    Storage,
    /// This computer was enrolled by files and knows no address of the central endpoint.
    NoAddress,
    /// The central endpoint cannot be reached.
    Unreachable,
    /// What answers at that address is no central endpoint.
    NotAServer,
    /// The central endpoint's key is not the one that was confirmed.
    UnknownServer,
    /// What is asked contradicts what is there; `reason` says how.
    Contradiction,
    /// Not the code that opens this locked computer.
    BadUnlockCode,
    /// Enrolment code unknown, used or expired.
    BadCode,
    /// This device was revoked.
    Revoked,
    /// Client and central endpoint speak different versions.
    VersionMismatch,
    /// The central endpoint refused or failed.
    ServerRefused,
    /// The central endpoint gave answers that contradict each other.
    ServerUntrustworthy,
    /// An empty file.
    EmptyFile,
    /// A file larger than allowed.
    FileTooLarge,
    /// A file that cannot be read or is not what it claims to be.
    BadFile,
    /// A file protected by a password.
    ProtectedFile,
    /// A file that is no package.
    NotAPackage,
    /// A package that was made by a newer version.
    NewerPackage,
    /// A package that was cut off or altered.
    DamagedPackage,
    /// A package whose sender did not sign it, or that holds what none may hold.
    PackageNotGenuine,
    /// A package for somebody else.
    PackageForAnother,
    /// A package of somebody who is not known here or may not take part any more.
    PackageFromUnknown,
    /// The central endpoint did not take a package; `reason` says why.
    PackageRefused,
    /// A file that is not the card of a central endpoint, or was altered.
    NotACard,
    /// A file that does not answer this computer's request for a place.
    NotTheAnswer,
    /// An update that is not taken or cannot be installed now; `reason` says why.
    UpdateRefused,
    /// Nobody to make a package for.
    UnknownRecipient,
    /// A person stopped it.
    Stopped,
    /// The system did not do what it was asked; `detail` says why.
    System,
    /// No font for Chinese documents.
    NoFont,
    /// A fault of this software.
    Internal,
}

/// An error as it crosses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ApiError {
    /// What the screens are told apart by.
    pub code: ErrorCode,
    /// Values for the text.
    #[ts(type = "Record<string, unknown>")]
    pub params: Value,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.code, self.params)
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// An error without values.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            params: Value::Object(Map::new()),
        }
    }

    /// Adds a value for the text.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(map) = &mut self.params {
            map.insert(key.to_owned(), value.into());
        }
        self
    }

    /// A request that does not fit its call.
    pub fn bad_request(detail: impl std::fmt::Display) -> Self {
        Self {
            code: ErrorCode::BadRequest,
            params: json!({ "detail": detail.to_string() }),
        }
    }
}
