//! The list of inspections 检查, and what the last one of a subject was.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Value};
use shicha_domain::{RecordId, inspection::Counts};

use super::{
    bits::{Bits, narrow},
    list::{
        Conditions, bytes_of, count, direction, link_at, org_at, person_at, record_at, stretch,
        time_at, walk,
    },
    packed,
    rolled::STAGES,
    rows::{InspectionFilter, InspectionRow, InspectionSort, Page},
    search::{Among, search},
    signed, unsigned,
};
use crate::{error::LedgerError, ledger::Ledger};

/// The narrow walk: `id, begun_ms, stage, findings, org, subject_kind, subject`.
pub(crate) const FACETS: (&str, &str) = (
    "SELECT id, begun_ms, stage, findings, org, subject_kind, subject FROM view_inspection",
    " INDEXED BY view_inspection_facets",
);
/// The same where the subject leads to the few rows.
const OF_SUBJECT: (&str, &str) = (FACETS.0, " INDEXED BY view_inspection_subject");

impl Ledger {
    /// A stretch of the inspections that a filter gives.
    ///
    /// # Errors
    /// When the database fails.
    pub fn inspections(
        &self,
        filter: &InspectionFilter,
        sort: InspectionSort,
        is_descending: bool,
        offset: u64,
        limit: u64,
    ) -> Result<Page<InspectionRow>, LedgerError> {
        self.read(|db| inspections(db, filter, sort, is_descending, offset, limit))
    }

    /// The last signed inspection of a subject that began before the inspection `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub fn previous_inspection(
        &self,
        subject: RecordId,
        before: RecordId,
    ) -> Result<Option<RecordId>, LedgerError> {
        self.read(|db| {
            let begun: Option<i64> = db
                .prepare_cached(
                    "SELECT i.begun_ms FROM view_record r JOIN view_inspection i ON i.id = r.id WHERE r.record = ?1",
                )?
                .query_row([before.0.as_bytes()], |row| row.get(0))
                .optional()?;
            let found = db
                .prepare_cached(
                    "SELECT record FROM view_inspection
                     WHERE subject = ?1 AND begun_ms <= ?2 AND stage = 2 AND record <> ?3
                     ORDER BY begun_ms DESC, record DESC LIMIT 1",
                )?
                .query_row(
                    params![subject.0.as_bytes(), begun.unwrap_or(i64::MAX), before.0.as_bytes()],
                    |row| record_at(row, 0),
                )
                .optional()?;
            Ok(found)
        })
    }
}

/// What of a filter can be told from the narrow walk.
pub(crate) fn conditions(filter: &InspectionFilter) -> Conditions {
    let mut conditions = Conditions::default();
    let org = filter.org.as_ref().map(|org| org.as_str().to_owned());
    conditions.when("subject = ?", filter.subject.map(bytes_of));
    conditions.when("org = ?", org);
    conditions.when("region = ?", filter.region.clone());
    conditions.when("subject_kind = ?", filter.subject_kind.clone());
    conditions.when("kind = ?", filter.kind.clone());
    conditions.when("phase = ?", filter.phase.clone());
    conditions.when("checklist = ?", filter.checklist.clone());
    conditions.when("begun_ms >= ?", filter.from_ms.map(signed));
    conditions.when("begun_ms < ?", filter.to_ms.map(signed));
    match filter.outcome.as_deref() {
        Some("with_findings") => conditions.always("findings > 0"),
        Some("without_findings") => conditions.always("findings = 0"),
        _ => {}
    }
    match filter.stage.as_deref() {
        Some("unsigned") => conditions.always("stage < 2"),
        Some("valid") => conditions.always("stage <> 3"),
        Some(word) => {
            let stage = STAGES.iter().position(|stage| stage.as_str() == word);
            conditions.when("stage = ?", Some(stage.map_or(-1, |n| n as i64)));
        }
        None => {}
    }
    conditions
}

/// What of a filter has to be looked up elsewhere; `None`: nothing of it restricts.
pub(crate) fn looked_up(
    db: &Connection,
    filter: &InspectionFilter,
) -> Result<Option<Bits>, LedgerError> {
    let mut bits = search(db, Among::Inspections, filter.query.as_deref())?;
    if let Some(person) = filter.inspector {
        let select = "SELECT id FROM view_inspector WHERE person = ?1";
        narrow(
            &mut bits,
            ids(db, select, Value::Blob(person.0.into_bytes().into()))?,
        );
    }
    if let Some(item) = &filter.item {
        let result = filter.item_result.as_deref();
        let with_item = if result == Some("nonconforming") {
            let select = "SELECT id FROM view_nonconforming WHERE item = ?1";
            ids(db, select, Value::Text(item.clone()))?
        } else {
            answered(db, item, result, bits.as_ref())?
        };
        narrow(&mut bits, with_item);
    }
    Ok(bits)
}

fn ids(db: &Connection, select: &str, value: Value) -> Result<Bits, LedgerError> {
    let mut found = Bits::default();
    let mut query = db.prepare_cached(select)?;
    let mut rows = query.query([value])?;
    while let Some(row) = rows.next()? {
        found.set(row.get(0)?);
    }
    Ok(found)
}

/// Inspections that gave an item a result.
fn answered(
    db: &Connection,
    item: &str,
    result: Option<&str>,
    among: Option<&Bits>,
) -> Result<Bits, LedgerError> {
    let code = packed::code(item);
    let wanted =
        result.map(|word| shicha_domain::inspection::Result::parse(word).map(packed::number));
    let mut found = Bits::default();
    if wanted == Some(None) {
        return Ok(found);
    }
    Conditions::default().each(
        db,
        ("SELECT id, results FROM view_answer", ""),
        among,
        |id, row| {
            let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
            let has = packed::result_of(bytes, code)
                .is_some_and(|result| wanted.flatten().is_none_or(|wanted| wanted == result));
            if has {
                found.set(id);
            }
            Ok(())
        },
    )?;
    Ok(found)
}

fn inspections(
    db: &Connection,
    filter: &InspectionFilter,
    sort: InspectionSort,
    is_descending: bool,
    offset: u64,
    limit: u64,
) -> Result<Page<InspectionRow>, LedgerError> {
    let asked = Asked {
        db,
        conditions: conditions(filter),
        facets: if filter.subject.is_some() {
            OF_SUBJECT
        } else {
            FACETS
        },
        bits: looked_up(db, filter)?,
        is_descending,
        offset,
        limit,
    };
    let (total, ids) = match sort {
        InspectionSort::Started if asked.is_all() => asked.walked("begun_ms")?,
        InspectionSort::Subject => asked.walked("subject_key")?,
        InspectionSort::Number => asked.walked("number")?,
        InspectionSort::Started => asked.by_facet(1)?,
        InspectionSort::Stage => asked.by_facet(2)?,
        InspectionSort::Findings => asked.by_facet(3)?,
        InspectionSort::Org => asked.by_org()?,
        InspectionSort::Updated => asked.by_change()?,
    };
    Ok(Page {
        total,
        rows: ids
            .into_iter()
            .map(|id| row_of(db, id))
            .collect::<Result<_, _>>()?,
    })
}

/// A stretch of a list that was asked for. Each order is answered by how many rows match, and the numbers of those in the stretch.
struct Asked<'a> {
    db: &'a Connection,
    conditions: Conditions,
    facets: (&'static str, &'static str),
    bits: Option<Bits>,
    is_descending: bool,
    offset: u64,
    limit: u64,
}

impl Asked<'_> {
    fn is_all(&self) -> bool {
        self.conditions.is_empty() && self.bits.is_none()
    }

    fn each(
        &self,
        take: impl FnMut(i64, &Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), LedgerError> {
        self.conditions
            .each(self.db, self.facets, self.bits.as_ref(), take)
    }

    fn stretch<K: Ord>(&self, rows: Vec<(K, i64)>) -> (u64, Vec<i64>) {
        let total = rows.len() as u64;
        (
            total,
            stretch(rows, self.is_descending, self.offset, self.limit),
        )
    }

    /// All that match; `None`: all there are.
    fn fitting(&self) -> Result<Option<Bits>, LedgerError> {
        if self.conditions.is_empty() {
            return Ok(self.bits.clone());
        }
        let mut fitting = Bits::default();
        self.each(|id, _| {
            fitting.set(id);
            Ok(())
        })?;
        Ok(Some(fitting))
    }

    /// In the order of a column that has an index of its own.
    fn walked(&self, column: &str) -> Result<(u64, Vec<i64>), LedgerError> {
        let fitting = self.fitting()?;
        let total = match &fitting {
            Some(fitting) => fitting.count(),
            None => count(self.db, "view_inspection")?,
        };
        let order = direction(self.is_descending);
        let select =
            format!("SELECT id FROM view_inspection ORDER BY {column} {order}, id {order}");
        let ids = walk(self.db, &select, fitting.as_ref(), self.offset, self.limit)?;
        Ok((total, ids))
    }

    /// In the order of a number in the narrow walk, then by begin.
    fn by_facet(&self, column: usize) -> Result<(u64, Vec<i64>), LedgerError> {
        let mut rows: Vec<((i64, i64), i64)> = Vec::new();
        self.each(|id, row| {
            rows.push(((row.get(column)?, row.get(1)?), id));
            Ok(())
        })?;
        Ok(self.stretch(rows))
    }

    fn by_org(&self) -> Result<(u64, Vec<i64>), LedgerError> {
        // There are few bureaus: each is held once.
        let mut orgs: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        self.each(|id, row| {
            let org = row.get_ref(4)?.as_str()?;
            let at = (row.get(1)?, id);
            match orgs.get_mut(org) {
                Some(of_org) => of_org.push(at),
                None => {
                    orgs.insert(org.to_owned(), vec![at]);
                }
            }
            Ok(())
        })?;
        let rows = orgs.into_values().enumerate().flat_map(|(place, of_org)| {
            of_org
                .into_iter()
                .map(move |(begun_ms, id)| ((place, begun_ms), id))
        });
        Ok(self.stretch(rows.collect()))
    }

    fn by_change(&self) -> Result<(u64, Vec<i64>), LedgerError> {
        let fitting = self.fitting()?;
        let mut of_kind = Conditions::default();
        of_kind.always("kind = 'inspection'");
        let mut rows: Vec<(i64, i64)> = Vec::new();
        let select = ("SELECT id, updated_ms FROM view_record", "");
        of_kind.each(self.db, select, fitting.as_ref(), |id, row| {
            rows.push((row.get(1)?, id));
            Ok(())
        })?;
        Ok(self.stretch(rows))
    }
}

fn row_of(db: &Connection, id: i64) -> Result<InspectionRow, LedgerError> {
    let row = db
        .prepare_cached(
            "SELECT i.record, i.number, i.subject, i.subject_name, i.subject_kind, i.region, i.org, i.kind, i.phase,
                    i.checklist, i.pack, i.pack_version, i.started_ms, i.ended_ms, i.stage, i.findings, i.inspectors,
                    i.opened_by, i.is_sample, r.conforms, r.nonconforming, r.not_applicable, r.not_checked, r.to_verify,
                    r.conflicts, r.late, r.updated_ms, i.pack_hash
             FROM view_inspection i JOIN view_record r ON r.id = i.id WHERE i.id = ?1",
        )?
        .query_row([id], |row| {
            let stage: usize = usize::from(row.get::<_, u8>(14)?);
            Ok(InspectionRow {
                record: record_at(row, 0)?,
                number: row.get(1)?,
                subject: link_at(row, 2)?,
                subject_name: row.get(3)?,
                subject_kind: row.get(4)?,
                region: row.get(5)?,
                org: org_at(row, 6)?,
                kind: row.get(7)?,
                phase: row.get(8)?,
                checklist: row.get(9)?,
                pack: row.get(10)?,
                pack_version: row.get(11)?,
                pack_hash: row.get::<_, Option<[u8; 32]>>(27)?.map(shicha_domain::BlobHash),
                started_ms: time_at(row, 12)?,
                ended_ms: time_at(row, 13)?,
                stage: STAGES.get(stage).map_or("", |stage| stage.as_str()).to_owned(),
                findings: row.get(15)?,
                inspectors: row.get(16)?,
                opened_by: person_at(row, 17)?,
                is_sample: row.get(18)?,
                counts: Counts {
                    conforms: row.get(19)?,
                    nonconforming: row.get(20)?,
                    not_applicable: row.get(21)?,
                    not_checked: row.get(22)?,
                    to_verify: row.get(23)?,
                },
                conflicts: row.get(24)?,
                late: row.get(25)?,
                updated_ms: unsigned(row.get(26)?),
            })
        })?;
    Ok(row)
}
