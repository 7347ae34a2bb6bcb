//! What the errors of the parts below are to a person: a code for the screens, and the part's own words for whoever looks into it.

use shicha_ledger::{KeyError, LedgerError};
use shicha_papers::{PapersError, RosterError};
use shicha_sync::{
    client::{SyncError, SyncErrorCode, package::PackageError},
    package::PackageFault,
    update::UpdateFault,
};

use crate::error::{ApiError, ErrorCode};

impl From<SyncError> for ApiError {
    fn from(error: SyncError) -> Self {
        if let SyncError::Ledger(error) = error {
            return error.into();
        }
        Self {
            code: code_of_sync(error.code()),
            params: error.params(),
        }
    }
}

/// The screens' code for an error of synchronisation.
pub(crate) fn code_of_sync(code: SyncErrorCode) -> ErrorCode {
    match code {
        SyncErrorCode::BadAddress | SyncErrorCode::NotAServer => ErrorCode::NotAServer,
        SyncErrorCode::Offline => ErrorCode::Unreachable,
        SyncErrorCode::UnknownServer => ErrorCode::UnknownServer,
        SyncErrorCode::MistypedCode | SyncErrorCode::BadCode => ErrorCode::BadCode,
        SyncErrorCode::SlowDown | SyncErrorCode::ServerFull | SyncErrorCode::ServerRefused => {
            ErrorCode::ServerRefused
        }
        SyncErrorCode::Revoked => ErrorCode::Revoked,
        SyncErrorCode::Version => ErrorCode::VersionMismatch,
        SyncErrorCode::Untrustworthy => ErrorCode::ServerUntrustworthy,
        SyncErrorCode::Ledger => ErrorCode::Storage,
        SyncErrorCode::NotEnrolled => ErrorCode::NotReady,
    }
}

impl From<PackageFault> for ApiError {
    fn from(fault: PackageFault) -> Self {
        let code = match &fault {
            PackageFault::NotAPackage => ErrorCode::NotAPackage,
            PackageFault::Newer { .. } => ErrorCode::NewerPackage,
            PackageFault::Damaged(_) => ErrorCode::DamagedPackage,
            PackageFault::NotSigned | PackageFault::Malformed(_) => ErrorCode::PackageNotGenuine,
            PackageFault::ForAnother(_) => ErrorCode::PackageForAnother,
            PackageFault::UnknownSender(_) => ErrorCode::PackageFromUnknown,
            PackageFault::NoSpace { .. } => ErrorCode::DiskFull,
            PackageFault::Stopped => ErrorCode::Stopped,
            PackageFault::Io(_) => ErrorCode::BadFile,
        };
        Self::new(code).with("detail", whole(&fault))
    }
}

impl From<PackageError> for ApiError {
    fn from(error: PackageError) -> Self {
        match error {
            PackageError::Package(fault) => fault.into(),
            PackageError::Ledger(error) => error.into(),
            PackageError::Sync(error) => error.into(),
            PackageError::Update(fault) => fault.into(),
            PackageError::NotEnrolled => Self::new(ErrorCode::NotReady),
            PackageError::UnknownRecipient => Self::new(ErrorCode::UnknownRecipient),
        }
    }
}

impl From<UpdateFault> for ApiError {
    fn from(fault: UpdateFault) -> Self {
        let code = match &fault {
            UpdateFault::NoSpace { .. } => ErrorCode::DiskFull,
            UpdateFault::Io(_) => ErrorCode::Storage,
            _ => ErrorCode::UpdateRefused,
        };
        Self::new(code)
            .with("reason", fault.code())
            .with("detail", whole(&fault))
    }
}

impl From<PapersError> for ApiError {
    fn from(error: PapersError) -> Self {
        let code = match &error {
            PapersError::NoFonts { .. } => ErrorCode::NoFont,
            PapersError::TooLarge { .. } => ErrorCode::FileTooLarge,
            PapersError::Layout { .. }
            | PapersError::Workbook(_)
            | PapersError::Encode(_)
            | PapersError::Csv(_) => ErrorCode::Internal,
        };
        Self::new(code).with("detail", whole(&error))
    }
}

impl From<RosterError> for ApiError {
    fn from(error: RosterError) -> Self {
        let code = match &error {
            RosterError::Empty => ErrorCode::EmptyFile,
            RosterError::TooLarge { .. } => ErrorCode::FileTooLarge,
            RosterError::Encrypted => ErrorCode::ProtectedFile,
            RosterError::Damaged { .. }
            | RosterError::OtherFormat { .. }
            | RosterError::UnknownEncoding => ErrorCode::BadFile,
        };
        Self::new(code)
            .with("detail", whole(&error))
            .with("reason", error.code())
    }
}

/// An error with what lies below it, in one line.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let words = error.to_string();
        if !text.contains(&words) {
            text += ": ";
            text += &words;
        }
        below = error.source();
    }
    text
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        let code = match &error {
            LedgerError::InUse => ErrorCode::DatabaseInUse,
            LedgerError::WrongKey => ErrorCode::WrongKey,
            LedgerError::NewerVersion { .. } => ErrorCode::NewerDatabase,
            LedgerError::DiskFull => ErrorCode::DiskFull,
            LedgerError::NotEnrolled => ErrorCode::NotReady,
            LedgerError::Event(_) => ErrorCode::BadValue,
            LedgerError::Changed => ErrorCode::Stale,
            LedgerError::Withheld => ErrorCode::ServerUntrustworthy,
            LedgerError::EmptyFile => ErrorCode::EmptyFile,
            LedgerError::FileTooLarge => ErrorCode::FileTooLarge,
            LedgerError::NoSuchBlob => ErrorCode::NotFound,
            LedgerError::BadBytes(_) => ErrorCode::BadFile,
            LedgerError::Damaged(_) | LedgerError::Io(_) | LedgerError::Sql(_) => {
                ErrorCode::Storage
            }
            LedgerError::Parted | LedgerError::Unexpected(_) => ErrorCode::Internal,
        };
        Self::new(code).with("detail", whole(&error))
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        let code = match &error {
            KeyError::WrongPassphrase => ErrorCode::WrongPassphrase,
            KeyError::NoKeychain(_) => ErrorCode::NoKeychain,
            KeyError::OtherWay => ErrorCode::BadRequest,
            KeyError::DamagedFile(_) | KeyError::Io(_) => ErrorCode::Storage,
        };
        Self::new(code).with("detail", whole(&error))
    }
}
