//! Whether the ledger holds together, and what in it contradicts something.

use shicha_domain::record::Doubt;
use shicha_ledger::VerifyMark;

use crate::{desk::Desk, error::ApiError, schema::*};

/// The screens hear of a long task once for so many steps.
const TELL_EVERY: u64 = 2_000;

pub(crate) fn verify(desk: &Desk, _: Empty) -> Result<VerifyView, ApiError> {
    let app = desk.app.clone();
    let mut told = 0;
    let report = desk.ledger.verify(&mut |done, total| {
        if done == total || done >= told + TELL_EVERY {
            told = done;
            app.emit(HostEvent::Progress {
                task: "verify".into(),
                done,
                total,
            });
        }
    })?;
    Ok(VerifyView {
        entries: report.entries,
        records: report.records,
        signatures: report.signatures,
        first_bad: report.first_bad.map(|bad| BadEntryView {
            device: bad.device,
            seq: bad.seq,
            reason: bad.reason.as_str().to_owned(),
        }),
        marks: report.marks.iter().map(|mark| view(desk, mark)).collect(),
        marks_left_out: report.marks_left_out,
        unproved: report.unproved,
    })
}

fn view(desk: &Desk, mark: &VerifyMark) -> VerifyMarkView {
    let mut view = VerifyMarkView {
        kind: mark.kind().to_owned(),
        device: None,
        device_label: String::new(),
        seq: 0,
        record: None,
        author: String::new(),
        claimed_ms: None,
        since_ms: None,
        received_ms: None,
        count: 0,
        held: 0,
        counts: false,
        knew_of_first: false,
    };
    match mark {
        VerifyMark::Lives { latest } => view.seq = *latest,
        VerifyMark::Contested { device, seq } => (view.device, view.seq) = (Some(*device), *seq),
        VerifyMark::Aside { device, seq, count } => {
            (view.device, view.seq, view.count) = (Some(*device), *seq, *count);
        }
        VerifyMark::Contradicted {
            device,
            seq,
            record,
            claimed_ms,
            bounds,
        } => {
            (view.device, view.seq) = (Some(*device), *seq);
            view.record = Some(*record);
            view.claimed_ms = Some(*claimed_ms);
            view.since_ms = Some(bounds.since_ms);
            view.received_ms = Some(bounds.received_ms);
        }
        VerifyMark::Signature {
            record,
            device,
            seq,
            author,
            doubt,
        } => {
            (view.device, view.seq) = (Some(*device), *seq);
            view.record = Some(*record);
            view.author = desk.person_name(*author);
            match doubt {
                Doubt::Digest => {}
                Doubt::Incomplete { held, count } => (view.held, view.count) = (*held, *count),
                Doubt::Version {
                    counts,
                    knew_of_first,
                    leaves_out,
                } => {
                    view.count = *leaves_out;
                    view.counts = *counts;
                    view.knew_of_first = *knew_of_first;
                }
            }
        }
    }
    view.device_label = view
        .device
        .map(|device| desk.names.device(device))
        .unwrap_or_default();
    view
}
