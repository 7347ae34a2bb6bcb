//! Opening the database: the lock, the key, the check after a bad end, migrations, and salvage of what is damaged.

use std::{
    fs::{self, File, TryLockError},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use serde::{Deserialize, Serialize};

use crate::{
    error::LedgerError,
    key::{DatabaseKey, KeyMark},
    ledger::{Ledger, begin},
    migrate::{self, VERSION},
    older, rebuild, salvage,
};

pub(crate) const FILE: &str = "ledger.db";
pub(crate) const LOCK: &str = "ledger.lock";
/// There while the ledger is open; found at opening it says that the last end was none.
const OPEN_MARK: &str = "ledger.open";
const BUSY: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 128;
/// Pages kept in memory, in KiB (as a negative number of pages).
const CACHE_KIB: i64 = 32 * 1024;

/// What happened at opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The version that the database had, if it was an older one.
    pub migrated_from: Option<u32>,
    /// The copy that was kept before migrating.
    pub backup: Option<PathBuf>,
    /// What was done about a damaged database.
    pub salvage: Option<SalvageReport>,
    /// Whether the database was made now.
    pub is_new: bool,
}

/// A damaged database was put aside, and what could be read was taken over into a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalvageReport {
    /// Where the damaged file lies.
    pub damaged_file: PathBuf,
    /// Entries taken over.
    pub entries: u64,
    /// Evidence files taken over.
    pub blobs: u64,
    /// What could not be read, in plain statements.
    pub lost: Vec<String>,
}

/// Opens connections to one database.
pub(crate) struct Opener {
    path: PathBuf,
    key: DatabaseKey,
}

impl Opener {
    pub(crate) fn new(path: &Path, key: &DatabaseKey) -> Self {
        Self {
            path: path.to_path_buf(),
            key: key.clone(),
        }
    }

    /// The same for another file.
    pub(crate) fn of(&self, path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            key: self.key.clone(),
        }
    }

    pub(crate) fn key(&self) -> DatabaseKey {
        self.key.clone()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn keyed(&self, path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
        let db = Connection::open_with_flags(path, flags)?;
        // The key is random and used as it is: nothing is to be derived from it.
        db.execute_batch(&format!("PRAGMA key = \"x'{}'\";", hex::encode(self.key.0)))?;
        Ok(db)
    }

    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Connection, LedgerError> {
        let db = self.keyed(path, flags)?;
        db.busy_timeout(BUSY)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        db.pragma_update(None, "foreign_keys", true)?;
        db.pragma_update(None, "temp_store", "memory")?;
        // Otherwise a plan that looked at a value is made anew for each value, and the statements that are kept are compiled at every use.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(db)
    }

    /// A connection that writes.
    pub(crate) fn writer(&self) -> Result<Connection, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = self.open(&self.path, flags)?;
        db.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        db.pragma_update(None, "synchronous", "FULL")?;
        Ok(db)
    }

    /// A connection that reads.
    pub(crate) fn reader(&self) -> Result<Connection, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = self.open(&self.path, flags)?;
        db.pragma_update(None, "query_only", true)?;
        Ok(db)
    }

    /// A connection to a damaged file, which is not changed by reading it.
    pub(crate) fn damaged(&self, path: &Path) -> Result<Connection, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = self.keyed(path, flags)?;
        leave_as_it_is(&db, true)?;
        // Each damaged page is told once, by the salvage, and not by SQLCipher for each attempt to read it.
        db.pragma_update(None, "cipher_log_level", "NONE")?;
        // Otherwise a file that was cut off is not read at all, because it is shorter than it says.
        db.pragma_update(None, "writable_schema", true)?;
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    }
}

/// Whether closing leaves the write-ahead log where it is, or brings it into the file.
fn leave_as_it_is(db: &Connection, on: bool) -> Result<(), LedgerError> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on)?;
    Ok(())
}

impl Ledger {
    /// Opens the ledger of a data folder, or makes it.
    ///
    /// # Errors
    /// [`LedgerError::InUse`], [`LedgerError::WrongKey`], [`LedgerError::NewerVersion`], [`LedgerError::DiskFull`], or that the folder
    /// cannot be used; the database is then left as it is. A damaged database is no error: it is put aside and salvaged, and the report
    /// says so.
    pub fn open(
        dir: &Path,
        key: &DatabaseKey,
        now_ms: u64,
    ) -> Result<(Self, OpenReport), LedgerError> {
        fs::create_dir_all(dir)?;
        #[cfg(windows)]
        let dir = &within_limits(dir)?;
        let lock = take_lock(dir)?;
        older::finish_put_back(dir, now_ms)?;
        let opener = Opener::new(&dir.join(FILE), key);
        let mark = KeyMark::new(dir);
        if opener.path.exists() && mark.fits(key)? == Some(false) {
            return Err(LedgerError::WrongKey);
        }
        salvage::put_in_place(&opener, dir)?;
        let mut report = OpenReport {
            is_new: !opener.path.exists(),
            ..OpenReport::default()
        };
        let ended_badly = dir.join(OPEN_MARK).exists();
        let mut db = match sound(&opener, ended_badly) {
            Ok(db) => db,
            Err(LedgerError::Damaged(error)) => {
                // Without the mark, a beginning that cannot be read may as well be one for another key.
                if mark.fits(key)?.is_none() && opener.damaged(&opener.path).is_err() {
                    return Err(LedgerError::WrongKey);
                }
                tracing::error!(%error, "the database is damaged and is salvaged");
                drop(error);
                salvage::salvage(&opener, dir, now_ms)?;
                opener.writer()?
            }
            Err(error) => return Err(error),
        };
        if mark.fits(key)? != Some(true) {
            mark.set(key)?;
        }
        let found = migrate::version(&db)?;
        if found > VERSION {
            return Err(LedgerError::NewerVersion {
                found,
                known: VERSION,
            });
        }
        if found < VERSION {
            if found > 0 {
                report.migrated_from = Some(found);
                report.backup = Some(backup(&db, dir, found, now_ms)?);
            }
            migrate::migrate(&mut db)?;
        }
        crate::blobs::clean_up(&mut db)?;
        mark_open(dir)?;
        if rebuild::is_due(&db)? {
            let tx = begin(&mut db)?;
            rebuild::rebuild(&tx, &mut |_, _| {})?;
            tx.commit()?;
        }
        salvage::tell(&db, &mut report)?;
        let ledger = Self::new(dir, opener, db, lock)?;
        Ok((ledger, report))
    }

    /// Writes a copy of the whole database, encrypted with the same key, while work goes on.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub fn backup_to(&self, path: &Path) -> Result<(), LedgerError> {
        self.read_plainly(|db| copy(db, path))
    }

    /// Lets the database have no more than so many pages, at least those that it has: how a test fills a disk.
    #[doc(hidden)]
    pub fn limit_pages(&self, most: u32) -> Result<(), LedgerError> {
        let limit = format!("PRAGMA max_page_count = {}", most.max(1));
        Ok(self.writer().db.query_row(&limit, [], |_| Ok(()))?)
    }

    fn read_plainly<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        // VACUUM INTO runs outside of a transaction.
        work(&self.writer().db)
    }
}

/// Windows takes a path of more than 260 characters only in the form that canonical paths have, which not every program likes to see.
#[cfg(windows)]
fn within_limits(dir: &Path) -> std::io::Result<PathBuf> {
    /// Leaves room for the names of the files.
    const MOST: usize = 180;
    let whole = std::path::absolute(dir)?;
    if whole.as_os_str().len() <= MOST {
        return Ok(dir.to_path_buf());
    }
    Ok(without_limit(&whole).unwrap_or(whole))
}

/// An absolute path in the form that knows no longest length; `None`: it has that form, or one of its own.
/// Written and not asked for: a system that makes the canonical form may not be able to for a path of that length.
#[cfg(windows)]
fn without_limit(whole: &Path) -> Option<PathBuf> {
    use std::{
        ffi::OsString,
        path::{Component, Prefix},
    };
    let mut parts = whole.components();
    let Some(Component::Prefix(prefix)) = parts.next() else {
        return None;
    };
    let mut long = OsString::from(r"\\?\");
    match prefix.kind() {
        Prefix::Disk(_) => long.push(prefix.as_os_str()),
        Prefix::UNC(server, share) => {
            for part in [r"UNC\".as_ref(), server, r"\".as_ref(), share] {
                long.push(part);
            }
        }
        _ => return None,
    }
    long.push(parts.as_path());
    Some(long.into())
}

/// Opens the database and looks whether it can be read.
fn sound(opener: &Opener, ended_badly: bool) -> Result<Connection, LedgerError> {
    let db = opener.writer()?;
    leave_as_it_is(&db, true)?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if ended_badly {
        let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(LedgerError::Damaged(rusqlite::Error::SqliteFailure(
                code,
                Some(verdict),
            )));
        }
    }
    leave_as_it_is(&db, false)?;
    Ok(db)
}

pub(crate) fn take_lock(dir: &Path) -> Result<File, LedgerError> {
    let lock = File::options()
        .create(true)
        .append(true)
        .open(dir.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(LedgerError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn mark_open(dir: &Path) -> Result<(), LedgerError> {
    let mut mark = File::create(dir.join(OPEN_MARK))?;
    mark.write_all(b"open\n")?;
    Ok(())
}

/// The ledger was closed as it should be.
pub(crate) fn closed_well(dir: &Path) {
    if let Err(error) = fs::remove_file(dir.join(OPEN_MARK)) {
        tracing::warn!(%error, "the next opening will look through the database");
    }
}

fn backup(db: &Connection, dir: &Path, version: u32, now_ms: u64) -> Result<PathBuf, LedgerError> {
    let path = dir.join(format!("ledger.before-version-{}-{now_ms}.db", version + 1));
    copy(db, &path)?;
    Ok(path)
}

pub(crate) fn copy(db: &Connection, path: &Path) -> Result<(), LedgerError> {
    let path = path
        .to_str()
        .ok_or_else(|| LedgerError::Unexpected("a path that is no text".into()))?;
    db.execute("VACUUM INTO ?1", [path])?;
    Ok(())
}

/// Makes a rename in a folder durable, where the system can.
pub(crate) fn sync_dir(dir: &Path) {
    #[cfg(unix)]
    if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
        tracing::warn!(%error, "a folder could not be synced");
    }
    #[cfg(not(unix))]
    let _ = dir;
}

/// Gives the damaged files another name.
pub(crate) fn put_aside(dir: &Path, aside: &Path) -> Result<(), LedgerError> {
    for ending in ["-wal", "-shm", ""] {
        let from = dir.join(format!("{FILE}{ending}"));
        let mut to = aside.as_os_str().to_owned();
        to.push(ending);
        if from.exists() {
            fs::rename(&from, to)?;
        }
    }
    sync_dir(dir);
    Ok(())
}

#[cfg(all(test, windows))]
mod tests {
    use std::{ffi::OsString, os::windows::ffi::OsStringExt, path::Path};

    use super::without_limit;

    #[test]
    fn a_long_path_keeps_its_drive_its_share_and_a_name_that_is_no_unicode() {
        let odd = OsString::from_wide(&[0x7AD9, 0xD800]);
        for (short, long) in [
            (r"C:\记录", r"\\?\C:\记录"),
            (r"\\服务器\共享\记录", r"\\?\UNC\服务器\共享\记录"),
        ] {
            let (short, long) = (Path::new(short).join(&odd), Path::new(long).join(&odd));
            assert_eq!(without_limit(&short).as_deref(), Some(long.as_path()));
            assert_eq!(without_limit(&long), None, "already without limit");
        }
    }
}
