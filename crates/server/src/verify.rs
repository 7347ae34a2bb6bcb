//! Holding everything that is kept against what it must be: chains, ids, receipts, numbers and evidence.
//!
//! Invariant: nothing is repaired. What does not fit is named, the first of each device, and a person decides.

use std::collections::HashMap;

use serde::Serialize;
use shicha_domain::{
    BlobHash, Channel, DeviceId, EntryId, Receipt, ReceiptId, entry::follow, receipt,
    suite::VerifyingKey,
};
use shicha_sync::protocol::{admin::AuditRow, signing};

use crate::{
    evidence::EvidenceError,
    home::Home,
    store::{DeviceState, StoreError, ToldEnd},
};

const PAGE: usize = 5_000;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Verification {
    /// Devices whose ledgers were walked.
    pub devices: u64,
    /// Entries that were walked.
    pub entries: u64,
    /// Receipts that were checked.
    pub receipts: u64,
    /// Channels whose numbers were counted.
    pub channels: u64,
    /// Files of evidence that were hashed again.
    pub blobs: u64,
    /// Rows of the audit log that were walked.
    pub audit_rows: u64,
    /// What does not fit.
    pub faults: Vec<VerifyFault>,
}

/// Something that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum VerifyFault {
    /// From this entry on a device's ledger is not what was sealed.
    Entry {
        /// Whose ledger.
        device: DeviceId,
        /// The first entry that does not fit.
        seq: u64,
        /// Why.
        reason: String,
    },
    /// A receipt is not the server's, or is for something else than what is held.
    Receipt {
        /// Whose ledger.
        device: DeviceId,
        /// Up to where the receipt speaks.
        seq: u64,
        /// Why.
        reason: &'static str,
    },
    /// A channel's numbers have a gap.
    Numbers {
        /// Which channel.
        channel: Channel,
        /// The last number given.
        last: u64,
        /// How many entries have one.
        count: u64,
    },
    /// A file of evidence is not there or has other bytes.
    Evidence {
        /// Which.
        hash: BlobHash,
        /// Whether it is there at all.
        is_there: bool,
    },
    /// From this row on the audit log is not what was written.
    Audit {
        /// The first row that does not fit.
        n: u64,
        /// Why.
        reason: &'static str,
    },
}

/// Why not everything could be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Evidence cannot be read.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

/// Walks everything.
///
/// # Errors
/// When the store or the place of evidence cannot be read.
pub fn verify(
    home: &Home,
    progress: &mut dyn FnMut(&Verification),
) -> Result<Verification, VerifyError> {
    let key = VerifyingKey::new(&home.signer.public_key())
        .map_err(|_| StoreError::Damaged("server key"))?;
    let mut found = Verification::default();
    for state in home.store.devices()? {
        found.devices += 1;
        let log = walk(home, &state, &mut found, progress)?;
        receipts(home, &state, &key, &log, &mut found)?;
    }
    for numbers in home.store.channels()? {
        found.channels += 1;
        if numbers.last != numbers.count || numbers.last != numbers.highest {
            let (last, count) = (numbers.last, numbers.count);
            found.faults.push(VerifyFault::Numbers {
                channel: numbers.channel,
                last,
                count,
            });
        }
    }
    walk_audit(home, &mut found)?;
    let arrived = home.store.blobs()?;
    if !arrived.is_empty() {
        // A bucket that does not exist answers as one without the files.
        home.evidence.check()?;
    }
    for (hash, _) in arrived {
        found.blobs += 1;
        let again = home.evidence.hash_again(hash)?;
        if again != Some(hash) {
            found.faults.push(VerifyFault::Evidence {
                hash,
                is_there: again.is_some(),
            });
        }
        progress(&found);
    }
    Ok(found)
}

/// What a device's ledger really holds at each place: the entry, and the receipt that it names.
type Log = HashMap<u64, (EntryId, Option<ReceiptId>)>;

/// Holds a device's receipts, and the end that it told last, against its ledger.
fn receipts(
    home: &Home,
    state: &DeviceState,
    key: &VerifyingKey,
    log: &Log,
    found: &mut Verification,
) -> Result<(), StoreError> {
    let held = home.store.receipts_of(state.device.id)?;
    let end = home.store.end_of(state.device.id)?;
    let given: HashMap<ReceiptId, &Receipt> = held
        .iter()
        .filter(|(receipt, _)| receipt.seq > 0)
        .map(|(receipt, _)| (receipt.id(), receipt))
        .collect();
    let mut fault = |seq, reason| {
        found.faults.push(VerifyFault::Receipt {
            device: state.device.id,
            seq,
            reason,
        });
    };
    let mut before: Option<&Receipt> = None;
    // The latest receipt of each life that the log named, up to a place.
    let mut named: HashMap<u64, u64> = HashMap::new();
    let mut looked_upto = 0;
    for (n, (receipt, push_signature)) in held.iter().enumerate() {
        found.receipts += 1;
        while looked_upto < receipt.from {
            looked_upto += 1;
            let name = log.get(&looked_upto).and_then(|(_, after)| *after);
            if let Some(known) = name.and_then(|name| given.get(&name)) {
                let latest = named.entry(known.life).or_default();
                *latest = (*latest).max(known.received_at_ms);
            }
        }
        let head = match receipt.seq {
            0 => Some(EntryId::NONE),
            seq => log.get(&seq).map(|(id, _)| *id),
        };
        let said = receipt::push_bytes(receipt.device, receipt.seq, receipt.head);
        // A push that got several receipts was signed over its last entry, which seals those below it.
        let is_sealed_later = push_signature.is_none() && n + 1 < held.len();
        let is_after_end = |end: &ToldEnd| receipt.from > end.seq && receipt.since_ms < end.tick_ms;
        let reason = if !receipt.is_signed_by(key) {
            Some("not signed by this server")
        } else if head != Some(receipt.head) {
            Some("for another entry than the one that is held")
        } else if receipt.seq > 0
            && !is_sealed_later
            && !signing::is_signed(&state.device.public_key, &said, push_signature)
        {
            Some("the device did not sign what it is for")
        } else if before.is_some_and(|before| receipt.rank() <= before.rank()) {
            Some("not later than the one before it")
        } else if before.is_some_and(|before| receipt.from != before.seq + 1) {
            Some("not for what follows the one before it")
        } else if receipt.since_ms > receipt.received_at_ms {
            Some("it says that something was made after it was received")
        } else if named
            .get(&receipt.life)
            .is_some_and(|named| receipt.since_ms < *named)
        {
            Some("its earlier bound lies before a receipt that the log had named")
        } else if end.as_ref().is_some_and(is_after_end) {
            Some("its earlier bound lies before an end that the device had told")
        } else {
            None
        };
        before = Some(receipt);
        if let Some(reason) = reason {
            fault(receipt.seq, reason);
        }
    }
    if let Some(end) = end {
        let server = home.signer.public_key();
        let said = receipt::end_bytes(&server, state.device.id, end.tick_ms, end.seq, end.head);
        let head = match end.seq {
            0 => Some(EntryId::NONE),
            seq => log.get(&seq).map(|(id, _)| *id),
        };
        if !signing::is_signed(&state.device.public_key, &said, &end.signature) {
            fault(
                end.seq,
                "the device did not sign the end that is kept of it",
            );
        } else if head != Some(end.head) {
            fault(end.seq, "the end that is kept is of another log");
        }
    }
    Ok(())
}

/// Walks one device's ledger and returns what it really holds, up to the first entry that does not fit.
fn walk(
    home: &Home,
    state: &DeviceState,
    found: &mut Verification,
    progress: &mut dyn FnMut(&Verification),
) -> Result<Log, StoreError> {
    let device = state.device.id;
    let mut log = Log::new();
    let mut head = (0, EntryId::NONE);
    let bad = 'walk: loop {
        let page = home.store.entries_of(device, head.0 + 1, PAGE)?;
        if page.is_empty() {
            break None;
        }
        for held in page {
            found.entries += 1;
            match follow(head, &held.entry) {
                Ok(id) if id == held.id => {
                    head = (held.entry.seq, id);
                    log.insert(head.0, (id, held.entry.after));
                }
                Ok(_) => {
                    break 'walk Some((
                        held.entry.seq,
                        "its contents do not have the hash that names it".to_owned(),
                    ));
                }
                Err(fault) => break 'walk Some((held.entry.seq, fault.to_string())),
            }
        }
        progress(found);
    };
    if let Some((seq, reason)) = bad {
        found.faults.push(VerifyFault::Entry {
            device,
            seq,
            reason,
        });
    } else if (state.head.seq, state.head.id) != head {
        let reason = format!(
            "the ledger ends at {} and should end at {}",
            head.0, state.head.seq
        );
        found.faults.push(VerifyFault::Entry {
            device,
            seq: head.0 + 1,
            reason,
        });
    }
    Ok(log)
}

/// Walks the audit log up to the first row that does not fit. That the last rows were cut off cannot be seen from what is left: who
/// wants to know compares the number and hash of the last row with an earlier export.
fn walk_audit(home: &Home, found: &mut Verification) -> Result<(), StoreError> {
    let key = home.signer.public_key();
    let mut last = (0, [0; 32]);
    loop {
        let page = home.store.audit_from(last.0 + 1, PAGE)?;
        if page.is_empty() {
            return Ok(());
        }
        for row in page {
            found.audit_rows += 1;
            let said = row.signed_bytes(&last.1);
            let reason = if row.n != last.0 + 1 {
                Some("rows before it are missing")
            } else if row.hash != AuditRow::hash_of(&said) {
                Some("it is not what was written after the row before it")
            } else if !signing::is_signed(&key, &said, &row.signature) {
                Some("not signed by this server")
            } else {
                None
            };
            if let Some(reason) = reason {
                found.faults.push(VerifyFault::Audit { n: row.n, reason });
                return Ok(());
            }
            last = (row.n, row.hash);
        }
    }
}
