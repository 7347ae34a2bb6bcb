//! What can go wrong with the ledger.

use shicha_domain::event::EventFault;

/// An error of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process has the ledger open.
    #[error("another program has the ledger open")]
    InUse,
    /// The database is encrypted with another key; it is left as it is.
    #[error("the database is encrypted with another key")]
    WrongKey,
    /// The database was written by a newer version; it is left as it is.
    #[error("the database has version {found}, newer than {known}")]
    NewerVersion {
        /// Its version.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The disk is full; nothing of the change was kept, everything before it was.
    #[error("the disk is full")]
    DiskFull,
    /// A page of the database cannot be read. The next opening looks through the whole file.
    #[error("the database is damaged")]
    Damaged(#[source] rusqlite::Error),
    /// This computer is not enrolled yet.
    #[error("this computer is not enrolled")]
    NotEnrolled,
    /// An event that must not be written.
    #[error("the event does not fit: {0}")]
    Event(#[from] EventFault),
    /// What the central endpoint gave has a gap, or is not what it claims to be.
    #[error("entries are withheld or do not fit together")]
    Withheld,
    /// The record is not any more what the person saw.
    #[error("the record has changed since it was shown")]
    Changed,
    /// Entries of this device that were not written here: a copy of it goes on elsewhere.
    #[error("this device's log goes on elsewhere")]
    Parted,
    /// An empty file.
    #[error("the file is empty")]
    EmptyFile,
    /// A file larger than allowed.
    #[error("the file is larger than allowed")]
    FileTooLarge,
    /// No such file or upload here.
    #[error("no such file here")]
    NoSuchBlob,
    /// Bytes that do not fit where they are to go, or do not have the hash that they should have.
    #[error("the bytes do not fit: {0}")]
    BadBytes(&'static str),
    /// A file could not be read or written.
    #[error("a file could not be read or written")]
    Io(#[source] std::io::Error),
    /// The database could not be read or written.
    #[error("the database could not be read or written")]
    Sql(#[source] rusqlite::Error),
    /// Something in the database is not what this program writes.
    #[error("the database holds what does not belong there: {0}")]
    Unexpected(String),
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DiskFull) => Self::DiskFull,
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged(error),
            _ => Self::Sql(error),
        }
    }
}

impl From<std::io::Error> for LedgerError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            std::io::ErrorKind::FileTooLarge => Self::FileTooLarge,
            _ => Self::Io(error),
        }
    }
}

impl From<serde_json::Error> for LedgerError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unexpected(error.to_string())
    }
}

/// What can go wrong with the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The passphrase is not the one.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The system has no credential store, or it does not answer.
    #[error("the system's credential store cannot be used: {0}")]
    NoKeychain(String),
    /// There is a key already, or none, or one of another kind.
    #[error("the key is kept in another way")]
    OtherWay,
    /// The file that says how the key is kept is unreadable.
    #[error("the key file is damaged: {0}")]
    DamagedFile(String),
    /// The file could not be read or written.
    #[error("the key file could not be read or written")]
    Io(#[from] std::io::Error),
}
