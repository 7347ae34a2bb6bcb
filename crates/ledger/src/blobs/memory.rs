//! What is kept in memory of files on their way: hashes of what is there so far, so that a file is not read again to be hashed.
//!
//! Losing it costs time, never correctness: whatever is missing here is hashed from the database.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest as _, Sha256};

/// So many files are hashed as they come; beyond that they are hashed when they are whole.
const MOST: usize = 64;

/// Hashes of unfinished files.
#[derive(Default)]
pub(crate) struct Memory {
    hashes: Mutex<HashMap<i64, (u64, Sha256)>>,
    decoding: Mutex<()>,
}

impl Memory {
    /// Bytes of a file are on the disk from `offset` on.
    pub(crate) fn extend(&self, id: i64, offset: u64, bytes: &[u8]) {
        let mut hashes = self.hashes.lock();
        if offset == 0 && hashes.len() < MOST {
            hashes.insert(id, (0, Sha256::new()));
        }
        match hashes.get_mut(&id) {
            Some((upto, hash)) if *upto == offset => {
                hash.update(bytes);
                *upto += bytes.len() as u64;
            }
            _ => {
                hashes.remove(&id);
            }
        }
    }

    /// The hash of a file, if all of its `size` bytes were seen. It is forgotten then.
    pub(crate) fn finish(&self, id: i64, size: u64) -> Option<[u8; 32]> {
        let (upto, hash) = self.hashes.lock().remove(&id)?;
        (upto == size).then(|| hash.finalize().into())
    }

    /// Only one picture is decoded at a time: decoding is what takes memory.
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        self.decoding.lock()
    }
}
