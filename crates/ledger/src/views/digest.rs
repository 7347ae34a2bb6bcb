//! One hash over all views, by which two devices, or a database before and after a rebuild, are compared.

use rusqlite::{Connection, types::Value};
use sha2::{Digest as _, Sha256};

use super::{packed, prints::value_update};
use crate::{error::LedgerError, ledger::Ledger};

/// Everything that the views say, in an order that does not depend on local numbers.
const DUMPS: [&str; 12] = [
    "SELECT record, kind, updated_ms, conforms, nonconforming, not_applicable, not_checked, to_verify, conflicts, late,
            unknown, prints FROM view_record ORDER BY record",
    "SELECT record, name, name_key, credit_code, kind, region, address, legal_representative, phone, industry, org,
            is_sample, last_inspected_ms, open_findings FROM view_subject ORDER BY record",
    "SELECT record, subject, subject_name, subject_key, subject_kind, region, org, kind, phase, checklist, pack,
            pack_version, number, begun_ms, started_ms, ended_ms, stage, findings, inspectors, opened_by, is_sample,
            credit_code, pack_hash
     FROM view_inspection ORDER BY record",
    "SELECT r.record, v.person FROM view_inspector v JOIN view_record r ON r.id = v.id ORDER BY 1, 2",
    "SELECT v.item, r.record FROM view_nonconforming v JOIN view_record r ON r.id = v.id ORDER BY 1, 2",
    "SELECT record, inspection, subject, subject_name, subject_key, item, description, measure, responsible, due, due_key,
            basis, penalty, state, org, region, pack, pack_version, checklist, is_sample, is_annulled, is_void
     FROM view_finding ORDER BY record",
    "SELECT r.record, v.entry, v.place, v.blob, v.size, v.is_detached
     FROM view_attachment v JOIN view_record r ON r.id = v.id ORDER BY 1, 2",
    "SELECT r.record, v.field, v.title, v.at_ms FROM view_conflict v JOIN view_record r ON r.id = v.id ORDER BY 1, 2",
    "SELECT r.record, v.entry, v.title, v.at_ms FROM view_late v JOIN view_record r ON r.id = v.id ORDER BY 1, 2",
    "SELECT r.record, v.entry, v.what, v.at_ms FROM view_unknown v JOIN view_record r ON r.id = v.id ORDER BY 1, 2",
    "SELECT record, entry, org, pack, version, blob, title FROM view_pack ORDER BY record",
    // Packed as they are, but for the running numbers of indexed texts, which are local.
    "SELECT r.record, v.results, v.texts FROM view_answer v JOIN view_record r ON r.id = v.id ORDER BY 1",
];

impl Ledger {
    /// A hash over everything that the views say. The same on devices that hold the same entries, and after [`Ledger::rebuild`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn views_digest(&self) -> Result<[u8; 32], LedgerError> {
        self.read(digest)
    }
}

pub(crate) fn digest(db: &Connection) -> Result<[u8; 32], LedgerError> {
    let mut hash = Sha256::new();
    for (n, dump) in DUMPS.iter().enumerate() {
        let is_answers = n + 1 == DUMPS.len();
        let mut query = db.prepare_cached(dump)?;
        let columns = query.column_count();
        hash.update(format!("table {n}"));
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                let mut value: Value = row.get(column)?;
                if is_answers
                    && column == 2
                    && let Value::Blob(bytes) = &value
                {
                    value = Value::Blob(without_slots(bytes));
                }
                value_update(&mut hash, &value);
            }
        }
    }
    Ok(hash.finalize().into())
}

fn without_slots(bytes: &[u8]) -> Vec<u8> {
    let mut texts = packed::texts(bytes);
    texts.values_mut().for_each(|text| text.slot = 0);
    packed::pack_texts(&texts)
}
