//! The schema's versions, forward only. Before a database with content is migrated a copy of it is kept.

use rusqlite::Connection;

use crate::{error::LedgerError, ledger::begin, rebuild::STALE_VIEWS, settings::put};

/// In order; the n-th brings version n. What was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_views.sql"),
    include_str!("migrations/0003_blobs.sql"),
    include_str!("migrations/0004_identity.sql"),
    include_str!("migrations/0005_carried.sql"),
    include_str!("migrations/0007_bounds.sql"),
    include_str!("migrations/0011_packs.sql"),
    include_str!("migrations/0012_directory.sql"),
    include_str!("migrations/0006_signed.sql"),
    include_str!("migrations/0013_lines.sql"),
    include_str!("migrations/0014_parted.sql"),
];

/// The version that this program writes.
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// The version of a database; 0 when it is empty.
pub(crate) fn version(db: &Connection) -> Result<u32, LedgerError> {
    Ok(db.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings a database to the newest version, each step in a transaction; the views are then to be folded again.
pub(crate) fn migrate(db: &mut Connection) -> Result<(), LedgerError> {
    let done = version(db)?;
    for (version, migration) in (1..).zip(MIGRATIONS).skip(done as usize) {
        let tx = begin(db)?;
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", version)?;
        if done > 0 {
            put(&tx, STALE_VIEWS, "1")?;
        }
        tx.commit()?;
    }
    Ok(())
}
