//! Updates of the application, and for whom they were released.

use rusqlite::{Connection, OptionalExtension as _};
use shicha_domain::{BlobHash, OrgCode};

use super::rows;
use crate::store::{
    StoreError,
    administration::{Release, StoredUpdate},
};

const ANOTHER: StoreError = StoreError::Contradiction("another file of that name is there");

pub(super) fn add(connection: &Connection, update: &StoredUpdate) -> Result<bool, StoreError> {
    let known: Option<Vec<u8>> = connection
        .query_row(
            "SELECT blob FROM update_file WHERE name = ?1",
            [&update.name],
            |row| row.get(0),
        )
        .optional()?;
    match known {
        Some(blob) if blob == update.blob.0 => Ok(false),
        Some(_) => Err(ANOTHER),
        None => {
            connection.execute(
                "INSERT INTO update_file (name, blob, size, signature, added_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    &update.name,
                    &update.blob.0,
                    update.size as i64,
                    &update.signature,
                    update.added_at_ms as i64,
                ),
            )?;
            Ok(true)
        }
    }
}

pub(super) fn release(
    connection: &Connection,
    name: &str,
    org: &OrgCode,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let has = |sql: &str, key: &str| {
        let found = connection.query_row(sql, [key], |_| Ok(())).optional();
        Ok::<_, StoreError>(found?.is_some())
    };
    if !has("SELECT 1 FROM update_file WHERE name = ?1", name)? {
        return Err(StoreError::Missing("update"));
    }
    if !has("SELECT 1 FROM org WHERE code = ?1", org.as_str())? {
        return Err(StoreError::Missing("organisation"));
    }
    let changes = connection.execute(
        "INSERT INTO update_release (name, org, at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (name, org.as_str(), now_ms as i64),
    )?;
    Ok(changes > 0)
}

pub(super) fn withdraw(
    connection: &Connection,
    name: &str,
    org: &OrgCode,
) -> Result<bool, StoreError> {
    let changes = connection.execute(
        "DELETE FROM update_release WHERE name = ?1 AND org = ?2",
        (name, org.as_str()),
    )?;
    Ok(changes > 0)
}

pub(super) fn all(connection: &Connection) -> Result<Vec<StoredUpdate>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, blob, size, signature, added_at_ms FROM update_file ORDER BY name",
    )?;
    let mut found = statement.query([])?;
    let mut updates = Vec::new();
    while let Some(row) = found.next()? {
        updates.push(StoredUpdate {
            name: row.get(0)?,
            blob: BlobHash(rows::hash(&row.get::<_, Vec<u8>>(1)?, "update")?),
            size: row.get::<_, i64>(2)? as u64,
            signature: row.get(3)?,
            added_at_ms: row.get::<_, i64>(4)? as u64,
            releases: Vec::new(),
        });
    }
    let mut statement = connection
        .prepare_cached("SELECT name, org, at_ms FROM update_release ORDER BY at_ms, org")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let name: String = row.get(0)?;
        let release = Release {
            org: row
                .get::<_, String>(1)?
                .parse()
                .map_err(|_| StoreError::Damaged("release"))?,
            at_ms: row.get::<_, i64>(2)? as u64,
        };
        if let Some(update) = updates.iter_mut().find(|update| update.name == name) {
            update.releases.push(release);
        }
    }
    Ok(updates)
}
