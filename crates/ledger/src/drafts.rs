//! Text as it is typed: on the disk before the next keystroke matters, an entry only when it is committed.

use rusqlite::{Connection, params};
use shicha_domain::{PersonId, RecordId};
use uuid::Uuid;

use crate::{error::LedgerError, ledger::Ledger};

/// Text that was typed and is no entry yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedDraft {
    /// The record.
    pub record: RecordId,
    /// The field.
    pub field: String,
    /// All of the text so far.
    pub text: String,
    /// Who typed it.
    pub person: PersonId,
    /// When, Unix ms by this computer's clock.
    pub at_ms: u64,
}

impl Ledger {
    /// Keeps typed text; durable when this returns.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn put_draft(
        &self,
        record: RecordId,
        field: &str,
        text: &str,
        person: PersonId,
        now_ms: u64,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.prepare_cached(
                "INSERT INTO typed (record, field, text, person, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (record, field) DO UPDATE SET text = ?3, person = ?4, at_ms = ?5",
            )?
            .execute(params![
                record.0.as_bytes(),
                field,
                text,
                person.0.as_bytes(),
                now_ms as i64
            ])?;
            Ok(())
        })
    }

    /// Typed text of a record, or of all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn drafts(&self, record: Option<RecordId>) -> Result<Vec<TypedDraft>, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT record, field, text, person, at_ms FROM typed WHERE ?1 IS NULL OR record = ?1 ORDER BY record, field",
            )?;
            let mut rows = statement.query([record.map(|record| record.0.as_bytes().to_vec())])?;
            let mut drafts = Vec::new();
            while let Some(row) = rows.next()? {
                drafts.push(TypedDraft {
                    record: RecordId(Uuid::from_bytes(row.get(0)?)),
                    field: row.get(1)?,
                    text: row.get(2)?,
                    person: PersonId(Uuid::from_bytes(row.get(3)?)),
                    at_ms: row.get::<_, i64>(4)? as u64,
                });
            }
            Ok(drafts)
        })
    }

    /// Forgets typed text.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn clear_draft(&self, record: RecordId, field: &str) -> Result<(), LedgerError> {
        self.write(|tx| clear(tx, record, field))
    }
}

pub(crate) fn clear(db: &Connection, record: RecordId, field: &str) -> Result<(), LedgerError> {
    db.prepare_cached("DELETE FROM typed WHERE record = ?1 AND field = ?2")?
        .execute(params![record.0.as_bytes(), field])?;
    Ok(())
}
