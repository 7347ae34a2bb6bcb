//! Which entries go to the other laptop, and how they are written.

use std::collections::{HashMap, HashSet};

use shicha_domain::{
    Channel, DeviceId, EntryId, ReceiptId, entry::Entry, receipt::push_bytes, suite::SignatureBytes,
};
use shicha_ledger::{ConfirmedBatch, Holdings, Identity, Ledger, Sealed};

use super::{exchange::tag, fault::NearbyFault, peer::Reader};
use crate::{
    handed,
    protocol::{BatchWriter, MAX_BATCH_ROWS, signing, wire},
};

/// Entries of one message, so that a line that breaks loses little.
const LOT: usize = 2_000;
/// Bytes of events of one message.
const LOT_BYTES: usize = 1 << 20;

/// Entries that go in one message.
pub(super) enum Lot {
    /// A stretch of the own log, from one place to another, to be sealed when it is written.
    Own(u64, u64),
    /// A stretch of another's log as it was sealed.
    Carried(Sealed),
    /// What the endpoint has confirmed.
    Confirmed(ConfirmedBatch),
}

impl Lot {
    pub(super) fn entries(&self) -> u64 {
        match self {
            Self::Own(first, last) => last - first + 1,
            Self::Carried(sealed) => sealed.entries.len() as u64,
            Self::Confirmed(batch) => batch.entries(),
        }
    }
}

/// What the other lacks and may read.
pub(super) fn plan(
    ledger: &Ledger,
    me: &Identity,
    peer: DeviceId,
    reader: &Reader,
    theirs: &Holdings,
) -> Result<Vec<Lot>, NearbyFault> {
    let shown = |channel: &Channel| reader.may_read(channel);
    let held: HashMap<(&Channel, DeviceId), u64> = theirs
        .logs
        .iter()
        .map(|(channel, device, upto)| ((channel, *device), *upto))
        .collect();
    let lacks = |entry: &Entry| {
        held.get(&(&entry.channel, entry.device))
            .is_none_or(|upto| entry.seq > *upto)
    };
    // Whoever reads only parts of a log cannot follow its chain to a receipt: the own signature proves those parts instead.
    let reads_all = ledger.own_channels()?.iter().all(shown);
    let mut lots = Vec::new();
    let about = (LOT as u64, LOT_BYTES as u64);
    for batch in ledger.confirmed_beyond(theirs, &shown, about, MAX_BATCH_ROWS as u64)? {
        lots.push(Lot::Confirmed(batch));
    }
    let after = if reads_all { ledger.acked()?.0 } else { 0 };
    own(
        ledger,
        me,
        after,
        &|entry| shown(&entry.channel) && lacks(entry),
        &mut lots,
    )?;
    for mut sealed in ledger.carried()? {
        let is_whole = sealed
            .entries
            .iter()
            .all(|(_, entry)| shown(&entry.channel) && entry.device != peer);
        if !is_whole {
            continue;
        }
        // The signature is over the last entry: what the other has before the first one that it lacks can stay away.
        let first = sealed.entries.iter().position(|(_, entry)| lacks(entry));
        if let Some(first) = first {
            sealed.entries.drain(..first);
            lots.push(Lot::Carried(sealed));
        }
    }
    Ok(lots)
}

/// The own log after a place, in stretches of what `goes`.
fn own(
    ledger: &Ledger,
    me: &Identity,
    mut after: u64,
    goes: &dyn Fn(&Entry) -> bool,
    lots: &mut Vec<Lot>,
) -> Result<(), NearbyFault> {
    let refused: HashSet<u64> = ledger.refused()?.iter().map(|one| one.seq).collect();
    loop {
        let entries = ledger.own_log(after, LOT, LOT_BYTES)?;
        let Some((_, last)) = entries.last() else {
            return Ok(());
        };
        after = last.seq;
        let mut run: Option<(u64, u64)> = None;
        for (_, entry) in &entries {
            let may_go = entry.device == me.device && goes(entry) && !refused.contains(&entry.seq);
            run = match (run, may_go) {
                (Some((first, _)), true) => Some((first, entry.seq)),
                (None, true) => Some((entry.seq, entry.seq)),
                (run, false) => {
                    lots.extend(run.map(|(first, last)| Lot::Own(first, last)));
                    None
                }
            };
        }
        lots.extend(run.map(|(first, last)| Lot::Own(first, last)));
    }
}

/// Writes a message.
pub(super) fn write(ledger: &Ledger, me: &Identity, lot: Lot) -> Result<Vec<u8>, NearbyFault> {
    match lot {
        Lot::Own(first, last) => {
            let mut entries = ledger.own_log(first - 1, LOT, LOT_BYTES)?;
            entries.retain(|(_, entry)| entry.seq <= last);
            let Some((id, head)) = entries.last() else {
                return sealed(&[], &SignatureBytes::NONE);
            };
            let signature = signing::sign(&me.signing_key, &push_bytes(head.device, head.seq, *id));
            sealed(&entries, &signature)
        }
        Lot::Carried(stretch) => sealed(&stretch.entries, &stretch.signature),
        Lot::Confirmed(batch) => confirmed(ledger, &batch),
    }
}

fn sealed(
    entries: &[(EntryId, Entry)],
    signature: &SignatureBytes,
) -> Result<Vec<u8>, NearbyFault> {
    tagged(tag::SEALED, &handed::write(entries, signature)?)
}

fn confirmed(ledger: &Ledger, batch: &ConfirmedBatch) -> Result<Vec<u8>, NearbyFault> {
    let found = ledger.confirmed(batch)?;
    let mut writer = BatchWriter::new();
    let mut places: HashMap<ReceiptId, usize> = HashMap::new();
    for receipt in &found.receipts {
        places.insert(receipt.id(), writer.receipt(receipt));
    }
    for (id, entry) in &found.entries {
        writer.row(0, None, *id, entry);
    }
    tagged(
        tag::CONFIRMED,
        &wire::write_push(&SignatureBytes::NONE, writer)?,
    )
}

fn tagged(tag: u8, body: &[u8]) -> Result<Vec<u8>, NearbyFault> {
    let mut bytes = Vec::with_capacity(body.len() + 1);
    bytes.push(tag);
    bytes.extend_from_slice(body);
    Ok(bytes)
}
