//! What verification reads: everything that is kept, piece by piece, never more than one record of it at once.

use shicha_domain::{Channel, Entry, EntryId, Receipt, RecordId, RecordKind, receipt::Rank};

use super::StoreError;

/// An accepted entry, and the receipt that gives it its rank and bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedEntry {
    /// Its id as stored.
    pub id: EntryId,
    /// The entry; `prev` is the stored id of the one before.
    pub entry: Entry,
    /// Its number in its channel.
    pub number: u64,
    /// The receipt that it stands under; `None` where that is not here.
    pub receipt: Option<Receipt>,
}

/// A record with its accepted entries, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRecord {
    /// Which.
    pub record: RecordId,
    /// The channel that it is kept to live in.
    pub channel: Option<Channel>,
    /// What it is kept to be.
    pub kind: Option<RecordKind>,
    /// At least one.
    pub entries: Vec<ReceivedEntry>,
}

/// A number of a channel, and when what bears it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// Which channel.
    pub channel: Channel,
    /// The number.
    pub number: u64,
    /// The rank of the entry that bears it; `None` where its receipt is not here, or stands beside the runs of its log.
    pub rank: Option<Rank>,
}

/// One of the endpoint's lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Counted from 1.
    pub n: u64,
    /// When it began, Unix ms; 0 for the first.
    pub began_at_ms: u64,
}

/// Told of one piece after the other. An error ends the reading.
pub type Look<'l, T> = &'l mut dyn FnMut(T) -> Result<(), StoreError>;

/// Reads everything, as it was at one moment.
pub trait Whole {
    /// Every record that has accepted entries, one at a time.
    fn each_record(&self, look: Look<'_, HeldRecord>) -> Result<(), StoreError>;
    /// Every number that an entry bears, channel by channel, rising.
    fn each_number(&self, look: Look<'_, Numbered>) -> Result<(), StoreError>;
    /// The endpoint's lives.
    fn lives(&self) -> Result<Vec<Life>, StoreError>;
}
