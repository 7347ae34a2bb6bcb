//! The bodies of push and pull: what is said about a batch, the batch, and zstd around both.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use shicha_domain::{Channel, suite::SignatureBytes};

use super::{
    MAX_BATCH_BODY, MAX_BATCH_DECODED, MAX_BATCH_ROWS, MAX_HELD, MAX_LIST, MAX_PULL_REQUEST,
    batch::{Batch, BatchFault, BatchWriter, WireBatch},
    serial::{Bytes, held_list, short_list},
};

/// The first byte of every body, so that another layout is not taken for this one.
const LAYOUT: u8 = 2;
/// Fast, and small enough: higher levels take several times as long for a few per cent.
const LEVEL: i32 = 3;
/// The largest window that a body may ask for, as a power of two: no more than the most that it may unfold to.
const MAX_WINDOW_LOG: u32 = 25;

/// What a device sends: consecutive entries of its ledger, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Signature over [`shicha_domain::receipt::push_bytes`] of the last entry.
    pub signature: SignatureBytes,
    /// The entries.
    pub batch: Batch,
}

/// How much a device holds of a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Up to which number.
    pub upto: u64,
    /// Where somebody waits for others to have what was written there: up to which number it is known that they do.
    pub seen: Option<u64>,
}

impl Held {
    /// So much of a channel where nobody waits for others.
    pub const fn upto(upto: u64) -> Self {
        Self { upto, seen: None }
    }
}

/// What a device holds; a channel that is not named counts as nothing.
pub type HeldChannels = BTreeMap<Channel, Held>;

/// `POST /v1/pull`: what is new in the channels that the person may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// What the device holds, or, with a base, what of it has changed since.
    pub held: HeldChannels,
    /// [`held_digest`] of the list that this device had come to with an earlier pull.
    pub base: Option<[u8; 32]>,
    /// Channels to leave out this time, because what was given of them could not be trusted.
    pub without: BTreeSet<Channel>,
    /// The most entries that the device wants.
    pub max_entries: u32,
    /// Whether what is named is durably held. `false` while a device asks for the next batch before it has stored the last one: then
    /// it does not count as seen.
    pub is_held: bool,
}

/// Names what a device holds, so that only changes need to travel.
pub fn held_digest(held: &HeldChannels) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"shicha-held-1\0");
    for (channel, Held { upto, seen }) in held {
        let name = channel.to_string();
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update(upto.to_be_bytes());
        hash.update([u8::from(seen.is_some())]);
        hash.update(seen.unwrap_or(0).to_be_bytes());
    }
    hash.finalize().into()
}

/// What a device gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pull {
    /// The channels that there is something to say about, in the order of the batch's rows.
    pub channels: Vec<PulledChannel>,
    /// Whether there is more to be had at once.
    pub more: bool,
    /// The endpoint does not remember the base that was named: the device says all that it holds. Nothing else is told then.
    pub is_base_lost: bool,
    /// The entries, channel by channel, and the receipts.
    pub batch: Batch,
}

/// What a pull says about one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledChannel {
    /// Which.
    pub channel: Channel,
    /// How many of the batch's rows are of it.
    pub rows: usize,
    /// Up to which number a device of another person has it.
    pub seen_upto: u64,
}

#[derive(Serialize, Deserialize)]
struct PushBody {
    layout: u8,
    signature: Bytes,
    batch: WireBatch,
}

#[derive(Serialize, Deserialize)]
struct PullRequestBody {
    layout: u8,
    base: Option<[u8; 32]>,
    #[serde(deserialize_with = "held_list")]
    held: Vec<WireHeld>,
    #[serde(deserialize_with = "held_list")]
    without: Vec<String>,
    max_entries: u32,
    is_held: bool,
}

/// A channel's name, up to which number it is held, and up to where others are known to hold it.
type WireHeld = (String, u64, Option<u64>);

fn to_wire(held: &HeldChannels) -> Vec<WireHeld> {
    held.iter()
        .map(|(channel, held)| (channel.to_string(), held.upto, held.seen))
        .collect()
}

fn of_wire(held: Vec<WireHeld>) -> Result<HeldChannels, BatchFault> {
    held.into_iter()
        .map(|(name, upto, seen)| Ok((name.parse()?, Held { upto, seen })))
        .collect()
}

/// Writes what a pull asks for.
///
/// # Errors
/// When it names more channels than a request may.
pub fn write_pull_request(request: &PullRequest) -> Result<Vec<u8>, BatchFault> {
    if request.held.len().max(request.without.len()) > MAX_HELD {
        return Err(BatchFault::TooLarge);
    }
    let body = pack(&PullRequestBody {
        layout: LAYOUT,
        base: request.base,
        held: to_wire(&request.held),
        without: request.without.iter().map(Channel::to_string).collect(),
        max_entries: request.max_entries,
        is_held: request.is_held,
    })?;
    if body.len() > MAX_PULL_REQUEST {
        Err(BatchFault::TooLarge)
    } else {
        Ok(body)
    }
}

/// Reads what a pull asks for.
///
/// # Errors
/// When it is none, whatever the bytes.
pub fn read_pull_request(body: &[u8]) -> Result<PullRequest, BatchFault> {
    if body.len() > MAX_PULL_REQUEST {
        return Err(BatchFault::TooLarge);
    }
    let body: PullRequestBody = unpack(body)?;
    if body.layout != LAYOUT {
        return Err(BatchFault::Structure("another layout"));
    }
    Ok(PullRequest {
        base: body.base,
        held: of_wire(body.held)?,
        without: body
            .without
            .iter()
            .map(|name| name.parse().map_err(BatchFault::from))
            .collect::<Result<_, _>>()?,
        max_entries: body.max_entries,
        is_held: body.is_held,
    })
}

/// Packs what a device holds, to be remembered.
///
/// # Errors
/// When it is more than a request may name.
pub fn pack_held(held: &HeldChannels) -> Result<Vec<u8>, BatchFault> {
    pack(&to_wire(held))
}

/// Unpacks what [`pack_held`] packed.
///
/// # Errors
/// When it is something else.
pub fn unpack_held(packed: &[u8]) -> Result<HeldChannels, BatchFault> {
    of_wire(unpack(packed)?)
}

#[derive(Serialize, Deserialize)]
struct PullBody {
    layout: u8,
    is_base_lost: bool,
    more: bool,
    #[serde(deserialize_with = "short_list")]
    channels: Vec<(String, u32, u64)>,
    batch: WireBatch,
}

/// Writes the body of a push.
///
/// # Errors
/// When the batch is larger than a body may be.
pub fn write_push(signature: &SignatureBytes, batch: BatchWriter) -> Result<Vec<u8>, BatchFault> {
    pack(&PushBody {
        layout: LAYOUT,
        signature: Bytes(signature.tagged().to_vec()),
        batch: batch.finish(),
    })
}

/// Reads the body of a push.
///
/// # Errors
/// When it is none, whatever the bytes.
pub fn read_push(body: &[u8]) -> Result<Push, BatchFault> {
    let body: PushBody = unpack(body)?;
    if body.layout != LAYOUT {
        return Err(BatchFault::Structure("another layout"));
    }
    Ok(Push {
        signature: SignatureBytes::from_tagged(&body.signature.0)
            .map_err(|_| BatchFault::Structure("a signature that is none"))?,
        batch: body.batch.read()?,
    })
}

/// Writes the body of the answer to a pull.
///
/// # Errors
/// When the batch is larger than a body may be, or tells of more channels.
pub fn write_pull(
    channels: &[PulledChannel],
    more: bool,
    batch: BatchWriter,
) -> Result<Vec<u8>, BatchFault> {
    if channels.len() > MAX_LIST {
        return Err(BatchFault::TooLarge);
    }
    let channels = channels
        .iter()
        .map(|c| (c.channel.to_string(), c.rows as u32, c.seen_upto))
        .collect();
    pack(&PullBody {
        layout: LAYOUT,
        is_base_lost: false,
        more,
        channels,
        batch: batch.finish(),
    })
}

/// Writes the answer to a pull whose base is not remembered.
///
/// # Errors
/// Never for its size.
pub fn write_base_lost() -> Result<Vec<u8>, BatchFault> {
    pack(&PullBody {
        layout: LAYOUT,
        is_base_lost: true,
        more: false,
        channels: Vec::new(),
        batch: BatchWriter::new().finish(),
    })
}

/// Reads the body of the answer to a pull. Each row's channel is the one it is listed under.
///
/// # Errors
/// When it is none, whatever the bytes.
pub fn read_pull(body: &[u8]) -> Result<Pull, BatchFault> {
    let body: PullBody = unpack(body)?;
    if body.layout != LAYOUT {
        return Err(BatchFault::Structure("another layout"));
    }
    let batch = body.batch.read()?;
    let mut channels = Vec::with_capacity(body.channels.len().min(MAX_BATCH_ROWS));
    let mut at = 0_usize;
    for (name, rows, seen_upto) in body.channels {
        let channel: Channel = name.parse()?;
        let rows = rows as usize;
        let end = at.checked_add(rows).filter(|end| *end <= batch.rows.len());
        let listed = end.and_then(|end| batch.rows.get(at..end));
        if !listed.is_some_and(|rows| rows.iter().all(|row| row.entry.channel == channel)) {
            return Err(BatchFault::Structure(
                "entries listed under another channel",
            ));
        }
        at += rows;
        channels.push(PulledChannel {
            channel,
            rows,
            seen_upto,
        });
    }
    if at != batch.rows.len() {
        return Err(BatchFault::Structure("entries under no channel"));
    }
    Ok(Pull {
        channels,
        more: body.more,
        is_base_lost: body.is_base_lost,
        batch,
    })
}

fn pack(body: &impl Serialize) -> Result<Vec<u8>, BatchFault> {
    let bytes =
        postcard::to_stdvec(body).map_err(|_| BatchFault::Structure("cannot be written"))?;
    if bytes.len() > MAX_BATCH_DECODED {
        return Err(BatchFault::TooLarge);
    }
    let mut encoder = zstd::stream::Encoder::new(Vec::with_capacity(bytes.len() / 4), LEVEL)
        .map_err(|_| BatchFault::Compression)?;
    // Knowing the size, it takes no more memory than a small batch needs.
    encoder
        .set_pledged_src_size(Some(bytes.len() as u64))
        .map_err(|_| BatchFault::Compression)?;
    encoder
        .include_checksum(true)
        .map_err(|_| BatchFault::Compression)?;
    encoder
        .write_all(&bytes)
        .map_err(|_| BatchFault::Compression)?;
    let packed = encoder.finish().map_err(|_| BatchFault::Compression)?;
    if packed.len() > MAX_BATCH_BODY {
        Err(BatchFault::TooLarge)
    } else {
        Ok(packed)
    }
}

/// How many bytes a body unfolds to, by what it says of itself: no more come out of it. A body that does not say unfolds to as much as any
/// may.
///
/// # Errors
/// When it is none, or unfolds to more than a body may.
pub fn unfolded(packed: &[u8]) -> Result<usize, BatchFault> {
    let said =
        zstd::zstd_safe::get_frame_content_size(packed).map_err(|_| BatchFault::Compression)?;
    match said {
        None => Ok(MAX_BATCH_DECODED),
        Some(bytes) => usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= MAX_BATCH_DECODED)
            .ok_or(BatchFault::TooLarge),
    }
}

fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, BatchFault> {
    if packed.len() > MAX_BATCH_BODY {
        return Err(BatchFault::TooLarge);
    }
    let most = unfolded(packed)?;
    let mut decoder =
        zstd::stream::Decoder::with_buffer(packed).map_err(|_| BatchFault::Compression)?;
    decoder
        .window_log_max(MAX_WINDOW_LOG)
        .map_err(|_| BatchFault::Compression)?;
    // Reading stops at what was said, and memory is taken for what comes: another frame behind the first, or one that lies, is too large.
    let mut bytes = Vec::new();
    decoder
        .take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| BatchFault::Compression)?;
    if bytes.len() > most {
        return Err(BatchFault::TooLarge);
    }
    let (body, rest) = postcard::take_from_bytes(&bytes)
        .map_err(|_| BatchFault::Structure("does not follow the layout"))?;
    if rest.is_empty() {
        Ok(body)
    } else {
        Err(BatchFault::Structure("bytes after the end"))
    }
}
