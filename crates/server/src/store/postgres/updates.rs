//! Updates of the application, and for whom they were released.

use shicha_domain::{BlobHash, OrgCode};

use super::{
    pool::Tx,
    rows::{self, count, get},
};
use crate::store::{
    StoreError,
    administration::{Release, StoredUpdate},
};

const ANOTHER: StoreError = StoreError::Contradiction("another file of that name is there");

pub(super) fn add(tx: &mut Tx<'_>, update: &StoredUpdate) -> Result<bool, StoreError> {
    let known = tx.first(
        "SELECT blob FROM update_file WHERE name = $1",
        &[&update.name],
    )?;
    match known {
        Some(row) if get::<&[u8]>(&row, 0)? == update.blob.0 => Ok(false),
        Some(_) => Err(ANOTHER),
        None => {
            tx.execute(
                "INSERT INTO update_file (name, blob, size, signature, added_at_ms) VALUES ($1, $2, $3, $4, $5)",
                &[
                    &update.name,
                    &update.blob.0.as_slice(),
                    &(update.size as i64),
                    &update.signature,
                    &(update.added_at_ms as i64),
                ],
            )?;
            Ok(true)
        }
    }
}

pub(super) fn release(
    tx: &mut Tx<'_>,
    name: &str,
    org: &OrgCode,
    now_ms: u64,
) -> Result<bool, StoreError> {
    if tx
        .first("SELECT 1 FROM update_file WHERE name = $1", &[&name])?
        .is_none()
    {
        return Err(StoreError::Missing("update"));
    }
    if tx
        .first("SELECT 1 FROM org WHERE code = $1", &[&org.as_str()])?
        .is_none()
    {
        return Err(StoreError::Missing("organisation"));
    }
    let changes = tx.execute(
        "INSERT INTO update_release (name, org, at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &[&name, &org.as_str(), &(now_ms as i64)],
    )?;
    Ok(changes > 0)
}

pub(super) fn withdraw(tx: &mut Tx<'_>, name: &str, org: &OrgCode) -> Result<bool, StoreError> {
    let changes = tx.execute(
        "DELETE FROM update_release WHERE name = $1 AND org = $2",
        &[&name, &org.as_str()],
    )?;
    Ok(changes > 0)
}

pub(super) fn all(tx: &mut Tx<'_>) -> Result<Vec<StoredUpdate>, StoreError> {
    let mut updates = tx
        .query(
            "SELECT name, blob, size, signature, added_at_ms FROM update_file ORDER BY name COLLATE \"C\"",
            &[],
        )?
        .iter()
        .map(|row| {
            Ok(StoredUpdate {
                name: get(row, 0)?,
                blob: BlobHash(rows::hash(get(row, 1)?, "update")?),
                size: count(row, 2)?,
                signature: get(row, 3)?,
                added_at_ms: count(row, 4)?,
                releases: Vec::new(),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    let releases = tx.query(
        "SELECT name, org, at_ms FROM update_release ORDER BY at_ms, org COLLATE \"C\"",
        &[],
    )?;
    for row in &releases {
        let name: &str = get(row, 0)?;
        let release = Release {
            org: get::<&str>(row, 1)?
                .parse()
                .map_err(|_| StoreError::Damaged("release"))?,
            at_ms: count(row, 2)?,
        };
        if let Some(update) = updates.iter_mut().find(|update| update.name == name) {
            update.releases.push(release);
        }
    }
    Ok(updates)
}
