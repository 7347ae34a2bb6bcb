//! A laptop as the endpoint sees it: its messages are made beforehand, so that what is measured is the endpoint.

use anyhow::{Context, Result, ensure};
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};
use reqwest::StatusCode;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, Channel, Entry, Event, Evidence, Hlc, RecordId};
use shicha_sync::protocol::messages::Head;
use uuid::Uuid;

use crate::{by_hand::Device, data};

/// A photo, told by the seed of its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Photo {
    seed: u64,
    size: usize,
    pub(crate) hash: BlobHash,
}

impl Photo {
    pub(crate) fn new(size: usize) -> Self {
        let seed = rand::random();
        let hash = BlobHash(Sha256::digest(bytes_of(seed, size)).into());
        Self { seed, size, hash }
    }
}

fn bytes_of(seed: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// A laptop of an inspector.
pub(crate) struct Laptop {
    pub(crate) device: Device,
    channel: Channel,
    /// Its clock, Unix ms.
    now_ms: u64,
}

impl Laptop {
    pub(crate) fn new(device: Device, channel: Channel) -> Self {
        Self {
            device,
            channel,
            now_ms: data::START_MS,
        }
    }

    /// The next entry of its ledger. Times differ as people make them: that is what a wire has to carry and a store to hold.
    fn write(&mut self, record: RecordId, event: &Event) -> Result<Entry> {
        self.now_ms += rand::random_range(500..20_000);
        let entry = Entry {
            device: self.device.id,
            seq: self.device.head.seq + 1,
            prev: self.device.head.id,
            after: self.device.after,
            at: Hlc::from_ms(self.now_ms),
            author: self.device.person,
            channel: self.channel.clone(),
            record,
            event: event.to_bytes()?,
            again: None,
        };
        self.device.head = Head {
            seq: entry.seq,
            id: entry.id(),
        };
        Ok(entry)
    }

    /// The next inspection of that many entries: its opening, answers, and the photos at the end.
    pub(crate) fn inspection(&mut self, entries: usize, photos: &[Photo]) -> Result<Vec<Entry>> {
        let opening = data::inspection(rand::random_range(0..1_000_000))?;
        let record = RecordId(Uuid::now_v7());
        let mut written = vec![self.write(record, &opening.event)?];
        for item in 0..entries.saturating_sub(1 + photos.len()) {
            let results = ["conforms", "nonconforming", "not_applicable", "to_verify"];
            let result = results[rand::random_range(0..results.len())];
            let answer = data::answer(record, item, result)?;
            written.push(self.write(record, &answer.event)?);
        }
        for photo in photos {
            let event = Event::Attached {
                place: "record".into(),
                evidence: Evidence {
                    blob: photo.hash,
                    size: photo.size as u64,
                    name: "现场.jpg".into(),
                    mime: "image/jpeg".into(),
                    source: "camera".into(),
                    taken_at_ms: None,
                    position_e7: None,
                    camera: None,
                    derived_from: None,
                },
            };
            written.push(self.write(record, &event)?);
        }
        Ok(written)
    }

    /// The body of a push of about that many entries, in inspections of a hundred.
    pub(crate) fn push_of(&mut self, entries: usize) -> Result<Vec<u8>> {
        let mut written = Vec::with_capacity(entries);
        while written.len() < entries {
            written.extend(self.inspection((entries - written.len()).min(100), &[])?);
        }
        Ok(self.device.body(&written))
    }

    /// Sends a push that was made beforehand, and sees to it that all of it was taken.
    pub(crate) async fn send(&self, body: Vec<u8>) -> Result<()> {
        let answer = self.device.push_body(body).await;
        let status = answer.status();
        let reply: serde_json::Value = serde_json::from_slice(&answer.bytes().await?)?;
        ensure!(status == StatusCode::OK, "{status} {reply}");
        ensure!(
            reply
                .get("refused")
                .is_none_or(|refused| refused == &json!([])),
            "something was refused: {reply}"
        );
        Ok(())
    }

    /// Sends a photo, in one part as laptops do.
    pub(crate) async fn send_photo(&self, photo: Photo) -> Result<()> {
        let bytes = bytes_of(photo.seed, photo.size);
        let answer = self
            .device
            .send_blob(&photo.hash.to_string(), 0, photo.size as u64, bytes)
            .await;
        let status = answer.status();
        let complete = answer.headers().get("upload-complete").cloned();
        ensure!(status.is_success(), "{status} {}", answer.text().await?);
        ensure!(
            complete.context("how far it is")? == "?1",
            "a photo arrives whole"
        );
        Ok(())
    }
}
