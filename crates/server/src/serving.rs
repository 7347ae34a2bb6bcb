//! One process serves a data folder at a time.
//!
//! The tokens and challenges of a process are unknown to another, and either believes that it alone changes the database. The
//! administrator's commands go on beside it: they take no part in this.

use std::{
    fs::{self, TryLockError},
    io,
    path::Path,
    sync::Arc,
};

/// The file that is locked. It stays, and is empty.
const FILE: &str = "serving.lock";

/// As long as one of these is there, no other process serves the folder. The system lets it go when the process ends, however it ends.
#[derive(Clone)]
pub(crate) struct Serving {
    _locked: Arc<fs::File>,
}

impl Serving {
    /// Begins to serve a folder; `None` while another does.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(crate) fn begin(dir: &Path) -> io::Result<Option<Self>> {
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(FILE))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            // A file system without locks: the operator sees to it.
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                return Err(error);
            }
            _ => {}
        }
        Ok(Some(Self {
            _locked: Arc::new(file),
        }))
    }
}
