//! The open ledger: one connection that writes, a few that read, and what is kept in memory of both.
//!
//! Invariant: whatever changes the database goes through [`Ledger::write`], one transaction at a time, and what memory holds is changed
//! only after that transaction is on the disk.

use std::{
    fs::File,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use shicha_domain::{EntryId, Hlc, ReceiptId, RecordId, RecordState, directory::Directory};

use crate::{error::LedgerError, identity::Identity, key::DatabaseKey, open::Opener};

/// Records that are kept folded.
const FOLDED: usize = 512;
/// Connections that are kept for reading.
const READERS: usize = 4;

/// This computer's clock, Unix ms.
type WallClock = Box<dyn Fn() -> u64 + Send + Sync>;

/// The embedded ledger. Cheap to clone, safe to share; every call may block.
#[derive(Clone)]
pub struct Ledger(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    opener: Opener,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    cache: Mutex<Cache>,
    /// The directory as it was read last, by what the database said of it.
    pub(crate) directory: Mutex<Option<(String, Arc<Directory>)>>,
    pub(crate) blobs: crate::blobs::Memory,
    wall: OnceLock<WallClock>,
    /// Held for as long as the ledger is open.
    _lock: File,
}

/// The writing connection, with what is known of the own log.
pub(crate) struct Writer {
    pub(crate) db: Connection,
    pub(crate) own: Option<Own>,
    /// The latest time that was given on this device.
    pub(crate) clock: Hlc,
}

/// The own device's log.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) identity: Identity,
    pub(crate) device: i64,
    pub(crate) head: (u64, EntryId),
    pub(crate) acked: (u64, EntryId),
    /// Receipts of an earlier life of the central endpoint say more than it has.
    pub(crate) is_rewound: bool,
    pub(crate) receipt: Option<ReceiptId>,
}

/// Folded records, and how often the database was written: a fold that was read before a write is not kept after it.
struct Cache {
    folded: LruCache<RecordId, Arc<RecordState>>,
    writes: u64,
}

impl Ledger {
    pub(crate) fn new(
        dir: &Path,
        opener: Opener,
        db: Connection,
        lock: File,
    ) -> Result<Self, LedgerError> {
        let mut writer = Writer {
            db,
            own: None,
            clock: Hlc::default(),
        };
        writer.own = crate::identity::read_own(&writer.db)?;
        writer.clock = crate::identity::read_clock(&writer.db, writer.own.as_ref())?;
        let folded = LruCache::new(NonZeroUsize::new(FOLDED).unwrap_or(NonZeroUsize::MIN));
        Ok(Self(Arc::new(Inner {
            dir: dir.to_path_buf(),
            opener,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            cache: Mutex::new(Cache { folded, writes: 0 }),
            directory: Mutex::default(),
            blobs: crate::blobs::Memory::default(),
            wall: OnceLock::new(),
            _lock: lock,
        })))
    }

    /// Reads the time of entries from this clock, once for all, under the lock under which they are appended. Without it the moment that a
    /// caller names counts, which may have been taken long before: a laptop sleeps in between, and what tells an end of the log comes
    /// first (invariant 7, an end is told after a tick, at the head).
    pub fn keep_time_by(&self, clock: impl Fn() -> u64 + Send + Sync + 'static) {
        let _is_first = self.0.wall.set(Box::new(clock));
    }

    /// The present moment for whoever holds the writer; `named_ms` where no clock is kept.
    pub(crate) fn wall_ms(&self, named_ms: u64) -> u64 {
        self.0.wall.get().map_or(named_ms, |clock| clock())
    }

    /// The key that the database is encrypted with.
    pub fn key(&self) -> DatabaseKey {
        self.0.opener.key()
    }

    /// The writing connection, alone.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.0.writer.lock()
    }

    /// Changes the database in one transaction that is on the disk before this returns.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut writer = self.writer();
        let tx = begin(&mut writer.db)?;
        let done = work(&tx)?;
        tx.commit()?;
        Ok(done)
    }

    /// Reads from one consistent state of the database.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let kept = self.0.readers.lock().pop();
        let mut db = match kept {
            Some(db) => db,
            None => self.0.opener.reader()?,
        };
        let done = {
            let tx = db.transaction_with_behavior(TransactionBehavior::Deferred)?;
            work(&tx)
        };
        let mut readers = self.0.readers.lock();
        if readers.len() < READERS {
            readers.push(db);
        }
        done
    }

    /// A folded record that is kept, and the number of writes so far.
    pub(crate) fn kept(&self, record: RecordId) -> (Option<Arc<RecordState>>, u64) {
        let mut cache = self.0.cache.lock();
        (cache.folded.get(&record).cloned(), cache.writes)
    }

    /// Keeps what was read, unless something was written since.
    pub(crate) fn keep_read(&self, state: Arc<RecordState>, writes: u64) {
        let mut cache = self.0.cache.lock();
        if cache.writes == writes {
            cache.folded.put(state.record(), state);
        }
    }

    /// Keeps what was written. To be called by the writer after its transaction, before it lets go of the connection.
    pub(crate) fn keep_written(&self, states: impl IntoIterator<Item = Arc<RecordState>>) {
        let mut cache = self.0.cache.lock();
        cache.writes += 1;
        for state in states {
            cache.folded.put(state.record(), state);
        }
    }

    /// Forgets all that is kept folded.
    pub(crate) fn forget_folded(&self) {
        let mut cache = self.0.cache.lock();
        cache.writes += 1;
        cache.folded.clear();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Closing folds the write-ahead log in. What comes next opens without looking through the whole file.
        self.readers.get_mut().clear();
        crate::open::closed_well(&self.dir);
    }
}

/// Begins to write.
pub(crate) fn begin(db: &mut Connection) -> Result<Transaction<'_>, LedgerError> {
    Ok(db.transaction_with_behavior(TransactionBehavior::Immediate)?)
}
