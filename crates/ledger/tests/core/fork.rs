//! A restored laptop: nothing that only it has is dropped, and what refers to it still does.

use serde_json::json;
use shicha_domain::{
    EntryId, Event, Receipt, RecordState,
    event::{SignMethod, Signature, SignerRole},
    record::Held,
};
use shicha_ledger::{Draft, Ledger};

use crate::kit::*;

#[test]
fn undelivered_entries_are_written_again_in_the_next_log_and_keep_their_names_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    receive(&ledger, 0);
    write(&ledger, record(5), "phone", json!("1"));
    write(&ledger, record(5), "phone", json!("2"));
    let state = ledger.record(record(5)).unwrap().unwrap();
    let entries = ledger.entries_of(record(5)).unwrap();
    let signature = Signature {
        digest: state.content_digest(),
        pin: Some(RecordState::pin(
            entries
                .iter()
                .map(|stored| Held::unreceived(stored.id, &stored.entry)),
        )),
        under: None,
        role: SignerRole::Inspector,
        name: "张三".into(),
        person: None,
        method: SignMethod::Paper,
        mark: None,
        mark_size: None,
        note: String::new(),
        witness: String::new(),
    };
    let signed = Draft {
        channel: channel(),
        record: record(5),
        event: Event::Signed(signature),
    };
    ledger.append(person(), vec![signed], NOW).unwrap();
    let before = ledger.entries_of(record(5)).unwrap();
    let elsewhere = Receipt::whole(device(3), 0, EntryId::NONE, NOW + 10_000).signed(&server());
    assert!(
        ledger.fork(&identity(3), &elsewhere, 1, &[], NOW).is_err(),
        "a line goes on, it never begins anew"
    );
    let common = before[0].id;
    let receipt = Receipt::whole(device(3), 0, common, NOW + 10_000).signed(&server());
    assert_eq!(ledger.fork(&identity(3), &receipt, 1, &[], NOW).unwrap(), 3);

    assert_eq!(ledger.head().unwrap().0, 3);
    assert_eq!(ledger.acked().unwrap(), (0, common));
    assert!(ledger.holds_own((0, common)).unwrap());
    assert_eq!(ledger.identity().unwrap().unwrap().device, device(3));
    let entries = ledger.entries_of(record(5)).unwrap();
    let devices: Vec<_> = entries
        .iter()
        .map(|one| (one.entry.device, one.entry.seq))
        .collect();
    assert_eq!(
        devices,
        [
            (device(1), 1),
            (device(3), 1),
            (device(3), 2),
            (device(3), 3)
        ]
    );
    assert_eq!(entries[1].entry.prev, common, "it follows the common one");
    for (again, first) in entries.iter().zip(&before) {
        assert_eq!(again.id, first.id, "the old name");
        assert_eq!(again.entry.order(), first.entry.order(), "the old place");
        assert_eq!(again.entry.event, first.entry.event, "the very bytes");
    }
    let state = ledger.record(record(5)).unwrap().unwrap();
    assert_eq!(state.text("phone"), "2");
    assert_eq!(
        state.conflicts().count(),
        0,
        "the second value still replaces the first"
    );
    assert!(
        state.signatures()[0].fits,
        "the signature still stands under what was signed"
    );
    assert_eq!(ledger.outbox(10, 10_000).unwrap().len(), 3);
    assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
    drop(ledger);
    let (again, _) = open(dir.path());
    assert_eq!(again.head().unwrap().0, 3);
    write(&again, record(5), "after/scan_note", json!("x"));
    assert_eq!(again.verify(&mut |_, _| {}).unwrap().first_bad, None);
}

/// A ledger with five entries, and the receipt that a central endpoint gave for the last.
fn confirmed(dir: &std::path::Path) -> (Ledger, Receipt) {
    let ledger = ledger(dir, 1);
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    for phone in ["1", "2", "3", "4"] {
        write(&ledger, record(5), "phone", json!(phone));
    }
    let (seq, id) = ledger.head().unwrap();
    let receipt = Receipt::whole(device(1), seq, id, NOW + 20_000).signed(&server());
    ledger.accept_receipt(&receipt, &[], &[]).unwrap();
    assert_eq!(ledger.acked().unwrap(), (5, id));
    (ledger, receipt)
}

#[test]
fn what_a_restored_endpoint_lacks_waits_to_be_sent_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, receipt) = confirmed(dir.path());
    let entries = ledger.entries_of(record(5)).unwrap();
    let second = (2, entries[1].id);
    assert_eq!(ledger.send_again_after(second).unwrap(), 3);
    drop(ledger);

    let (ledger, _) = open(dir.path());
    assert_eq!(ledger.acked().unwrap(), second);
    assert_eq!(ledger.head().unwrap().0, 5);
    // In its new life it confirms the same again, later.
    let again = Receipt::whole(device(1), 5, receipt.head, NOW + 90_000).signed(&server());
    ledger.accept_receipt(&again, &[], &[]).unwrap();
    drop(ledger);

    let (ledger, _) = open(dir.path());
    assert_eq!(ledger.acked().unwrap(), (5, receipt.head));
    assert!(ledger.holds_own((5, receipt.head)).unwrap());
    assert!(!ledger.holds_own((5, second.1)).unwrap());
    assert!(!ledger.holds_own((6, receipt.head)).unwrap());
    assert!(ledger.holds_own((0, EntryId::NONE)).unwrap());
}

#[test]
fn a_receipt_of_an_earlier_life_for_what_was_put_aside_since_is_no_sign_of_tampering() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, receipt) = confirmed(dir.path());
    let common = ledger.own_place(3).unwrap().unwrap();
    let new = Receipt::whole(device(3), 0, common, NOW + 30_000).signed(&server());
    assert_eq!(ledger.fork(&identity(3), &new, 3, &[], NOW).unwrap(), 2);
    // A copy of this laptop went on under the old identity, with other entries in those places.
    let copy_dir = tempfile::tempdir().unwrap();
    let copy = crate::kit::ledger(copy_dir.path(), 1);
    copy.append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    for phone in ["1", "2", "copied", "copied again"] {
        write(&copy, record(5), "phone", json!(phone));
    }
    let mut given = as_pulled(&copy, 0);
    for receipt in &mut given.receipts {
        receipt.life = 2;
        *receipt = receipt.clone().signed(&server());
    }
    ledger.insert(vec![given], NOW).unwrap();
    let held = ledger.entries_of(record(5)).unwrap();
    assert!(
        held.iter().any(|one| one.entry.device == device(1)
            && one.entry.seq == 5
            && one.id != receipt.head)
    );
    assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
}
