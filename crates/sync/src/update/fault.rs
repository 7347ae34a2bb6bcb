//! Why a file is not taken for an update.

use std::io;

use super::Version;

/// Why an update is refused. Whatever it is, what was kept before is still there.
#[derive(Debug, thiserror::Error)]
pub enum UpdateFault {
    /// This build has no key, or there are no setups for its platform.
    #[error("this build takes no updates")]
    Off,
    /// The signature cannot be read.
    #[error("the signature cannot be read: {0}")]
    NotASignature(String),
    /// Another key signed it.
    #[error("another key than the one of this program signed it")]
    OtherKey,
    /// The key did not sign these bytes, or not this comment.
    #[error("it was altered: {0}")]
    Altered(&'static str),
    /// What was signed names no version of this application.
    #[error("what was signed is no update: {0}")]
    NoUpdate(String),
    /// It is for another kind of computer.
    #[error("it is for {0}")]
    OtherPlatform(String),
    /// It is not newer than what runs.
    #[error("version {found} is not newer than {running}")]
    NotNewer {
        /// Its version.
        found: Version,
        /// The version that runs.
        running: Version,
    },
    /// More bytes than an update may have, or other ones than were announced.
    #[error("it has {0} bytes")]
    Size(u64),
    /// There is not enough space.
    #[error("{needed} bytes are needed and {free} are free")]
    NoSpace {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A file could not be read or written.
    #[error("a file could not be read or written: {0}")]
    Io(#[source] io::Error),
}

impl UpdateFault {
    /// What programs tell faults apart by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NotASignature(_) => "not_a_signature",
            Self::OtherKey => "other_key",
            Self::Altered(_) => "altered",
            Self::NoUpdate(_) => "no_update",
            Self::OtherPlatform(_) => "other_platform",
            Self::NotNewer { .. } => "not_newer",
            Self::Size(_) => "size",
            Self::NoSpace { .. } => "no_space",
            Self::Io(_) => "io",
        }
    }

    /// Whether the same update will be refused again, so that fetching it once more is of no use.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::NoSpace { .. } | Self::Io(_) | Self::Off)
    }
}

impl From<io::Error> for UpdateFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { needed: 0, free: 0 }
            }
            _ => Self::Io(error),
        }
    }
}
