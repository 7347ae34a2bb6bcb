//! Writes what the views say of one record, touching only what changed.

use rusqlite::{OptionalExtension as _, Transaction, params, params_from_iter, types::Value};
use shicha_domain::{Channel, Event, RecordId, RecordKind, RecordState, inspection::Counts};

use super::{
    answers::{document, put_answers},
    packed,
    prints::{Part, Prints},
    rolled::{Rolled, Tally},
    signed, words,
};
use crate::error::LedgerError;

/// What stands in the views for a record already.
struct Known {
    id: i64,
    kind: String,
    tally: Tally,
}

/// Rewrites the view rows of one record from its fold.
///
/// # Errors
/// When the database fails; the transaction is then to be dropped.
pub(crate) fn project(
    tx: &Transaction<'_>,
    record: RecordId,
    state: &RecordState,
) -> Result<(), LedgerError> {
    let new = Rolled::of(state);
    let kind = new.kind.map_or("", RecordKind::as_str);
    let (id, before) = match known(tx, record)? {
        Some(known) if known.kind == kind => {
            if known.tally != new.tally {
                put_tally(tx, known.id, kind, &new.tally)?;
            }
            (known.id, Some(known.tally.prints))
        }
        // An opening that arrived late, and came before the one that was known.
        Some(known) => {
            erase(tx, known.id, &known.kind, record)?;
            put_tally(tx, known.id, kind, &new.tally)?;
            (known.id, None)
        }
        None => (insert(tx, record, kind, &new.tally)?, None),
    };
    let changed = |part: Part| {
        before
            .as_ref()
            .is_none_or(|prints| prints.of(part) != new.tally.prints.of(part))
    };
    let is_new = before.is_none();
    match new.kind {
        Some(RecordKind::Subject) => {
            if changed(Part::Head) {
                put_head(
                    tx,
                    "view_subject",
                    id,
                    &new.head,
                    &[Value::Integer(0), Value::Integer(0)],
                )?;
                refresh_subject(tx, &record.0.into_bytes())?;
            }
            if changed(Part::Words) {
                put_words(tx, "search_subject", id, &new, is_new)?;
            }
        }
        Some(RecordKind::Inspection) => {
            if changed(Part::Head) {
                put_inspection(tx, id, record, &new)?;
            }
            if changed(Part::People) {
                put_people(tx, id, &new, is_new)?;
            }
            if changed(Part::Words) {
                put_words(tx, "search_inspection", id, &new, is_new)?;
            }
            put_answers(tx, id, &new, is_new)?;
        }
        Some(RecordKind::Finding) => {
            if changed(Part::Head) {
                put_finding(tx, id, &new)?;
            }
            if changed(Part::Words) {
                put_words(tx, "search_finding", id, &new, is_new)?;
            }
        }
        Some(RecordKind::Pack) if changed(Part::Head) => put_pack(tx, id, state)?,
        Some(RecordKind::Pack) | None => {}
    }
    if changed(Part::Attachments) && !(is_new && new.attachments.is_empty()) {
        put_attachments(tx, id, &new)?;
    }
    if changed(Part::Notes) {
        put_notes(tx, id, &new, is_new)?;
    }
    Ok(())
}

fn known(tx: &Transaction<'_>, record: RecordId) -> Result<Option<Known>, LedgerError> {
    let found = tx
        .prepare_cached(
            "SELECT id, kind, updated_ms, conforms, nonconforming, not_applicable, not_checked, to_verify,
                    conflicts, late, unknown, prints
             FROM view_record WHERE record = ?1",
        )?
        .query_row([record.0.as_bytes()], |row| {
            Ok(Known {
                id: row.get(0)?,
                kind: row.get(1)?,
                tally: Tally {
                    updated_ms: row.get(2)?,
                    counts: Counts {
                        conforms: row.get(3)?,
                        nonconforming: row.get(4)?,
                        not_applicable: row.get(5)?,
                        not_checked: row.get(6)?,
                        to_verify: row.get(7)?,
                    },
                    conflicts: row.get(8)?,
                    late: row.get(9)?,
                    unknown: row.get(10)?,
                    prints: Prints(row.get(11)?),
                },
            })
        })
        .optional()?;
    Ok(found)
}

fn insert(
    tx: &Transaction<'_>,
    record: RecordId,
    kind: &str,
    tally: &Tally,
) -> Result<i64, LedgerError> {
    tx.prepare_cached(
        "INSERT INTO view_record (record, kind, updated_ms, conforms, nonconforming, not_applicable, not_checked,
             to_verify, conflicts, late, unknown, prints)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        record.0.as_bytes(),
        kind,
        tally.updated_ms,
        tally.counts.conforms,
        tally.counts.nonconforming,
        tally.counts.not_applicable,
        tally.counts.not_checked,
        tally.counts.to_verify,
        tally.conflicts,
        tally.late,
        tally.unknown,
        tally.prints.0,
    ])?;
    Ok(tx.last_insert_rowid())
}

fn put_tally(tx: &Transaction<'_>, id: i64, kind: &str, tally: &Tally) -> Result<(), LedgerError> {
    tx.prepare_cached(
        "UPDATE view_record SET kind = ?2, updated_ms = ?3, conforms = ?4, nonconforming = ?5, not_applicable = ?6,
             not_checked = ?7, to_verify = ?8, conflicts = ?9, late = ?10, unknown = ?11, prints = ?12
         WHERE id = ?1",
    )?
    .execute(params![
        id,
        kind,
        tally.updated_ms,
        tally.counts.conforms,
        tally.counts.nonconforming,
        tally.counts.not_applicable,
        tally.counts.not_checked,
        tally.counts.to_verify,
        tally.conflicts,
        tally.late,
        tally.unknown,
        tally.prints.0,
    ])?;
    Ok(())
}

/// Replaces a row of a kind's own table.
fn put_head(
    tx: &Transaction<'_>,
    table: &str,
    id: i64,
    head: &[Value],
    more: &[Value],
) -> Result<(), LedgerError> {
    let columns = 1 + head.len() + more.len();
    let marks = vec!["?"; columns].join(",");
    tx.prepare_cached(&format!("INSERT OR REPLACE INTO {table} VALUES ({marks})"))?
        .execute(params_from_iter(
            std::iter::once(&Value::Integer(id)).chain(head).chain(more),
        ))?;
    Ok(())
}

/// A pack that names no bytes, or does not stand in a bureau's public channel, is none, and is not offered.
fn put_pack(tx: &Transaction<'_>, id: i64, state: &RecordState) -> Result<(), LedgerError> {
    tx.prepare_cached("DELETE FROM view_pack WHERE id = ?1")?
        .execute([id])?;
    let (Some(opened), Channel::Pub(org)) = (state.opened(), state.channel()) else {
        return Ok(());
    };
    let record = state.record();
    let event: Option<Vec<u8>> = tx
        .prepare_cached(
            "SELECT event FROM entry WHERE record = (SELECT n FROM record WHERE id = ?1) AND id = ?2",
        )?
        .query_row(params![record.0.as_bytes(), opened.entry.0], |row| {
            row.get(0)
        })
        .optional()?;
    let event = event.and_then(|event| Event::parse(&event).ok());
    let Some(((blob, _), Event::Opened { fields, .. })) =
        event.and_then(|event| Some((event.blobs()?, event)))
    else {
        return Ok(());
    };
    let text = |value: Option<&serde_json::Value>| {
        let text = value.and_then(serde_json::Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let title = fields
        .get("title")
        .map(|title| title.get("zh").unwrap_or(title));
    tx.prepare_cached(
        "INSERT INTO view_pack (id, record, entry, org, pack, version, blob, title)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        id,
        record.0.as_bytes(),
        opened.entry.0,
        org.as_str(),
        text(fields.get("id")),
        text(fields.get("version")),
        blob.0,
        text(title),
    ])?;
    Ok(())
}

fn put_words(
    tx: &Transaction<'_>,
    table: &str,
    id: i64,
    new: &Rolled<'_>,
    is_new: bool,
) -> Result<(), LedgerError> {
    put_document(
        tx,
        table,
        id,
        &words::index_words(&new.texts, &new.names),
        is_new,
    )
}

pub(crate) fn put_document(
    tx: &Transaction<'_>,
    table: &str,
    id: i64,
    words: &str,
    is_new: bool,
) -> Result<(), LedgerError> {
    if !is_new {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE rowid = ?1"))?
            .execute([id])?;
    }
    tx.prepare_cached(&format!(
        "INSERT INTO {table} (rowid, words) VALUES (?1, ?2)"
    ))?
    .execute(params![id, words])?;
    Ok(())
}

fn put_inspection(
    tx: &Transaction<'_>,
    id: i64,
    record: RecordId,
    new: &Rolled<'_>,
) -> Result<(), LedgerError> {
    let now = |tx: &Transaction<'_>| {
        tx.prepare_cached("SELECT subject, stage = 3 FROM view_inspection WHERE id = ?1")?
            .query_row([id], |row| {
                Ok((row.get::<_, Option<[u8; 16]>>(0)?, row.get::<_, bool>(1)?))
            })
            .optional()
    };
    let (subject_before, was_annulled) = now(tx)?.unwrap_or_default();
    put_head(tx, "view_inspection", id, &new.head, &[])?;
    let (subject, is_annulled) = now(tx)?.unwrap_or_default();
    if was_annulled != is_annulled {
        annul_findings(tx, record, is_annulled)?;
    }
    for subject in both(subject_before, subject) {
        refresh_subject(tx, &subject)?;
    }
    Ok(())
}

/// The findings of an annulled inspection count no more.
fn annul_findings(
    tx: &Transaction<'_>,
    inspection: RecordId,
    is_annulled: bool,
) -> Result<(), LedgerError> {
    let subjects = tx
        .prepare_cached(
            "UPDATE view_finding SET is_void = ?2 OR is_annulled
             WHERE inspection = ?1 AND is_void <> (?2 OR is_annulled) RETURNING subject",
        )?
        .query_map(params![inspection.0.as_bytes(), is_annulled], |row| {
            row.get::<_, Option<[u8; 16]>>(0)
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for subject in subjects.into_iter().flatten() {
        refresh_subject(tx, &subject)?;
    }
    Ok(())
}

fn put_finding(tx: &Transaction<'_>, id: i64, new: &Rolled<'_>) -> Result<(), LedgerError> {
    let now = |tx: &Transaction<'_>| {
        tx.prepare_cached(
            "SELECT subject, inspection, is_annulled FROM view_finding WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok((
                row.get::<_, Option<[u8; 16]>>(0)?,
                row.get::<_, Option<[u8; 16]>>(1)?,
                row.get::<_, bool>(2)?,
            ))
        })
        .optional()
    };
    let (before, ..) = now(tx)?.unwrap_or_default();
    put_head(tx, "view_finding", id, &new.head, &[Value::Integer(0)])?;
    let (subject, inspection, is_annulled) = now(tx)?.unwrap_or_default();
    let is_void = is_annulled
        || match inspection {
            None => false,
            Some(inspection) => tx
                .prepare_cached(
                    "SELECT i.stage = 3 FROM view_record r JOIN view_inspection i ON i.id = r.id WHERE r.record = ?1",
                )?
                .query_row([inspection], |row| row.get(0))
                .optional()?
                .unwrap_or(false),
        };
    if is_void {
        tx.prepare_cached("UPDATE view_finding SET is_void = 1 WHERE id = ?1")?
            .execute([id])?;
    }
    for subject in both(before, subject) {
        refresh_subject(tx, &subject)?;
    }
    Ok(())
}

fn both(before: Option<[u8; 16]>, now: Option<[u8; 16]>) -> impl Iterator<Item = [u8; 16]> {
    before.filter(|_| before != now).into_iter().chain(now)
}

/// Brings up to date what a subject's row says of its inspections and findings.
fn refresh_subject(tx: &Transaction<'_>, subject: &[u8; 16]) -> Result<(), LedgerError> {
    tx.prepare_cached(
        "UPDATE view_subject SET last_inspected_ms = new.last, open_findings = new.open
         FROM (SELECT r.id AS id,
                      COALESCE((SELECT begun_ms FROM view_inspection
                                WHERE subject = ?1 AND stage IN (1, 2) ORDER BY begun_ms DESC LIMIT 1), 0) AS last,
                      (SELECT count(*) FROM view_finding
                       WHERE subject = ?1 AND is_void = 0 AND state <> 'verified') AS open
               FROM view_record r WHERE r.record = ?1) AS new
         WHERE view_subject.id = new.id
           AND (last_inspected_ms <> new.last OR open_findings <> new.open)",
    )?
    .execute([subject])?;
    Ok(())
}

fn put_people(
    tx: &Transaction<'_>,
    id: i64,
    new: &Rolled<'_>,
    is_new: bool,
) -> Result<(), LedgerError> {
    if !is_new {
        tx.prepare_cached("DELETE FROM view_inspector WHERE id = ?1")?
            .execute([id])?;
    }
    let mut insert =
        tx.prepare_cached("INSERT INTO view_inspector (person, id) VALUES (?1, ?2)")?;
    for person in &new.people {
        insert.execute(params![person, id])?;
    }
    Ok(())
}

fn put_attachments(tx: &Transaction<'_>, id: i64, new: &Rolled<'_>) -> Result<(), LedgerError> {
    tx.prepare_cached("DELETE FROM view_attachment WHERE id = ?1")?
        .execute([id])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO view_attachment (id, entry, place, blob, size, is_detached) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for one in &new.attachments {
        insert.execute(params![
            id,
            one.entry.0,
            one.place,
            one.blob,
            signed(one.size),
            one.is_detached
        ])?;
    }
    Ok(())
}

fn put_notes(
    tx: &Transaction<'_>,
    id: i64,
    new: &Rolled<'_>,
    is_new: bool,
) -> Result<(), LedgerError> {
    if !is_new {
        for table in ["view_conflict", "view_late", "view_unknown"] {
            tx.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?
                .execute([id])?;
        }
    }
    for one in &new.conflicts {
        tx.prepare_cached(
            "INSERT INTO view_conflict (id, field, title, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, one.key, one.text, one.at_ms])?;
    }
    for one in &new.late {
        tx.prepare_cached(
            "INSERT INTO view_late (id, entry, title, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, one.key.0, one.text, one.at_ms])?;
    }
    for one in &new.unknown {
        tx.prepare_cached(
            "INSERT INTO view_unknown (id, entry, what, at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, one.key.0, one.text, one.at_ms])?;
    }
    Ok(())
}

/// Takes a record out of the tables of the kind that it was held for.
fn erase(tx: &Transaction<'_>, id: i64, kind: &str, record: RecordId) -> Result<(), LedgerError> {
    let mut subjects: Vec<[u8; 16]> = Vec::new();
    for table in ["view_inspection", "view_finding"] {
        let found = tx
            .prepare_cached(&format!("SELECT subject FROM {table} WHERE id = ?1"))?
            .query_row([id], |row| row.get::<_, Option<[u8; 16]>>(0))
            .optional()?;
        subjects.extend(found.flatten());
    }
    let texts: Option<Vec<u8>> = tx
        .prepare_cached("SELECT texts FROM view_answer WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    for text in packed::texts(&texts.unwrap_or_default()).values() {
        tx.prepare_cached("DELETE FROM search_answer WHERE rowid = ?1")?
            .execute([document(id, text.slot)])?;
    }
    if matches!(kind, "subject" | "inspection" | "finding") {
        tx.prepare_cached(&format!("DELETE FROM search_{kind} WHERE rowid = ?1"))?
            .execute([id])?;
    }
    for table in super::BY_ID {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?
            .execute([id])?;
    }
    annul_findings(tx, record, false)?;
    for subject in subjects {
        refresh_subject(tx, &subject)?;
    }
    Ok(())
}
