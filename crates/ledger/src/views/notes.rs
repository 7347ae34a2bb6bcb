//! Conflicts, late entries, packs, and how much there is of everything.

use rusqlite::{Connection, Row};
use shicha_domain::{BlobHash, EntryId};

use super::{
    list::{count, kind_at, org_at, record_at},
    rows::{ConflictRow, LateRow, LedgerCounts, PackRow},
    signed, unsigned,
};
use crate::{error::LedgerError, ledger::Ledger};

impl Ledger {
    /// Fields that hold rival values, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn conflicts(&self, limit: u64) -> Result<Vec<ConflictRow>, LedgerError> {
        self.read(|db| {
            listed(
                db,
                "SELECT r.record, r.kind, c.field, c.title, c.at_ms
                 FROM view_conflict c JOIN view_record r ON r.id = c.id
                 ORDER BY c.at_ms DESC, r.record, c.field LIMIT ?1",
                limit,
                |row| {
                    Ok(ConflictRow {
                        record: record_at(row, 0)?,
                        kind: kind_at(row, 1)?,
                        field: row.get(2)?,
                        title: row.get(3)?,
                        at_ms: unsigned(row.get(4)?),
                    })
                },
            )
        })
    }

    /// Entries that came too late for the signature of their record, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn late(&self, limit: u64) -> Result<Vec<LateRow>, LedgerError> {
        self.read(|db| {
            listed(
                db,
                "SELECT r.record, r.kind, l.entry, l.title, l.at_ms
                 FROM view_late l JOIN view_record r ON r.id = l.id
                 ORDER BY l.at_ms DESC, l.entry LIMIT ?1",
                limit,
                |row| {
                    Ok(LateRow {
                        record: record_at(row, 0)?,
                        kind: kind_at(row, 1)?,
                        entry: EntryId(row.get(2)?),
                        title: row.get(3)?,
                        at_ms: unsigned(row.get(4)?),
                    })
                },
            )
        })
    }

    /// Published packs, by bureau, id and the order in which the central endpoint received them. Their bytes may still be on the way, see
    /// [`Ledger::blob_info`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn packs(&self) -> Result<Vec<PackRow>, LedgerError> {
        self.read(|db| packs(db, None))
    }

    /// The published packs that have exactly these bytes: none, one, or one of each bureau that published them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn packs_of(&self, blob: BlobHash) -> Result<Vec<PackRow>, LedgerError> {
        self.read(|db| packs(db, Some(blob)))
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// When the database fails.
    pub fn counts(&self) -> Result<LedgerCounts, LedgerError> {
        let waiting_entries = match (self.head(), self.acked()) {
            (Ok(head), Ok(acked)) => head.0.saturating_sub(acked.0),
            (Err(LedgerError::NotEnrolled), _) => 0,
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        self.read(|db| {
            let one = |sql: &str| -> Result<u64, LedgerError> {
                Ok(unsigned(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
            };
            let blobs = crate::blobs::backlog(db)?;
            let inspections = count(db, "view_inspection")?;
            let unsigned_inspections =
                one("SELECT count(*) FROM view_inspection INDEXED BY view_inspection_unsigned WHERE stage <> 2")?;
            Ok(LedgerCounts {
                entries: count(db, "entry")?,
                waiting_entries,
                waiting_blobs: blobs.waiting,
                waiting_blob_bytes: blobs.waiting_bytes,
                wanted_blobs: blobs.wanted,
                conflicts: count(db, "view_conflict")?,
                late: count(db, "view_late")?,
                needs_newer: one("SELECT count(*) FROM view_unknown WHERE what <> ''")?,
                subjects: count(db, "view_subject")?,
                inspections,
                signed: inspections.saturating_sub(unsigned_inspections),
                findings: one("SELECT count(*) FROM view_finding WHERE is_void = 0")?,
            })
        })
    }
}

fn packs(db: &Connection, blob: Option<BlobHash>) -> Result<Vec<PackRow>, LedgerError> {
    // Numbers of an earlier life of the endpoint are kept below zero; what it received then, it received.
    let mut query = db.prepare_cached(
        "SELECT v.record, v.pack, v.version, v.blob, v.title, v.org, abs(e.number),
             (SELECT c.received_at_ms FROM receipt c WHERE c.n = e.covered)
         FROM view_pack v JOIN record r ON r.id = v.record JOIN entry e ON e.record = r.n AND e.id = v.entry
         WHERE ?1 IS NULL OR v.blob = ?1
         ORDER BY v.org, v.pack, e.number IS NULL, abs(e.number), v.record",
    )?;
    let rows = query.query_map([blob.map(|blob| blob.0)], |row| {
        let number: Option<i64> = row.get(6)?;
        let received: Option<i64> = row.get(7)?;
        Ok(PackRow {
            record: record_at(row, 0)?,
            id: row.get(1)?,
            version: row.get(2)?,
            blob: BlobHash(row.get(3)?),
            title: row.get(4)?,
            org: org_at(row, 5)?,
            number: number.map(unsigned),
            received_ms: number.and(received).map(unsigned),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn listed<T>(
    db: &Connection,
    select: &str,
    limit: u64,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, LedgerError> {
    let mut query = db.prepare_cached(select)?;
    let rows = query.query_map([signed(limit)], |row| read(row))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
