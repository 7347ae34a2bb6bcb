//! The bodies of push and pull: what is said about a batch, the batch, and zstd around both.

use std::io::{Read as _, Write as _};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shicha_domain::{Channel, suite::SignatureBytes};

use super::{
    MAX_BATCH_BODY, MAX_BATCH_DECODED, MAX_BATCH_ROWS,
    batch::{Batch, BatchFault, BatchWriter, WireBatch},
    serial::{Bytes, short_list},
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

/// What a device gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pull {
    /// The channels that there is something to say about, in the order of the batch's rows.
    pub channels: Vec<PulledChannel>,
    /// Whether there is more to be had at once.
    pub more: bool,
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
struct PullBody {
    layout: u8,
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
/// When the batch is larger than a body may be.
pub fn write_pull(
    channels: &[PulledChannel],
    more: bool,
    batch: BatchWriter,
) -> Result<Vec<u8>, BatchFault> {
    let channels = channels
        .iter()
        .map(|c| (c.channel.to_string(), c.rows as u32, c.seen_upto))
        .collect();
    pack(&PullBody {
        layout: LAYOUT,
        more,
        channels,
        batch: batch.finish(),
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

fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, BatchFault> {
    if packed.len() > MAX_BATCH_BODY {
        return Err(BatchFault::TooLarge);
    }
    let mut decoder =
        zstd::stream::Decoder::with_buffer(packed).map_err(|_| BatchFault::Compression)?;
    decoder
        .window_log_max(MAX_WINDOW_LOG)
        .map_err(|_| BatchFault::Compression)?;
    // The size that a body claims is not believed: reading stops at the limit, however small a bomb is packed.
    let mut bytes = Vec::new();
    decoder
        .take(MAX_BATCH_DECODED as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| BatchFault::Compression)?;
    if bytes.len() > MAX_BATCH_DECODED {
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
