//! The directory of everybody else, as the central endpoint last said: rows that change one by one, and a hash that tells whether they
//! are whole.
//!
//! Invariant: what [`Ledger::directory`] gives is always one whole directory of the endpoint's, never a mixture. Parts are put aside until
//! the last has come, and take effect in one transaction in which the hash of all rows is that which the endpoint said.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shicha_domain::directory::{
    Directory,
    parts::{self, DirectoryPart, WholeDirectory},
};

use crate::{
    error::LedgerError,
    ledger::Ledger,
    settings::{get, put},
};

/// The directory that holds: [`Kept`].
const DIRECTORY: &str = "directory";
/// How far the next one has come: [`Coming`].
const COMING: &str = "directory_coming";

/// What came of taking a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryTaken {
    /// Nothing has changed.
    Same,
    /// It is put aside; more is to come.
    More,
    /// The directory is another one now, and whole.
    Changed,
    /// With these changes the rows here are not what the endpoint has. They stay as they were; next it is asked for all of it.
    DoesNotFit,
    /// It goes on from something else than what is here, and was passed over.
    PassedOver,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    /// What to ask from; `None`: for all of it.
    mark: Option<String>,
    whole: WholeDirectory,
}

#[derive(Serialize, Deserialize)]
struct Coming {
    mark: String,
    is_anew: bool,
}

impl Ledger {
    /// Organisations, people and devices, as the central endpoint last said.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn directory(&self) -> Result<Arc<Directory>, LedgerError> {
        self.read(|db| {
            let Some(kept) = get(db, DIRECTORY)? else {
                return Ok(Arc::default());
            };
            let mut read = self.0.directory.lock();
            if let Some((of, directory)) = read.as_ref()
                && *of == kept
            {
                return Ok(Arc::clone(directory));
            }
            let directory = Arc::new(read_directory(db, &kept)?);
            *read = Some((kept, Arc::clone(&directory)));
            Ok(directory)
        })
    }

    /// From where the central endpoint is to be asked what changed; `None`: from the beginning.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn directory_mark(&self) -> Result<Option<String>, LedgerError> {
        self.read(|db| match coming(db)? {
            Some(coming) => Ok(Some(coming.mark)),
            None => Ok(kept(db)?.and_then(|kept| kept.mark)),
        })
    }

    /// Takes a part of what changed.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub fn take_directory(&self, part: &DirectoryPart) -> Result<DirectoryTaken, LedgerError> {
        // Usually nothing has changed, and nothing is to be written.
        let is_same = self.read(|db| {
            let said = kept(db)?.zip(part.whole.as_ref());
            Ok(part.rows.is_empty()
                && coming(db)?.is_none()
                && said.is_some_and(|(kept, whole)| {
                    kept.mark == part.after
                        && kept.whole == *whole
                        && kept.mark.as_ref() == Some(&part.mark)
                }))
        })?;
        if is_same {
            return Ok(DirectoryTaken::Same);
        }
        self.write(|tx| take(tx, part))
    }
}

/// [`Ledger::take_directory`] in the open transaction.
pub(crate) fn take(
    tx: &Transaction<'_>,
    part: &DirectoryPart,
) -> Result<DirectoryTaken, LedgerError> {
    let coming_mark = coming(tx)?.map(|coming| (coming.mark, coming.is_anew));
    let is_anew = match (&part.after, coming_mark) {
        (None, _) => {
            forget_coming(tx)?;
            true
        }
        (Some(after), Some((mark, is_anew))) if *after == mark => is_anew,
        (Some(after), _) if kept(tx)?.and_then(|kept| kept.mark).as_ref() == Some(after) => {
            forget_coming(tx)?;
            false
        }
        (Some(_), _) => return Ok(DirectoryTaken::PassedOver),
    };
    {
        let mut put_row = tx.prepare_cached(
            "INSERT INTO directory_part (kind, id, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value",
        )?;
        for row in &part.rows {
            let value = row.value.as_ref().map(Value::to_string);
            put_row.execute(params![row.kind, row.id, value])?;
        }
    }
    let Some(whole) = &part.whole else {
        let mark = part.mark.clone();
        put(
            tx,
            COMING,
            &serde_json::to_string(&Coming { mark, is_anew })?,
        )?;
        return Ok(DirectoryTaken::More);
    };
    tx.execute_batch("SAVEPOINT directory")?;
    let fits = apply(tx, is_anew)? == whole.hash;
    if !fits {
        tx.execute_batch("ROLLBACK TO directory")?;
    }
    tx.execute_batch("RELEASE directory")?;
    forget_coming(tx)?;
    let kept = match (fits, kept(tx)?) {
        (true, _) => Some(Kept {
            mark: Some(part.mark.clone()),
            whole: whole.clone(),
        }),
        (false, kept) => kept.map(|kept| Kept { mark: None, ..kept }),
    };
    if let Some(kept) = kept {
        put(tx, DIRECTORY, &serde_json::to_string(&kept)?)?;
    }
    Ok(match fits {
        true => DirectoryTaken::Changed,
        false => DirectoryTaken::DoesNotFit,
    })
}

/// Puts what came into its place and returns the hash of all rows.
fn apply(tx: &Transaction<'_>, is_anew: bool) -> Result<shicha_domain::Digest, LedgerError> {
    if is_anew {
        tx.execute("DELETE FROM directory_row", [])?;
    }
    tx.execute(
        "DELETE FROM directory_row WHERE (kind, id) IN (SELECT kind, id FROM directory_part WHERE value IS NULL)",
        [],
    )?;
    let mut put_row = tx.prepare_cached(
        "INSERT INTO directory_row (kind, id, value, hash) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, hash = excluded.hash",
    )?;
    let mut parts =
        tx.prepare_cached("SELECT kind, id, value FROM directory_part WHERE value IS NOT NULL")?;
    let mut rows = parts.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, id, text): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let hash = parts::row_hash(&kind, &id, &serde_json::from_str(&text)?);
        put_row.execute(params![kind, id, text, hash])?;
    }
    hash_of_rows(tx)
}

fn hash_of_rows(db: &Connection) -> Result<shicha_domain::Digest, LedgerError> {
    let hashes: Vec<[u8; 32]> = db
        .prepare_cached("SELECT hash FROM directory_row")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(parts::hash_of(hashes))
}

fn read_directory(db: &Connection, kept: &str) -> Result<Directory, LedgerError> {
    let Kept { whole, .. } = serde_json::from_str(kept)?;
    let mut directory = Directory {
        version: whole.version,
        server_name: whole.server_name,
        is_sample: whole.is_sample,
        ..Directory::default()
    };
    let mut statement =
        db.prepare_cached("SELECT kind, value FROM directory_row ORDER BY kind, id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        directory.take(&row.get::<_, String>(0)?, serde_json::from_str(text)?);
    }
    Ok(directory)
}

fn kept(db: &Connection) -> Result<Option<Kept>, LedgerError> {
    read(db, DIRECTORY)
}

fn coming(db: &Connection) -> Result<Option<Coming>, LedgerError> {
    read(db, COMING)
}

fn read<T: for<'de> Deserialize<'de>>(
    db: &Connection,
    key: &str,
) -> Result<Option<T>, LedgerError> {
    Ok(get(db, key)?
        .map(|text| serde_json::from_str(&text))
        .transpose()?)
}

fn forget_coming(tx: &Connection) -> Result<(), LedgerError> {
    tx.execute("DELETE FROM directory_part", [])?;
    tx.execute("DELETE FROM meta WHERE key = ?1", [COMING])?;
    Ok(())
}

/// After a salvage: rows that can still be read are used, what was coming is not, and where the rows are not whole any more, all of them
/// are fetched again.
pub(crate) fn restore_directory(db: &Connection) -> Result<(), LedgerError> {
    forget_coming(db)?;
    db.execute("DELETE FROM directory_row WHERE json_valid(value) = 0", [])?;
    let kept: Option<Kept> = get(db, DIRECTORY)?.and_then(|text| serde_json::from_str(&text).ok());
    match kept {
        Some(kept) if hash_of_rows(db)? == kept.whole.hash => Ok(()),
        Some(kept) => put(
            db,
            DIRECTORY,
            &serde_json::to_string(&Kept { mark: None, ..kept })?,
        ),
        None => {
            db.execute("DELETE FROM directory_row", [])?;
            db.execute("DELETE FROM meta WHERE key = ?1", [DIRECTORY])?;
            Ok(())
        }
    }
}
