//! Batches of entries on the wire: columns and runs, so that what repeats is written once.
//!
//! Consecutive entries of one device, author, channel, record and receipt form a run. Ids are not sent: the receiver computes them,
//! which proves at the same time that nothing was altered on the way. `prev` is sent only where a run does not continue what the
//! batch already holds of its device. A batch ends with a check over all ids, so that an error in reading or writing is noticed and
//! not taken for another history.
//!
//! Invariant: reading takes no more memory than a small multiple of the bytes given, whatever they say.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Hlc, PersonId, Receipt, ReceiptId, RecordId,
    entry::{Again, MAX_EVENT_BYTES},
    ids::BadId,
    suite::SignatureBytes,
};
use uuid::Uuid;

use super::{
    MAX_BATCH_ROWS,
    serial::{Bytes, short_list},
};

/// One entry of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number in its channel; 0 where it has none yet.
    pub number: u64,
    /// Index into the batch's receipts: the one that covers the entry.
    pub covered: Option<usize>,
    /// Its id, computed here.
    pub id: EntryId,
    /// The entry.
    pub entry: Entry,
}

/// Entries in the order in which they were written, and the receipts that they refer to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Receipts that cover entries or that entries come after.
    pub receipts: Vec<Receipt>,
    /// The entries.
    pub rows: Vec<Row>,
}

/// Why bytes are no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchFault {
    /// Not the structure of a batch.
    #[error("not a batch: {0}")]
    Structure(&'static str),
    /// More bytes or entries than allowed.
    #[error("the batch is too large")]
    TooLarge,
    /// The compressed bytes are damaged.
    #[error("the batch cannot be decompressed")]
    Compression,
    /// A name in it is none.
    #[error(transparent)]
    Name(#[from] BadId),
    /// What was read is not what was written.
    #[error("the batch does not have the ids that its writer gave it")]
    Check,
}

/// A batch as it is serialised. Table indices count from 0; where 0 means "none", the index is one higher.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct WireBatch {
    #[serde(deserialize_with = "short_list")]
    devices: Vec<[u8; 16]>,
    #[serde(deserialize_with = "short_list")]
    authors: Vec<[u8; 16]>,
    #[serde(deserialize_with = "short_list")]
    channels: Vec<String>,
    #[serde(deserialize_with = "short_list")]
    records: Vec<[u8; 16]>,
    #[serde(deserialize_with = "short_list")]
    receipts: Vec<WireReceipt>,
    /// Receipts of which only the name is known: indices go on from `receipts`.
    #[serde(deserialize_with = "short_list")]
    receipt_names: Vec<[u8; 32]>,
    #[serde(deserialize_with = "short_list")]
    runs: Vec<Run>,
    /// Difference to the row before, in ms.
    #[serde(deserialize_with = "short_list")]
    times: Vec<i64>,
    #[serde(deserialize_with = "short_list")]
    counters: Vec<u16>,
    #[serde(deserialize_with = "short_list")]
    lengths: Vec<u32>,
    events: Bytes,
    check: [u8; 16],
}

/// Times are said by how far they lie before that of the receipt, and places by how far they lie before its last: small numbers are few
/// bytes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct WireReceipt {
    life: u64,
    device: u32,
    /// How many entries the run has before its last; 0 also for the receipt that enrolment gives.
    before: u64,
    seq: u64,
    head: [u8; 32],
    received_at_ms: u64,
    /// May be below zero only in what no endpoint wrote; the signature tells.
    since: i64,
    seen: Option<i64>,
    /// From the first entry of the run to the first refused one, and from each to the next.
    #[serde(deserialize_with = "short_list")]
    refused: Vec<u64>,
    signature: Bytes,
}

impl WireReceipt {
    fn of(receipt: &Receipt, device: u32) -> Self {
        let ago = |ms: u64| receipt.received_at_ms.wrapping_sub(ms) as i64;
        let mut last = receipt.from;
        Self {
            life: receipt.life,
            device,
            before: receipt.seq.wrapping_sub(receipt.from),
            seq: receipt.seq,
            head: receipt.head.0,
            received_at_ms: receipt.received_at_ms,
            since: ago(receipt.since_ms),
            seen: receipt.seen_ms.map(ago),
            refused: (receipt.refused.iter())
                .map(|place| place.wrapping_sub(std::mem::replace(&mut last, *place)))
                .collect(),
            signature: Bytes(receipt.signature.tagged().to_vec()),
        }
    }

    /// What it says, whatever that is: whoever takes it proves the signature.
    fn read(self, device: DeviceId, signature: SignatureBytes) -> Receipt {
        let at = |ago: i64| self.received_at_ms.wrapping_sub(ago as u64);
        let from = self.seq.wrapping_sub(self.before);
        let mut last = from;
        Receipt {
            life: self.life,
            device,
            from,
            seq: self.seq,
            head: EntryId(self.head),
            received_at_ms: self.received_at_ms,
            since_ms: at(self.since),
            seen_ms: self.seen.map(at),
            refused: (self.refused.iter())
                .map(|step| {
                    last = last.wrapping_add(*step);
                    last
                })
                .collect(),
            signature,
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    device: u32,
    author: u32,
    channel: u32,
    record: u32,
    after: u32,
    covered: u32,
    seq: u64,
    number: u64,
    prev: Option<[u8; 32]>,
    rows: u32,
    again: Option<WireAgain>,
}

/// Where the first entry of a run stood first; those after it followed it there too.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct WireAgain {
    device: u32,
    seq: u64,
    prev: [u8; 32],
}

/// Things that are written once and then named by their place.
#[derive(Debug)]
struct Table<K> {
    places: HashMap<K, u32>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
        }
    }
}

impl<K: std::hash::Hash + Eq + Clone> Table<K> {
    fn place<T>(&mut self, key: &K, list: &mut Vec<T>, written: impl FnOnce() -> T) -> u32 {
        if let Some(&place) = self.places.get(key) {
            return place;
        }
        let place = list.len() as u32;
        list.push(written());
        self.places.insert(key.clone(), place);
        place
    }
}

/// Writes a batch entry by entry.
#[derive(Debug, Default)]
pub struct BatchWriter {
    wire: WireBatch,
    devices: Table<DeviceId>,
    authors: Table<PersonId>,
    channels: Table<Channel>,
    records: Table<RecordId>,
    receipts: Table<ReceiptId>,
    receipt_names: Table<ReceiptId>,
    /// Per device, the last entry that the batch holds.
    last: HashMap<u32, (u64, EntryId)>,
    /// What the last row said, to see whether the next one continues its run.
    previous: Option<(Common, u64, Option<usize>)>,
    last_ms: i64,
    ids: Sha256,
    /// Runs name receipts by place; whether a name is of a known receipt is settled at the end.
    afters: Vec<Option<ReceiptId>>,
}

/// The parts of an entry that a run has in common.
#[derive(Debug, PartialEq, Eq)]
struct Common {
    device: DeviceId,
    author: PersonId,
    channel: Channel,
    record: RecordId,
    after: Option<ReceiptId>,
    seq: u64,
    /// Where the next of the run stood first.
    again: Option<Again>,
}

/// Where what follows an entry stood first, if it followed it there.
fn next_again(id: EntryId, entry: &Entry) -> Option<Again> {
    entry.again.map(|again| Again {
        seq: again.seq.wrapping_add(1),
        prev: entry.name(id),
        ..again
    })
}

impl BatchWriter {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a receipt, once, and returns its place.
    pub fn receipt(&mut self, receipt: &Receipt) -> usize {
        let device = self
            .devices
            .place(&receipt.device, &mut self.wire.devices, || {
                *receipt.device.0.as_bytes()
            });
        let place = self
            .receipts
            .place(&receipt.id(), &mut self.wire.receipts, || {
                WireReceipt::of(receipt, device)
            });
        place as usize
    }

    /// Adds an entry with its id, which must be the entry's.
    pub fn row(&mut self, number: u64, covered: Option<usize>, id: EntryId, entry: &Entry) {
        let continues = self
            .previous
            .as_ref()
            .is_some_and(|(last, last_number, last_covered)| {
                last.seq.checked_add(1) == Some(entry.seq)
                    && last.device == entry.device
                    && last.record == entry.record
                    && last.author == entry.author
                    && last.after == entry.after
                    && last.again == entry.again
                    && *last_covered == covered
                    && if *last_number == 0 {
                        number == 0
                    } else {
                        last_number.checked_add(1) == Some(number)
                    }
                    && last.channel == entry.channel
                    && self.last_of(entry.device) == Some((entry.seq - 1, entry.prev))
            });
        if continues {
            if let (Some(run), Some((last, last_number, _))) =
                (self.wire.runs.last_mut(), self.previous.as_mut())
            {
                run.rows += 1;
                last.seq = entry.seq;
                last.again = next_again(id, entry);
                *last_number = number;
            }
        } else {
            self.begin_run(number, covered, id, entry);
        }
        if let Some(&device) = self.devices.places.get(&entry.device) {
            self.last.insert(device, (entry.seq, id));
        }
        let ms = entry.at.ms() as i64;
        self.wire.times.push(ms - self.last_ms);
        self.last_ms = ms;
        self.wire.counters.push(entry.at.0 as u16);
        self.wire.lengths.push(entry.event.len() as u32);
        self.wire.events.0.extend_from_slice(&entry.event);
        self.ids.update(id.0);
    }

    fn last_of(&self, device: DeviceId) -> Option<(u64, EntryId)> {
        self.last.get(self.devices.places.get(&device)?).copied()
    }

    fn begin_run(&mut self, number: u64, covered: Option<usize>, id: EntryId, entry: &Entry) {
        let follows =
            entry.seq > 0 && self.last_of(entry.device) == Some((entry.seq - 1, entry.prev));
        let device = self
            .devices
            .place(&entry.device, &mut self.wire.devices, || {
                *entry.device.0.as_bytes()
            });
        let author = self
            .authors
            .place(&entry.author, &mut self.wire.authors, || {
                *entry.author.0.as_bytes()
            });
        let channel = self
            .channels
            .place(&entry.channel, &mut self.wire.channels, || {
                entry.channel.to_string()
            });
        let record = self
            .records
            .place(&entry.record, &mut self.wire.records, || {
                *entry.record.0.as_bytes()
            });
        let again = entry.again.map(|again| WireAgain {
            device: (self.devices).place(&again.device, &mut self.wire.devices, || {
                *again.device.0.as_bytes()
            }),
            seq: again.seq,
            prev: again.prev.0,
        });
        self.wire.runs.push(Run {
            device,
            author,
            channel,
            record,
            after: 0,
            covered: covered.map_or(0, |place| place as u32 + 1),
            seq: entry.seq,
            number,
            prev: (!follows).then_some(entry.prev.0),
            rows: 1,
            again,
        });
        self.afters.push(entry.after);
        let common = Common {
            device: entry.device,
            author: entry.author,
            channel: entry.channel.clone(),
            record: entry.record,
            after: entry.after,
            seq: entry.seq,
            again: next_again(id, entry),
        };
        self.previous = Some((common, number, covered));
    }

    /// How many entries it holds.
    pub fn len(&self) -> usize {
        self.wire.lengths.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.wire.lengths.is_empty()
    }

    /// How many bytes of events it holds.
    pub fn event_bytes(&self) -> usize {
        self.wire.events.0.len()
    }

    pub(super) fn finish(mut self) -> WireBatch {
        let known = self.wire.receipts.len() as u32;
        for (run, after) in self.wire.runs.iter_mut().zip(&self.afters) {
            run.after = match after {
                None => 0,
                Some(id) => match self.receipts.places.get(id) {
                    Some(place) => place + 1,
                    None => {
                        known
                            + 1
                            + self
                                .receipt_names
                                .place(id, &mut self.wire.receipt_names, || id.0)
                    }
                },
            };
        }
        self.wire.check = check_of(self.ids);
        self.wire
    }
}

fn check_of(ids: Sha256) -> [u8; 16] {
    let hash: [u8; 32] = ids.finalize().into();
    let mut check = [0; 16];
    check.copy_from_slice(&hash[..16]);
    check
}

impl WireBatch {
    /// Reads the batch, computing every id.
    pub(super) fn read(self) -> Result<Batch, BatchFault> {
        const INDEX: BatchFault = BatchFault::Structure("a reference to nothing");
        let rows = self.lengths.len();
        if rows > MAX_BATCH_ROWS {
            return Err(BatchFault::TooLarge);
        }
        if self.times.len() != rows || self.counters.len() != rows {
            return Err(BatchFault::Structure("columns of different lengths"));
        }
        let channels: Vec<Channel> = self
            .channels
            .iter()
            .map(|name| name.parse())
            .collect::<Result<_, _>>()?;
        let device_at = |place: u32| {
            self.devices
                .get(place as usize)
                .map(|bytes| DeviceId(Uuid::from_bytes(*bytes)))
                .ok_or(INDEX)
        };
        let mut receipts = Vec::with_capacity(self.receipts.len().min(MAX_BATCH_ROWS));
        for receipt in self.receipts {
            let signature = SignatureBytes::from_tagged(&receipt.signature.0)
                .ok()
                .filter(|signature| !signature.is_none())
                .ok_or(BatchFault::Structure("a receipt without a signature"))?;
            let device = device_at(receipt.device)?;
            receipts.push(receipt.read(device, signature));
        }
        let afters: Vec<ReceiptId> = receipts
            .iter()
            .map(Receipt::id)
            .chain(self.receipt_names.iter().map(|name| ReceiptId(*name)))
            .collect();

        let mut read = Vec::with_capacity(rows);
        let mut last: HashMap<u32, (u64, EntryId)> = HashMap::new();
        let mut ids = Sha256::new();
        let mut event_at = 0_usize;
        let mut ms = 0_i64;
        for run in self.runs {
            let device = device_at(run.device)?;
            let author = PersonId(Uuid::from_bytes(
                *self.authors.get(run.author as usize).ok_or(INDEX)?,
            ));
            let channel = channels.get(run.channel as usize).ok_or(INDEX)?;
            let record = RecordId(Uuid::from_bytes(
                *self.records.get(run.record as usize).ok_or(INDEX)?,
            ));
            let after = match run.after.checked_sub(1) {
                None => None,
                Some(place) => Some(*afters.get(place as usize).ok_or(INDEX)?),
            };
            let covered = match run.covered.checked_sub(1) {
                None => None,
                Some(place) if (place as usize) < receipts.len() => Some(place as usize),
                Some(_) => return Err(INDEX),
            };
            let mut prev = match run.prev {
                Some(prev) => EntryId(prev),
                None => match last.get(&run.device) {
                    Some((seq, id)) if seq.checked_add(1) == Some(run.seq) => *id,
                    _ => return Err(BatchFault::Structure("an entry without the one before it")),
                },
            };
            let mut again = match run.again {
                None => None,
                Some(again) => Some(Again {
                    device: device_at(again.device)?,
                    seq: again.seq,
                    prev: EntryId(again.prev),
                }),
            };
            if run.rows == 0 || run.rows as usize > rows - read.len() {
                return Err(BatchFault::Structure("runs and rows do not fit"));
            }
            for n in 0..u64::from(run.rows) {
                let row = read.len();
                let seq = run
                    .seq
                    .checked_add(n)
                    .ok_or(BatchFault::Structure("a sequence number out of range"))?;
                let number = match run.number {
                    0 => 0,
                    first => first
                        .checked_add(n)
                        .ok_or(BatchFault::Structure("a number out of range"))?,
                };
                let length = self.lengths[row] as usize;
                let event = length
                    .le(&MAX_EVENT_BYTES)
                    .then(|| self.events.0.get(event_at..event_at + length))
                    .flatten()
                    .ok_or(BatchFault::Structure(
                        "an event longer than allowed or than the batch",
                    ))?;
                event_at += length;
                ms = ms
                    .checked_add(self.times[row])
                    .filter(|ms| (0..1 << 48).contains(ms))
                    .ok_or(BatchFault::Structure("a time out of range"))?;
                let entry = Entry {
                    device,
                    seq,
                    prev,
                    after,
                    at: Hlc((ms as u64) << 16 | u64::from(self.counters[row])),
                    author,
                    channel: channel.clone(),
                    record,
                    event: event.to_vec(),
                    again,
                };
                let id = entry.id();
                again = next_again(id, &entry);
                ids.update(id.0);
                prev = id;
                last.insert(run.device, (seq, id));
                read.push(Row {
                    number,
                    covered,
                    id,
                    entry,
                });
            }
        }
        if read.len() != rows || event_at != self.events.0.len() {
            return Err(BatchFault::Structure("runs and rows do not fit"));
        }
        if check_of(ids) != self.check {
            return Err(BatchFault::Check);
        }
        Ok(Batch {
            receipts,
            rows: read,
        })
    }
}
