//! Folding every record that somebody signed, and holding the signatures against what they cover.

use rusqlite::Connection;
use shicha_domain::{Event, RecordId, RecordState, record::Doubted};
use uuid::Uuid;

use super::{BadEntry, Misfit, VerifyMark, VerifyReport};
use crate::{
    error::LedgerError,
    record::{entries, held},
};

/// The first signature whose record is not kept as signed.
pub(super) fn first_bad(
    db: &Connection,
    report: &mut VerifyReport,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<BadEntry>, LedgerError> {
    let mut statement = db.prepare("SELECT id, is_signed FROM record ORDER BY n")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record = RecordId(Uuid::from_bytes(row.get(0)?));
        let is_kept_as_signed: bool = row.get(1)?;
        let known = entries(db, record)?;
        let signature = known
            .iter()
            .find(|one| matches!(Event::parse(&one.entry.event), Ok(Event::Signed(_))));
        if let Some(signature) = signature {
            if !is_kept_as_signed {
                return Ok(Some(BadEntry {
                    device: signature.entry.device,
                    seq: signature.entry.seq,
                    reason: Misfit::Signed,
                }));
            }
            if let Some(state) = RecordState::fold_held(held(&known)) {
                doubts(&state, report);
            }
        }
        report.records += 1;
        progress(report.records);
    }
    Ok(None)
}

fn doubts(state: &RecordState, report: &mut VerifyReport) {
    report.signatures += state.signatures().len() as u64;
    for Doubted {
        place,
        author,
        doubt,
    } in state.doubts()
    {
        report.mark(VerifyMark::Signature {
            record: state.record(),
            device: place.0,
            seq: place.1,
            author,
            doubt,
        });
    }
}
