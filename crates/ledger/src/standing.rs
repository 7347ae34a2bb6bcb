//! What the administrator ordered this computer to do with its ledger, and how far that is done.
//!
//! An order is written down before it is carried out (`order.json`), so that one that was interrupted goes on at the next start, and the
//! screen can say what happened. To wipe is to destroy the key first: without it the database is noise, whatever a disk keeps of deleted
//! files. To lock is to seal the key with one that only the central endpoint can tell again, and to forget it otherwise; the database
//! stays. Who ordered it was checked before (`sync`).

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rand_core::{OsRng, RngCore as _};
use serde::{Deserialize, Serialize};

use crate::{
    error::{KeyError, LedgerError},
    key::{self, DatabaseKey, KeyStore},
    open::{LOCK, sync_dir, take_lock},
    patient::patiently,
};

const FILE: &str = "order.json";
/// Files for other programs to open; the application puts them there.
const OPENED: &str = "opened";
/// How long a wipe waits for whoever still reads the ledger. It goes on at the next start otherwise.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks whether they have ended.
const LOOK: Duration = Duration::from_millis(50);

/// What is done to the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is locked.
    Locked,
    /// It is destroyed.
    Wiped,
}

/// An order that this computer carries out, or has carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What is done.
    pub fate: Fate,
    /// When it was ordered, Unix ms by the central endpoint's clock: names the order.
    pub ordered_at_ms: u64,
    /// Who ordered it.
    pub server_name: String,
    /// Where the word goes that it was done.
    pub server_url: String,
    /// That word, signed by this device's key while there was one.
    pub word: String,
    /// Whether it is done.
    pub is_done: bool,
    /// Whether the central endpoint has the word.
    pub is_told: bool,
    /// Whether a lock was opened again.
    pub is_lifted: bool,
    /// The sealed key, base 64.
    #[serde(default)]
    sealed: Option<String>,
}

impl Standing {
    /// An order that was just received.
    pub fn new(
        fate: Fate,
        ordered_at_ms: u64,
        server_name: String,
        server_url: String,
        word: String,
    ) -> Self {
        Self {
            fate,
            ordered_at_ms,
            server_name,
            server_url,
            word,
            is_done: false,
            is_told: false,
            is_lifted: false,
            sealed: None,
        }
    }

    /// The order that stands in this folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>, LedgerError> {
        match fs::read(dir.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether nobody may work here.
    pub fn is_barred(&self) -> bool {
        match self.fate {
            Fate::Locked => !self.is_lifted,
            Fate::Wiped => !self.is_done,
        }
    }

    /// Whether it is the same order.
    pub fn is_same(&self, fate: Fate, ordered_at_ms: u64) -> bool {
        (self.fate, self.ordered_at_ms) == (fate, ordered_at_ms)
    }

    /// Writes down that the ledger is to be locked. `lock_key` is not kept.
    ///
    /// # Errors
    /// When it cannot be written; then nothing was done.
    pub fn lock(
        mut self,
        dir: &Path,
        key: &DatabaseKey,
        lock_key: &[u8; 32],
    ) -> Result<Self, LedgerError> {
        self.sealed = Some(key::seal(key, lock_key).map_err(from_key)?);
        self.write(dir)?;
        Ok(self)
    }

    /// Writes down that the ledger is to be destroyed.
    ///
    /// # Errors
    /// When it cannot be written; then nothing was done.
    pub fn wipe(self, dir: &Path) -> Result<Self, LedgerError> {
        self.write(dir)?;
        Ok(self)
    }

    /// Does what is written down, or goes on with it. The ledger must be closed, or closed soon.
    ///
    /// # Errors
    /// When something could not be destroyed. The key goes first; the next start tries the rest again.
    pub fn carry_out(&mut self, dir: &Path) -> Result<(), LedgerError> {
        if self.is_done {
            return Ok(());
        }
        KeyStore::new(dir).destroy().map_err(from_key)?;
        if self.fate == Fate::Wiped {
            let lock = wait_for(dir)?;
            destroy_files(dir)?;
            drop(lock);
        }
        self.is_done = true;
        self.write(dir)
    }

    /// Notes that the central endpoint has the word.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn told(&mut self, dir: &Path) -> Result<(), LedgerError> {
        self.is_told = true;
        self.write(dir)
    }

    /// Opens a lock: the key is kept by this passphrase from now on.
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`] when the lock key is not the one, [`KeyError::OtherWay`] when nothing is locked.
    pub fn lift(
        &mut self,
        dir: &Path,
        lock_key: &[u8; 32],
        passphrase: &str,
    ) -> Result<DatabaseKey, KeyError> {
        let sealed = self.sealed.as_ref().ok_or(KeyError::OtherWay)?;
        let key = key::unseal(sealed, lock_key)?;
        KeyStore::new(dir).keep_with_passphrase(&key, passphrase)?;
        self.is_lifted = true;
        self.write_file(dir)?;
        Ok(key)
    }

    fn write(&self, dir: &Path) -> Result<(), LedgerError> {
        Ok(self.write_file(dir)?)
    }

    fn write_file(&self, dir: &Path) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        key::write_whole(dir, FILE, &text)
    }
}

fn from_key(error: KeyError) -> LedgerError {
    match error {
        KeyError::Io(error) => error.into(),
        other => LedgerError::Unexpected(other.to_string()),
    }
}

/// Waits until nobody has the ledger open.
fn wait_for(dir: &Path) -> Result<fs::File, LedgerError> {
    let begun = Instant::now();
    loop {
        match take_lock(dir) {
            Err(LedgerError::InUse) if begun.elapsed() < PATIENCE => thread::sleep(LOOK),
            other => return other,
        }
    }
}

/// Removes the database with everything that was ever put beside it: copies before a migration, damaged ones, halves of a salvage.
fn destroy_files(dir: &Path) -> Result<(), LedgerError> {
    for found in fs::read_dir(dir)? {
        let found = found?;
        let name = found.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("ledger.") && name != LOCK {
            patiently(|| fs::remove_file(found.path()))?;
        }
    }
    match fs::remove_dir_all(dir.join(OPENED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    sync_dir(dir);
    Ok(())
}

/// Writes noise over a file before it is removed: it may hold a key. What a disk keeps elsewhere of it cannot be reached from here.
pub(crate) fn shred(path: &Path) -> io::Result<()> {
    let length = match fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut noise = vec![0; usize::try_from(length.min(1 << 20)).unwrap_or(0)];
    OsRng.fill_bytes(&mut noise);
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(&noise)?;
    file.sync_all()?;
    drop(file);
    patiently(|| fs::remove_file(path))
}
