//! What all lists have in common: conditions, and the stretch of an order that is shown.
//!
//! A list is answered in two steps. One walk over a narrow index tells which rows match, and so how many; only the rows that are shown are then
//! read from their table.

use rusqlite::{Connection, Row, ToSql, params_from_iter, types::Value};
use shicha_domain::{OrgCode, PersonId, RecordId, RecordKind};

use super::bits::Bits;
use crate::error::LedgerError;

/// So many rows are looked up one by one rather than found by walking an index.
const FEW: u64 = 1_000;

/// Conditions on columns, and their values.
#[derive(Default)]
pub(crate) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition with one value, e.g. `org = ?`; without a value it is no condition.
    pub(crate) fn when(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.always(condition);
            self.values.push(value.into());
        }
    }

    /// Adds a condition without value.
    pub(crate) fn always(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        self.sql.push_str(condition);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    /// Goes through the rows of `select` (which has no conditions of its own) that fit, among `bits` where given. `id` is the first column.
    pub(crate) fn each(
        &self,
        db: &Connection,
        (select, hint): (&str, &str),
        bits: Option<&Bits>,
        mut take: impl FnMut(i64, &Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), LedgerError> {
        if let Some(few) = bits.filter(|bits| bits.count() <= FEW) {
            let join = if self.is_empty() { " WHERE " } else { " AND " };
            let mut query = db.prepare_cached(&format!("{select}{}{join}id = ?", self.sql))?;
            for id in few.iter() {
                let id = Value::Integer(id);
                let mut rows = query.query(params_from_iter(self.values.iter().chain([&id])))?;
                while let Some(row) = rows.next()? {
                    take(row.get(0)?, row)?;
                }
            }
            return Ok(());
        }
        let mut query = db.prepare_cached(&format!("{select}{hint}{}", self.sql))?;
        let mut rows = query.query(params_from_iter(self.values.iter()))?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            if bits.is_none_or(|bits| bits.has(id)) {
                take(id, row)?;
            }
        }
        Ok(())
    }
}

/// The numbers of a stretch of `rows` in the order of their keys.
pub(crate) fn stretch<K: Ord>(
    mut rows: Vec<(K, i64)>,
    is_descending: bool,
    offset: u64,
    limit: u64,
) -> Vec<i64> {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let end = size(offset.saturating_add(limit)).min(rows.len());
    let order = |a: &(K, i64), b: &(K, i64)| if is_descending { b.cmp(a) } else { a.cmp(b) };
    if end < rows.len() {
        rows.select_nth_unstable_by(end, order);
        rows.truncate(end);
    }
    rows.sort_unstable_by(order);
    rows.into_iter()
        .skip(size(offset))
        .map(|(_, id)| id)
        .collect()
}

/// The numbers of a stretch of what `select` gives in its order, counting only those in `bits`.
pub(crate) fn walk(
    db: &Connection,
    select: &str,
    bits: Option<&Bits>,
    offset: u64,
    limit: u64,
) -> Result<Vec<i64>, LedgerError> {
    let mut ids = Vec::new();
    let mut passed = 0;
    let Some(bits) = bits else {
        let mut query = db.prepare_cached(&format!("{select} LIMIT ?1 OFFSET ?2"))?;
        let window: [&dyn ToSql; 2] = [&super::signed(limit), &super::signed(offset)];
        let found = query.query_map(window, |row| row.get(0))?;
        return Ok(found.collect::<Result<_, _>>()?);
    };
    let mut query = db.prepare_cached(select)?;
    let mut rows = query.query([])?;
    while (ids.len() as u64) < limit
        && let Some(row) = rows.next()?
    {
        let id = row.get(0)?;
        if !bits.has(id) {
            continue;
        }
        if passed < offset {
            passed += 1;
        } else {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// How many rows a table has.
pub(crate) fn count(db: &Connection, table: &str) -> Result<u64, LedgerError> {
    let count = db
        .prepare_cached(&format!("SELECT count(*) FROM {table}"))?
        .query_row([], |row| row.get(0))?;
    Ok(super::unsigned(count))
}

/// The word that turns an order round.
pub(crate) fn direction(is_descending: bool) -> &'static str {
    if is_descending { "DESC" } else { "ASC" }
}

/// Reads a record's identifier.
pub(crate) fn record_at(row: &Row<'_>, column: usize) -> rusqlite::Result<RecordId> {
    Ok(RecordId(uuid::Uuid::from_bytes(row.get(column)?)))
}

/// Reads an identifier that may be missing.
pub(crate) fn link_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RecordId>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(|bytes| RecordId(uuid::Uuid::from_bytes(bytes))))
}

/// Reads a person's identifier that may be missing.
pub(crate) fn person_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PersonId>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(|bytes| PersonId(uuid::Uuid::from_bytes(bytes))))
}

/// Reads the code of an organisation.
pub(crate) fn org_at(row: &Row<'_>, column: usize) -> rusqlite::Result<OrgCode> {
    let code: String = row.get(column)?;
    code.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

/// Reads a time that may be missing.
pub(crate) fn time_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    let ms: Option<i64> = row.get(column)?;
    Ok(ms.map(super::unsigned))
}

/// Reads what a record is.
pub(crate) fn kind_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RecordKind>> {
    let word: String = row.get(column)?;
    Ok([
        RecordKind::Pack,
        RecordKind::Subject,
        RecordKind::Inspection,
        RecordKind::Finding,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == word))
}

/// A record's identifier as the database has it.
pub(crate) fn bytes_of(record: RecordId) -> Vec<u8> {
    record.0.into_bytes().into()
}
