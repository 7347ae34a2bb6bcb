//! How pushed entries lie against the ledger that the store holds of their device: the one rule by which a fork is told.

use shicha_sync::protocol::messages::Head;

use super::{Candidate, StoreError};

pub(crate) enum Agreement {
    /// So many of the entries are held already, and the rest follows.
    Whole(usize),
    /// They differ after this place, or already before the first entry.
    Parted(Option<Head>),
}

/// Holds the entries against the device's ledger, whose places `log` gives from a sequence number on, so many at most. The caller has
/// made sure that there is no gap before the first entry.
pub(crate) fn agreement(
    entries: &[Candidate],
    head: Head,
    mut log: impl FnMut(u64, usize) -> Result<Vec<Head>, StoreError>,
) -> Result<Agreement, StoreError> {
    let Some(first) = entries.first() else {
        return Ok(Agreement::Whole(0));
    };
    let before = match first.entry.seq - 1 {
        0 => Some(Head::EMPTY),
        seq if seq == head.seq => Some(head),
        seq => log(seq, 1)?.first().copied(),
    };
    let mut common = match before {
        Some(before) if before.id == first.entry.prev => before,
        _ => return Ok(Agreement::Parted(None)),
    };
    if first.entry.seq > head.seq {
        return Ok(Agreement::Whole(0));
    }
    let held = log(first.entry.seq, entries.len())?;
    for (entry, held) in entries.iter().zip(&held) {
        if entry.id != held.id {
            return Ok(Agreement::Parted(Some(common)));
        }
        common = *held;
    }
    Ok(Agreement::Whole(held.len()))
}
