//! Entries: what the ledger is made of, and the hash that names each.
//!
//! Invariant: the id is a function of every part, and the event is hashed as the very bytes that were authored, so an entry of a
//! newer version keeps its id through software that cannot read it.

use sha2::{Digest as _, Sha256};

use crate::{
    channel::Channel,
    hlc::Hlc,
    ids::{DeviceId, EntryId, PersonId, ReceiptId, RecordId},
    suite::Suite,
};

/// The most bytes that one event may have.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// One thing that a person did, as it stands in the ledger of the device it was done on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The device whose ledger this is.
    pub device: DeviceId,
    /// Gapless per device, from 1.
    pub seq: u64,
    /// The id of the device's previous entry, [`EntryId::NONE`] for the first.
    pub prev: EntryId,
    /// The newest server receipt that the device held, if any.
    pub after: Option<ReceiptId>,
    /// When, by the device's clock.
    pub at: Hlc,
    /// Who.
    pub author: PersonId,
    /// Where the record lives.
    pub channel: Channel,
    /// The record that this is about.
    pub record: RecordId,
    /// JSON, as authored.
    pub event: Vec<u8>,
}

impl Entry {
    /// The hash of everything that the entry says.
    pub fn id(&self) -> EntryId {
        let channel = self.channel.to_string();
        let mut hash = Sha256::new();
        hash.update(b"shicha-entry-2\0");
        hash.update([Suite::First.number()]);
        hash.update(self.device.0.as_bytes());
        hash.update(self.seq.to_be_bytes());
        hash.update(self.prev.0);
        hash.update(self.after.map_or([0; 32], |receipt| receipt.0));
        hash.update(self.at.0.to_be_bytes());
        hash.update(self.author.0.as_bytes());
        hash.update((channel.len() as u64).to_be_bytes());
        hash.update(channel.as_bytes());
        hash.update(self.record.0.as_bytes());
        hash.update((self.event.len() as u64).to_be_bytes());
        hash.update(&self.event);
        EntryId(hash.finalize().into())
    }

    /// The place of this entry in its record's history.
    pub fn order(&self) -> OrderKey {
        OrderKey {
            at: self.at,
            device: self.device,
            seq: self.seq,
        }
    }
}

/// The order in which a record's entries are folded: `(at, device, seq)`. No ledger takes two entries of a device under one number; where
/// they are folded all the same, their names decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// Claimed time.
    pub at: Hlc,
    /// Device, to break ties.
    pub device: DeviceId,
    /// Sequence number on that device.
    pub seq: u64,
}

/// Why an entry does not follow the one before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A sequence number is missing or stands twice.
    #[error("sequence number {found} where {expected} should follow")]
    Gap {
        /// What should have followed.
        expected: u64,
        /// What stands there.
        found: u64,
    },
    /// The hash of the previous entry is not the one that this entry names.
    #[error("entry {seq} does not name the entry before it")]
    Broken {
        /// The entry at which the chain breaks.
        seq: u64,
    },
}

/// Checks that `entry` follows the entry `(seq, id)` on the same device and returns its own id.
///
/// # Errors
/// When it does not: the chain is torn, or was written anew.
pub fn follow(head: (u64, EntryId), entry: &Entry) -> Result<EntryId, ChainFault> {
    let expected = head.0.saturating_add(1);
    if entry.seq != expected {
        return Err(ChainFault::Gap {
            expected,
            found: entry.seq,
        });
    }
    if entry.prev != head.1 {
        return Err(ChainFault::Broken { seq: entry.seq });
    }
    Ok(entry.id())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use uuid::Uuid;

    fn entry() -> Entry {
        Entry {
            device: DeviceId(Uuid::from_u128(1)),
            seq: 1,
            prev: EntryId::NONE,
            after: None,
            at: Hlc::from_ms(1_650_000_000_000),
            author: PersonId(Uuid::from_u128(2)),
            channel: "own/320703".parse().unwrap(),
            record: RecordId(Uuid::from_u128(3)),
            event: br#"{"t":"set"}"#.to_vec(),
        }
    }

    #[test]
    fn changing_any_part_of_an_entry_changes_its_name() {
        let base = entry();
        let mut others = vec![base.clone(); 9];
        others[0].device = DeviceId(Uuid::from_u128(9));
        others[1].seq = 2;
        others[2].prev = EntryId([1; 32]);
        others[3].after = Some(ReceiptId([1; 32]));
        others[4].at = Hlc(base.at.0 + 1);
        others[5].author = PersonId(Uuid::from_u128(9));
        others[6].channel = "own/320706".parse().unwrap();
        others[7].record = RecordId(Uuid::from_u128(9));
        others[8].event.push(b' ');
        for other in others {
            assert_ne!(other.id(), base.id(), "{other:?}");
        }
    }

    #[test]
    fn a_chain_with_a_gap_or_a_forged_link_is_refused() {
        let first = entry();
        let head = (1, follow((0, EntryId::NONE), &first).unwrap());
        let mut second = Entry {
            seq: 2,
            prev: head.1,
            ..first.clone()
        };
        assert!(follow(head, &second).is_ok());
        second.prev = EntryId([7; 32]);
        assert_eq!(follow(head, &second), Err(ChainFault::Broken { seq: 2 }));
        second.seq = 3;
        assert_eq!(
            follow(head, &second),
            Err(ChainFault::Gap {
                expected: 2,
                found: 3
            })
        );
    }
}
