//! What verifying tells whoever doubts: every edit of the database is named, and what came as it is and contradicts something is marked.

use shicha_domain::{
    Digest, Event, Receipt,
    bounds::Bounds,
    event::{SignMethod, Signature, SignerRole},
    record::Doubt,
};
use shicha_ledger::{Draft, Ledger, Misfit, VerifyMark, VerifyReport};

use crate::{damage::change, kit::*};

fn verified(ledger: &Ledger) -> VerifyReport {
    ledger.verify(&mut |_, _| {}).unwrap()
}

/// A signature over all that the ledger has of the record; a digest in the place of the true one.
fn sign(ledger: &Ledger, digest: Option<Digest>) {
    let state = ledger.record(record(5)).unwrap().unwrap();
    let known = ledger.entries_of(record(5)).unwrap();
    let held = known
        .iter()
        .map(|one| shicha_domain::record::Held::unreceived(one.id, &one.entry));
    let signature = Signature {
        digest: digest.unwrap_or_else(|| state.content_digest()),
        pin: Some(shicha_domain::RecordState::pin(held)),
        under: None,
        role: SignerRole::Inspector,
        name: "张三".into(),
        person: None,
        method: SignMethod::Screen,
        mark: None,
        mark_size: None,
        note: String::new(),
        witness: String::new(),
    };
    let draft = Draft {
        channel: channel(),
        record: record(5),
        event: Event::Signed(signature),
    };
    ledger.append(person(), vec![draft], NOW).unwrap();
}

/// A reader's ledger with a signed record that another device wrote, and a subject of its own that was received.
fn filled(dir: &std::path::Path) -> Ledger {
    let source = tempfile::tempdir().unwrap();
    let author = ledger(source.path(), 1);
    author
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    write(&author, record(5), "phone", "1".into());
    sign(&author, None);
    let reader = ledger(dir, 9);
    reader
        .append(person(), vec![opened(record(6), "乙")], NOW)
        .unwrap();
    receive(&reader, 3);
    let own = reader.entries_of(record(6)).unwrap().remove(0);
    let mut incoming = as_pulled(&author, 0);
    let receipt = Receipt::whole(device(9), 1, own.id, NOW + 5_000).signed(&server());
    incoming.entries.push((4, own.id, own.entry));
    incoming.receipts.push(receipt);
    incoming.covered_by.push(1);
    incoming.upto = 4;
    reader.insert(vec![incoming], NOW).unwrap();
    reader
}

#[test]
fn whatever_is_edited_in_the_database_of_a_laptop_is_named() {
    let others = "device = (SELECT device FROM entry WHERE number = 1)";
    let edits = [
        (
            "UPDATE entry SET event = CAST(replace(event, '甲', '己') AS BLOB) WHERE number = 1".to_owned(),
            Misfit::Contents,
        ),
        (
            "UPDATE entry SET at = at - 100000000000 WHERE number = 2".to_owned(),
            Misfit::Contents,
        ),
        (
            format!("UPDATE receipt SET received_at_ms = received_at_ms - 1000 WHERE {others}"),
            Misfit::ReceiptSignature,
        ),
        (
            format!("UPDATE receipt SET since_ms = 1 WHERE {others}"),
            Misfit::ReceiptSignature,
        ),
        (
            "UPDATE entry SET covered = (SELECT covered FROM entry WHERE number = 4) WHERE number = 3".to_owned(),
            Misfit::Covered,
        ),
        (
            "UPDATE entry SET covered = NULL WHERE number = 3".to_owned(),
            Misfit::Covered,
        ),
        (
            "UPDATE entry SET refused = 'event' WHERE number = 4".to_owned(),
            Misfit::Refused,
        ),
        (
            "UPDATE record SET is_signed = 0".to_owned(),
            Misfit::Signed,
        ),
        (
            "DELETE FROM entry WHERE number = 3".to_owned(),
            Misfit::Number,
        ),
        (
            "UPDATE entry SET number = 3 WHERE number = 2".to_owned(),
            Misfit::Number,
        ),
    ];
    for (edit, reason) in edits {
        let dir = tempfile::tempdir().unwrap();
        let whole = filled(dir.path());
        let report = verified(&whole);
        assert_eq!(report.first_bad, None);
        assert_eq!(
            (report.entries, report.records, report.signatures),
            (4, 2, 1)
        );
        drop(whole);
        change(dir.path(), &edit);
        let (again, _) = open(dir.path());
        let bad = verified(&again).first_bad;
        assert_eq!(bad.map(|bad| bad.reason), Some(reason), "{edit}");
    }
}

#[test]
fn a_back_dated_entry_and_one_from_the_future_are_marked_with_their_bounds() {
    const DAY: u64 = 86_400_000;
    let source = tempfile::tempdir().unwrap();
    let author = ledger(source.path(), 1);
    for (n, at_ms) in [(5, NOW - 90 * DAY), (6, NOW), (7, NOW + 2 * DAY)] {
        author
            .append(person(), vec![opened(record(n), "甲")], at_ms)
            .unwrap();
    }
    let mut incoming = as_pulled(&author, 0);
    let bounds = Bounds {
        since_ms: NOW - DAY,
        received_ms: NOW + DAY,
        seen_ms: None,
    };
    for receipt in &mut incoming.receipts {
        receipt.since_ms = bounds.since_ms;
        receipt.received_at_ms = bounds.received_ms;
        *receipt = receipt.clone().signed(&server());
    }
    let dir = tempfile::tempdir().unwrap();
    let reader = ledger(dir.path(), 9);
    reader.insert(vec![incoming], NOW).unwrap();
    let report = verified(&reader);
    assert_eq!(report.first_bad, None);
    let told: Vec<_> = report
        .marks
        .iter()
        .map(|mark| match mark {
            VerifyMark::Contradicted {
                seq, bounds: told, ..
            } => {
                assert_eq!(*told, bounds);
                (mark.kind(), *seq)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [("back_dated", 1), ("ahead", 3)]);
}

#[test]
fn a_signature_whose_digest_does_not_fit_is_marked() {
    let source = tempfile::tempdir().unwrap();
    let author = ledger(source.path(), 1);
    author
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    sign(&author, Some(Digest([7; 32])));
    let dir = tempfile::tempdir().unwrap();
    let reader = ledger(dir.path(), 9);
    reader.insert(vec![as_pulled(&author, 0)], NOW).unwrap();
    let report = verified(&reader);
    assert_eq!((report.first_bad, report.signatures), (None, 1));
    assert_eq!(
        report.marks,
        [VerifyMark::Signature {
            record: record(5),
            device: device(1),
            seq: 2,
            author: person(),
            doubt: Doubt::Digest,
        }]
    );
}

#[test]
fn very_many_marks_of_one_kind_do_not_hide_another() {
    let source = tempfile::tempdir().unwrap();
    let author = ledger(source.path(), 1);
    for n in 0..250 {
        author
            .append(person(), vec![opened(record(n), "甲")], NOW + 86_400_000)
            .unwrap();
    }
    sign(&author, Some(Digest([7; 32])));
    let dir = tempfile::tempdir().unwrap();
    let reader = ledger(dir.path(), 9);
    reader.insert(vec![as_pulled(&author, 0)], NOW).unwrap();
    let report = verified(&reader);
    let of = |kind| {
        report
            .marks
            .iter()
            .filter(|mark| mark.kind() == kind)
            .count() as u64
    };
    assert_eq!(of("ahead") + report.marks_left_out, 250);
    assert!(report.marks_left_out > 0);
    assert_eq!(of("digest"), 1);
}
