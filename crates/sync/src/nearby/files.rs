//! Evidence in turn: each asks for the files that it lacks, with the bytes that it has of each, and gets those that the other has and that it
//! may see.

use std::collections::HashMap;

use shicha_domain::BlobHash;
use shicha_ledger::{Ledger, LedgerError};

use super::{
    channel::{Kind, Message},
    exchange::Exchange,
    fault::NearbyFault,
    greeting::Side,
    line::{Heard, Word, out_of_place},
    peer::Reader,
};
use crate::protocol::MAX_BLOB;

/// The most files that one asks for in a session; the next session goes on.
const MAX_FILES: usize = 4_000;
/// How many bytes of a file travel in one message: what a line that breaks loses at most.
const PART: u64 = 128 << 10;
/// Hash, offset and length of the whole, before the bytes of a part.
const PART_HEAD: usize = 32 + 8 + 8;

/// A file that goes: its name, its length, and from where on.
type Going = (BlobHash, u64, u64);

pub(super) async fn exchange(exchange: &mut Exchange<'_>, side: Side) -> Result<(), NearbyFault> {
    if side == Side::Answers {
        give(exchange).await?;
        take(exchange).await
    } else {
        take(exchange).await?;
        give(exchange).await
    }
}

async fn give(exchange: &mut Exchange<'_>) -> Result<(), NearbyFault> {
    let Word::Wanted { files } = exchange.line.hear_word().await? else {
        return Err(out_of_place());
    };
    if files.len() > MAX_FILES {
        return Err(NearbyFault::garbage("more files than may be asked for"));
    }
    let reader = exchange.reader.clone();
    let going = exchange
        .on_ledger(move |ledger| going(ledger, &reader, &files))
        .await?;
    let bytes = going.iter().map(|(_, size, from)| size - from).sum();
    exchange.summary.given.all_files = going.len() as u64;
    exchange.summary.given.all_bytes = bytes;
    exchange.tell();
    exchange
        .line
        .say(&Word::GivingFiles {
            files: going.len() as u64,
            bytes,
        })
        .await?;
    for (hash, size, from) in going {
        let mut offset = from;
        while offset < size {
            let part = exchange
                .on_ledger(move |ledger| Ok(ledger.blob_read(hash, offset, PART)?))
                .await?;
            if part.is_empty() {
                return Err(NearbyFault::here(
                    super::Reason::Storage,
                    "a file ends before its end",
                ));
            }
            let sent = part.len() as u64;
            exchange
                .line
                .send(part_of(hash, size, offset, &part))
                .await?;
            offset += sent;
            exchange.summary.given.bytes += sent;
            exchange.tell();
        }
        exchange.summary.given.files += 1;
        exchange.tell();
    }
    exchange.line.say(&Word::NoMoreFiles).await
}

/// Those of the wanted files that are here whole and that the other may see, smallest first.
fn going(
    ledger: &Ledger,
    reader: &Reader,
    wanted: &[(BlobHash, u64)],
) -> Result<Vec<Going>, NearbyFault> {
    let mut going = Vec::new();
    for (hash, have) in wanted {
        let Some(info) = ledger.blob_info(*hash)?.filter(|info| info.is_complete) else {
            continue;
        };
        if ledger
            .blob_channels(*hash)?
            .iter()
            .any(|channel| reader.may_read(channel))
        {
            let from = if *have < info.size { *have } else { 0 };
            going.push((*hash, info.size, from));
        }
    }
    going.sort_by_key(|(_, size, from)| size - from);
    Ok(going)
}

fn part_of(hash: BlobHash, size: u64, offset: u64, bytes: &[u8]) -> Message {
    let mut message = Vec::with_capacity(PART_HEAD + bytes.len());
    message.extend_from_slice(&hash.0);
    message.extend_from_slice(&offset.to_be_bytes());
    message.extend_from_slice(&size.to_be_bytes());
    message.extend_from_slice(bytes);
    Message {
        kind: Kind::Part,
        bytes: message,
    }
}

async fn take(exchange: &mut Exchange<'_>) -> Result<(), NearbyFault> {
    let wanted = exchange.on_ledger(wanted).await?;
    let mut have: HashMap<BlobHash, u64> = wanted.iter().copied().collect();
    exchange.line.say(&Word::Wanted { files: wanted }).await?;
    let Word::GivingFiles { files, bytes } = exchange.line.hear_word().await? else {
        return Err(out_of_place());
    };
    exchange.summary.taken.all_files = files;
    exchange.summary.taken.all_bytes = bytes;
    exchange.tell();
    loop {
        let part = match exchange.line.hear().await? {
            Heard::Part(part) => part,
            Heard::Word(Word::NoMoreFiles) => return Ok(()),
            _ => return Err(out_of_place()),
        };
        let (hash, offset, size) = head_of(&part)?;
        let length = (part.len() - PART_HEAD) as u64;
        let end = offset.checked_add(length).filter(|end| *end <= size);
        let (Some(end), Some(held)) = (end, have.get_mut(&hash)) else {
            return Err(NearbyFault::garbage(
                "a part of a file that was not asked for",
            ));
        };
        if length == 0 || size > MAX_BLOB || offset > *held {
            return Err(NearbyFault::garbage(
                "a part that does not follow the one before",
            ));
        }
        *held = end;
        let is_whole = exchange
            .on_ledger(move |ledger| received(ledger, hash, (offset, size), &part))
            .await?;
        exchange.summary.taken.bytes += length;
        exchange.summary.taken.files += u64::from(is_whole);
        exchange.tell();
    }
}

/// What is lacking here, with the bytes that are here of each.
fn wanted(ledger: &Ledger) -> Result<Vec<(BlobHash, u64)>, NearbyFault> {
    let mut wanted = Vec::new();
    for (hash, size, have) in ledger.blobs_wanted(MAX_FILES)? {
        if have > 0 && have == size {
            // The line broke between the last byte and the look at the whole.
            match ledger.blob_receive_finish_carried(hash) {
                Ok(()) => continue,
                Err(LedgerError::BadBytes(_)) => wanted.push((hash, 0)),
                Err(error) => return Err(error.into()),
            }
        } else {
            wanted.push((hash, have));
        }
    }
    Ok(wanted)
}

/// Which file a part is of, where it belongs, and how long the whole is.
fn head_of(part: &[u8]) -> Result<(BlobHash, u64, u64), NearbyFault> {
    let short = || NearbyFault::garbage("half a part of a file");
    let (hash, rest) = part.split_first_chunk::<32>().ok_or_else(short)?;
    let (offset, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let (size, _) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    Ok((
        BlobHash(*hash),
        u64::from_be_bytes(*offset),
        u64::from_be_bytes(*size),
    ))
}

/// Takes a part. Whether the file is whole now; bytes that do not have its hash are thrown away, and it is asked for another time.
fn received(
    ledger: &Ledger,
    hash: BlobHash,
    (offset, size): (u64, u64),
    part: &[u8],
) -> Result<bool, NearbyFault> {
    let bytes = part.get(PART_HEAD..).unwrap_or_default();
    ledger.blob_receive(hash, size, offset, bytes)?;
    if offset + (bytes.len() as u64) < size {
        return Ok(false);
    }
    match ledger.blob_receive_finish_carried(hash) {
        Ok(()) => Ok(true),
        Err(LedgerError::BadBytes(what)) => {
            tracing::warn!(%hash, what, "a file of a laptop nearby was thrown away");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
