//! The list of findings 问题.

use rusqlite::{Connection, Row};

use super::{
    bits::Bits,
    list::{Conditions, bytes_of, direction, link_at, org_at, record_at, stretch, walk},
    rows::{FindingFilter, FindingRow, FindingSort, Page},
    search::{Among, search},
    unsigned,
};
use crate::{error::LedgerError, ledger::Ledger};

const SELECT: &str = "SELECT id, due_key, state, item, org FROM view_finding";

impl Ledger {
    /// A stretch of the findings that a filter gives.
    ///
    /// # Errors
    /// When the database fails.
    pub fn findings(
        &self,
        filter: &FindingFilter,
        sort: FindingSort,
        is_descending: bool,
        offset: u64,
        limit: u64,
    ) -> Result<Page<FindingRow>, LedgerError> {
        self.read(|db| findings(db, filter, sort, is_descending, offset, limit))
    }
}

fn conditions(filter: &FindingFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.always("is_void = 0");
    conditions.when("subject = ?", filter.subject.map(bytes_of));
    conditions.when("inspection = ?", filter.inspection.map(bytes_of));
    conditions.when(
        "org = ?",
        filter.org.as_ref().map(|org| org.as_str().to_owned()),
    );
    conditions.when("region = ?", filter.region.clone());
    conditions.when("item = ?", filter.item.clone());
    conditions.when("state = ?", filter.state.clone());
    // Those without a deadline sort behind every day.
    conditions.when("due_key < ?", filter.due_before_day.clone());
    if filter.is_open {
        conditions.always("state <> 'verified'");
    }
    conditions
}

pub(crate) fn findings(
    db: &Connection,
    filter: &FindingFilter,
    sort: FindingSort,
    is_descending: bool,
    offset: u64,
    limit: u64,
) -> Result<Page<FindingRow>, LedgerError> {
    let bits = search(db, Among::Findings, filter.query.as_deref())?;
    let conditions = conditions(filter);
    let hint = if filter.inspection.is_some() {
        " INDEXED BY view_finding_inspection"
    } else if filter.subject.is_some() {
        " INDEXED BY view_finding_subject"
    } else {
        " INDEXED BY view_finding_facets"
    };
    let (total, ids) = if sort == FindingSort::Subject {
        let mut fitting = Bits::default();
        conditions.each(db, (SELECT, hint), bits.as_ref(), |id, _| {
            fitting.set(id);
            Ok(())
        })?;
        let order = direction(is_descending);
        let select =
            format!("SELECT id FROM view_finding ORDER BY subject_key {order}, id {order}");
        (
            fitting.count(),
            walk(db, &select, Some(&fitting), offset, limit)?,
        )
    } else if let Some(column) = column(sort) {
        let mut rows: Vec<((String, u128), i64)> = Vec::new();
        conditions.each(db, (SELECT, hint), bits.as_ref(), |id, row| {
            rows.push(((row.get(column)?, day_at(row)?), id));
            Ok(())
        })?;
        let total = rows.len() as u64;
        (total, stretch(rows, is_descending, offset, limit))
    } else {
        let mut rows: Vec<(u128, i64)> = Vec::new();
        conditions.each(db, (SELECT, hint), bits.as_ref(), |id, row| {
            rows.push((day_at(row)?, id));
            Ok(())
        })?;
        let total = rows.len() as u64;
        (total, stretch(rows, is_descending, offset, limit))
    };
    Ok(Page {
        total,
        rows: ids
            .into_iter()
            .map(|id| row_of(db, id))
            .collect::<Result<_, _>>()?,
    })
}

/// The column of the narrow walk that comes before the deadline in an order.
fn column(sort: FindingSort) -> Option<usize> {
    match sort {
        FindingSort::State => Some(2),
        FindingSort::Item => Some(3),
        FindingSort::Org => Some(4),
        FindingSort::Due | FindingSort::Subject => None,
    }
}

/// The deadline as a number that sorts as its text does.
fn day_at(row: &Row<'_>) -> rusqlite::Result<u128> {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(row.get_ref(1)?.as_str()?.bytes()) {
        *to = from;
    }
    Ok(u128::from_be_bytes(bytes))
}

fn row_of(db: &Connection, id: i64) -> Result<FindingRow, LedgerError> {
    let row = db
        .prepare_cached(
            "SELECT f.record, f.inspection, f.subject, f.subject_name, f.item, f.description, f.measure, f.responsible,
                    f.due, f.basis, f.penalty, f.state, f.org, f.region, f.pack, f.pack_version, f.checklist, f.is_sample,
                    r.updated_ms
             FROM view_finding f JOIN view_record r ON r.id = f.id WHERE f.id = ?1",
        )?
        .query_row([id], |row| {
            Ok(FindingRow {
                record: record_at(row, 0)?,
                inspection: link_at(row, 1)?,
                subject: link_at(row, 2)?,
                subject_name: row.get(3)?,
                item: row.get(4)?,
                description: row.get(5)?,
                measure: row.get(6)?,
                responsible: row.get(7)?,
                due: row.get(8)?,
                basis: row.get(9)?,
                penalty: row.get(10)?,
                state: row.get(11)?,
                org: org_at(row, 12)?,
                region: row.get(13)?,
                pack: row.get(14)?,
                pack_version: row.get(15)?,
                checklist: row.get(16)?,
                is_sample: row.get(17)?,
                updated_ms: unsigned(row.get(18)?),
            })
        })?;
    Ok(row)
}
