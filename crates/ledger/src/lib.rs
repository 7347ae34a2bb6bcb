//! The embedded ledger: entries, the views folded from them, evidence and search, in one encrypted database.
//!
//! Invariant: an entry is in the ledger together with everything that follows from it, or not at all; what was said to be saved is on
//! the disk. Views can be dropped and rebuilt at any time to the same content. No clock and no randomness decides anything here:
//! moments and identifiers are passed in. Deliberately not here: the network (sync), and what a screen shows (api).

mod append;
mod blobs;
mod carried;
mod confirmed;
mod contested;
mod delivery;
mod directory;
mod drafts;
mod entries;
mod error;
mod fork;
mod identity;
mod incoming;
mod key;
mod keychain;
mod ledger;
mod migrate;
mod numbers;
mod older;
mod open;
mod packages;
mod patient;
mod ranks;
mod rebuild;
mod record;
mod rewound;
mod salvage;
mod settings;
mod standing;
mod turned;
mod verify;
mod views;

pub use append::{Appended, Draft};
pub use blobs::*;
pub use carried::{Sealed, SealedRefusal, SealedTaken, Vouched};
pub use confirmed::{Confirmed, ConfirmedBatch, ConfirmedTaken, Holdings};
pub use contested::{Contested, ContestedHere};
pub use delivery::RecordDelivery;
pub use directory::DirectoryTaken;
pub use drafts::TypedDraft;
pub use entries::{EntryDelivery, HeldChannel, RefusedEntry, StoredEntry};
pub use error::{KeyError, LedgerError};
pub use identity::Identity;
pub use incoming::{Incoming, Inserted};
pub use key::{DatabaseKey, KeyState, KeyStore};
pub use ledger::Ledger;
pub use older::OlderCopy;
pub use open::{OpenReport, SalvageReport};
pub use packages::{PackageNote, PackageRow};
pub use settings::SyncLogRow;
pub use standing::{Fate, LOGS_FOLDER, Standing, WINDOW_FOLDER};
pub use verify::{BadEntry, Misfit, VerifyMark, VerifyReport};
pub use views::*;
