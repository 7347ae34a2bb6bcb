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
/// Files for other programs to open, and answers for others; the application puts them there.
const PUT_THERE: [&str; 2] = ["opened", "answers"];
/// The log of the program, in the data folder.
pub const LOGS_FOLDER: &str = "logs";
/// The profile of the window that shows the records: what it caches and remembers, in the data folder.
pub const WINDOW_FOLDER: &str = "window";
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
    /// Whether what the window remembered is gone too. It has its files in use until the program ends.
    #[serde(default)]
    pub is_cleared: bool,
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
            is_cleared: false,
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

    /// Does what is written down, or goes on with it. The ledger must be closed, or closed soon; at the next start this comes before
    /// the window opens.
    ///
    /// # Errors
    /// When something could not be destroyed. The key goes first; the next start tries the rest again.
    pub fn carry_out(&mut self, dir: &Path) -> Result<(), LedgerError> {
        if self.is_done {
            return self.clear(dir);
        }
        KeyStore::new(dir).destroy().map_err(from_key)?;
        if self.fate == Fate::Wiped {
            let lock = wait_for(dir)?;
            destroy_files(dir)?;
            empty_logs(&dir.join(LOGS_FOLDER))?;
            drop(lock);
        }
        self.is_done = true;
        self.write(dir)?;
        if self.fate == Fate::Wiped
            && let Err(error) = remove_folder(&dir.join(WINDOW_FOLDER))
        {
            // The open window does not give its files up on every system. The next start does it in any case.
            tracing::info!(%error, "what the window remembers stays until the next start");
        }
        Ok(())
    }

    /// Removes what the window remembered, before it opens again.
    fn clear(&mut self, dir: &Path) -> Result<(), LedgerError> {
        if self.fate != Fate::Wiped || self.is_cleared {
            return Ok(());
        }
        remove_folder(&dir.join(WINDOW_FOLDER))?;
        self.is_cleared = true;
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
    for folder in PUT_THERE {
        remove_folder(&dir.join(folder))?;
    }
    sync_dir(dir);
    Ok(())
}

fn remove_folder(dir: &Path) -> io::Result<()> {
    patiently(|| match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

/// Empties every log, and removes all but the newest, which the program still writes to.
fn empty_logs(dir: &Path) -> io::Result<()> {
    let found = match fs::read_dir(dir) {
        Ok(found) => found.map(|one| Ok(one?.path())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut files = found.collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.is_file());
    // Their names hold the day.
    files.sort();
    let newest = files.pop();
    for path in &files {
        shred(path)?;
    }
    if let Some(newest) = newest {
        let file = fs::OpenOptions::new().write(true).open(newest)?;
        file.set_len(0)?;
        file.sync_all()?;
    }
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
