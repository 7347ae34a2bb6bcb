//! Evidence in a bucket of an S3-compatible store.
//!
//! ```text
//! PREFIX/ab/ab12…                         a file that is whole, under its hash
//! PREFIX/parts/ab12…/SENDER/OFFSET-LENGTH bytes of a file that somebody sends
//! ```
//! Invariant: bytes get the name of their hash only after this process has computed it over the very bytes that it hands over, in one
//! write that the store makes visible as a whole or not at all. Several senders of one file therefore need no lock and no condition:
//! whoever is last writes the same bytes again. A process keeps nothing; how far a file has got is read from the names of its parts.

mod compose;

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _};
use object_store::{
    BackoffConfig, ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, RetryConfig,
    aws::AmazonS3Builder, path::Path,
};
use shicha_domain::BlobHash;
use tokio::{
    runtime::Runtime,
    sync::{Mutex, Semaphore},
};

use super::{
    BucketAddress, Evidence, EvidenceError, Held, Sender, Sent, Swept, end_of, hash_of,
    segments::{Part, Segment, covered, segments},
};

const PARTS: &str = "parts";
/// What is written as one object while a file is on its way: what devices send at a time.
const PIECE: usize = 1 << 20;
/// A part that is much smaller than a piece: what came before a line broke.
const CRUMB: u64 = PIECE as u64 / 4;
/// From so many crumbs on they are put together, so that a file that comes in crumbs stays quick to list.
const MANY: usize = 100;
/// How many files are put together at a time: each takes a few blocks of memory.
const AT_A_TIME: usize = 4;
/// Time for one request. A block must get through a slow line.
const REQUEST_TIME: Duration = Duration::from_secs(60);

/// Who puts a file together waits for whoever is at it.
type Busy = HashMap<Sent, Arc<Mutex<()>>>;

/// The bucket.
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    composing: Semaphore,
    /// Who asks again while a file is put together waits for that.
    busy: parking_lot::Mutex<Busy>,
    /// Its own, so that whoever calls may block and need not be a task. `None` only while it is dropped.
    runtime: Option<Runtime>,
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting for it is not allowed where the last owner may be a task.
            runtime.shutdown_background();
        }
    }
}

impl Bucket {
    /// Prepares access to a bucket; nothing is asked of it yet.
    ///
    /// # Errors
    /// When the settings are none.
    pub fn open(address: &BucketAddress) -> Result<Self, EvidenceError> {
        let mut builder = AmazonS3Builder::new();
        for (name, value) in &address.settings {
            // Among the variables are some that are meant for other programs.
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        let is_plain = address
            .settings
            .get("AWS_ALLOW_HTTP")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let options = ClientOptions::new()
            .with_allow_http(is_plain)
            .with_timeout(REQUEST_TIME);
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: 4,
            retry_timeout: Duration::from_secs(30),
        };
        let store = builder
            .with_client_options(options)
            .with_retry(retry)
            .with_bucket_name(&address.bucket)
            .build()
            .map_err(fault)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("bucket")
            .enable_all()
            .build()?;
        Ok(Self {
            store: Arc::new(store),
            prefix: Path::from(address.prefix.as_str()),
            composing: Semaphore::new(AT_A_TIME),
            busy: parking_lot::Mutex::default(),
            runtime: Some(runtime),
        })
    }

    fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, EvidenceError>>,
    ) -> Result<T, EvidenceError> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(work),
            None => Err(EvidenceError::Unavailable("it is closed".to_owned())),
        }
    }

    fn whole_name(&self, hash: BlobHash) -> Path {
        let name = hash.to_string();
        self.prefix.clone().join(&name[..2]).join(name.as_str())
    }

    fn parts(&self, (hash, by): Sent) -> Path {
        self.prefix
            .clone()
            .join(PARTS)
            .join(hash.to_string().as_str())
            .join(by.name().as_str())
    }

    fn part(&self, sent: Sent, part: Part) -> Path {
        self.parts(sent).join(part.name().as_str())
    }

    async fn size(&self, hash: BlobHash) -> Result<Option<u64>, EvidenceError> {
        match self.store.head(&self.whole_name(hash)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    async fn parts_of(&self, sent: Sent) -> Result<Vec<Part>, EvidenceError> {
        let listed = self.store.list(Some(&self.parts(sent)));
        listed
            .try_filter_map(|object| std::future::ready(Ok(part_of(&object))))
            .try_collect()
            .await
            .map_err(fault)
    }

    async fn add(
        &self,
        sent: Sent,
        offset: u64,
        total: u64,
        bytes: Vec<u8>,
    ) -> Result<Held, EvidenceError> {
        let hash = sent.0;
        let is_all = offset == 0 && bytes.len() as u64 == total;
        let parts = if is_all {
            Vec::new()
        } else {
            self.parts_of(sent).await?
        };
        let have = covered(&segments(parts.clone()));
        if (have == 0 || have != offset)
            && let Some(size) = self.size(hash).await?
        {
            return Ok(Held::Whole(size));
        }
        if have != offset {
            return Err(EvidenceError::Offset(have));
        }
        let end = end_of(offset, total, bytes.len())?;
        if bytes.is_empty() {
            return Ok(Held::Part(have));
        }
        if is_all {
            if hash_of(&bytes) != hash {
                return Err(EvidenceError::HashMismatch);
            }
            self.write(&self.whole_name(hash), bytes).await?;
            // Of when it got less far. They would be swept one day.
            let left = self.parts_of(sent).await?;
            self.remove(sent, &left).await?;
            return Ok(Held::Whole(total));
        }
        let length = bytes.len() as u64;
        self.write(&self.part(sent, Part { offset, length }), bytes)
            .await?;
        if parts.iter().filter(|part| part.length < CRUMB).count() >= MANY {
            self.put_crumbs_together(sent, &segments(parts)).await?;
        }
        Ok(Held::Part(end))
    }

    async fn write(&self, to: &Path, bytes: Vec<u8>) -> Result<(), EvidenceError> {
        self.store.put(to, bytes.into()).await.map_err(fault)?;
        Ok(())
    }

    async fn read_segment(
        &self,
        sent: Sent,
        segment: &Segment,
    ) -> Result<Option<Vec<u8>>, EvidenceError> {
        let from = self.part(sent, segment.part);
        match self.store.get_range(&from, segment.bytes.clone()).await {
            Ok(bytes) if bytes.len() as u64 == length_of(&segment.bytes) => Ok(Some(bytes.into())),
            Ok(_) => Err(EvidenceError::Unavailable(
                "a part is shorter than its name says".to_owned(),
            )),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    /// Removes parts. That they are gone already is no fault.
    async fn remove(&self, sent: Sent, parts: &[Part]) -> Result<(), EvidenceError> {
        if parts.is_empty() {
            return Ok(());
        }
        let paths: Vec<_> = parts
            .iter()
            .map(|part| Ok(self.part(sent, *part)))
            .collect();
        self.remove_all(paths).await
    }

    async fn remove_all(
        &self,
        paths: Vec<Result<Path, object_store::Error>>,
    ) -> Result<(), EvidenceError> {
        let mut removed = self
            .store
            .delete_stream(futures::stream::iter(paths).boxed());
        while let Some(one) = removed.next().await {
            match one {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(fault(error)),
            }
        }
        Ok(())
    }

    async fn fetch(
        &self,
        hash: BlobHash,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>, EvidenceError> {
        let Some(size) = self.size(hash).await? else {
            return Ok(None);
        };
        let end = size.min(offset.saturating_add(length as u64));
        if offset >= end {
            return Ok(Some(Vec::new()));
        }
        let read = self
            .store
            .get_range(&self.whole_name(hash), offset..end)
            .await
            .map_err(fault)?;
        if read.len() as u64 != end - offset {
            return Err(EvidenceError::Unavailable(
                "less came than was asked for".to_owned(),
            ));
        }
        Ok(Some(read.into()))
    }

    async fn sweep_parts(&self, before_ms: u64) -> Result<Swept, EvidenceError> {
        // Of each file and sender: when it got its last part, how many bytes there are, and where they lie.
        let mut begun: BTreeMap<String, (u64, u64, Vec<Path>)> = BTreeMap::new();
        let mut listed = self.store.list(Some(&self.prefix.clone().join(PARTS)));
        while let Some(object) = listed.try_next().await.map_err(fault)? {
            if part_of(&object).is_none() {
                continue;
            }
            let location = object.location.as_ref();
            let Some((file, _)) = location.rsplit_once('/') else {
                continue;
            };
            let at_ms = u64::try_from(object.last_modified.timestamp_millis()).unwrap_or(0);
            let file = begun.entry(file.to_owned()).or_default();
            file.0 = file.0.max(at_ms);
            file.1 += object.size;
            file.2.push(object.location);
        }
        let mut swept = Swept::default();
        for (last_ms, bytes, paths) in begun.into_values() {
            if last_ms < before_ms {
                self.remove_all(paths.into_iter().map(Ok).collect()).await?;
                swept.files += 1;
                swept.bytes += bytes;
            }
        }
        Ok(swept)
    }
}

impl Evidence for Bucket {
    fn whole(&self, hash: BlobHash) -> Result<Option<u64>, EvidenceError> {
        self.wait(self.size(hash))
    }

    fn held(&self, hash: BlobHash, by: Sender) -> Result<Held, EvidenceError> {
        self.wait(async {
            // The parts first: they go away only once the whole is there.
            let parts = self.parts_of((hash, by)).await?;
            Ok(match self.size(hash).await? {
                Some(size) => Held::Whole(size),
                None => Held::Part(covered(&segments(parts))),
            })
        })
    }

    fn append(
        &self,
        hash: BlobHash,
        by: Sender,
        offset: u64,
        total: u64,
        bytes: Vec<u8>,
    ) -> Result<Held, EvidenceError> {
        self.wait(self.add((hash, by), offset, total, bytes))
    }

    fn finish(&self, hash: BlobHash, by: Sender) -> Result<u64, EvidenceError> {
        let sent = (hash, by);
        let mine = Arc::clone(self.busy.lock().entry(sent).or_default());
        let made = self.wait(async {
            let _alone = mine.lock().await;
            self.make_whole(sent).await
        });
        let mut busy = self.busy.lock();
        // The map's and this one: nobody else waits.
        if Arc::strong_count(&mine) <= 2 {
            busy.remove(&sent);
        }
        made
    }

    fn read(
        &self,
        hash: BlobHash,
        offset: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>, EvidenceError> {
        self.wait(self.fetch(hash, offset, length))
    }

    fn sweep(&self, before_ms: u64) -> Result<Swept, EvidenceError> {
        self.wait(self.sweep_parts(before_ms))
    }

    fn piece(&self) -> usize {
        PIECE
    }

    fn check(&self) -> Result<(), EvidenceError> {
        self.wait(async {
            // Also says whether the key may list.
            let mut listed = self.store.list(Some(&self.prefix.clone().join(PARTS)));
            listed.try_next().await.map_err(fault)?;
            Ok(())
        })
    }
}

fn part_of(object: &ObjectMeta) -> Option<Part> {
    Part::parse(object.location.filename()?)
}

fn length_of(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

/// What stores call it when they are full: the HTTP status, and the codes of MinIO and Ceph.
const FULL: [&str; 3] = [
    "507 Insufficient Storage",
    "XMinioStorageFull",
    "QuotaExceeded",
];

fn fault(error: object_store::Error) -> EvidenceError {
    let words = error.to_string();
    if FULL.iter().any(|full| words.contains(full)) {
        EvidenceError::NoSpace
    } else {
        EvidenceError::Unavailable(words)
    }
}
