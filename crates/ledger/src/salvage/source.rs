//! A damaged database, read around what cannot be read of it.
//!
//! SQLCipher refuses everything on a connection that met one page that is not what it was; so after each such page the file is opened
//! anew, and reading goes on at the next row that another page holds.

use std::path::Path;

use rusqlite::{Connection, Row, types::Value};

use crate::{error::LedgerError, open::Opener};

/// How many steps without a readable row are tried when the table cannot say where it ends.
const PATIENCE: u32 = 2_000;

/// A table whose rows have numbers.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Its columns, the number first.
    pub(super) columns: &'static [&'static str],
    /// How many rows are read by one query.
    pub(super) stretch: usize,
    /// How far, in numbers, is gone at once to get past a page that cannot be read: less than what one page holds.
    pub(super) step: i64,
}

/// Gets each row, with the columns that it has.
pub(super) type Take<'t> = dyn FnMut(&[&'static str], Vec<Value>) -> Result<(), LedgerError> + 't;

/// What came of walking a table.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Walk {
    /// Rows that were read.
    pub(super) taken: u64,
    /// Numbers whose rows could not be read, at most.
    pub(super) lost: u64,
    /// The table's end cannot be read, so nobody knows how many rows there were.
    pub(super) is_end_unknown: bool,
}

/// The damaged database.
pub(super) struct Source<'a> {
    opener: &'a Opener,
    path: &'a Path,
    db: Connection,
}

impl<'a> Source<'a> {
    /// Opens it; `None` when its beginning, which says what else there is, cannot be read.
    pub(super) fn open(opener: &'a Opener, path: &'a Path) -> Option<Self> {
        match opener.damaged(path) {
            Ok(db) => Some(Self { opener, path, db }),
            Err(error) => {
                tracing::error!(%error, "nothing of the damaged database can be read");
                None
            }
        }
    }

    fn reopen(&mut self) -> Result<(), LedgerError> {
        self.db = self.opener.damaged(self.path)?;
        Ok(())
    }

    /// Asks for one value; `None` when it cannot be read.
    pub(super) fn ask<T: rusqlite::types::FromSql>(
        &mut self,
        sql: &str,
    ) -> Result<Option<T>, LedgerError> {
        match self.db.query_row(sql, [], |row| row.get(0)) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                tracing::warn!(%error, sql, "cannot be read");
                self.reopen()?;
                Ok(None)
            }
        }
    }

    /// Those of the columns that the table has: none when a database of an older version does not have it.
    fn columns(
        &mut self,
        table: &str,
        wanted: &[&'static str],
    ) -> Result<Vec<&'static str>, LedgerError> {
        let mut statement = self.db.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let there = statement
            .query_map([table], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        Ok(wanted
            .iter()
            .copied()
            .filter(|column| there.iter().any(|there| there == column))
            .collect())
    }

    /// Hands over every row that can be read, with the columns that it has.
    pub(super) fn walk(&mut self, table: Table, take: &mut Take<'_>) -> Result<Walk, LedgerError> {
        let mut walk = Walk::default();
        let columns = self.columns(table.name, table.columns)?;
        let Some(key) = columns.first() else {
            return Ok(walk);
        };
        let last: Option<Option<i64>> =
            self.ask(&format!("SELECT max({key}) FROM {}", table.name))?;
        let last = last.map(|last| last.unwrap_or(-1));
        let select = format!(
            "SELECT {} FROM {} WHERE {key} >= ?1 ORDER BY {key} LIMIT ?2",
            columns.join(", "),
            table.name
        );
        let mut at = 0;
        loop {
            let mut rows = Vec::new();
            let read = self.read(&select, at, table.stretch, &mut |row| {
                rows.push((row.get::<_, i64>(0)?, values(row)?));
                Ok(())
            });
            let count = rows.len();
            walk.taken += count as u64;
            for (key, row) in rows {
                at = key + 1;
                take(&columns, row)?;
            }
            match read {
                Ok(()) if count < table.stretch => return Ok(walk),
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(%error, table = table.name, at, "a row cannot be read");
                    self.reopen()?;
                    match self.next_readable(&select, at, last, table.step)? {
                        Some(next) => {
                            walk.lost += (next - at) as u64;
                            at = next;
                        }
                        None => {
                            walk.is_end_unknown = last.is_none();
                            walk.lost += last.map_or(0, |last| (last - at + 1).max(0) as u64);
                            return Ok(walk);
                        }
                    }
                }
            }
        }
    }

    /// The first number after `bad` from which a row can be read: found by strides and then closed in on.
    fn next_readable(
        &mut self,
        select: &str,
        bad: i64,
        last: Option<i64>,
        step: i64,
    ) -> Result<Option<i64>, LedgerError> {
        let (mut bad, mut stride) = (bad, 1);
        for _ in 0..last.map_or(PATIENCE, |_| u32::MAX) {
            let probe = last.map_or(bad + stride, |last| last.min(bad + stride));
            if probe <= bad {
                return Ok(None);
            }
            if self.is_readable(select, probe)? {
                let mut good = probe;
                while good - bad > 1 {
                    let middle = bad + (good - bad) / 2;
                    if self.is_readable(select, middle)? {
                        good = middle;
                    } else {
                        bad = middle;
                    }
                }
                return Ok(Some(good));
            }
            bad = probe;
            stride = (stride * 2).min(step);
        }
        Ok(None)
    }

    fn is_readable(&mut self, select: &str, from: i64) -> Result<bool, LedgerError> {
        let is_readable = self
            .read(select, from, 1, &mut |row| values(row).map(drop))
            .is_ok();
        if !is_readable {
            self.reopen()?;
        }
        Ok(is_readable)
    }

    fn read(
        &self,
        select: &str,
        from: i64,
        limit: usize,
        take: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached(select)?;
        let mut rows = statement.query((from, limit as i64))?;
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok(())
    }

    /// Hands over the rows of a small table, read from its beginning and, when that breaks off, from its end. Whether none is missing.
    pub(super) fn both_ways(
        &mut self,
        table: &str,
        wanted: &[&'static str],
        order: &str,
        take: &mut Take<'_>,
    ) -> Result<bool, LedgerError> {
        let columns = self.columns(table, wanted)?;
        if columns.is_empty() {
            return Ok(true);
        }
        let list = columns.join(", ");
        for direction in ["ASC", "DESC"] {
            let order = order.replace('+', direction);
            let mut rows = Vec::new();
            let read = self
                .db
                .prepare(&format!("SELECT {list} FROM {table} {order}"))
                .and_then(|mut statement| {
                    let mut found = statement.query([])?;
                    while let Some(row) = found.next()? {
                        rows.push(values(row)?);
                    }
                    Ok(())
                });
            for row in rows {
                take(&columns, row)?;
            }
            match read {
                Ok(()) => return Ok(true),
                Err(error) => {
                    tracing::warn!(%error, table, direction, "not all of it can be read");
                    self.reopen()?;
                }
            }
        }
        Ok(false)
    }
}

fn values(row: &Row<'_>) -> rusqlite::Result<Vec<Value>> {
    (0..row.as_ref().column_count())
        .map(|at| row.get(at))
        .collect()
}
