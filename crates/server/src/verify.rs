//! Holding everything that is kept against what it must be: chains, ids, receipts, numbers and evidence.
//!
//! Invariant: nothing is repaired. What does not fit is named, the first of each device, and a person decides.

use std::collections::HashMap;

use serde::Serialize;
use shicha_domain::suite::VerifyingKey;
use shicha_domain::{BlobHash, Channel, DeviceId, EntryId, ReceiptId, entry::follow, receipt};
use shicha_sync::protocol::{admin::AuditRow, signing};

use crate::{
    evidence::EvidenceError,
    home::Home,
    store::{DeviceState, StoreError},
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
        let ids = walk(home, &state, &mut found, progress)?;
        let mut before: Option<ReceiptId> = None;
        for (held, push_signature) in home.store.receipts_of(state.device.id)? {
            found.receipts += 1;
            let head = if held.seq == 0 {
                Some(&EntryId::NONE)
            } else {
                ids.get(&held.seq)
            };
            let said = receipt::push_bytes(held.device, held.seq, held.head);
            let reason = if !held.is_signed_by(&key) {
                Some("not signed by this server")
            } else if head != Some(&held.head) {
                Some("for another entry than the one that is held")
            } else if held.seq > 0
                && !signing::is_signed(&state.device.public_key, &said, &push_signature)
            {
                Some("the device did not sign what it is for")
            } else if before == Some(held.id()) {
                Some("given twice")
            } else {
                None
            };
            before = Some(held.id());
            if let Some(reason) = reason {
                found.faults.push(VerifyFault::Receipt {
                    device: held.device,
                    seq: held.seq,
                    reason,
                });
            }
        }
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

/// Walks one device's ledger and returns the ids that it really has, up to the first entry that does not fit.
fn walk(
    home: &Home,
    state: &DeviceState,
    found: &mut Verification,
    progress: &mut dyn FnMut(&Verification),
) -> Result<HashMap<u64, EntryId>, StoreError> {
    let device = state.device.id;
    let mut ids = HashMap::new();
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
                    ids.insert(head.0, id);
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
    Ok(ids)
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
