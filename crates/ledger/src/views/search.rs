//! Search: from what a person types to the numbers of the rows in which all parts of it are found.

use rusqlite::{Connection, params};

use super::{
    bits::Bits,
    words::{self, Term},
};
use crate::error::LedgerError;

/// What is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    Subjects,
    Inspections,
    Findings,
}

/// The rows in which all parts of `query` are found; `None`: the query restricts nothing.
pub(crate) fn search(
    db: &Connection,
    among: Among,
    query: Option<&str>,
) -> Result<Option<Bits>, LedgerError> {
    let mut all = None;
    for term in words::terms(query.unwrap_or("")) {
        let found = find(db, among, &term)?;
        super::bits::narrow(&mut all, found);
    }
    Ok(all)
}

fn find(db: &Connection, among: Among, term: &Term) -> Result<Bits, LedgerError> {
    let mut found = Bits::default();
    let expression = term.expression();
    let table = match among {
        Among::Subjects => "search_subject",
        Among::Inspections => "search_inspection",
        Among::Findings => "search_finding",
    };
    matches(db, table, &expression, |id| found.set(id))?;
    if among == Among::Inspections {
        // What was recorded about single items counts for their inspection.
        matches(db, "search_answer", &expression, |document| {
            found.set(document >> 16)
        })?;
    }
    if let Some(begin) = term.credit_code() {
        with_credit_code(db, among, &begin, &mut found)?;
    }
    Ok(found)
}

fn matches(
    db: &Connection,
    table: &str,
    expression: &str,
    mut take: impl FnMut(i64),
) -> Result<(), LedgerError> {
    let mut query =
        db.prepare_cached(&format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1"))?;
    let mut rows = query.query([expression])?;
    while let Some(row) = rows.next()? {
        take(row.get(0)?);
    }
    Ok(())
}

fn with_credit_code(
    db: &Connection,
    among: Among,
    begin: &str,
    found: &mut Bits,
) -> Result<(), LedgerError> {
    let select = match among {
        Among::Subjects => {
            "SELECT id FROM view_subject WHERE credit_code >= ?1 AND credit_code < ?2"
        }
        Among::Inspections => {
            "SELECT id FROM view_inspection
             WHERE credit_code >= ?1 AND credit_code < ?2 AND credit_code <> ''"
        }
        Among::Findings => return Ok(()),
    };
    // Nothing in a credit code sorts behind this.
    let end = format!("{begin}~");
    let mut query = db.prepare_cached(select)?;
    let mut rows = query.query(params![begin, end])?;
    while let Some(row) = rows.next()? {
        found.set(row.get(0)?);
    }
    Ok(())
}
