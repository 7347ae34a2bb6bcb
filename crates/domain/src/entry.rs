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
    /// The id of the device's previous entry. The first one of a line has [`EntryId::NONE`], and the first one of an identity that goes on
    /// has the last entry that its log and the earlier one have in common.
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
    /// Where this stood first, if its log had parted and its device went on under another identity.
    pub again: Option<Again>,
}

/// Where an entry stood in the log of an earlier identity of its line. With what is the same in both, its old name is computed from it
/// (invariant 9, a line goes on, it never begins anew).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// The identity that wrote it first.
    pub device: DeviceId,
    /// Its place in that log.
    pub seq: u64,
    /// The name of the entry before it there.
    pub prev: EntryId,
}

/// How many bytes [`Again::to_bytes`] makes.
const AGAIN_BYTES: usize = 56;

impl Again {
    /// Device, place and the name before it: what is hashed, and what stores keep.
    pub fn to_bytes(&self) -> [u8; AGAIN_BYTES] {
        let mut bytes = [0; AGAIN_BYTES];
        bytes[..16].copy_from_slice(self.device.0.as_bytes());
        bytes[16..24].copy_from_slice(&self.seq.to_be_bytes());
        bytes[24..].copy_from_slice(&self.prev.0);
        bytes
    }

    /// Reads what [`Self::to_bytes`] made; `None` where it is not as long.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; AGAIN_BYTES] = bytes.try_into().ok()?;
        let (device, rest) = bytes.split_first_chunk()?;
        let (seq, prev) = rest.split_first_chunk()?;
        Some(Self {
            device: DeviceId(uuid::Uuid::from_bytes(*device)),
            seq: u64::from_be_bytes(*seq),
            prev: EntryId(prev.try_into().ok()?),
        })
    }
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
        // Every part before this says how long it is, so an entry that was written once ends where another one goes on.
        if let Some(again) = &self.again {
            hash.update(again.to_bytes());
        }
        EntryId(hash.finalize().into())
    }

    /// The name by which everything refers to it: that of the entry which was written first. `id` is its own.
    pub fn name(&self, id: EntryId) -> EntryId {
        match &self.again {
            None => id,
            Some(again) => Self {
                device: again.device,
                seq: again.seq,
                prev: again.prev,
                again: None,
                ..self.clone()
            }
            .id(),
        }
    }

    /// The log and the place in it that it counts under.
    pub fn place(&self) -> (DeviceId, u64) {
        match &self.again {
            None => (self.device, self.seq),
            Some(again) => (again.device, again.seq),
        }
    }

    /// The place of this entry in its record's history.
    pub fn order(&self) -> OrderKey {
        let (device, seq) = self.place();
        OrderKey {
            at: self.at,
            device,
            seq,
        }
    }

    /// Whether it was written once, or again from a log that its own goes on from, above the place where that parted. `line` is those logs,
    /// each with the last place that it has in common with the next.
    pub fn is_of_line(&self, line: &[(DeviceId, u64)]) -> bool {
        self.again.is_none_or(|again| {
            let is_it =
                |(device, upto): &(DeviceId, u64)| *device == again.device && again.seq > *upto;
            line.iter().any(is_it)
        })
    }

    /// The same at the place `(seq, prev)` of the log of the identity that the line goes on under. What was written again already is
    /// written again as the first.
    #[must_use]
    pub fn written_again(&self, device: DeviceId, seq: u64, prev: EntryId) -> Self {
        let first = Again {
            device: self.device,
            seq: self.seq,
            prev: self.prev,
        };
        Self {
            device,
            seq,
            prev,
            again: self.again.or(Some(first)),
            ..self.clone()
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
            again: None,
        }
    }

    #[test]
    fn changing_any_part_of_an_entry_changes_its_name() {
        let base = entry();
        let mut others = vec![base.clone(); 10];
        others[0].device = DeviceId(Uuid::from_u128(9));
        others[1].seq = 2;
        others[2].prev = EntryId([1; 32]);
        others[3].after = Some(ReceiptId([1; 32]));
        others[4].at = Hlc(base.at.0 + 1);
        others[5].author = PersonId(Uuid::from_u128(9));
        others[6].channel = "own/320706".parse().unwrap();
        others[7].record = RecordId(Uuid::from_u128(9));
        others[8].event.push(b' ');
        others[9].again = Some(Again {
            device: base.device,
            seq: 1,
            prev: EntryId::NONE,
        });
        for other in others {
            assert_ne!(other.id(), base.id(), "{other:?}");
        }
    }

    #[test]
    fn what_is_written_again_counts_under_its_first_name_and_place_however_often() {
        let first = entry();
        let name = first.id();
        let second = first.written_again(DeviceId(Uuid::from_u128(8)), 1, EntryId([4; 32]));
        let third = second.written_again(DeviceId(Uuid::from_u128(9)), 3, EntryId([5; 32]));
        for again in [&second, &third] {
            assert_ne!(again.id(), name);
            assert_eq!(again.name(again.id()), name);
            assert_eq!(again.order(), first.order());
            let kept = again.again.map(|again| again.to_bytes()).unwrap();
            assert_eq!(Again::from_bytes(&kept), again.again);
            assert_eq!(Again::from_bytes(&kept[1..]), None);
        }
        let other = Entry {
            event: b"{}".to_vec(),
            ..third
        };
        assert_ne!(other.name(other.id()), name, "the bytes are hashed");
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
