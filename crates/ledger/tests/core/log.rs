//! The own log: appended, delivered, verified.

use serde_json::json;
use shicha_domain::{EntryId, Event, Receipt};
use shicha_ledger::{EntryDelivery, LedgerError, Misfit};

use crate::kit::*;

#[test]
fn what_was_saved_is_there_after_closing_and_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = ledger(dir.path(), 1);
    first
        .append(person(), vec![opened(record(5), "连云港第一培训中心")], NOW)
        .unwrap();
    write(&first, record(5), "phone", json!("0518-85"));
    drop(first);
    let (again, report) = open(dir.path());
    assert!(!report.is_new && report.salvage.is_none());
    let state = again.record(record(5)).unwrap().unwrap();
    assert_eq!(
        (state.text("name"), state.text("phone")),
        ("连云港第一培训中心", "0518-85")
    );
    assert_eq!(again.head().unwrap().0, 2);
    assert_eq!(again.identity().unwrap().unwrap(), identity(1));
}

#[test]
fn several_things_are_saved_all_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    let bad = set(
        record(5),
        "answers/TI-1.1/result",
        json!("no such result"),
        vec![],
    );
    assert!(matches!(
        ledger.append(person(), vec![opened(record(5), "甲"), bad], NOW),
        Err(LedgerError::Event(_))
    ));
    assert_eq!(ledger.record(record(5)).unwrap().map(|_| ()), None);
    assert_eq!(ledger.head().unwrap(), (0, EntryId::NONE));
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
}

#[test]
fn committing_a_text_forgets_what_was_typed_in_the_same_step() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    ledger
        .put_draft(record(5), "remark", "正在输", person(), NOW)
        .unwrap();
    ledger
        .put_draft(record(5), "remark", "正在输入", person(), NOW + 1)
        .unwrap();
    let typed = ledger.drafts(Some(record(5))).unwrap();
    assert_eq!((typed.len(), typed[0].text.as_str()), (1, "正在输入"));
    let draft = set(record(5), "remark", json!("正在输入"), vec![]);
    ledger
        .append_clearing(
            person(),
            vec![draft],
            &[(record(5), "remark".into())],
            NOW + 2,
        )
        .unwrap();
    assert_eq!(ledger.drafts(None).unwrap(), []);
    assert_eq!(
        ledger.record(record(5)).unwrap().unwrap().text("remark"),
        "正在输入"
    );
}

#[test]
fn nothing_counts_as_delivered_before_its_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger
        .append(
            person(),
            vec![opened(record(5), "甲"), opened(record(6), "乙")],
            NOW,
        )
        .unwrap();
    let before = ledger.delivery(record(5)).unwrap();
    assert_eq!((before.waiting_entries, before.delivered_at_ms), (1, None));
    assert_eq!(
        ledger.entries_of(record(5)).unwrap()[0].delivery,
        EntryDelivery::Waiting
    );
    receive(&ledger, 0);
    let after = ledger.delivery(record(5)).unwrap();
    assert_eq!(
        (after.waiting_entries, after.delivered_at_ms),
        (0, Some(NOW + 5_000))
    );
    assert!(!after.seen_by_others);
    let stored = &ledger.entries_of(record(5)).unwrap()[0];
    assert_eq!(
        stored.delivery,
        EntryDelivery::Delivered {
            receipt_ms: NOW + 5_000
        }
    );
    assert_eq!(
        stored
            .bounds
            .map(|bounds| (bounds.since_ms, bounds.received_ms)),
        Some((0, NOW + 5_000))
    );
    write(&ledger, record(5), "phone", json!("1"));
    assert_eq!(ledger.delivery(record(5)).unwrap().waiting_entries, 1);
    assert_eq!(ledger.outbox(10, 10_000).unwrap().len(), 1);
}

#[test]
fn a_receipt_for_something_else_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    let appended = ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    let for_other_entry = Receipt::whole(device(1), 1, EntryId([7; 32]), NOW).signed(&server());
    let for_other_device = Receipt::whole(device(2), 1, appended[0].entry, NOW).signed(&server());
    let for_more = Receipt::whole(device(1), 2, appended[0].entry, NOW).signed(&server());
    for receipt in [for_other_entry, for_other_device, for_more] {
        assert!(ledger.accept_receipt(&receipt, &[], &[]).is_err());
    }
    assert_eq!(ledger.acked().unwrap().0, 0);
}

#[test]
fn a_refused_entry_is_listed_with_its_reason_and_keeps_its_place_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    let appended = ledger
        .append(
            person(),
            vec![opened(record(5), "甲"), opened(record(6), "乙")],
            NOW,
        )
        .unwrap();
    let receipt = Receipt::whole(device(1), 2, appended[1].entry, NOW + 9).signed(&server());
    ledger
        .accept_receipt(&receipt, &[(2, 1)], &[(1, "event".into())])
        .unwrap();
    let refused = ledger.refused().unwrap();
    assert_eq!(
        (refused.len(), refused[0].seq, refused[0].code.as_str()),
        (1, 1, "event")
    );
    assert_eq!(ledger.delivery(record(5)).unwrap().refused, 1);
    assert_eq!(ledger.delivery(record(6)).unwrap().refused, 0);
    assert_eq!(ledger.outbox(10, 10_000).unwrap(), []);
}

#[test]
fn the_outbox_gives_bounded_pieces_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    let drafts = (0..20).map(|n| opened(record(n), "甲")).collect();
    ledger.append(person(), drafts, NOW).unwrap();
    let some = ledger.outbox(7, usize::MAX).unwrap();
    assert_eq!(
        some.iter().map(|(_, entry)| entry.seq).collect::<Vec<_>>(),
        (1..=7).collect::<Vec<_>>()
    );
    assert_eq!(
        ledger.outbox(7, 1).unwrap().len(),
        1,
        "at least one, however long"
    );
}

#[test]
fn an_event_of_a_newer_version_is_kept_and_handed_on_as_it_was_written() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let from = ledger(here.path(), 1);
    from.append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    let (id, mut entry) = from.outbox(1, usize::MAX).unwrap().remove(0);
    let newer = br#"{"t":"inspected_by_drone","height_m":40}"#.to_vec();
    entry = shicha_domain::Entry {
        seq: 2,
        prev: id,
        event: newer.clone(),
        ..entry
    };
    let mut entries = from.outbox(1, usize::MAX).unwrap();
    entries.push((entry.id(), entry));
    let to = ledger(there.path(), 2);
    to.insert(vec![pulled(entries, 0)], NOW).unwrap();
    let stored = to.entries_of(record(5)).unwrap();
    assert_eq!(stored[1].entry.event, newer);
    assert!(matches!(
        Event::parse(&stored[1].entry.event),
        Ok(Event::Unknown { .. })
    ));
    assert_eq!(to.record(record(5)).unwrap().unwrap().unknown().len(), 1);
    assert_eq!(to.counts().unwrap().needs_newer, 1);
}

#[test]
fn verifying_names_the_first_entry_that_was_tampered_with() {
    let dir = tempfile::tempdir().unwrap();
    let tampered = ledger(dir.path(), 1);
    tampered
        .append(
            person(),
            vec![
                opened(record(5), "甲"),
                opened(record(6), "乙"),
                opened(record(7), "丙"),
            ],
            NOW,
        )
        .unwrap();
    let mut steps = Vec::new();
    let report = tampered
        .verify(&mut |done, total| steps.push((done, total)))
        .unwrap();
    assert_eq!((report.entries, report.records), (3, 3));
    assert_eq!(report.first_bad, None);
    assert_eq!(
        steps,
        (1..=6).map(|done| (done, 6)).collect::<Vec<_>>(),
        "entries and records are counted"
    );
    drop(tampered);
    crate::damage::change(
        dir.path(),
        "UPDATE entry SET event = CAST(replace(event, '乙', '己') AS BLOB) WHERE seq = 2",
    );
    let (again, _) = open(dir.path());
    let bad = again.verify(&mut |_, _| {}).unwrap().first_bad.unwrap();
    assert_eq!((bad.device, bad.seq), (device(1), 2));
}

#[test]
fn verifying_notices_that_the_end_of_the_own_log_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    for n in 1..=5 {
        ledger
            .append(person(), vec![opened(record(n), "甲")], NOW)
            .unwrap();
    }
    drop(ledger);
    crate::damage::change(dir.path(), "DELETE FROM entry WHERE seq > 3");
    let (ledger, _) = open(dir.path());
    let bad = ledger.verify(&mut |_, _| {}).unwrap().first_bad.unwrap();
    assert_eq!((bad.device, bad.seq), (device(1), 4));
}

#[test]
fn a_second_program_on_the_same_folder_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = ledger(dir.path(), 1);
    let key = key(dir.path());
    assert!(matches!(
        shicha_ledger::Ledger::open(dir.path(), &key, NOW),
        Err(LedgerError::InUse)
    ));
    first
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
}

#[test]
fn settings_and_the_log_of_synchronisation_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    assert_eq!(ledger.setting("x").unwrap(), None);
    ledger.set_setting("x", "1").unwrap();
    ledger.set_setting("x", "2").unwrap();
    assert_eq!(ledger.setting("x").unwrap().as_deref(), Some("2"));
    for n in 0..2_100 {
        ledger
            .sync_log_add("sync", "pushed", &json!({ "count": n }), NOW + n)
            .unwrap();
    }
    let log = ledger.sync_log(u64::MAX).unwrap();
    assert_eq!(
        (log.len(), log[0].params["count"].as_u64()),
        (2_000, Some(2_099)),
        "newest first, bounded"
    );
}

#[test]
fn the_time_of_an_entry_is_read_when_it_is_appended_and_not_when_somebody_began_to() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger.keep_time_by(|| NOW + 7_200_000);
    // Taken before the computer slept for two hours; an end of the log was told meanwhile.
    let taken_ms = NOW;
    let told = ledger.tell_end(None, |_, head| head).unwrap();
    assert_eq!(told, Some((0, EntryId::NONE)));
    let appended = ledger
        .append(person(), vec![opened(record(5), "甲")], taken_ms)
        .unwrap();
    assert_eq!(appended[0].at.ms(), NOW + 7_200_000);
}

#[test]
fn an_end_is_told_only_where_all_up_to_it_is_delivered_or_on_its_way() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    let appended = ledger
        .append(
            person(),
            vec![opened(record(5), "甲"), opened(record(6), "乙")],
            NOW,
        )
        .unwrap();
    let told = |sent| ledger.tell_end(sent, |_, head| head).unwrap();
    assert_eq!(told(None), None, "something waits");
    assert_eq!(told(Some((1, appended[0].entry))), None, "more was written");
    assert_eq!(
        told(Some((2, appended[1].entry))),
        Some((2, appended[1].entry))
    );
    receive(&ledger, 0);
    assert_eq!(told(None), Some((2, appended[1].entry)));
}

#[test]
fn an_entry_keeps_the_oldest_receipt_that_was_given_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), 1);
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    receive(&ledger, 0);
    let (seq, head) = ledger.head().unwrap();
    let later = Receipt {
        life: 2,
        ..Receipt::whole(device(1), seq, head, NOW + 1)
    };
    ledger
        .accept_receipt(&later.signed(&server()), &[(1, 1)], &[])
        .unwrap();
    let stored = &ledger.entries_of(record(5)).unwrap()[0];
    assert_eq!(
        stored.bounds.map(|bounds| bounds.received_ms),
        Some(NOW + 5_000)
    );
}

#[test]
fn a_number_of_a_restored_endpoint_is_no_damage_before_its_channel_was_pulled_anew() {
    let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ledger, other) = (ledger(dir.path(), 1), ledger(other_dir.path(), 2));
    other
        .append(person(), vec![opened(record(6), "乙")], NOW)
        .unwrap();
    let theirs = other.outbox(usize::MAX, usize::MAX).unwrap();
    ledger.insert(vec![pulled(theirs, 0)], NOW).unwrap();
    ledger
        .append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    let (seq, head) = ledger.head().unwrap();
    let answer = |life| {
        let receipt = Receipt {
            life,
            ..Receipt::whole(device(1), seq, head, NOW + 9_000)
        };
        ledger
            .accept_receipt(&receipt.signed(&server()), &[(1, 1)], &[])
            .unwrap();
        ledger.verify(&mut |_, _| {}).unwrap().first_bad
    };
    assert_eq!(answer(2), None);
    // In one life no number is given twice.
    assert!(answer(1).is_some_and(|bad| bad.reason == Misfit::Number));
}
