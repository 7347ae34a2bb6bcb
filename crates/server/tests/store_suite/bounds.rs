//! Receipts: that they rise, and between which moments they say that entries were made.

use shicha_domain::{
    Receipt, ReceiptId,
    bounds::{Bounds, CLOCK_BEHIND_MS},
    suite::SignatureBytes,
};
use shicha_server::store::{Brought, Contact, Store, StoreError, ToldEnd};
use uuid::Uuid;

use crate::kit::*;

const MINUTE: u64 = 60_000;

fn since(receipts: &[Receipt]) -> Vec<(u64, u64, u64)> {
    receipts
        .iter()
        .map(|receipt| (receipt.from, receipt.seq, receipt.since_ms))
        .collect()
}

pub(crate) fn receipts_of_a_channel_and_of_a_device_rise_strictly_whatever_the_clock_says<
    O: Open,
>() {
    let stand = Stand::<O>::new();
    let mut logs = [stand.device(1, 0), stand.device(2, 1)];
    let mut all: Vec<Receipt> = Vec::new();
    // The clock stands still, slips, jumps and slips again.
    for (n, now_ms) in [5_000, 5_000, 4_000, 5_000, 90_000, 1_000, 90_000]
        .into_iter()
        .enumerate()
    {
        let entries = logs[n % 2].sets(3);
        all.extend(stand.receive_at(&entries, now_ms));
    }
    let both = [
        logs[0].set("own/east", 1, "甲"),
        logs[0].set("own/city", 2, "乙"),
    ];
    all.extend(stand.receive_at(&both, 2_000));
    for pair in all.windows(2) {
        assert!(pair[0].rank() < pair[1].rank(), "{:?}", all);
    }
    assert_eq!(all[0].received_at_ms, 5_000);
    assert_eq!(all[4].received_at_ms, 90_000);
    let (_, batch) = stand.pull(1, &[], 100);
    let mut before = 0;
    for row in batch
        .rows
        .iter()
        .filter(|row| row.entry.channel.to_string() == "own/east")
    {
        let receipt = &batch.receipts[row.covered.unwrap()];
        assert!(receipt.is_for(row.entry.seq) && receipt.received_at_ms >= before);
        before = receipt.received_at_ms;
    }
    assert_eq!(
        stand.store.newest_receipt_ms().unwrap(),
        all.last().unwrap().received_at_ms
    );
}

pub(crate) fn an_entry_is_judged_by_the_bounds_that_its_receipt_will_give<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let device = log.device;
    let contact = |now_ms| {
        let session = Contact::Session { last_ms: None };
        stand
            .store
            .note_contact(device, "", now_ms, session)
            .unwrap();
    };
    contact(10 * MINUTE);
    let named = stand.receive_at(&log.sets(1), 10 * MINUTE)[0].id();
    contact(500 * MINUTE);
    // The second names the receipt, so that the two get receipts of their own.
    let first = log.set("own/east", 2, "甲");
    log.after = Some(named);
    let second = log.set("own/east", 2, "乙");
    let judged = std::cell::RefCell::new(Vec::new());
    let push = stand.push_at(&[first, second], 500 * MINUTE);
    let taken = stand.store.append(&push, &|_, known| {
        judged.borrow_mut().push(known.bounds);
        Ok(())
    });
    let receipts = held(taken.unwrap()).receipts;
    let given: Vec<Bounds> = receipts.iter().map(Bounds::from).collect();
    assert_eq!(given.len(), 2);
    assert_eq!(given[0].seen_ms, Some(10 * MINUTE));
    for (judged, given) in judged.borrow().iter().zip(&given) {
        assert_eq!(
            (judged.since_ms, judged.seen_ms),
            (given.since_ms, given.seen_ms)
        );
        assert_eq!(judged.received_ms, 500 * MINUTE, "now, as far as is known");
    }
    assert_eq!(judged.borrow().len(), 2);
}

pub(crate) fn a_clock_that_must_be_wrong_receives_nothing_and_changes_nothing<O: Open>() {
    let stand = Stand::<O>::new();
    let (mut first, mut second) = (stand.device(1, 0), stand.device(2, 1));
    let newest = 100 * MINUTE;
    stand.receive_at(&first.sets(1), newest);
    for (log, channels) in [
        (&mut first, vec!["own/city"]),
        (&mut second, vec!["own/east", "own/city"]),
    ] {
        for channel in channels {
            let mut tried = log.clone();
            let entry = tried.set(channel, 7, "甲");
            let entries = [entry];
            let push = stand.push_at(&entries, newest - CLOCK_BEHIND_MS - 1);
            let taken = stand.store.append(&push, &|_, _| Ok(()));
            // What the other device writes elsewhere has nothing to be later than.
            if log.device == second_device() && channel == "own/city" {
                assert!(taken.is_ok());
            } else {
                assert!(
                    matches!(taken, Err(StoreError::ClockBehind { .. })),
                    "{taken:?}"
                );
                assert_eq!(
                    stand.store.device(log.device).unwrap().unwrap().head,
                    log.head
                );
            }
        }
    }
    let receipts = stand.receive_at(&first.sets(1), newest - CLOCK_BEHIND_MS);
    assert_eq!(receipts[0].received_at_ms, newest + 1, "run past it");
}

fn second_device() -> shicha_domain::DeviceId {
    shicha_domain::DeviceId(uuid::Uuid::from_u128(2))
}

pub(crate) fn what_a_device_named_bounds_what_it_sends_and_no_other_name_does<O: Open>() {
    let stand = Stand::<O>::new();
    let (mut log, mut other) = (stand.device(1, 0), stand.device(2, 1));
    let enrolled = stand.store.receipts_of(log.device).unwrap()[0].0.clone();
    assert_eq!((enrolled.from, enrolled.seq, enrolled.since_ms), (0, 0, 1));
    log.after = Some(enrolled.id());
    let first = stand.receive_at(&log.sets(2), 10 * MINUTE);
    assert_eq!(since(&first), [(1, 2, 1)], "no more than enrolment");
    let others = stand.receive_at(&other.sets(1), 20 * MINUTE);
    for name in [
        None,
        Some(ReceiptId([9; 32])),
        Some(others[0].id()),
        Some(enrolled.id()),
    ] {
        log.after = name;
        let receipts = stand.receive_at(&log.sets(1), 30 * MINUTE);
        assert_eq!(receipts[0].since_ms, 1, "{name:?}");
    }
    // Several in one push: what was written before it knew more gets the earlier bound.
    log.after = None;
    let mut entries = log.sets(2);
    log.after = Some(first[0].id());
    entries.extend(log.sets(3));
    let receipts = stand.receive_at(&entries, 40 * MINUTE);
    assert_eq!(since(&receipts), [(7, 8, 1), (9, 11, 10 * MINUTE)]);
    assert!(receipts[0].rank() < receipts[1].rank());
    // Naming an older one, or none, is no fault and earns nothing.
    log.after = None;
    let receipts = stand.receive_at(&log.sets(1), 50 * MINUTE);
    assert_eq!(since(&receipts), [(12, 12, 10 * MINUTE)]);
    // Less than a minute apart: one receipt, with the earlier bound.
    let near = stand.receive_at(&log.sets(1), 50 * MINUTE + 30_000);
    log.after = Some(receipts[0].id());
    let mut entries = log.sets(1);
    log.after = Some(near[0].id());
    entries.extend(log.sets(1));
    let receipts = stand.receive_at(&entries, 60 * MINUTE);
    assert_eq!(since(&receipts), [(14, 15, 50 * MINUTE)]);
    // The pull gives each entry with its own.
    let (_, batch) = stand.pull(1, &[], 100);
    for row in batch
        .rows
        .iter()
        .filter(|row| row.entry.device == log.device)
    {
        let receipt = &batch.receipts[row.covered.unwrap()];
        assert!(receipt.is_for(row.entry.seq) && receipt.is_signed_by(&stand.key.verifying_key()));
    }
}

pub(crate) fn an_end_bounds_what_comes_after_it_and_counts_only_at_the_head_that_is_held<
    O: Open,
>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let end = |log: &Log, tick_ms| ToldEnd {
        tick_ms,
        seq: log.head.seq,
        head: log.head.id,
        signature: SignatureBytes::first(&[3; 64]),
    };
    let before = log.clone();
    let entries = log.sets(2);
    let told = ToldEnd {
        tick_ms: 9 * MINUTE,
        ..end(&log, 9 * MINUTE)
    };
    let mut push = stand.push_at(&entries, 10 * MINUTE);
    push.end = Some(told.clone());
    let first = held(stand.store.append(&push, &|_, _| Ok(())).unwrap()).receipts;
    assert_eq!(first[0].since_ms, 1, "what it seals is before it");
    assert_eq!(stand.store.end_of(log.device).unwrap(), Some(told.clone()));
    // One at another place than the head that is held, and an older one, change nothing.
    let another = end(&before, 20 * MINUTE);
    assert!(!stand.store.note_end(log.device, &another).unwrap());
    let ahead = ToldEnd {
        seq: 7,
        ..end(&log, 20 * MINUTE)
    };
    assert!(!stand.store.note_end(log.device, &ahead).unwrap());
    stand
        .store
        .note_end(log.device, &end(&log, 5 * MINUTE))
        .unwrap();
    assert_eq!(stand.store.end_of(log.device).unwrap(), Some(told));
    let receipts = stand.receive_at(&log.sets(1), 30 * MINUTE);
    assert_eq!(receipts[0].since_ms, 9 * MINUTE);
    // With a pull.
    assert!(
        stand
            .store
            .note_end(log.device, &end(&log, 40 * MINUTE))
            .unwrap()
    );
    // With a push of what is held already, because the answer was lost.
    let entries = log.sets(1);
    let receipts = stand.receive_at(&entries, 50 * MINUTE);
    assert_eq!(receipts[0].since_ms, 40 * MINUTE);
    let mut push = stand.push_at(&entries, 51 * MINUTE);
    push.end = Some(end(&log, 51 * MINUTE));
    let again = held(stand.store.append(&push, &|_, _| Ok(())).unwrap());
    assert_eq!((again.new, &again.receipts), (0, &receipts));
    let receipts = stand.receive_at(&log.sets(1), 60 * MINUTE);
    assert_eq!(receipts[0].since_ms, 51 * MINUTE);
}

pub(crate) fn a_receipt_says_when_the_device_was_in_touch_before<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let session = |now_ms, last_ms| {
        stand
            .store
            .note_contact(log.device, "", now_ms, Contact::Session { last_ms })
            .unwrap();
    };
    session(100 * MINUTE, None);
    let mut written = log.clone();
    let first = stand.receive_at(&written.sets(1), 101 * MINUTE);
    assert_eq!(first[0].seen_ms, None, "its first session");
    session(1_000 * MINUTE, Some(140 * MINUTE));
    let second = stand.receive_at(&written.sets(1), 1_001 * MINUTE);
    assert_eq!(second[0].seen_ms, Some(140 * MINUTE));
    // A package that somebody hands in is no session.
    stand
        .store
        .note_contact(log.device, "", 2_000 * MINUTE, Contact::Package)
        .unwrap();
    let entries = written.sets(1);
    let mut push = stand.push_at(&entries, 2_001 * MINUTE);
    (push.is_in_session, push.is_by_itself) = (false, false);
    let third = held(stand.store.append(&push, &|_, _| Ok(())).unwrap()).receipts;
    assert_eq!(
        third[0].seen_ms,
        Some(1_001 * MINUTE),
        "what a colleague brings"
    );
    log = written;
    assert_eq!(
        stand.store.device(log.device).unwrap().unwrap().head,
        log.head
    );
}

pub(crate) fn what_is_accepted_again_after_a_restore_is_given_out_with_the_oldest_receipt_that_was_brought<
    O: Open,
>() {
    let lost = Stand::<O>::new();
    let mut log = lost.device(1, 0);
    let entries = [log.sets(2), log.sets(2)];
    let mut older = lost.receive_at(&entries[0], 5_000);
    older.extend(lost.receive_at(&entries[1], 6_000));
    // Another device's log has receipts for the same places.
    let theirs = lost.device(2, 1).sets(4);
    lost.receive_at(&theirs, 7_000);

    let stand = Stand::<O>::new();
    stand.device(1, 0);
    stand.device(2, 1);
    stand.store.mark_restored().unwrap();
    assert!(stand.store.begin_life(Uuid::from_u128(9), 8_000).unwrap());
    let all = entries.concat();
    let mut push = stand.push_at(&all, 9_000);
    // Of two for one place the older counts, and one that is later than what is given now does not.
    let second = older[1].clone();
    let worse = [
        Receipt {
            received_at_ms: 6_500,
            from: 1,
            ..second.clone()
        },
        Receipt {
            life: 3,
            received_at_ms: 1,
            ..second
        },
    ];
    let worse = worse.map(|receipt| stand.seal(receipt));
    push.brought = Brought::proved([older.clone(), worse.to_vec()].concat(), (1, 4));
    // The second is not accepted any more.
    let judge: &Judge<'_> = &|candidate, _| match candidate.entry.seq {
        2 => Err("event"),
        _ => Ok(()),
    };
    let taken = held(stand.store.append(&push, judge).unwrap());
    assert_eq!(taken.receipts.len(), 1);
    let given = &taken.receipts[0];
    assert_eq!((given.life, given.received_at_ms), (2, 9_000));
    let again = held(stand.store.append(&push, judge).unwrap());
    assert_eq!(
        again.receipts, taken.receipts,
        "it is confirmed as the first time"
    );
    let next = stand.receive_at(&log.sets(1), 10_000);
    stand.receive_at(&theirs, 11_000);

    let (_, batch) = stand.pull(1, &[], 100);
    let given_with = |seq| {
        let mut rows = batch.rows.iter();
        let row = rows.find(|row| (row.entry.device, row.entry.seq) == (log.device, seq));
        row.map(|row| batch.receipts[row.covered.unwrap()].clone())
    };
    assert_eq!(given_with(1), Some(older[0].clone()));
    assert_eq!(given_with(2), None);
    assert_eq!(given_with(3), Some(older[1].clone()));
    assert_eq!(given_with(5), Some(next[0].clone()));
    let store = O::open(stand.dir.path());
    let brought = store.brought_of(log.device).unwrap();
    let expected = [
        (1, older[0].clone()),
        (3, older[1].clone()),
        (4, older[1].clone()),
    ];
    assert_eq!(brought, expected);
    assert_eq!(store.brought_of(theirs[0].entry.device).unwrap(), []);
    let confirmed = store.receipts_of(log.device).unwrap();
    let confirmed: Vec<u64> = confirmed.iter().map(|(receipt, _)| receipt.seq).collect();
    assert_eq!(confirmed, [0, 4, next[0].seq]);
}

pub(crate) fn a_time_of_a_wrong_clock_bounds_nothing_though_the_life_that_ended_it_is_lost<
    O: Open,
>() {
    // A life that the store does not know any more, with a clock that was an hour ahead.
    let lost = Stand::<O>::new();
    let mut log = lost.device(1, 0);
    let entries = log.sets(2);
    lost.store.mark_restored().unwrap();
    assert!(lost.store.begin_life(Uuid::from_u128(8), 900).unwrap());
    let ahead = lost.receive_at(&entries, 260 * MINUTE);
    log.after = Some(ahead[0].id());
    let next = log.sets(1);
    // It was put right before the restore, or after it.
    for began in [200 * MINUTE, 300 * MINUTE] {
        let stand = Stand::<O>::new();
        stand.device(1, 0);
        stand.store.mark_restored().unwrap();
        let begun = stand.store.begin_life(Uuid::from_u128(9), began);
        assert!(begun.unwrap());
        let mut push = stand.push_at(&entries, 201 * MINUTE);
        push.brought = Brought::proved(ahead.clone(), (1, 2));
        held(stand.store.append(&push, &|_, _| Ok(())).unwrap());
        let given = stand.receive_at(&next, 202 * MINUTE);
        let bounds = (given[0].since_ms, given[0].received_at_ms);
        assert_eq!(bounds, (1, 202 * MINUTE));
        assert!(given[0].rank() > ahead[0].rank());
    }
}
