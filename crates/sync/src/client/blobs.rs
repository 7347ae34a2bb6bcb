//! Evidence, smallest first, each file from where it stopped. Entries that are written meanwhile go before the next part.

use std::{
    collections::HashSet,
    sync::{MutexGuard, PoisonError},
};

use shicha_domain::BlobHash;

use super::{
    error::SyncError,
    push::Pushed,
    round::Round,
    state::{MovedKind, Phase, Progress},
    transport::{Method, Request},
};
use crate::protocol::{
    BLOB_PART, MAX_BLOB, ProblemCode, UPLOAD_COMPLETE, UPLOAD_LENGTH, UPLOAD_OFFSET,
};

/// Files that are looked at in one round.
const LIMIT: usize = 10_000;
/// How long a file that could not be moved is left alone, so that it is not tried again with every change.
const REST_MS: u64 = 10 * 60 * 1000;
/// After how many parts it is written down how far a file has got. The server knows better; this is for the screens.
const NOTE_EVERY: u64 = 8;

impl Round<'_> {
    /// Sends the evidence that waits.
    pub(super) async fn upload(&mut self) -> Result<(), SyncError> {
        let waiting = self
            .on_ledger(|ledger| Ok(ledger.blobs_waiting(LIMIT)?))
            .await?;
        for (hash, size, sent) in waiting {
            if self.rests(hash) {
                continue;
            }
            self.tell(Progress::Phase(Phase::Uploading));
            match self.send_blob(hash, size, sent).await {
                Ok(true) => {
                    self.outcome.uploaded += 1;
                    self.moved(MovedKind::Uploaded, 1, size).await?;
                }
                // The ledgers have parted meanwhile; the next round sees to it.
                Ok(false) => return Ok(()),
                Err(error) => self.leave(hash, error).await?,
            }
        }
        Ok(())
    }

    async fn send_blob(&mut self, hash: BlobHash, size: u64, sent: u64) -> Result<bool, SyncError> {
        let mut offset = if sent < size { sent } else { 0 };
        // Sent before, to a server that was restored since, or broken off: a part without bytes asks what it has. A server that has
        // more than a part begins with says so in the middle of it, and not every line brings such an answer.
        let mut asks = sent >= size || self.interrupted().contains(&hash);
        let mut corrections = 0;
        for part in 1_u64.. {
            if !self.entries_first(Phase::Uploading).await? {
                return Ok(false);
            }
            let length = if asks { 0 } else { BLOB_PART as u64 };
            let bytes = self
                .on_ledger(move |ledger| Ok(ledger.blob_read(hash, offset, length)?))
                .await?;
            if bytes.is_empty() && !asks {
                return Err(SyncError::Internal(format!(
                    "{hash} ends before its {size} bytes"
                )));
            }
            let request = Request::new(Method::Patch, format!("/v1/blobs/{hash}"))
                .header("content-type", "application/octet-stream")
                .header(UPLOAD_OFFSET, offset)
                .header(UPLOAD_LENGTH, size)
                .with_time_for(bytes.len())
                .body(bytes);
            match self.ask(request).await {
                Ok(reply) if reply.header(UPLOAD_COMPLETE) == Some("?1") => {
                    self.interrupted().remove(&hash);
                    self.on_ledger(move |ledger| Ok(ledger.blob_sent(hash, size, true)?))
                        .await?;
                    return Ok(true);
                }
                Ok(_) if asks => asks = false,
                Ok(reply) => {
                    let held = reply
                        .header(UPLOAD_OFFSET)
                        .and_then(|offset| offset.parse().ok());
                    offset = progressed(held, offset, size)?;
                    if part % NOTE_EVERY == 0 {
                        self.on_ledger(move |ledger| Ok(ledger.blob_sent(hash, offset, false)?))
                            .await?;
                    }
                }
                Err(SyncError::Problem(problem)) if problem.code == ProblemCode::Offset => {
                    asks = false;
                    corrections += 1;
                    let right = problem
                        .extra
                        .get("offset")
                        .and_then(serde_json::Value::as_u64);
                    offset = right
                        .filter(|right| *right < size && corrections <= 8)
                        .ok_or_else(|| {
                            SyncError::untrustworthy(
                                "the server does not say from where on it wants a file",
                            )
                        })?;
                }
                Err(SyncError::Problem(problem)) if problem.code == ProblemCode::HashMismatch => {
                    // What had arrived was thrown away: the next time from the start.
                    self.on_ledger(move |ledger| Ok(ledger.blob_sent(hash, 0, false)?))
                        .await?;
                    return Err(SyncError::Problem(problem));
                }
                Err(error) => {
                    if matches!(error, SyncError::Transport(_)) {
                        self.interrupted().insert(hash);
                    }
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    /// Fetches the evidence that is wanted.
    pub(super) async fn download(&mut self) -> Result<(), SyncError> {
        let wanted = self
            .on_ledger(|ledger| Ok(ledger.blobs_wanted(LIMIT)?))
            .await?;
        for (hash, size, have) in wanted {
            if self.rests(hash) {
                continue;
            }
            self.tell(Progress::Phase(Phase::Downloading));
            match self.fetch_blob(hash, size, have).await {
                Ok(Some(size)) => {
                    self.outcome.downloaded += 1;
                    self.moved(MovedKind::Downloaded, 1, size).await?;
                }
                Ok(None) => return Ok(()),
                Err(error) => self.leave(hash, error).await?,
            }
        }
        Ok(())
    }

    async fn fetch_blob(
        &mut self,
        hash: BlobHash,
        size: u64,
        have: u64,
    ) -> Result<Option<u64>, SyncError> {
        let mut offset = have;
        let mut total = size;
        loop {
            if !self.entries_first(Phase::Downloading).await? {
                return Ok(None);
            }
            if offset > 0 && offset >= total {
                self.on_ledger(move |ledger| Ok(ledger.blob_receive_finish(hash)?))
                    .await?;
                return Ok(Some(total));
            }
            let last = offset + BLOB_PART as u64 - 1;
            let request = Request::new(Method::Get, format!("/v1/blobs/{hash}"))
                .header("range", format!("bytes={offset}-{last}"))
                .with_time_for(BLOB_PART);
            let reply = self.ask(request).await?;
            // An entry may claim another size than the file has; the hash tells in the end.
            total = reply
                .header("content-range")
                .and_then(|range| {
                    range
                        .strip_prefix(&format!("bytes {offset}-"))?
                        .rsplit_once('/')?
                        .1
                        .parse()
                        .ok()
                })
                .filter(|total| reply.status == 206 && *total <= MAX_BLOB)
                .ok_or_else(|| {
                    SyncError::untrustworthy("another part of a file than the one asked for")
                })?;
            let bytes = reply.body;
            let end = offset + bytes.len() as u64;
            if bytes.is_empty() || bytes.len() > BLOB_PART || end > total {
                return Err(SyncError::untrustworthy(
                    "more or less of a file than was asked for",
                ));
            }
            self.on_ledger(move |ledger| Ok(ledger.blob_receive(hash, total, offset, &bytes)?))
                .await?;
            offset = end;
        }
    }

    /// Sends entries that were written meanwhile. `false`: the ledgers have parted.
    pub(super) async fn entries_first(&mut self, phase: Phase) -> Result<bool, SyncError> {
        let is_waiting = self
            .on_ledger(|ledger| Ok(ledger.head()?.0 > ledger.acked()?.0))
            .await?;
        if !is_waiting {
            return Ok(true);
        }
        self.tell(Progress::Phase(Phase::Pushing));
        let pushed = self.push().await?;
        self.tell(Progress::Phase(phase));
        Ok(matches!(pushed, Pushed::All))
    }

    fn interrupted(&self) -> MutexGuard<'_, HashSet<BlobHash>> {
        self.engine
            .interrupted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn rests(&self, hash: BlobHash) -> bool {
        let now_ms = self.engine.now_ms();
        let resting = self
            .engine
            .resting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        resting.get(&hash).is_some_and(|until| now_ms < *until)
    }

    /// Leaves one file alone for a while.
    async fn leave(&mut self, hash: BlobHash, error: SyncError) -> Result<(), SyncError> {
        // Evidence that its author has not sent yet is nothing to report.
        let is_yet_to_come =
            matches!(&error, SyncError::Problem(problem) if problem.code == ProblemCode::NotFound);
        if !is_yet_to_come {
            self.skip(hash, error).await?;
        }
        let until = self.engine.now_ms() + REST_MS;
        self.engine
            .resting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(hash, until);
        Ok(())
    }
}

fn progressed(held: Option<u64>, offset: u64, size: u64) -> Result<u64, SyncError> {
    held.filter(|held| *held > offset && *held < size)
        .ok_or_else(|| SyncError::untrustworthy("a part of a file was taken and is not there"))
}
