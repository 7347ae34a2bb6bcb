//! Why a file is not taken for the package that it should be.

use std::io;

use shicha_domain::suite::{Suite, SuiteFault};

use super::Party;

/// Why a package is refused. Whatever it is, nothing was taken and the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PackageFault {
    /// Another kind of file.
    #[error("not a package")]
    NotAPackage,
    /// Written by a newer version of the software, or signed with algorithms that this one does not have.
    #[error("a package of format or algorithms {found}; this version knows up to {known}")]
    Newer {
        /// Its format, or the number of its algorithms.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// It was cut off or changed on the way.
    #[error("the package is incomplete or was altered: {0}")]
    Damaged(&'static str),
    /// It is sealed for somebody else.
    #[error("the package is for {0}")]
    ForAnother(Party),
    /// Its sender is not known here, or may not take part any more.
    #[error("the sender {0} is not known or was revoked")]
    UnknownSender(Party),
    /// The sender did not sign what is in it.
    #[error("the sender did not sign this package")]
    NotSigned,
    /// Sound and genuine, and still not what a package may hold.
    #[error("the package does not follow the rules: {0}")]
    Malformed(String),
    /// There is not enough space.
    #[error("{needed} bytes are needed and {free} are free")]
    NoSpace {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A person stopped it.
    #[error("stopped")]
    Stopped,
    /// A file could not be read or written.
    #[error("a file could not be read or written: {0}")]
    Io(#[source] io::Error),
}

impl PackageFault {
    /// What programs tell faults apart by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAPackage => "not_a_package",
            Self::Newer { .. } => "newer",
            Self::Damaged(_) => "damaged",
            Self::ForAnother(_) => "for_another",
            Self::UnknownSender(_) => "unknown_sender",
            Self::NotSigned => "not_signed",
            Self::Malformed(_) => "malformed",
            Self::NoSpace { .. } => "no_space",
            Self::Stopped => "stopped",
            Self::Io(_) => "io",
        }
    }
}

impl From<io::Error> for PackageFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { needed: 0, free: 0 }
            }
            _ => Self::Io(error),
        }
    }
}

impl From<SuiteFault> for PackageFault {
    fn from(fault: SuiteFault) -> Self {
        match fault {
            SuiteFault::Newer(found) => Self::Newer {
                found: u32::from(found),
                known: u32::from(Suite::First.number()),
            },
            SuiteFault::NotOne | SuiteFault::DoesNotFit => Self::NotSigned,
        }
    }
}
