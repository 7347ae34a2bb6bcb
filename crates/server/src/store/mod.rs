//! What the central endpoint keeps, behind one trait.
//!
//! The promises stand at [`Store`]; every implementation is held to them by the same tests (`tests/store_suite`). Judging entries is
//! not the store's business: it is handed a judge and keeps what the judge decides. Evidence bytes lie elsewhere
//! ([`crate::evidence`]); the store knows who may send and fetch them.

pub mod administration;
mod agreement;
mod brought;
pub mod format;
mod numbers;
mod past;
pub mod postgres;
pub mod refusals;
mod register;
mod seen;
mod sound;
pub mod sqlite;
mod tree;
pub mod whole;
mod words;

use std::{path::Path, sync::Arc};

use ::postgres::error::SqlState;
use shicha_domain::{
    BlobHash, Channel, DeviceId, Entry, EntryId, Event, PersonId, Receipt, ReceiptId, RecordKind,
    bounds::Bounds,
    directory::{Device, Org, Person},
    number::NumberBlock,
    suite::{PublicKey, SignatureBytes},
};
use shicha_sync::protocol::{
    BatchWriter,
    messages::{Head, NumberRun, NumbersRequest},
    order::OrderAct,
    wire::{HeldChannels, PulledChannel},
};
use uuid::Uuid;

pub use self::{
    brought::Brought,
    format::{Format, MIGRATIONS, Migration},
    past::{Past, ToldEnd},
    postgres::PostgresStore,
    register::Register,
    sound::damage_mark,
    sqlite::SqliteStore,
};

/// How many document numbers of a kind are left out after a restoration from a backup, because they may have been lent since.
const NUMBERS_SKIPPED: u32 = 500;

/// Why the store cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The PostgreSQL server failed, or refused.
    #[error("PostgreSQL failed: {0}")]
    Postgres(#[from] ::postgres::Error),
    /// No connection to the PostgreSQL server.
    #[error("no connection to PostgreSQL: {0}")]
    Connection(String),
    /// What this store leaves to others.
    #[error("{0}")]
    Elsewhere(&'static str),
    /// The data were changed by a newer version of this software so that this one must not touch them; they are left alone.
    #[error("the data are of format {found}, this version knows up to {known}")]
    Newer {
        /// Format of the data.
        found: u32,
        /// The newest format that this version knows.
        known: u32,
    },
    /// Damage was met in this database before. Nothing more is written to it by this process.
    #[error("the database is damaged")]
    Unsound,
    /// A device's ledger is held further than can be seen at this moment.
    #[error("what is held of a device cannot be seen at this moment")]
    Unseen,
    /// A stored value is not what it can be.
    #[error("the stored {0} is damaged")]
    Damaged(&'static str),
    /// What was to be stored names something that is not there.
    #[error("there is no {0} of that name")]
    Missing(&'static str),
    /// What was to be stored contradicts what is there.
    #[error("{0}")]
    Contradiction(&'static str),
    /// The clock lies so far behind the newest receipt that it must be wrong, or was. Nothing is taken until that is put right
    /// (invariant 8, receipts rise).
    #[error("the clock of this computer lies {} s behind the newest receipt", behind_ms / 1000)]
    ClockBehind {
        /// How far.
        behind_ms: u64,
    },
    /// A block of document numbers is lent already, and what the store holds does not show that it is used up.
    #[error("numbers that were lent are not used up")]
    NumbersLeft,
    /// A batch could not be written.
    #[error(transparent)]
    Batch(#[from] shicha_sync::protocol::BatchFault),
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl StoreError {
    /// Whether the database itself is damaged: what it holds cannot be relied on any more, whatever was asked.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => matches!(
                failure.code,
                rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase
            ),
            Self::Postgres(error) => error.code().is_some_and(|state| {
                *state == SqlState::DATA_CORRUPTED || *state == SqlState::INDEX_CORRUPTED
            }),
            Self::Unsound => true,
            _ => false,
        }
    }
}

/// What the server is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Its name.
    pub name: String,
    /// Whether it holds sample data.
    pub is_sample: bool,
    /// Changes with every restoration from a backup.
    pub epoch: Uuid,
    /// Which life of the endpoint it is, counted from 1: a restoration and a correction of its clock begin another.
    pub life: u64,
    /// Grows with every change of the directory.
    pub directory_version: u64,
}

/// Figures for operators.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How many bytes the store takes.
    pub bytes: u64,
    /// Devices that were not revoked.
    pub devices: u64,
    /// Of these, those that opened a session since the moment that was asked for.
    pub devices_active: u64,
}

/// A device as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceState {
    /// Its entry in the directory.
    pub device: Device,
    /// Whose it is.
    pub person: Person,
    /// Up to where its ledger is held.
    pub head: Head,
    /// What its ledger follows: the last entry that it has in common with the identity that it goes on from.
    pub start: EntryId,
    /// Whether another identity goes on from it: then it writes no more.
    pub is_ended: bool,
    /// When it was enrolled, Unix ms.
    pub enrolled_at_ms: u64,
    /// When it opened a session last, Unix ms.
    pub last_contact_ms: Option<u64>,
    /// The software that it ran then.
    pub client_version: Option<String>,
    /// What it is to do at its next contact, once it is revoked.
    pub order: Option<OrderState>,
    /// What is kept for the bounds of what it sends next.
    pub past: Past,
}

/// An order to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderState {
    /// What it is to do.
    pub act: OrderAct,
    /// When that was ordered, Unix ms.
    pub at_ms: u64,
    /// When the device said that it had done so, Unix ms.
    pub done_at_ms: Option<u64>,
}

impl DeviceState {
    /// Whether it may still take part.
    pub fn is_active(&self) -> bool {
        self.device.revoked_at_ms.is_none() && self.person.is_active
    }
}

/// What came of letting a line go on under another identity.
#[derive(Debug)]
pub enum GoesOn {
    /// It does, as this device, with the receipt for its empty ledger.
    As(Box<DeviceState>, Box<Receipt>),
    /// The key is somebody's already, or the identity may not take part.
    Refused,
    /// The log does not have that entry.
    NotCommon,
    /// It has had as many identities within a day as a line may have.
    TooMany,
}

/// How many identities a line gets within a day: one is needed after a restored copy, and a few more where several copies are in use.
pub(crate) const MOST_IDENTITIES: u64 = 5;
/// Within what time, in ms.
pub(crate) const IDENTITIES_MS: u64 = 24 * 60 * 60 * 1000;

/// What is needed to enrol a device.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Keyed hash of the code.
    pub code: [u8; 32],
    /// The identity that the device gets if it is new.
    pub device: DeviceId,
    /// Its key.
    pub public_key: PublicKey,
    /// What its user calls it.
    pub label: String,
    /// The server's clock, Unix ms.
    pub now_ms: u64,
}

/// An entry that was read and whose place in its own chain was checked, ready to be judged.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its id.
    pub id: EntryId,
    /// The entry.
    pub entry: Entry,
    /// What it says; `None` where that cannot be read.
    pub event: Option<Event>,
}

/// What is known of the record that an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The channel that its first accepted entry put it in.
    pub channel: Channel,
    /// What it is, once its opening was accepted.
    pub kind: Option<RecordKind>,
}

/// What is known where an entry is judged.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Where its record is, once an entry of it was accepted.
    pub placed: Option<&'a Placed>,
    /// Between which moments it was made: what its receipt will say.
    pub bounds: Bounds,
}

/// Decides on an entry: nothing, or the code of the refusal.
pub type Judge<'a> = &'a dyn Fn(&Candidate, &Known<'_>) -> Result<(), &'static str>;
/// [`Judge`] for whoever is not there any more when it is asked.
pub type OwnJudge = Box<dyn Fn(&Candidate, &Known<'_>) -> Result<(), &'static str> + Send + Sync>;
/// Told what came of appending.
pub type ThenAppended = Box<dyn FnOnce(Result<Appended, StoreError>) + Send>;
/// Signs what a receipt says.
pub type Seal<'a> = &'a dyn Fn(Receipt) -> Receipt;
/// [`Seal`] for whoever is not there any more when it is asked.
pub type OwnSeal = Box<dyn Fn(Receipt) -> Receipt + Send + Sync>;
/// The endpoint's clock: Unix ms. Asked where numbers are given, so that both come from one place.
pub type Now = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Entries to append.
pub struct Pushed {
    /// At least one, in order, all of one device.
    pub entries: Vec<Candidate>,
    /// The device's signature over the last.
    pub signature: SignatureBytes,
    /// Signs the receipts.
    pub seal: OwnSeal,
    /// The clock.
    pub now: Now,
    /// Whether the device itself brings them, in a session of its own.
    pub is_in_session: bool,
    /// Whether the device itself brings them, in whatever way: one that another identity goes on from is told that they have parted.
    pub is_by_itself: bool,
    /// The end of its log that it tells with them.
    pub end: Option<ToldEnd>,
    /// Receipts of earlier lives of the endpoint that come with them.
    pub brought: Brought,
}

impl Pushed {
    /// Whether entries that part from what is held are news: a colleague brought them, and nobody has before. What the device itself
    /// brings, it brings because it was restored and does not know yet that its log has parted.
    fn shows_a_copy(&self, device: &DeviceState) -> bool {
        !self.is_by_itself && !device.device.is_parted
    }
}

/// In what way a device was in touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// It opened a session.
    Session {
        /// When it last asked something before, as far as that is known, Unix ms.
        last_ms: Option<u64>,
    },
    /// Somebody brought a package that it made: no session, and it could tell no end.
    Package,
}

/// What came of appending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// All entries are durably held.
    Held(Holding),
    /// Another entry stands at the place of one of these. None was taken; that a colleague brought them is noted of the device.
    Fork {
        /// The last place at which both agree, where the entries reach back that far.
        common: Option<Head>,
        /// Up to where the device's ledger is held.
        head: Head,
    },
    /// Entries before these are missing. Nothing was changed.
    Gap {
        /// Up to where the device's ledger is held.
        head: Head,
    },
}

impl Appended {
    /// Whether there was something new, and all of it was accepted.
    fn is_accepted(&self) -> bool {
        matches!(self, Self::Held(held) if held.new > 0 && held.refused.is_empty())
    }
}

/// What is held, of all entries from the first one given up to the last receipt's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The receipts that cover them, by rising sequence number.
    pub receipts: Vec<Receipt>,
    /// The numbers of those that were accepted.
    pub accepted: Vec<NumberRun>,
    /// Those that were refused, with the code.
    pub refused: Vec<(u64, String)>,
    /// Up to where the device's ledger is held now.
    pub head: Head,
    /// Channels that got new entries.
    pub channels: Vec<Channel>,
    /// How many entries are new.
    pub new: u64,
}

impl Default for Holding {
    fn default() -> Self {
        Self {
            receipts: Vec::new(),
            accepted: Vec::new(),
            refused: Vec::new(),
            head: Head::EMPTY,
            channels: Vec::new(),
            new: 0,
        }
    }
}

/// What a pull asks for.
pub struct PullQuery<'a> {
    /// Who asks; what they have themselves does not count as seen by others.
    pub person: PersonId,
    /// Which channels they may read.
    pub may_read: &'a dyn Fn(&Channel) -> bool,
    /// Where they can read no others than these, so that no other needs to be looked at.
    pub only: Option<&'a [Channel]>,
    /// What they hold.
    pub held: &'a HeldChannels,
    /// The most entries to give.
    pub max_entries: usize,
    /// Stop after this many bytes of events.
    pub max_event_bytes: usize,
}

/// What a pull found; the entries went to the writer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Readable channels with something to tell, in the order of the rows: new entries, or that others hold more than the asker was told
    /// and waits to hear. No more of them than an answer may list.
    pub channels: Vec<PulledChannel>,
    /// Whether there is more.
    pub more: bool,
    /// What the asker holds of readable channels and is not known to hold yet.
    pub news: Vec<(Channel, u64)>,
}

impl Pulled {
    /// Up to which number each channel was given.
    pub fn given(&self, held: &HeldChannels) -> Vec<(Channel, u64)> {
        let with_rows = self.channels.iter().filter(|pulled| pulled.rows > 0);
        let upto = |pulled: &PulledChannel| {
            let held = held.get(&pulled.channel).copied().unwrap_or_default();
            held.upto + pulled.rows as u64
        };
        with_rows
            .map(|pulled| (pulled.channel.clone(), upto(pulled)))
            .collect()
    }
}

/// What is noted of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullNote {
    /// The device that asked.
    pub device: DeviceId,
    /// Whose it is.
    pub person: PersonId,
    /// Up to which number it was given channels.
    pub given: Vec<(Channel, u64)>,
    /// Up to which number it says that it holds channels, which its person may read.
    pub held: Vec<(Channel, u64)>,
}

/// One entry of a device's ledger as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldEntry {
    /// Its id as stored.
    pub id: EntryId,
    /// The entry; `prev` is the stored id of the one before.
    pub entry: Entry,
    /// Its number, or the code of its refusal.
    pub verdict: Result<u64, String>,
    /// The receipt that it stands under.
    pub covered: Option<ReceiptId>,
}

/// The numbers of a channel, as they must be gapless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelNumbers {
    /// Which.
    pub channel: Channel,
    /// The last number given.
    pub last: u64,
    /// How many entries have a number.
    pub count: u64,
    /// The highest number that an entry has.
    pub highest: u64,
}

/// Everything that the central endpoint keeps except the bytes of evidence.
///
/// Promises:
/// 1. A call that returns `Ok` after changing something has made the change durable. A call that fails changed nothing.
/// 2. A device's ledger has no gap and no two entries at one place; what was held is never altered or removed.
/// 3. Accepted entries of a channel carry the numbers 1, 2, 3 … in the order in which they became visible: whoever has read up to
///    n will never find an entry at or below n that was not there.
/// 4. A record lives in the channel of its first accepted entry.
/// 5. No two blocks of document numbers of one organisation, word and year overlap.
/// 6. Calls may come from several threads, and the administrator's commands from another process, at the same time.
pub trait Store:
    administration::Administration + refusals::Refusals + whole::Whole + Send + Sync + 'static
{
    /// Names the server; a new store gets an epoch with it. Naming it again changes the name.
    fn set_info(&self, name: &str, is_sample: bool, epoch: Uuid) -> Result<(), StoreError>;
    /// What the server is called, if it was named.
    fn info(&self) -> Result<Option<Info>, StoreError>;

    /// The directory, shared until it changes.
    fn register(&self) -> Result<Arc<Register>, StoreError>;
    /// Adds or changes an organisation; where it lay before is kept, until now. `false`: it was there like that. Its parent must be
    /// there and not below it, and a code stays an institution's or a bureau's for ever.
    fn put_org(&self, org: &Org, now_ms: u64) -> Result<bool, StoreError>;
    /// Adds or changes a person. `false`: they were there like that.
    fn put_person(&self, person: &Person) -> Result<bool, StoreError>;

    /// Keeps the keyed hash of an enrolment code.
    fn add_code(
        &self,
        code: &[u8; 32],
        person: PersonId,
        now_ms: u64,
        expires_at_ms: u64,
    ) -> Result<(), StoreError>;
    /// Enrols a device with a code that is known, unused and not expired, of a person who acts. `None`: refused, without saying why.
    /// The same code with the same key gives the same device again until the device has opened a session.
    fn enrol(
        &self,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<Option<(DeviceState, Receipt)>, StoreError>;
    /// Lets a line go on under another identity after the entry `common` of the log of `old` (invariant 9, a line goes on, it never begins
    /// anew). The same key gives the same identity again.
    fn add_identity(
        &self,
        old: DeviceId,
        common: Head,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<GoesOn, StoreError>;
    /// What the log of a device goes on from: its earlier identities, each with the last place that it has in common with the next one.
    fn line(&self, device: DeviceId) -> Result<Vec<(DeviceId, u64)>, StoreError>;
    /// A device, whether it may still take part or not.
    fn device(&self, device: DeviceId) -> Result<Option<DeviceState>, StoreError>;
    /// All devices, by when they were enrolled.
    fn devices(&self) -> Result<Vec<DeviceState>, StoreError>;
    /// Notes that a device was in touch, and with which software; an empty word where that is not known.
    fn note_contact(
        &self,
        device: DeviceId,
        client_version: &str,
        now_ms: u64,
        contact: Contact,
    ) -> Result<(), StoreError>;
    /// Takes an end that a device told, if the log that is held ends there. Whether it did.
    fn note_end(&self, device: DeviceId, end: &ToldEnd) -> Result<bool, StoreError>;
    /// The newest end that a device told.
    fn end_of(&self, device: DeviceId) -> Result<Option<ToldEnd>, StoreError>;
    /// The time of the newest receipt of this life, Unix ms; 0 where there is none.
    fn newest_receipt_ms(&self) -> Result<u64, StoreError>;
    /// Revokes a device and all identities of its line (those that it continues, and that continue it), for ever. `false`: all of them
    /// were revoked already.
    fn revoke(&self, device: DeviceId, now_ms: u64) -> Result<bool, StoreError>;

    /// Takes consecutive entries of one device in: those that are not held yet are judged, numbered and kept with their receipts, in one
    /// transaction. Entries must be in order, each naming the one before it. Safe to repeat: what is held gets no second receipt. An end
    /// that comes with them counts if the log that is held then ends there. A new entry that is accepted is given out with the oldest
    /// receipt for it that was brought, if that is older than the one that confirms it now.
    fn append(&self, push: &Pushed, judge: Judge<'_>) -> Result<Appended, StoreError>;
    /// [`Self::append`] for whoever need not hold a thread until it is durable: hands `then` what came of it, in this thread or another.
    /// Where this program breaks down in between, `then` is dropped.
    fn append_then(&self, push: Arc<Pushed>, judge: OwnJudge, then: ThenAppended);
    /// Whether what is given to [`Self::append_then`] waits in a queue, and not the thread that gave it.
    fn has_queue(&self) -> bool;
    /// The ids of a device's ledger, from a sequence number on.
    fn log(&self, device: DeviceId, from: u64, limit: usize) -> Result<Vec<Head>, StoreError>;
    /// Writes what is new to somebody, channel by channel in the order of the numbers.
    fn pull(&self, query: &PullQuery<'_>, batch: &mut BatchWriter) -> Result<Pulled, StoreError>;
    /// Notes what devices were given, and then what they hold, which is no more than what they were ever given. Of each note, the channels
    /// of which more is known now.
    fn note_pulls(&self, notes: &[PullNote]) -> Result<Vec<Vec<Channel>>, StoreError>;

    /// In which channels accepted entries name this evidence, and whose entries they are.
    fn blob_uses(&self, blob: BlobHash) -> Result<Vec<(Channel, PersonId)>, StoreError>;
    /// Notes that evidence has arrived whole.
    fn note_blob(&self, blob: BlobHash, size: u64, now_ms: u64) -> Result<(), StoreError>;
    /// All evidence that has arrived.
    fn blobs(&self) -> Result<Vec<(BlobHash, u64)>, StoreError>;

    /// Lends a device the next block of document numbers; the same request gets the same block.
    fn lend_numbers(
        &self,
        device: DeviceId,
        request: &NumbersRequest,
        size: u32,
        now_ms: u64,
    ) -> Result<NumberBlock, StoreError>;

    /// A device's ledger, for verification.
    fn entries_of(
        &self,
        device: DeviceId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<HeldEntry>, StoreError>;
    /// A device's receipts by rising sequence number, each with the signature that the device had pushed with.
    fn receipts_of(&self, device: DeviceId) -> Result<Vec<(Receipt, SignatureBytes)>, StoreError>;
    /// Of a device's entries those that are given out with a receipt that was brought back, each with that receipt, by rising place.
    fn brought_of(&self, device: DeviceId) -> Result<Vec<(u64, Receipt)>, StoreError>;
    /// The numbers of all channels.
    fn channels(&self) -> Result<Vec<ChannelNumbers>, StoreError>;

    /// The store's format, as it is now: another process may have made a newer one of it.
    fn format(&self) -> Result<Format, StoreError>;
    /// Whether this process met damage in the database. From then on it writes nothing there.
    fn is_damaged(&self) -> bool;
    /// Figures for operators; which devices count as active is asked by when they opened a session last, Unix ms.
    fn figures(&self, since_ms: u64) -> Result<Figures, StoreError>;
    /// A number that changes when another process changes the store.
    fn foreign_changes(&self) -> Result<u64, StoreError>;
    /// Whether several processes may serve this store at once.
    fn is_shared(&self) -> bool;
    /// Notes that a challenge is used, until a moment (Unix ms) when nobody would take it any more. `false`: it was used before.
    fn use_challenge(
        &self,
        challenge: &[u8; 16],
        now_ms: u64,
        until_ms: u64,
    ) -> Result<bool, StoreError>;
    /// Begins to be served: a copy that was made for a backup gets an epoch and a life of its own, each time that it is put back. `true`:
    /// it was one.
    fn begin_life(&self, epoch: Uuid, now_ms: u64) -> Result<bool, StoreError>;
    /// Marks the store as one that was restored from a backup which another made: its next life gets an epoch of its own, and document
    /// numbers are left out that may have been lent after the backup.
    fn mark_restored(&self) -> Result<(), StoreError>;
    /// Writes a copy that is whole and consistent to `path`, which must not exist. The copy bears another epoch and leaves document
    /// numbers out that may be lent after it was made.
    fn backup_to(&self, path: &Path, epoch: Uuid) -> Result<(), StoreError>;
}
