//! How pushed entries lie against the ledger that the store holds of their device: the one rule by which a fork is told.

use shicha_domain::EntryId;
use shicha_sync::protocol::messages::Head;

use super::{Candidate, StoreError};

pub(crate) enum Agreement {
    /// So many of the entries are held already, and the rest follows.
    Whole(usize),
    /// They differ after this place, or already before the first entry.
    Parted(Option<Head>),
}

/// Holds the entries against the device's ledger, which follows `start` and whose places `log` gives from a sequence number on, so many at most. The caller has
/// made sure that there is no gap before the first entry.
pub(crate) fn agreement(
    entries: &[Candidate],
    (start, head): (EntryId, Head),
    mut log: impl FnMut(u64, usize) -> Result<Vec<Head>, StoreError>,
) -> Result<Agreement, StoreError> {
    let Some(first) = entries.first() else {
        return Ok(Agreement::Whole(0));
    };
    let before = match first.entry.seq - 1 {
        0 => Head { seq: 0, id: start },
        seq if seq == head.seq => head,
        seq => at(seq, log(seq, 1)?.first().copied())?,
    };
    if before.id != first.entry.prev {
        return Ok(Agreement::Parted(None));
    }
    let mut common = before;
    if first.entry.seq > head.seq {
        return Ok(Agreement::Whole(0));
    }
    let held = log(first.entry.seq, entries.len())?;
    let places = first.entry.seq..=head.seq;
    for (seq, (entry, held)) in places.clone().zip(entries.iter().zip(&held)) {
        let held = at(seq, Some(*held))?;
        if entry.id != held.id {
            return Ok(Agreement::Parted(Some(common)));
        }
        common = held;
    }
    if held.len() < places.count().min(entries.len()) {
        return Err(StoreError::Unseen);
    }
    Ok(Agreement::Whole(held.len()))
}

/// What stands at a place up to the head. What cannot be seen is not there for others: nothing may be told from that.
fn at(seq: u64, found: Option<Head>) -> Result<Head, StoreError> {
    found
        .filter(|found| found.seq == seq)
        .ok_or(StoreError::Unseen)
}

/// Where the ledgers part of a device that another identity goes on from: after what is held of these entries.
pub(crate) fn ended(entries: &[Candidate], held: usize) -> Option<Head> {
    let place = |one: &Candidate, seq, id| Head {
        seq: one.entry.seq - seq,
        id,
    };
    match held.checked_sub(1) {
        Some(last) => entries.get(last).map(|one| place(one, 0, one.id)),
        None => entries.first().map(|one| place(one, 1, one.entry.prev)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use shicha_domain::{DeviceId, Entry, EntryId, Hlc, PersonId, RecordId};
    use uuid::Uuid;

    use super::*;

    fn log(count: u64) -> Vec<Candidate> {
        let mut prev = EntryId::NONE;
        (1..=count)
            .map(|seq| {
                let entry = Entry {
                    device: DeviceId(Uuid::nil()),
                    seq,
                    prev,
                    after: None,
                    at: Hlc::from_ms(seq),
                    author: PersonId(Uuid::nil()),
                    channel: "own/east".parse().unwrap(),
                    record: RecordId(Uuid::nil()),
                    event: Vec::new(),
                    again: None,
                };
                prev = entry.id();
                Candidate {
                    id: prev,
                    entry,
                    event: None,
                }
            })
            .collect()
    }

    #[test]
    fn what_is_held_and_cannot_be_seen_is_neither_nothing_nor_another_past() {
        let entries = log(6);
        let heads: Vec<Head> = entries
            .iter()
            .map(|one| Head {
                seq: one.entry.seq,
                id: one.id,
            })
            .collect();
        let seen = |places: &[Head], from: u64, limit: usize| -> Vec<Head> {
            let found = places.iter().filter(|head| head.seq >= from);
            found.take(limit).copied().collect()
        };
        let whole = |places: &[Head], pushed: &[Candidate]| {
            agreement(pushed, (EntryId::NONE, heads[4]), |from, limit| {
                Ok(seen(places, from, limit))
            })
        };
        assert!(matches!(
            whole(&heads[..5], &entries),
            Ok(Agreement::Whole(5))
        ));
        for (what, places) in [
            ("the end", &heads[..3]),
            ("the beginning", &heads[3..5]),
            ("everything", &heads[..0]),
        ] {
            for pushed in [&entries[..], &entries[2..]] {
                let told = whole(places, pushed);
                assert!(matches!(told, Err(StoreError::Unseen)), "{what}");
            }
        }
    }
}
