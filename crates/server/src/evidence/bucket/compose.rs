//! Putting the parts of a file together: into the whole, once all bytes are there, and into fewer parts before.

use object_store::{MultipartUpload, ObjectStoreExt as _};
use sha2::{Digest as _, Sha256};
use shicha_domain::BlobHash;

use super::{Bucket, CRUMB, Sent, fault};
use crate::evidence::{
    EvidenceError, hash_of,
    segments::{Part, Segment, covered, segments},
};

/// What is put together in memory and written at a time. Every part of an upload but the last must have 5 MiB.
const BLOCK: usize = 8 << 20;
/// How often putting together begins again because somebody else put the same parts together meanwhile.
const TRIES: usize = 3;

impl Bucket {
    /// Writes small parts that follow each other as one, and removes them: what is there stays the same.
    pub(super) async fn put_crumbs_together(
        &self,
        sent: Sent,
        all: &[Segment],
    ) -> Result<(), EvidenceError> {
        let _place = self.composing.acquire().await.map_err(closed)?;
        let is_crumb = |one: &&Segment| one.part.length < CRUMB;
        let mut rest = all;
        while let Some(first) = rest.iter().position(|one| is_crumb(&one)) {
            rest = &rest[first..];
            let begin = rest[0].part.offset + rest[0].bytes.start;
            let count = rest
                .iter()
                .take_while(is_crumb)
                .take_while(|one| one.part.end() - begin <= BLOCK as u64)
                .count()
                .max(1);
            let (together, after) = rest.split_at(count);
            rest = after;
            if count == 1 {
                continue;
            }
            let mut bytes = Vec::new();
            for one in together {
                match self.read_segment(sent, one).await? {
                    Some(read) => bytes.extend_from_slice(&read),
                    // Somebody else is at it, or it is whole by now.
                    None => return Ok(()),
                }
            }
            let part = Part {
                offset: begin,
                length: bytes.len() as u64,
            };
            self.write(&self.part(sent, part), bytes).await?;
            let crumbs: Vec<Part> = together.iter().map(|one| one.part).collect();
            self.remove(sent, &crumbs).await?;
        }
        Ok(())
    }

    pub(super) async fn make_whole(&self, sent: Sent) -> Result<u64, EvidenceError> {
        let _place = self.composing.acquire().await.map_err(closed)?;
        for _ in 0..TRIES {
            if let Some(size) = self.size(sent.0).await? {
                return Ok(size);
            }
            let parts = self.parts_of(sent).await?;
            let from = segments(parts.clone());
            let size = covered(&from);
            if size == 0 {
                return Err(EvidenceError::Offset(0));
            }
            let made = if size <= BLOCK as u64 {
                self.compose_small(sent, &from).await
            } else {
                self.compose_large(sent, &from).await
            };
            match made {
                Ok(true) => {
                    self.remove(sent, &parts).await?;
                    return Ok(size);
                }
                // Parts went away under it: they were put together, or it is whole by now.
                Ok(false) => {}
                Err(EvidenceError::HashMismatch) => {
                    self.remove(sent, &parts).await?;
                    return Err(EvidenceError::HashMismatch);
                }
                Err(error) => return Err(error),
            }
        }
        Err(EvidenceError::Unavailable(
            "others work on the same file".to_owned(),
        ))
    }

    /// `false`: a part was not there any more.
    async fn compose_small(&self, sent: Sent, from: &[Segment]) -> Result<bool, EvidenceError> {
        let mut bytes = Vec::new();
        for segment in from {
            match self.read_segment(sent, segment).await? {
                Some(read) => bytes.extend_from_slice(&read),
                None => return Ok(false),
            }
        }
        if hash_of(&bytes) != sent.0 {
            return Err(EvidenceError::HashMismatch);
        }
        self.write(&self.whole_name(sent.0), bytes).await?;
        Ok(true)
    }

    async fn compose_large(&self, sent: Sent, from: &[Segment]) -> Result<bool, EvidenceError> {
        let mut upload = self
            .store
            .put_multipart(&self.whole_name(sent.0))
            .await
            .map_err(fault)?;
        let made = self.hand_over(sent, from, upload.as_mut()).await;
        if !matches!(made, Ok(true))
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "an upload that came to nothing is left to the bucket's rule for unfinished ones");
        }
        made
    }

    /// Hashes what it hands over, and completes only what has the hash.
    async fn hand_over(
        &self,
        sent: Sent,
        from: &[Segment],
        upload: &mut dyn MultipartUpload,
    ) -> Result<bool, EvidenceError> {
        let mut sum = Sha256::new();
        let mut block = Vec::with_capacity(BLOCK);
        for segment in from {
            let Some(read) = self.read_segment(sent, segment).await? else {
                return Ok(false);
            };
            sum.update(&read);
            let mut read = read.as_slice();
            while !read.is_empty() {
                let (now, after) = read.split_at(read.len().min(BLOCK - block.len()));
                block.extend_from_slice(now);
                read = after;
                if block.len() == BLOCK {
                    let full = std::mem::replace(&mut block, Vec::with_capacity(BLOCK));
                    upload.put_part(full.into()).await.map_err(fault)?;
                }
            }
        }
        if BlobHash(sum.finalize().into()) != sent.0 {
            return Err(EvidenceError::HashMismatch);
        }
        if !block.is_empty() {
            upload.put_part(block.into()).await.map_err(fault)?;
        }
        upload.complete().await.map_err(fault)?;
        Ok(true)
    }
}

fn closed(error: tokio::sync::AcquireError) -> EvidenceError {
    EvidenceError::Unavailable(error.to_string())
}
