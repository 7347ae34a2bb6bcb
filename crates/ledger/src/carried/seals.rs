//! The signatures over stretches that have no number yet, and putting aside what the endpoint's entries take the place of.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, Transaction, params};
use shicha_domain::{RecordId, suite::SignatureBytes};

use crate::{
    entries::{ENTRY, read_entry},
    error::LedgerError,
};

/// Keeps a seal, unless all that it seals has numbers; one that it reaches over goes.
pub(crate) fn put_seal(
    tx: &Transaction<'_>,
    device: i64,
    (first, last): (u64, u64),
    signature: &SignatureBytes,
) -> Result<(), LedgerError> {
    let reached: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM seal WHERE device = ?1 AND first <= ?2 AND last >= ?3)",
        params![device, first as i64, last as i64],
        |row| row.get(0),
    )?;
    if reached {
        return Ok(());
    }
    tx.execute(
        "DELETE FROM seal WHERE device = ?1 AND first >= ?2 AND last <= ?3",
        params![device, first as i64, last as i64],
    )?;
    tx.execute(
        "INSERT INTO seal (device, first, last, signature) VALUES (?1, ?2, ?3, ?4)",
        params![device, first as i64, last as i64, signature.tagged()],
    )?;
    forget_settled(tx)
}

/// Seals of stretches in which everything has a number are of no more use: the endpoint has all of it.
pub(crate) fn forget_settled(tx: &Transaction<'_>) -> Result<(), LedgerError> {
    tx.execute(
        "DELETE FROM seal WHERE NOT EXISTS (SELECT 1 FROM entry e
             WHERE e.device = seal.device AND e.seq BETWEEN seal.first AND seal.last AND e.number IS NULL)",
        [],
    )?;
    Ok(())
}

/// Devices of which something is held that has no number.
pub(crate) fn carried_devices(db: &Connection) -> Result<HashSet<i64>, LedgerError> {
    let mut statement = db.prepare_cached("SELECT DISTINCT device FROM seal")?;
    let devices = statement.query_map([], |row| row.get(0))?;
    Ok(devices.collect::<Result<_, _>>()?)
}

/// Which entries of a stretch of a log are put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aside {
    /// Those without a number.
    Unnumbered,
    /// Those without a number of the central endpoint's present life.
    Lost,
    /// Those without a number, in one channel.
    UnnumberedIn(i64),
}

/// Puts entries of a log from one place to another aside. Which records they were of.
pub(crate) fn put_aside(
    tx: &Transaction<'_>,
    device: i64,
    (from, to): (u64, u64),
    which: Aside,
    now_ms: u64,
) -> Result<BTreeSet<RecordId>, LedgerError> {
    let mut moved = Vec::new();
    {
        let mut statement = tx.prepare_cached(&format!(
            "{ENTRY} WHERE e.device = ?1 AND e.seq BETWEEN ?2 AND ?3 AND (?4 IS NULL OR e.channel = ?4)
                AND (e.number IS NULL OR ?5 AND e.number < 0) AND e.refused IS NULL"
        ))?;
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        let channel = match which {
            Aside::UnnumberedIn(channel) => Some(channel),
            Aside::Unnumbered | Aside::Lost => None,
        };
        let mut rows = statement.query(params![
            device,
            from as i64,
            to,
            channel,
            which == Aside::Lost
        ])?;
        while let Some(row) = rows.next()? {
            moved.push(read_entry(row)?);
        }
    }
    let mut aside = tx.prepare_cached(
        "INSERT INTO entry_aside (device, seq, id, event, moved_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut gone = tx.prepare_cached("DELETE FROM entry WHERE device = ?1 AND seq = ?2")?;
    let mut records = BTreeSet::new();
    for (id, entry) in moved {
        aside.execute(params![
            entry.device.0.as_bytes(),
            entry.seq as i64,
            id.0,
            entry.event,
            now_ms as i64
        ])?;
        gone.execute(params![device, entry.seq as i64])?;
        records.insert(entry.record);
    }
    Ok(records)
}
