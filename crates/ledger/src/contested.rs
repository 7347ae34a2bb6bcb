//! A log of which the central endpoint gives another past than the one that is here.
//!
//! An endpoint that was put back to a backup takes, in the place of what it had confirmed and lost, what a copy of that laptop wrote. From
//! here that cannot be told from a past that was rewritten, so a person decides, after asking whoever wrote it.
//!
//! Invariant: without a person's word nothing that is here goes, and nothing goes to which the endpoint has given a number in its present
//! life. What goes is put aside.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shicha_domain::{DeviceId, EntryId};

use crate::{
    carried::device_n,
    error::LedgerError,
    incoming::{Incoming, id_at},
    ledger::Ledger,
    settings::{get, put},
};

/// Under which name they are kept.
const CONTESTED: &str = "contested";
/// No more than these are kept: each is one laptop that was copied.
const MOST: usize = 100;

/// A log with two pasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contested {
    /// Whose log.
    pub device: DeviceId,
    /// From which place on the two pasts differ, as far as can be seen from here.
    pub from: u64,
    /// The place of the first entry of the endpoint's past that does not fit: `from`, or the one after it.
    pub seq: u64,
    /// That entry.
    pub id: EntryId,
    /// Whether a person decided that the endpoint's past is the one that counts.
    pub is_settled: bool,
}

impl Contested {
    /// What names it: the endpoint's entry, and its place.
    pub(crate) fn place(&self) -> (DeviceId, u64, EntryId) {
        (self.device, self.seq, self.id)
    }
}

/// [`Contested`], with what is here of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestedHere {
    /// The log.
    pub contested: Contested,
    /// How many entries here would be put aside.
    pub entries: u64,
    /// When the first of them was written, by that laptop's clock, Unix ms.
    pub first_ms: u64,
    /// When the last of them was written.
    pub last_ms: u64,
}

impl Ledger {
    /// After a stretch could not be taken in: notes the logs in it of which an earlier life of the endpoint had given another past. Returns
    /// how many there are.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn contest(&self, incoming: &Incoming) -> Result<usize, LedgerError> {
        let own = self.writer().own.as_ref().map(|own| own.identity.device);
        self.write(|tx| {
            let mut kept = contested(tx)?;
            let mut found: Vec<Contested> = Vec::new();
            for (_, id, entry) in &incoming.entries {
                if Some(entry.device) == own || found.iter().any(|one| one.device == entry.device) {
                    continue;
                }
                if let Some(from) = parts_at(tx, entry.device, entry.seq, *id, entry.prev)? {
                    found.push(Contested {
                        device: entry.device,
                        from,
                        seq: entry.seq,
                        id: *id,
                        is_settled: false,
                    });
                }
            }
            let count = found.len();
            found.retain(|one| !kept.iter().any(|kept| kept.place() == one.place()));
            if !found.is_empty() {
                kept.extend(found);
                kept.drain(..kept.len().saturating_sub(MOST));
                put_contested(tx, &kept)?;
            }
            Ok(count)
        })
    }

    /// The logs of which the endpoint gives another past, and about which nobody has decided yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn contested(&self) -> Result<Vec<ContestedHere>, LedgerError> {
        self.read(|db| {
            let mut here = Vec::new();
            for one in contested(db)? {
                let (entries, first, last): (i64, Option<i64>, Option<i64>) = db
                    .prepare_cached(
                        "SELECT count(*), min(e.at), max(e.at) FROM entry e JOIN device d ON d.n = e.device
                         WHERE d.id = ?1 AND e.seq >= ?2 AND e.refused IS NULL AND ifnull(e.number, -1) < 0",
                    )?
                    .query_row(params![one.device.0.as_bytes(), one.from as i64], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })?;
                let ms = |at: Option<i64>| shicha_domain::Hlc(at.unwrap_or(0) as u64).ms();
                if entries > 0 && !one.is_settled {
                    here.push(ContestedHere {
                        contested: one,
                        entries: entries as u64,
                        first_ms: ms(first),
                        last_ms: ms(last),
                    });
                }
            }
            Ok(here)
        })
    }

    /// A person decided that the endpoint's past of a log counts: the next time that it is given, what is here is put aside. `false`: it
    /// is not contested so any more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn settle_contested(
        &self,
        device: DeviceId,
        seq: u64,
        id: EntryId,
    ) -> Result<bool, LedgerError> {
        self.write(|tx| {
            let mut kept = contested(tx)?;
            let one = kept.iter_mut().find(|one| one.place() == (device, seq, id));
            let Some(one) = one else {
                return Ok(false);
            };
            one.is_settled = true;
            put_contested(tx, &kept)?;
            Ok(true)
        })
    }
}

/// From where on what only an earlier life of the endpoint confirmed stands in the way of an entry, if it does.
fn parts_at(
    db: &Connection,
    device: DeviceId,
    seq: u64,
    id: EntryId,
    prev: EntryId,
) -> Result<Option<u64>, LedgerError> {
    let Some(device) = device_n(db, device)? else {
        return Ok(None);
    };
    let before = match seq {
        0 | 1 => None,
        seq => id_at(db, device, seq - 1)?,
    };
    let from = if before.is_some_and(|before| before != prev) {
        seq - 1
    } else if id_at(db, device, seq)?.is_some_and(|here| here != id) {
        seq
    } else {
        return Ok(None);
    };
    Ok((!is_numbered_from(db, device, from)?).then_some(from))
}

/// Whether the endpoint, in its present life, has given a number to an entry from a place of a log on.
pub(crate) fn is_numbered_from(
    db: &Connection,
    device: i64,
    from: u64,
) -> Result<bool, LedgerError> {
    Ok(db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM entry WHERE device = ?1 AND seq >= ?2 AND number > 0)",
        )?
        .query_row(params![device, from as i64], |row| row.get(0))?)
}

/// All that are kept.
pub(crate) fn contested(db: &Connection) -> Result<Vec<Contested>, LedgerError> {
    match get(db, CONTESTED)? {
        Some(kept) => Ok(serde_json::from_str(&kept)?),
        None => Ok(Vec::new()),
    }
}

/// Keeps them.
pub(crate) fn put_contested(db: &Connection, kept: &[Contested]) -> Result<(), LedgerError> {
    put(db, CONTESTED, &serde_json::to_string(kept)?)
}
