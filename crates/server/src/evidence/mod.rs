//! Evidence bytes, by hash: photos and other files, in a folder or in a bucket of an S3-compatible store.
//!
//! What the two have in common is the trait [`Evidence`], held to the same tests (`tests/evidence_suite`). Who may send and fetch is
//! the store's matter ([`crate::store`]); here are only bytes.

mod bucket;
mod folder;
mod location;
mod segments;

use std::io;

use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, DeviceId};
use shicha_sync::protocol::MAX_BLOB;

pub use self::{
    bucket::Bucket,
    folder::{Folder, free_space},
    location::{BucketAddress, Location, LocationFault},
};
pub(crate) use folder::sync_folder;

/// How much is read at a time when a whole file is gone through.
const READ_PIECE: usize = 4 << 20;

/// Why evidence cannot be taken in or given out.
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
    /// The bucket cannot be reached or refuses; the same call may succeed later.
    #[error("the bucket is not available: {0}")]
    Unavailable(String),
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

/// Who sends a file. What one has sent so far is never mixed with what another sends: wrong bytes spoil only the own upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// A device, over the network or by a package.
    Device(DeviceId),
    /// The endpoint itself, on behalf of whoever operates it.
    Endpoint,
}

/// A file as one sender sends it.
type Sent = (BlobHash, Sender);

impl Sender {
    /// A name for files, without dots and separators.
    fn name(self) -> String {
        match self {
            Self::Device(device) => device.0.simple().to_string(),
            Self::Endpoint => "endpoint".to_owned(),
        }
    }

    /// `None`: not one of ours.
    fn parse(name: &str) -> Option<Self> {
        let sender = match name {
            "endpoint" => Self::Endpoint,
            device => Self::Device(DeviceId(device.parse().ok()?)),
        };
        (sender.name() == name).then_some(sender)
    }
}

/// What was cleared away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Files that somebody began to send and nobody went on with.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The bytes of evidence.
///
/// Promises:
/// 1. What is there whole has exactly the bytes of its hash, and was durable before a call said that it is there.
/// 2. What is there whole is never altered and never removed; there is no call for it.
/// 3. A file that is not whole yet goes on from the first byte that is missing of what the same sender sent, whichever process took the
///    bytes before it. That only grows, until it is whole, or turns out to be something else, or is swept.
/// 4. Several threads and processes may add to the same file at once, the same bytes or others: nothing but the bytes of the hash
///    becomes whole, and whoever lost the race is told how much is there. What a sender does changes nothing of what another has sent.
/// 5. A call that fails leaves what was there. Parts never count as held, so that to lose them costs only sending again.
pub trait Evidence: Send + Sync + 'static {
    /// How many bytes it has, if it is there whole.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn whole(&self, hash: BlobHash) -> Result<Option<u64>, EvidenceError>;

    /// How much of it is there for this sender to go on from.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn held(&self, hash: BlobHash, by: Sender) -> Result<Held, EvidenceError>;

    /// Adds bytes at `offset`, which must be where what this sender has sent ends. It may become whole by that already.
    ///
    /// # Errors
    /// When the offset is another, there is no space, or more would come than `total`.
    fn append(
        &self,
        hash: BlobHash,
        by: Sender,
        offset: u64,
        total: u64,
        bytes: Vec<u8>,
    ) -> Result<Held, EvidenceError>;

    /// Makes it whole of what this sender sent, once all bytes have come: checks the hash, makes it durable, gives it its name. Returns its size. Safe to repeat.
    ///
    /// # Errors
    /// When the hash is another; then what this sender sent is thrown away, for it is not what it was said to be.
    /// [`EvidenceError::Offset`] when nothing of it is there.
    fn finish(&self, hash: BlobHash, by: Sender) -> Result<u64, EvidenceError>;

    /// At most `length` bytes from `offset` on, fewer only at the end; `None` if it is not there whole.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(
        &self,
        hash: BlobHash,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>, EvidenceError>;

    /// Throws away what was begun and got no further bytes since a moment, Unix ms.
    ///
    /// # Errors
    /// When what there is cannot be listed or removed.
    fn sweep(&self, before_ms: u64) -> Result<Swept, EvidenceError>;

    /// In how large pieces it is best written, in bytes.
    fn piece(&self) -> usize;

    /// Whether evidence can be reached now.
    ///
    /// # Errors
    /// When it cannot.
    fn check(&self) -> Result<(), EvidenceError>;

    /// Keeps bytes that are at hand whole.
    ///
    /// # Errors
    /// When they cannot be written.
    fn put(&self, bytes: &[u8]) -> Result<BlobHash, EvidenceError> {
        let hash = hash_of(bytes);
        let by = Sender::Endpoint;
        let mut at = match self.held(hash, by)? {
            Held::Whole(_) => return Ok(hash),
            Held::Part(at) => at.min(bytes.len() as u64),
        };
        while let Some(rest) = bytes.get(at as usize..).filter(|rest| !rest.is_empty()) {
            let piece = rest[..rest.len().min(self.piece())].to_vec();
            match self.append(hash, by, at, bytes.len() as u64, piece) {
                Ok(Held::Whole(_)) => return Ok(hash),
                Ok(Held::Part(end)) => at = end,
                // Somebody else sends the same.
                Err(EvidenceError::Offset(right)) if right > at => at = right,
                Err(error) => return Err(error),
            }
        }
        self.finish(hash, by)?;
        Ok(hash)
    }

    /// Computes the hash of evidence that is there whole; `None` if it is not.
    ///
    /// # Errors
    /// When it cannot be read.
    fn hash_again(&self, hash: BlobHash) -> Result<Option<BlobHash>, EvidenceError> {
        let mut again = Sha256::new();
        let mut at = 0;
        loop {
            let Some(piece) = self.read(hash, at, READ_PIECE)? else {
                return Ok(None);
            };
            again.update(&piece);
            if piece.len() < READ_PIECE {
                return Ok(Some(BlobHash(again.finalize().into())));
            }
            at += piece.len() as u64;
        }
    }
}

/// The hash of bytes that are at hand.
fn hash_of(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

/// Where so many bytes at an offset end, if a file of `total` bytes may have them.
fn end_of(offset: u64, total: u64, bytes: usize) -> Result<u64, EvidenceError> {
    offset
        .checked_add(bytes as u64)
        .filter(|end| *end <= total && total <= MAX_BLOB)
        .ok_or(EvidenceError::TooLarge)
}
