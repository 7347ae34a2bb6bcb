//! The list of subjects 检查对象.

use rusqlite::Connection;

use super::{
    list::{Conditions, count, direction, org_at, record_at, stretch, time_at, walk},
    rows::{Page, SubjectFilter, SubjectRow, SubjectSort},
    search::{Among, search},
};
use crate::{error::LedgerError, ledger::Ledger};

pub(crate) const FACETS: (&str, &str) = (
    "SELECT id, org, region, kind, last_inspected_ms, open_findings FROM view_subject",
    " INDEXED BY view_subject_facets",
);

impl Ledger {
    /// A stretch of the subjects that a filter gives.
    ///
    /// # Errors
    /// When the database fails.
    pub fn subjects(
        &self,
        filter: &SubjectFilter,
        sort: SubjectSort,
        is_descending: bool,
        offset: u64,
        limit: u64,
    ) -> Result<Page<SubjectRow>, LedgerError> {
        self.read(|db| subjects(db, filter, sort, is_descending, offset, limit))
    }
}

pub(crate) fn conditions(filter: &SubjectFilter) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.when(
        "org = ?",
        filter.org.as_ref().map(|org| org.as_str().to_owned()),
    );
    conditions.when("region = ?", filter.region.clone());
    conditions.when("kind = ?", filter.kind.clone());
    conditions
}

pub(crate) fn subjects(
    db: &Connection,
    filter: &SubjectFilter,
    sort: SubjectSort,
    is_descending: bool,
    offset: u64,
    limit: u64,
) -> Result<Page<SubjectRow>, LedgerError> {
    let mut bits = search(db, Among::Subjects, filter.query.as_deref())?;
    let conditions = conditions(filter);
    let (total, ids) = if sort == SubjectSort::Name {
        if !conditions.is_empty() {
            let mut fitting = super::bits::Bits::default();
            conditions.each(db, FACETS, bits.as_ref(), |id, _| {
                fitting.set(id);
                Ok(())
            })?;
            bits = Some(fitting);
        }
        let total = match &bits {
            Some(bits) => bits.count(),
            None => count(db, "view_subject")?,
        };
        let order = direction(is_descending);
        let select = format!("SELECT id FROM view_subject ORDER BY name_key {order}, id {order}");
        (total, walk(db, &select, bits.as_ref(), offset, limit)?)
    } else {
        let mut rows: Vec<((String, i64), i64)> = Vec::new();
        conditions.each(db, FACETS, bits.as_ref(), |id, row| {
            let key = match sort {
                SubjectSort::Region => (row.get(2)?, 0),
                SubjectSort::Kind => (row.get(3)?, 0),
                SubjectSort::LastInspected => (String::new(), row.get(4)?),
                SubjectSort::OpenFindings => (String::new(), row.get(5)?),
                SubjectSort::Name => (String::new(), 0),
            };
            rows.push((key, id));
            Ok(())
        })?;
        (
            rows.len() as u64,
            stretch(rows, is_descending, offset, limit),
        )
    };
    Ok(Page {
        total,
        rows: ids
            .into_iter()
            .map(|id| row_of(db, id))
            .collect::<Result<_, _>>()?,
    })
}

fn row_of(db: &Connection, id: i64) -> Result<SubjectRow, LedgerError> {
    let row = db
        .prepare_cached(
            "SELECT record, name, credit_code, kind, region, address, legal_representative, phone, industry, org,
                    is_sample, last_inspected_ms, open_findings
             FROM view_subject WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok(SubjectRow {
                record: record_at(row, 0)?,
                name: row.get(1)?,
                credit_code: row.get(2)?,
                kind: row.get(3)?,
                region: row.get(4)?,
                address: row.get(5)?,
                legal_representative: row.get(6)?,
                phone: row.get(7)?,
                industry: row.get(8)?,
                org: org_at(row, 9)?,
                is_sample: row.get(10)?,
                last_inspected_ms: time_at(row, 11)?.filter(|ms| *ms > 0),
                open_findings: row.get(12)?,
            })
        })?;
    Ok(row)
}
