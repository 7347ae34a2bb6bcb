//! Evidence bytes, by hash, in a folder.
//!
//! Invariant: a file under its hash has exactly the bytes of that hash and was made durable before it got its name. What is on its
//! way lies beside it under the hash with `.part`, and is kept until it is whole or turns out to be something else.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use shicha_domain::BlobHash;
use shicha_sync::protocol::MAX_BLOB;

/// Space that is left free for the database when evidence is taken in.
const KEEP_FREE: u64 = 256 << 20;

/// Why evidence cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The part does not begin where the last one ended.
    #[error("the next part begins at {0}")]
    Offset(u64),
    /// Larger than evidence may be, or than was said.
    #[error("too large")]
    TooLarge,
    /// The bytes have another hash.
    #[error("the bytes have another hash")]
    HashMismatch,
    /// No space left.
    #[error("no space left")]
    NoSpace,
    /// A file could not be read or written.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for EvidenceError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io(error),
        }
    }
}

/// How much of a piece of evidence is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// All of it; so many bytes.
    Whole(u64),
    /// The first so many bytes, perhaps none.
    Part(u64),
}

/// The folder.
pub struct Evidence {
    dir: PathBuf,
    /// One sender at a time for each hash.
    busy: Mutex<HashMap<BlobHash, Arc<Mutex<()>>>>,
}

impl Evidence {
    /// Opens or makes the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            busy: Mutex::new(HashMap::new()),
        })
    }

    /// Where evidence lies once it is whole.
    pub fn path(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.dir.join(&name[..2]).join(name)
    }

    fn part(&self, hash: BlobHash) -> PathBuf {
        self.path(hash).with_extension("part")
    }

    /// How much of it is there.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn held(&self, hash: BlobHash) -> io::Result<Held> {
        match length(&self.path(hash))? {
            Some(size) => Ok(Held::Whole(size)),
            None => Ok(Held::Part(length(&self.part(hash))?.unwrap_or(0))),
        }
    }

    /// Takes the right to add to this evidence, if nobody else has it.
    pub fn lock(&self, hash: BlobHash) -> Sending<'_> {
        let mine = Arc::clone(self.busy.lock().entry(hash).or_default());
        Sending {
            evidence: self,
            hash,
            mine,
        }
    }

    /// Opens whole evidence for reading from `offset` on; `None` if it is not there whole.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, hash: BlobHash, offset: u64) -> io::Result<Option<(fs::File, u64)>> {
        let mut file = match fs::File::open(self.path(hash)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(offset.min(size)))?;
        Ok(Some((file, size)))
    }

    /// Keeps bytes that are at hand whole.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<BlobHash, EvidenceError> {
        let hash = BlobHash(Sha256::digest(bytes).into());
        let sending = self.lock(hash);
        let _guard = sending.mine.lock();
        if let Held::Part(_) = self.held(hash)? {
            remove(&self.part(hash))?;
            self.append_part(hash, 0, bytes)?;
            self.finish(hash)?;
        }
        Ok(hash)
    }

    /// Computes the hash of evidence that is there whole; `None` if it is not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn hash_again(&self, hash: BlobHash) -> io::Result<Option<BlobHash>> {
        match self.read(hash, 0)? {
            None => Ok(None),
            Some((file, _)) => hash_of(file).map(Some),
        }
    }

    fn append_part(&self, hash: BlobHash, offset: u64, bytes: &[u8]) -> Result<(), EvidenceError> {
        let part = self.part(hash);
        if let Some(folder) = part.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&part)?;
        file.seek(SeekFrom::Start(offset))?;
        let written = file.write_all(bytes);
        if written.is_err() {
            // Half a write would be taken for bytes that arrived.
            file.set_len(offset)?;
        }
        Ok(written?)
    }

    fn finish(&self, hash: BlobHash) -> Result<u64, EvidenceError> {
        let part = self.part(hash);
        let file = fs::File::open(&part)?;
        let size = file.metadata()?.len();
        if hash_of(file)? != hash {
            remove(&part)?;
            return Err(EvidenceError::HashMismatch);
        }
        fs::OpenOptions::new().write(true).open(&part)?.sync_all()?;
        let whole = self.path(hash);
        fs::rename(&part, &whole)?;
        sync_folder(whole.parent())?;
        Ok(size)
    }
}

/// The right to add to one piece of evidence.
pub struct Sending<'a> {
    evidence: &'a Evidence,
    hash: BlobHash,
    mine: Arc<Mutex<()>>,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let mut busy = self.evidence.busy.lock();
        // The map's and this one: nobody else waits.
        if Arc::strong_count(&self.mine) <= 2 {
            busy.remove(&self.hash);
        }
    }
}

impl Sending<'_> {
    /// Adds bytes at `offset`, which must be where what is there ends.
    ///
    /// # Errors
    /// When the offset is another, there is no space, or more would come than `total`.
    pub fn append(&self, offset: u64, total: u64, bytes: &[u8]) -> Result<Held, EvidenceError> {
        let _guard = self.mine.lock();
        let have = match self.evidence.held(self.hash)? {
            whole @ Held::Whole(_) => return Ok(whole),
            Held::Part(have) => have,
        };
        if offset != have {
            return Err(EvidenceError::Offset(have));
        }
        let end = offset
            .checked_add(bytes.len() as u64)
            .ok_or(EvidenceError::TooLarge)?;
        if total > MAX_BLOB || end > total {
            return Err(EvidenceError::TooLarge);
        }
        if free_space(&self.evidence.dir)? < (total - have).saturating_add(KEEP_FREE) {
            return Err(EvidenceError::NoSpace);
        }
        self.evidence.append_part(self.hash, offset, bytes)?;
        Ok(Held::Part(end))
    }

    /// Makes it whole, once all bytes have come: checks the hash, makes it durable, gives it its name.
    ///
    /// # Errors
    /// When the hash is another; then what came is thrown away, for it is not what it was said to be.
    pub fn finish(&self) -> Result<u64, EvidenceError> {
        let _guard = self.mine.lock();
        match self.evidence.held(self.hash)? {
            Held::Whole(size) => Ok(size),
            Held::Part(_) => self.evidence.finish(self.hash),
        }
    }
}

/// Bytes that may still be written to the volume that a folder is on.
///
/// # Errors
/// When the system does not say.
pub fn free_space(dir: &Path) -> io::Result<u64> {
    fs4::available_space(dir)
}

fn length(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn hash_of(mut file: fs::File) -> io::Result<BlobHash> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(BlobHash(hash.finalize().into())),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// A new name is durable only when its folder is.
pub(crate) fn sync_folder(folder: Option<&Path>) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = folder {
        fs::File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folder() -> (tempfile::TempDir, Evidence) {
        let dir = tempfile::tempdir().unwrap();
        let evidence = Evidence::open(dir.path()).unwrap();
        (dir, evidence)
    }

    #[test]
    fn a_file_goes_on_where_it_stopped_and_is_whole_only_with_the_right_hash() {
        let (_dir, evidence) = folder();
        let bytes = vec![7; 100_000];
        let hash = BlobHash(Sha256::digest(&bytes).into());
        let sending = evidence.lock(hash);
        assert_eq!(
            sending.append(0, 100_000, &bytes[..40_000]).unwrap(),
            Held::Part(40_000)
        );
        assert!(matches!(
            sending.append(0, 100_000, &bytes),
            Err(EvidenceError::Offset(40_000))
        ));
        drop(sending);
        assert_eq!(
            evidence.held(hash).unwrap(),
            Held::Part(40_000),
            "what has arrived is kept"
        );
        let sending = evidence.lock(hash);
        sending.append(40_000, 100_000, &bytes[40_000..]).unwrap();
        assert_eq!(sending.finish().unwrap(), 100_000);
        assert_eq!(evidence.held(hash).unwrap(), Held::Whole(100_000));
        assert_eq!(fs::read(evidence.path(hash)).unwrap(), bytes);
    }

    #[test]
    fn bytes_that_are_not_what_they_were_said_to_be_are_thrown_away() {
        let (_dir, evidence) = folder();
        let hash = BlobHash([9; 32]);
        let sending = evidence.lock(hash);
        sending.append(0, 3, b"abc").unwrap();
        assert!(matches!(sending.finish(), Err(EvidenceError::HashMismatch)));
        assert_eq!(evidence.held(hash).unwrap(), Held::Part(0));
    }

    #[test]
    fn more_bytes_than_were_announced_or_allowed_are_refused() {
        let (_dir, evidence) = folder();
        let sending = evidence.lock(BlobHash([9; 32]));
        assert!(matches!(
            sending.append(0, 2, b"abc"),
            Err(EvidenceError::TooLarge)
        ));
        assert!(matches!(
            sending.append(0, MAX_BLOB + 1, b"abc"),
            Err(EvidenceError::TooLarge)
        ));
    }
}
