//! What an entry, an inspection, a finding, a campaign is: types, events, hashes, folds and rules.
//!
//! Invariant: everything here is a function of its arguments. No I/O, no clock, no randomness: whoever calls passes the
//! time and the identifiers in, so that every device that holds the same entries computes the same state.

pub mod authority;
pub mod bounds;
pub mod canonical;
pub mod channel;
pub mod codes;
pub mod directory;
pub mod entry;
pub mod event;
pub mod fields;
pub mod hlc;
pub mod ids;
pub mod inspection;
pub mod number;
pub mod pack;
pub mod receipt;
pub mod record;
pub mod register;
pub mod suite;

pub use channel::Channel;
pub use entry::Entry;
pub use event::{Event, Evidence, RecordKind};
pub use hlc::Hlc;
pub use ids::{BlobHash, DeviceId, Digest, EntryId, OrgCode, PersonId, ReceiptId, RecordId};
pub use receipt::Receipt;
pub use record::RecordState;
