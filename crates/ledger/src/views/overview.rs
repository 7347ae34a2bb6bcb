//! The supervisor's figures: one walk over the inspections that a filter gives, and one over their answers.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::Connection;

use super::{
    bits::Bits,
    inspections::{FACETS, conditions, looked_up},
    list::Conditions,
    packed,
    rows::{InspectionFilter, Overview, OverviewItem, OverviewRow, SubjectFilter},
    subjects,
    week::{day_text, monday},
};
use crate::{error::LedgerError, ledger::Ledger};

impl Ledger {
    /// Figures of the inspections that a filter gives; annulled ones do not count.
    ///
    /// # Errors
    /// When the database fails.
    pub fn overview(&self, filter: &InspectionFilter) -> Result<Overview, LedgerError> {
        self.read(|db| overview(db, filter))
    }
}

/// Inspections, signed ones, and non-conforming answers.
#[derive(Default, Clone, Copy)]
struct Line {
    inspections: u32,
    signed: u32,
    findings: u32,
}

impl Line {
    fn add(&mut self, stage: u8, findings: u32) {
        self.inspections += 1;
        self.signed += u32::from(stage == 2);
        self.findings += findings;
    }

    fn row(self, key: String) -> OverviewRow {
        OverviewRow {
            key,
            inspections: self.inspections,
            signed: self.signed,
            findings: self.findings,
        }
    }
}

#[derive(Default, Clone, Copy)]
struct Item {
    answered: u32,
    checked: u32,
    nonconforming: u32,
}

fn overview(db: &Connection, filter: &InspectionFilter) -> Result<Overview, LedgerError> {
    let bits = looked_up(db, filter)?;
    let mut counted = conditions(filter);
    counted.always("stage <> 3");
    let mut all = Line::default();
    let mut by_org: HashMap<String, Line> = HashMap::new();
    let mut by_kind: HashMap<String, Line> = HashMap::new();
    let mut by_week: BTreeMap<i64, Line> = BTreeMap::new();
    let mut subjects_inspected: HashSet<[u8; 16]> = HashSet::new();
    let mut fitting = Bits::default();
    counted.each(db, FACETS, bits.as_ref(), |id, row| {
        let stage: u8 = row.get(2)?;
        let findings: u32 = row.get(3)?;
        fitting.set(id);
        all.add(stage, findings);
        add(&mut by_org, row.get_ref(4)?.as_str()?, stage, findings);
        add(&mut by_kind, row.get_ref(5)?.as_str()?, stage, findings);
        by_week
            .entry(monday(row.get(1)?))
            .or_default()
            .add(stage, findings);
        subjects_inspected.extend(row.get::<_, Option<[u8; 16]>>(6)?);
        Ok(())
    })?;
    Ok(Overview {
        inspections: all.inspections,
        signed: all.signed,
        subjects_inspected: small(subjects_inspected.len()),
        subjects: subjects_of(db, filter)?,
        findings: all.findings,
        conflicts: notes_in(db, "SELECT id FROM view_conflict", &fitting)?,
        late: notes_in(db, "SELECT id FROM view_late", &fitting)?,
        by_org: lines(by_org),
        by_item: items(db, &fitting, u64::from(all.inspections))?,
        by_week: by_week
            .into_iter()
            .map(|(day, line)| line.row(day_text(day)))
            .collect(),
        by_kind: lines(by_kind),
    })
}

fn add(lines: &mut HashMap<String, Line>, key: &str, stage: u8, findings: u32) {
    match lines.get_mut(key) {
        Some(line) => line.add(stage, findings),
        None => lines
            .entry(key.to_owned())
            .or_default()
            .add(stage, findings),
    }
}

fn lines(lines: HashMap<String, Line>) -> Vec<OverviewRow> {
    let mut rows: Vec<OverviewRow> = lines.into_iter().map(|(key, line)| line.row(key)).collect();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    rows
}

fn items(db: &Connection, fitting: &Bits, many: u64) -> Result<Vec<OverviewItem>, LedgerError> {
    let mut by_code: HashMap<u64, Item> = HashMap::with_capacity(256);
    // All of them: no need to ask for each.
    let is_all = many == super::list::count(db, "view_answer")?;
    let among = (!is_all).then_some(fitting);
    Conditions::default().each(
        db,
        ("SELECT id, results FROM view_answer", ""),
        among,
        |_, row| {
            for (code, result) in packed::results(row.get_ref(1)?.as_blob()?) {
                let item = by_code.entry(code).or_default();
                item.answered += 1;
                item.nonconforming += u32::from(result == packed::NONCONFORMING);
                item.checked += u32::from(result <= packed::NONCONFORMING);
            }
            Ok(())
        },
    )?;
    let mut rows = Vec::with_capacity(by_code.len());
    for (code, item) in by_code {
        let name: String = db
            .prepare_cached("SELECT item FROM view_item WHERE code = ?1")?
            .query_row([code as i64], |row| row.get(0))?;
        rows.push(OverviewItem {
            item: name,
            answered: item.answered,
            checked: item.checked,
            nonconforming: item.nonconforming,
        });
    }
    rows.sort_by(|a, b| (b.nonconforming, &a.item).cmp(&(a.nonconforming, &b.item)));
    Ok(rows)
}

fn subjects_of(db: &Connection, filter: &InspectionFilter) -> Result<u32, LedgerError> {
    let mut total = 0;
    let of_subjects = subjects::conditions(&SubjectFilter {
        query: None,
        kind: filter.subject_kind.clone(),
        region: filter.region.clone(),
        org: filter.org.clone(),
    });
    of_subjects.each(db, subjects::FACETS, None, |_, _| {
        total += 1;
        Ok(())
    })?;
    Ok(total)
}

/// How many of the rows that `select` names by their inspection belong to the fitting ones.
fn notes_in(db: &Connection, select: &str, fitting: &Bits) -> Result<u32, LedgerError> {
    let mut total = 0;
    let mut query = db.prepare_cached(select)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        total += u32::from(fitting.has(row.get(0)?));
    }
    Ok(total)
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
