//! Holding everything that is kept against what it must be, for whoever doubts.
//!
//! Two things are told apart. A *fault* is something that is not as this endpoint once took or gave it: chains, ids, receipts, ranks,
//! numbers, kept ends, evidence. A *mark* is kept truly and contradicts something all the same: a claimed time outside of its bounds, a
//! second signed version, a signature that does not fit, an identity that goes on with another one's log, another life of the endpoint.
//!
//! Invariant: nothing is repaired. What does not fit is named, the first of each device, and a person decides. Everything is walked piece
//! by piece, however much there is.

mod logs;
mod marks;
mod records;

use serde::Serialize;
use shicha_domain::{BlobHash, Channel, DeviceId, RecordId, receipt::Rank, suite::VerifyingKey};
use shicha_sync::protocol::{admin::AuditRow, signing};

use crate::{
    evidence::EvidenceError,
    home::Home,
    store::{StoreError, whole::Numbered},
};
pub use marks::VerifyMark;

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
    /// Records that were looked at.
    pub records: u64,
    /// Signatures of people that were held against what they cover.
    pub signatures: u64,
    /// Files of evidence that were hashed again.
    pub blobs: u64,
    /// Rows of the audit log that were walked.
    pub audit_rows: u64,
    /// What does not fit.
    pub faults: Vec<VerifyFault>,
    /// What is kept as it came, and contradicts something.
    pub marks: Vec<VerifyMark>,
    /// Marks beyond those, of kinds of which there are very many.
    pub marks_left_out: u64,
    /// Entries whose claimed time is from before their device was last in touch, without an end told then.
    pub unproved: u64,
    #[serde(skip)]
    listed: marks::Listed,
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
    /// What an entry is kept to be is not what its receipt says.
    Rank {
        /// Whose ledger.
        device: DeviceId,
        /// The first such entry.
        seq: u64,
        /// Why.
        reason: &'static str,
    },
    /// What is kept of a device for the bounds of what it sends next is not what follows from its receipts.
    Bounds {
        /// Which device.
        device: DeviceId,
    },
    /// What a record is kept to be is not what its entries say.
    Record {
        /// Which.
        record: RecordId,
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
    /// A channel's numbers do not stand in the order in which they were given.
    Order {
        /// Which channel.
        channel: Channel,
        /// The first number whose entry was received before that of the number before it.
        number: u64,
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
    let lives = home.store.lives()?;
    let present = lives.last().map_or(1, |life| life.n);
    for life in lives.into_iter().filter(|life| life.n > 1) {
        found.mark(VerifyMark::Life {
            life: life.n,
            began_at_ms: life.began_at_ms,
        });
    }
    for state in home.store.devices()? {
        found.devices += 1;
        if let Some(of) = state.device.continues {
            found.mark(VerifyMark::Continued {
                device: state.device.id,
                of,
            });
        }
        logs::walk(home, &state, &key, &mut found, progress)?;
    }
    numbers(home, present, &mut found)?;
    records::walk(home, &mut found, progress)?;
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

/// Counts the numbers of each channel, and holds their order against the receipts of the present life (invariant 8, receipts rise). Those of
/// earlier lives may have been brought back in whatever order.
fn numbers(home: &Home, present: u64, found: &mut Verification) -> Result<(), StoreError> {
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
    let mut of: Option<(Channel, Rank)> = None;
    let mut told: Option<Channel> = None;
    home.store.each_number(&mut |one: Numbered| {
        let Some(rank) = one.rank.filter(|rank| rank.life == present) else {
            return Ok(());
        };
        match &mut of {
            Some((channel, newest)) if *channel == one.channel => {
                if rank < *newest && told.as_ref() != Some(channel) {
                    told = Some(channel.clone());
                    found.faults.push(VerifyFault::Order {
                        channel: channel.clone(),
                        number: one.number,
                    });
                }
                *newest = (*newest).max(rank);
            }
            _ => of = Some((one.channel, rank)),
        }
        Ok(())
    })
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
