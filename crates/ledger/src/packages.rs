//! Which packages were made here and taken in, and which of them wait for receipts.

use rusqlite::params;
use shicha_domain::DeviceId;
use uuid::Uuid;

use crate::{error::LedgerError, ledger::Ledger};

/// A package that was made here or taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageNote {
    /// Its name.
    pub id: Uuid,
    /// Whether it was made here.
    pub is_out: bool,
    /// When it was made or taken, Unix ms by this computer's clock.
    pub at_ms: u64,
    /// What stands on its outside, as JSON.
    pub label: String,
    /// What is in it, counted, as JSON.
    pub contents: String,
    /// The file's name.
    pub file: String,
    /// The last own entry in it for which a receipt is to come; 0: none is.
    pub upto: u64,
}

/// A package, and whether what it waited for has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRow {
    /// The package.
    pub note: PackageNote,
    /// Whether receipts cover everything of it; `None` where none are to come.
    pub is_answered: Option<bool>,
}

impl Ledger {
    /// Notes a package; one that is noted already stays with its newest moment.
    ///
    /// # Errors
    /// When this computer is not enrolled, or the database cannot be written.
    pub fn package_note(&self, note: &PackageNote) -> Result<(), LedgerError> {
        let device = self.identity()?.ok_or(LedgerError::NotEnrolled)?.device;
        self.write(|tx| {
            tx.execute(
                "INSERT INTO package (id, is_out, at_ms, label, contents, file, log, upto) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id, is_out) DO UPDATE SET at_ms = ?3, file = ?6",
                params![
                    note.id.as_bytes(),
                    note.is_out,
                    note.at_ms as i64,
                    note.label,
                    note.contents,
                    note.file,
                    device.0.as_bytes(),
                    note.upto as i64
                ],
            )?;
            Ok(())
        })
    }

    /// Packages, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn packages(&self, limit: u64) -> Result<Vec<PackageRow>, LedgerError> {
        let own = self.writer().own.clone();
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id, is_out, at_ms, label, contents, file, log, upto FROM package ORDER BY at_ms DESC, n DESC LIMIT ?1",
            )?;
            let mut rows = statement.query([limit.min(i64::MAX as u64) as i64])?;
            let mut packages = Vec::new();
            while let Some(row) = rows.next()? {
                let upto = row.get::<_, i64>(7)? as u64;
                let log = DeviceId(Uuid::from_bytes(row.get(6)?));
                let is_out: bool = row.get(1)?;
                // What was written under an identity before goes on under the present one.
                let is_answered = own.as_ref().filter(|_| is_out && upto > 0).map(|own| {
                    own.identity.device != log || own.acked.0 >= upto
                });
                packages.push(PackageRow {
                    note: PackageNote {
                        id: Uuid::from_bytes(row.get(0)?),
                        is_out,
                        at_ms: row.get::<_, i64>(2)? as u64,
                        label: row.get(3)?,
                        contents: row.get(4)?,
                        file: row.get(5)?,
                        upto,
                    },
                    is_answered,
                });
            }
            Ok(packages)
        })
    }
}
