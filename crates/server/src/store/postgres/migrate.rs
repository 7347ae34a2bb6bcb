//! Changing the tables while other processes read and write them.
//!
//! Invariants: one process migrates at a time, under an advisory lock that its connection holds; each migration is one transaction; a
//! statement that has to wait for a table gives up soon, because everybody else waits behind it, and tries again.

use std::time::Duration;

use postgres::error::SqlState;

use super::{
    pool::{Connections, Tx},
    rows::{get, meta, set_meta},
};
use crate::store::{
    Format, Migration, StoreError,
    format::{self, OLDEST},
};

/// Held while the tables are changed: several processes may start at once.
const LOCK: i64 = 0x5368_6963_6861;
/// How long a migration waits for a table that others use. They wait behind it for as long. Less than the time after which PostgreSQL
/// looks for deadlocks (1 s): where a migration and a push wait for each other, it is the migration that gives up.
const WAIT: &str = "500ms";
/// How often it tries.
const TRIES: u32 = 240;
/// Between two tries those who waited go on.
const BETWEEN: Duration = Duration::from_millis(500);

/// Makes the tables, or brings them forward.
pub(super) fn migrate(
    connections: &Connections,
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let mut tries = 1;
    // One migration in each transaction, so that what is done stays done.
    loop {
        match connections.write(|tx| one(tx, migrations)) {
            Ok(true) => tries = 1,
            Ok(false) => return Ok(()),
            Err(error) if tries < TRIES && is_taken(&error) => {
                tracing::info!(tries, "a table is in use; the migration waits");
                tries += 1;
                std::thread::sleep(BETWEEN);
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_taken(error: &StoreError) -> bool {
    matches!(error, StoreError::Postgres(cause)
        if matches!(cause.code(), Some(code)
            if *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::T_R_DEADLOCK_DETECTED))
}

/// Does the first migration that is lacking. `false`: none is.
fn one(tx: &mut Tx<'_>, migrations: &[Migration]) -> Result<bool, StoreError> {
    // A migration may take longer than a request may; whoever waits for the lock waits for it.
    tx.batch("SET LOCAL statement_timeout = 0")?;
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    tx.batch("CREATE TABLE IF NOT EXISTS format (version integer NOT NULL)")?;
    let format = format_of(tx, migrations.len() as u32)?;
    let Some((number, migration)) = format.lacking(migrations)?.next() else {
        return Ok(false);
    };
    tx.batch(&format!("SET LOCAL lock_timeout = '{WAIT}'"))?;
    tx.batch(migration.postgres)?;
    tx.execute(
        "INSERT INTO format (version) VALUES ($1)",
        &[&i32::try_from(number).map_err(|_| StoreError::Damaged("format"))?],
    )?;
    set_meta(tx, OLDEST, &migration.oldest.to_string())?;
    tracing::info!(
        format = number,
        oldest = migration.oldest,
        "migrated the tables"
    );
    Ok(true)
}

/// The format that the tables have.
pub(super) fn format_of(tx: &mut Tx<'_>, known: u32) -> Result<Format, StoreError> {
    let row = tx.first("SELECT max(version) FROM format", &[])?;
    let found: Option<i32> = row.map(|row| get(&row, 0)).transpose()?.flatten();
    let found = u32::try_from(found.unwrap_or(0)).map_err(|_| StoreError::Damaged("format"))?;
    // Before the first migration there is nothing to ask.
    let oldest = match found {
        0 => None,
        _ => format::oldest(meta(tx, OLDEST)?.as_deref())?,
    };
    Ok(Format::new(found, oldest, known))
}
