//! Evidence in a folder.
//!
//! Invariant: a file under its hash has exactly the bytes of that hash and was made durable before it got its name. What is on its
//! way lies beside it under the hash and its sender with `.part`, and is kept until it is whole, turns out to be something else, or is
//! swept.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use shicha_domain::BlobHash;

use super::{Evidence, EvidenceError, Held, Sender, Sent, Swept, end_of};
use crate::private;

/// Space that is left free for the database when evidence is taken in.
const KEEP_FREE: u64 = 256 << 20;
const PIECE: usize = 256 << 10;
/// What the name of a file that is on its way ends with.
const PART: &str = "part";
/// How often, and how soon after one another, what another process may be about to let go is asked for.
const TRIES: u32 = 40;
const BETWEEN: Duration = Duration::from_millis(25);

/// Which parts somebody is at.
type Busy = HashMap<Sent, Arc<Mutex<()>>>;

/// The folder.
pub struct Folder {
    dir: PathBuf,
    /// One thread of this process at a time for each part; between processes the part itself is locked.
    busy: Mutex<Busy>,
}

impl Folder {
    /// Opens or makes the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        private::make_folder(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            busy: Mutex::default(),
        })
    }

    /// Where evidence lies once it is whole.
    pub fn path(&self, hash: BlobHash) -> PathBuf {
        let name = hash.to_string();
        self.dir.join(&name[..2]).join(name)
    }

    fn part(&self, hash: BlobHash, by: Sender) -> PathBuf {
        self.path(hash)
            .with_extension(format!("{}.{PART}", by.name()))
    }

    /// Does something with one part that no other thread does at the same time.
    fn alone<T>(
        &self,
        hash: BlobHash,
        by: Sender,
        work: impl FnMut() -> Result<T, EvidenceError>,
    ) -> Result<T, EvidenceError> {
        let mine = Arc::clone(self.busy.lock().entry((hash, by)).or_default());
        let result = {
            let _guard = mine.lock();
            patiently(work)
        };
        let mut busy = self.busy.lock();
        // The map's and this one: nobody else waits.
        if Arc::strong_count(&mine) <= 2 {
            busy.remove(&(hash, by));
        }
        result
    }

    fn state(&self, hash: BlobHash, by: Sender) -> io::Result<Held> {
        match length(&self.path(hash))? {
            Some(size) => Ok(Held::Whole(size)),
            None => Ok(Held::Part(length(&self.part(hash, by))?.unwrap_or(0))),
        }
    }

    /// Opens what is on its way, for this process alone, as long as the file is open. `None`: there is nothing.
    fn open_part(
        &self,
        hash: BlobHash,
        by: Sender,
        is_begun: bool,
    ) -> io::Result<Option<fs::File>> {
        let part = self.part(hash, by);
        if let Some(folder) = part.parent() {
            fs::create_dir_all(folder)?;
        }
        loop {
            let opened = fs::OpenOptions::new()
                .create(is_begun)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&part);
            let file = match opened {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            match file.lock() {
                // A file system without locks is for one process.
                Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
                _ => {}
            }
            // Whoever had it before may have renamed or removed it.
            if is_at(&file, &part)? {
                return Ok(Some(file));
            }
        }
    }

    fn add(
        &self,
        hash: BlobHash,
        by: Sender,
        offset: u64,
        total: u64,
        bytes: &[u8],
    ) -> Result<Held, EvidenceError> {
        match self.state(hash, by)? {
            whole @ Held::Whole(_) => {
                remove(&self.part(hash, by))?;
                return Ok(whole);
            }
            Held::Part(have) if offset != have => return Err(EvidenceError::Offset(have)),
            Held::Part(have) => {
                end_of(offset, total, bytes.len())?;
                if free_space(&self.dir)? < (total - have).saturating_add(KEEP_FREE) {
                    return Err(EvidenceError::NoSpace);
                }
            }
        }
        let Some(mut file) = self.open_part(hash, by, true)? else {
            return Err(EvidenceError::Offset(0));
        };
        // Another process may have been quicker.
        if let Some(size) = length(&self.path(hash))? {
            remove(&self.part(hash, by))?;
            return Ok(Held::Whole(size));
        }
        let have = file.metadata()?.len();
        if offset != have {
            return Err(EvidenceError::Offset(have));
        }
        file.seek(SeekFrom::Start(offset))?;
        let written = file.write_all(bytes);
        if written.is_err() {
            // Half a write would be taken for bytes that arrived.
            file.set_len(offset)?;
        }
        written?;
        Ok(Held::Part(offset + bytes.len() as u64))
    }

    fn make_whole(&self, hash: BlobHash, by: Sender) -> Result<u64, EvidenceError> {
        let (part, whole) = (self.part(hash, by), self.path(hash));
        let Some(mut file) = self.open_part(hash, by, false)? else {
            // Another process was quicker, or it was swept.
            return length(&whole)?.ok_or(EvidenceError::Offset(0));
        };
        let size = file.metadata()?.len();
        if hash_of(&mut file)? != hash {
            remove(&part)?;
            return Err(EvidenceError::HashMismatch);
        }
        file.sync_all()?;
        fs::rename(&part, &whole)?;
        sync_folder(whole.parent())?;
        Ok(size)
    }

    /// Removes one that was begun, if nobody went on with it.
    fn sweep_one(&self, hash: BlobHash, by: Sender, before_ms: u64) -> io::Result<Option<u64>> {
        let Some(file) = self.open_part(hash, by, false)? else {
            return Ok(None);
        };
        let metadata = file.metadata()?;
        let changed_ms = metadata
            .modified()?
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        if changed_ms >= before_ms {
            return Ok(None);
        }
        remove(&self.part(hash, by))?;
        Ok(Some(metadata.len()))
    }
}

impl Evidence for Folder {
    fn whole(&self, hash: BlobHash) -> Result<Option<u64>, EvidenceError> {
        Ok(length(&self.path(hash))?)
    }

    fn held(&self, hash: BlobHash, by: Sender) -> Result<Held, EvidenceError> {
        Ok(self.state(hash, by)?)
    }

    fn append(
        &self,
        hash: BlobHash,
        by: Sender,
        offset: u64,
        total: u64,
        bytes: Vec<u8>,
    ) -> Result<Held, EvidenceError> {
        self.alone(hash, by, || self.add(hash, by, offset, total, &bytes))
    }

    fn finish(&self, hash: BlobHash, by: Sender) -> Result<u64, EvidenceError> {
        self.alone(hash, by, || match self.state(hash, by)? {
            Held::Whole(size) => {
                remove(&self.part(hash, by))?;
                Ok(size)
            }
            Held::Part(_) => self.make_whole(hash, by),
        })
    }

    fn read(
        &self,
        hash: BlobHash,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>, EvidenceError> {
        let Some(mut file) = opened(&self.path(hash))? else {
            return Ok(None);
        };
        let size = file.metadata()?.len();
        let from = offset.min(size);
        let mut bytes = Vec::with_capacity((size - from).min(length as u64) as usize);
        file.seek(SeekFrom::Start(from))?;
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn sweep(&self, before_ms: u64) -> Result<Swept, EvidenceError> {
        let mut swept = Swept::default();
        for folder in fs::read_dir(&self.dir)? {
            let folder = folder?.path();
            if !folder.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder)? {
                let path = file?.path();
                let Some((hash, by)) = part_of(&path) else {
                    continue;
                };
                if let Some(bytes) =
                    self.alone(hash, by, || Ok(self.sweep_one(hash, by, before_ms)?))?
                {
                    swept.files += 1;
                    swept.bytes += bytes;
                }
            }
        }
        Ok(swept)
    }

    fn piece(&self) -> usize {
        PIECE
    }

    fn check(&self) -> Result<(), EvidenceError> {
        fs::read_dir(&self.dir)?;
        Ok(())
    }
}

/// Bytes that may still be written to the volume that a folder is on.
///
/// # Errors
/// When the system does not say.
pub fn free_space(dir: &Path) -> io::Result<u64> {
    fs4::available_space(dir)
}

/// Whose part of what it is; `None`: not a part.
fn part_of(path: &Path) -> Option<Sent> {
    let (name, ending) = path.file_name()?.to_str()?.rsplit_once('.')?;
    let (hash, by) = name.split_once('.').filter(|_| ending == PART)?;
    Some((hash.parse().ok()?, Sender::parse(by)?))
}

fn opened(path: &Path) -> io::Result<Option<fs::File>> {
    match fs::File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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

/// Whether it is this file that has the name.
fn is_at(file: &fs::File, path: &Path) -> io::Result<bool> {
    let ours = same_file::Handle::from_file(file.try_clone()?)?;
    match same_file::Handle::from_path(path) {
        Ok(named) => Ok(named == ours),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// On Windows a file that was removed while another process has it open keeps its name, and nobody can open it, until that process
/// closes it: access is denied, or there is a sharing violation.
fn patiently<T>(mut work: impl FnMut() -> Result<T, EvidenceError>) -> Result<T, EvidenceError> {
    for _ in 0..TRIES {
        match work() {
            Err(EvidenceError::Io(error))
                if cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32)) =>
            {
                thread::sleep(BETWEEN);
            }
            done => return done,
        }
    }
    work()
}

fn hash_of(file: &mut fs::File) -> io::Result<BlobHash> {
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
