//! The list of inspections 检查, and what the last one of a subject was.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params, types::Value};
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
            let has = packed::results(bytes).any(|(other, result)| {
                other == code && wanted.flatten().is_none_or(|wanted| wanted == result)
            });
            if has {
                found.set(id);
            }
            Ok(())
        },
    )?;
    Ok(found)
}

pub(crate) fn inspections(
    db: &Connection,
    filter: &InspectionFilter,
    sort: InspectionSort,
    is_descending: bool,
    offset: u64,
    limit: u64,
) -> Result<Page<InspectionRow>, LedgerError> {
    let bits = looked_up(db, filter)?;
    let conditions = conditions(filter);
    let facets = if filter.subject.is_some() {
        OF_SUBJECT
    } else {
        FACETS
    };
    let order = direction(is_descending);
    let (total, ids) = match sort {
        InspectionSort::Subject | InspectionSort::Number | InspectionSort::Started
            if conditions.is_empty() && (bits.is_none() || sort != InspectionSort::Started) =>
        {
            let total = match &bits {
                Some(bits) => bits.count(),
                None => count(db, "view_inspection")?,
            };
            let column = column(sort);
            let select =
                format!("SELECT id FROM view_inspection ORDER BY {column} {order}, id {order}");
            (total, walk(db, &select, bits.as_ref(), offset, limit)?)
        }
        InspectionSort::Subject | InspectionSort::Number => {
            let mut fitting = Bits::default();
            conditions.each(db, facets, bits.as_ref(), |id, _| {
                fitting.set(id);
                Ok(())
            })?;
            let column = column(sort);
            let select =
                format!("SELECT id FROM view_inspection ORDER BY {column} {order}, id {order}");
            (
                fitting.count(),
                walk(db, &select, Some(&fitting), offset, limit)?,
            )
        }
        InspectionSort::Updated => {
            let mut fitting = bits;
            if !conditions.is_empty() {
                let mut now = Bits::default();
                conditions.each(db, facets, fitting.as_ref(), |id, _| {
                    now.set(id);
                    Ok(())
                })?;
                fitting = Some(now);
            }
            let mut of_kind = Conditions::default();
            of_kind.always("kind = 'inspection'");
            let mut rows: Vec<(i64, i64)> = Vec::new();
            of_kind.each(
                db,
                ("SELECT id, updated_ms FROM view_record", ""),
                fitting.as_ref(),
                |id, row| {
                    rows.push((row.get(1)?, id));
                    Ok(())
                },
            )?;
            (
                rows.len() as u64,
                stretch(rows, is_descending, offset, limit),
            )
        }
        InspectionSort::Org => {
            let mut orgs: HashMap<String, i64> = HashMap::new();
            let mut rows: Vec<((i64, i64), i64)> = Vec::new();
            conditions.each(db, facets, bits.as_ref(), |id, row| {
                let org = row.get_ref(4)?.as_str().unwrap_or_default();
                let next = orgs.len() as i64;
                let number = match orgs.get(org) {
                    Some(number) => *number,
                    None => *orgs.entry(org.to_owned()).or_insert(next),
                };
                rows.push(((number, row.get(1)?), id));
                Ok(())
            })?;
            let mut sorted: Vec<(&String, &i64)> = orgs.iter().collect();
            sorted.sort_unstable();
            let mut place = vec![0; sorted.len()];
            for (n, (_, number)) in sorted.iter().enumerate() {
                if let Some(place) = usize::try_from(**number)
                    .ok()
                    .and_then(|number| place.get_mut(number))
                {
                    *place = n as i64;
                }
            }
            for ((number, _), _) in &mut rows {
                *number = usize::try_from(*number)
                    .ok()
                    .and_then(|n| place.get(n))
                    .copied()
                    .unwrap_or(0);
            }
            (
                rows.len() as u64,
                stretch(rows, is_descending, offset, limit),
            )
        }
        InspectionSort::Started | InspectionSort::Findings | InspectionSort::Stage => {
            let first = match sort {
                InspectionSort::Findings => 3,
                InspectionSort::Stage => 2,
                _ => 1,
            };
            let mut rows: Vec<((i64, i64), i64)> = Vec::new();
            conditions.each(db, facets, bits.as_ref(), |id, row| {
                rows.push(((row.get(first)?, row.get(1)?), id));
                Ok(())
            })?;
            (
                rows.len() as u64,
                stretch(rows, is_descending, offset, limit),
            )
        }
    };
    Ok(Page {
        total,
        rows: ids
            .into_iter()
            .map(|id| row_of(db, id))
            .collect::<Result<_, _>>()?,
    })
}

fn column(sort: InspectionSort) -> &'static str {
    match sort {
        InspectionSort::Subject => "subject_key",
        InspectionSort::Number => "number",
        _ => "begun_ms",
    }
}

fn row_of(db: &Connection, id: i64) -> Result<InspectionRow, LedgerError> {
    let row = db
        .prepare_cached(
            "SELECT i.record, i.number, i.subject, i.subject_name, i.subject_kind, i.region, i.org, i.kind, i.phase,
                    i.checklist, i.pack, i.pack_version, i.started_ms, i.ended_ms, i.stage, i.findings, i.inspectors,
                    i.opened_by, i.is_sample, r.conforms, r.nonconforming, r.not_applicable, r.not_checked, r.to_verify,
                    r.conflicts, r.late, r.updated_ms
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
