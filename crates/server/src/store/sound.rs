//! Whether a database may still be relied on.
//!
//! Invariant: once a process met damage in its database it writes nothing more there, so that no receipt says that something is held
//! which the next restoration from a backup will lack. What has to be done is a person's matter.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use super::StoreError;

/// What a process knows of its database.
#[derive(Debug, Default)]
pub(super) struct Soundness {
    is_damaged: AtomicBool,
    /// A file that is made when damage is met, so that the next process looks before it serves.
    mark: Option<PathBuf>,
}

/// The file that stays beside a database in which damage was met, until that was looked into.
pub fn damage_mark(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-damaged");
    PathBuf::from(name)
}

impl Soundness {
    /// Of a database that is one file.
    pub(super) fn of(database: &Path) -> Self {
        Self {
            is_damaged: AtomicBool::new(false),
            mark: Some(damage_mark(database)),
        }
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::SeqCst)
    }

    /// Before anything is written, and before it is committed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if self.is_damaged() {
            Err(StoreError::Unsound)
        } else {
            Ok(())
        }
    }

    /// Looks at how something ended.
    pub(super) fn note<T>(&self, ended: &Result<T, StoreError>) {
        let Some(error) = ended.as_ref().err().filter(|error| error.is_damage()) else {
            return;
        };
        if self.is_damaged.swap(true, Ordering::SeqCst) {
            return;
        }
        tracing::error!(%error, "the database is damaged: nothing more is taken until it was repaired or restored and this process started again");
        if let Some(mark) = &self.mark
            && let Err(error) = fs::write(mark, b"")
        {
            tracing::error!(%error, "the next process will not know of it by itself");
        }
    }
}
