//! The copy that an older version of the program goes on with, should the newer one not start.
//!
//! Invariant: the copy is whole and consistent before it bears its name, and only the newest is kept. When it is put back, the database
//! of the newer version gets another name and is never removed; whatever interrupts that, the next opening finishes it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{
    error::LedgerError,
    key::DatabaseKey,
    ledger::Ledger,
    migrate::{self, VERSION},
    open::{FILE, Opener, copy, put_aside, sync_dir, take_lock},
};

/// The copy.
const COPY: &str = "ledger.before-update.db";
/// The copy while it is written.
const PART: &str = "ledger.before-update.part.db";
/// The copy while it is put back.
const PUT_BACK: &str = "ledger.put-back.db";
/// Space that is left free.
const KEEP_FREE: u64 = 64 << 20;

/// A copy for an older version, and what was in the ledger when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OlderCopy {
    /// Where it lies.
    pub path: PathBuf,
    changes: u64,
}

impl Ledger {
    /// Keeps a consistent copy of the whole database, encrypted with the same key, for the version that runs now. An earlier copy is
    /// kept until the new one is whole.
    ///
    /// # Errors
    /// [`LedgerError::DiskFull`] when there is no room, or that it cannot be written.
    pub fn keep_for_older(&self) -> Result<OlderCopy, LedgerError> {
        let dir = &self.0.dir;
        let (path, part) = (dir.join(COPY), dir.join(PART));
        remove(&part)?;
        // Nothing is written meanwhile.
        let writer = self.writer();
        let free = fs4::available_space(dir)?;
        if free < size(dir)?.saturating_add(KEEP_FREE) {
            return Err(LedgerError::DiskFull);
        }
        let copied = copy(&writer.db, &part).and_then(|()| {
            File::options().write(true).open(&part)?.sync_all()?;
            fs::rename(&part, &path)?;
            Ok(())
        });
        if let Err(error) = copied {
            remove(&part)?;
            return Err(error);
        }
        sync_dir(dir);
        Ok(OlderCopy {
            path,
            changes: writer.db.total_changes(),
        })
    }

    /// Whether something was written since the copy was made.
    pub fn has_changed_since(&self, copy: &OlderCopy) -> bool {
        self.writer().db.total_changes() != copy.changes
    }

    /// Marks the database as one of a newer version: how a test changes it as this program cannot.
    #[doc(hidden)]
    pub fn mark_newer(&self) -> Result<(), LedgerError> {
        let newer = VERSION + 1;
        Ok(self
            .writer()
            .db
            .pragma_update(None, "user_version", newer)?)
    }

    /// Puts the copy back where a newer version has changed the database so that this one cannot read it. Returns the name under which
    /// the newer database lies now; `None`: there is no copy.
    ///
    /// # Errors
    /// When another program has the ledger open, the copy is of a newer version too or for another key, or it cannot be renamed.
    pub fn put_back(
        dir: &Path,
        key: &DatabaseKey,
        now_ms: u64,
    ) -> Result<Option<PathBuf>, LedgerError> {
        let copy = dir.join(COPY);
        if !copy.exists() {
            return Ok(None);
        }
        let _lock = take_lock(dir)?;
        let reader = Opener::new(&copy, key).reader()?;
        let found = migrate::version(&reader)?;
        reader.close().map_err(|(_, error)| error)?;
        if found > VERSION {
            return Err(LedgerError::NewerVersion {
                found,
                known: VERSION,
            });
        }
        fs::rename(&copy, dir.join(PUT_BACK))?;
        sync_dir(dir);
        finish_put_back(dir, now_ms)
    }
}

/// Finishes what was begun of putting a copy back.
pub(crate) fn finish_put_back(dir: &Path, now_ms: u64) -> Result<Option<PathBuf>, LedgerError> {
    let put_back = dir.join(PUT_BACK);
    if !put_back.exists() {
        return Ok(None);
    }
    let aside = aside_name(dir, now_ms);
    put_aside(dir, &aside)?;
    fs::rename(&put_back, dir.join(FILE))?;
    sync_dir(dir);
    tracing::warn!(aside = %aside.display(), "the copy for this version was put back; the newer database is kept beside it");
    Ok(Some(aside))
}

/// A name that no other newer database has.
fn aside_name(dir: &Path, now_ms: u64) -> PathBuf {
    let mut aside = dir.join(format!("ledger.newer-{now_ms}.db"));
    let mut n = 1;
    while aside.exists() {
        n += 1;
        aside = dir.join(format!("ledger.newer-{now_ms}-{n}.db"));
    }
    aside
}

/// Bytes that a copy takes at most: the database, and what is still in its write-ahead log.
fn size(dir: &Path) -> io::Result<u64> {
    let bytes = |name: &str| match fs::metadata(dir.join(name)) {
        Ok(found) => Ok(found.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    };
    Ok(bytes(FILE)?.saturating_add(bytes(&format!("{FILE}-wal"))?))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
