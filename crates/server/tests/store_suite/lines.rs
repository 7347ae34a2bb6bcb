//! Lines: identities that go on from each other where a ledger had parted (invariant 9, a line goes on, it never begins anew).

use shicha_domain::{
    DeviceId, Hlc, Receipt,
    bounds::{self, Bounds, Claim},
    directory::lines::Lines,
    suite::SignatureBytes,
};
use shicha_server::store::{
    Appended, Candidate, Contact, DeviceState, Enrolment, GoesOn, Store, StoreError, ToldEnd,
};
use shicha_sync::protocol::messages::Head;
use uuid::Uuid;

use crate::kit::*;

const MINUTE: u64 = 60_000;

/// The log of the identity that goes on from `log` after its head.
fn next<O: Open>(stand: &Stand<O>, log: &Log, n: u8, now_ms: u64) -> (Log, Receipt) {
    let (state, receipt) = goes_on(stand, log.device, log.head, n, now_ms).unwrap();
    let next = Log {
        device: state.device.id,
        head: Head { seq: 0, ..log.head },
        ..log.clone()
    };
    (next, receipt)
}

fn goes_on<O: Open>(
    stand: &Stand<O>,
    old: DeviceId,
    common: Head,
    n: u8,
    now_ms: u64,
) -> Result<(DeviceState, Receipt), GoesOn> {
    let enrolment = stand.enrolment(n, now_ms);
    match stand
        .store
        .add_identity(old, common, &enrolment, &|receipt| stand.seal(receipt))
        .unwrap()
    {
        GoesOn::As(state, receipt) => Ok((*state, *receipt)),
        other => Err(other),
    }
}

impl Log {
    /// An entry of another log at the next place of this one.
    fn again(&mut self, first: &Candidate) -> Candidate {
        let entry = first
            .entry
            .written_again(self.device, self.head.seq + 1, self.head.id);
        self.head = Head {
            seq: entry.seq,
            id: entry.id(),
        };
        Candidate {
            id: self.head.id,
            event: first.event.clone(),
            entry,
        }
    }
}

pub(crate) fn a_line_goes_on_after_the_last_common_entry_under_one_identity_for_each_key<
    O: Open,
>() {
    let stand = Stand::<O>::new();
    let mut old = stand.device(1, 0);
    let entries = old.sets(3);
    stand.receive_at(&entries, MINUTE);
    let (at_two, at_three) = (
        Head {
            seq: 2,
            id: entries[1].id,
        },
        old.head,
    );
    let elsewhere = Head { seq: 3, ..at_two };
    for nowhere in [
        elsewhere,
        Head { seq: 9, ..at_two },
        Head { seq: 0, ..at_two },
    ] {
        let told = goes_on(&stand, old.device, nowhere, 2, 2 * MINUTE);
        assert!(matches!(told, Err(GoesOn::NotCommon)), "{nowhere:?}");
    }
    let (state, receipt) = goes_on(&stand, old.device, at_two, 2, 2 * MINUTE).unwrap();
    assert_eq!((receipt.seq, receipt.head), (0, at_two.id));
    assert_eq!(
        (
            state.person.id,
            state.head,
            state.start,
            state.device.continues
        ),
        (
            stand.people[0],
            Head { seq: 0, ..at_two },
            at_two.id,
            Some(old.device)
        )
    );
    let old_state = stand.store.device(old.device).unwrap().unwrap();
    assert!(old_state.is_ended && !state.is_ended && old_state.is_active());
    assert_eq!(
        stand.store.line(state.device.id).unwrap(),
        [(old.device, 2)]
    );
    let lines = Lines::of(&stand.store.register().unwrap().directory.devices);
    assert!(lines.is_ended(old.device) && !lines.is_copied(state.device.id));
    // The answer was lost.
    let again = Enrolment {
        device: DeviceId(Uuid::from_u128(99)),
        ..stand.enrolment(2, 3 * MINUTE)
    };
    let seal = |receipt| stand.seal(receipt);
    let ask = |old, common| {
        stand
            .store
            .add_identity(old, common, &again, &seal)
            .unwrap()
    };
    match ask(old.device, at_two) {
        GoesOn::As(known, same) => {
            assert_eq!((known.device.id, *same), (state.device.id, receipt));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(ask(old.device, at_three), GoesOn::Refused),
        "after another entry"
    );
    let other = stand.device(3, 1);
    assert!(
        matches!(ask(other.device, other.head), GoesOn::Refused),
        "another person's key"
    );
    // Its first entry follows the common one, and nothing else does.
    let mut log = Log {
        device: state.device.id,
        head: Head { seq: 0, ..at_two },
        ..old.clone()
    };
    let mut anew = Log {
        head: Head::EMPTY,
        ..log.clone()
    };
    assert!(matches!(
        stand.append(&anew.sets(1)),
        Appended::Fork { common: None, .. }
    ));
    let entries = log.sets(2);
    held(stand.append(&entries));
    let (_, batch) = stand.pull(1, &[("own/east", 3)], 100);
    assert_eq!(
        batch
            .rows
            .iter()
            .map(|row| row.entry.prev)
            .collect::<Vec<_>>(),
        [at_two.id, entries[0].id]
    );
    let kept = stand.store.entries_of(log.device, 1, 10).unwrap();
    assert_eq!(kept[0].entry, entries[0].entry);
    // From the middle of the next one another one goes on.
    let (third, _) = next(&stand, &log, 4, 4 * MINUTE);
    let mut line = stand.store.line(third.device).unwrap();
    line.sort();
    assert_eq!(line, [(old.device, 2), (log.device, 2)]);
    assert!(stand.store.revoke(old.device, 9).unwrap());
    assert!(matches!(
        goes_on(&stand, third.device, third.head, 5, 5 * MINUTE),
        Err(GoesOn::Refused)
    ));
    assert!(matches!(
        stand.store.revoke(DeviceId(Uuid::from_u128(1000)), 1),
        Err(StoreError::Missing(_))
    ));
}

pub(crate) fn an_identity_that_another_one_goes_on_from_writes_no_more_and_what_a_colleague_brings_of_it_is_taken<
    O: Open,
>() {
    let stand = Stand::<O>::new();
    let mut old = stand.device(1, 0);
    stand.receive_at(&old.sets(2), MINUTE);
    let common = old.head;
    let (first, _) = next(&stand, &old, 2, 2 * MINUTE);
    let written = old.sets(2);
    let fork = stand.append(&written);
    assert_eq!(
        fork,
        Appended::Fork {
            common: Some(common),
            head: common
        }
    );
    let mut carried = stand.push_at(&written, 3 * MINUTE);
    (carried.is_in_session, carried.is_by_itself) = (false, false);
    held(stand.store.append(&carried, &|_, _| Ok(())).unwrap());
    // What is held of it is common, and a place in the middle of what it sends is told too.
    let more = [written.clone(), old.sets(1)].concat();
    assert_eq!(
        stand.append(&more),
        Appended::Fork {
            common: Some(Head {
                seq: 4,
                id: written[1].id
            }),
            head: Head {
                seq: 4,
                id: written[1].id
            }
        }
    );
    // It goes on as another one, beside the first; both are told that there is a copy.
    let common = Head {
        seq: 4,
        id: written[1].id,
    };
    let (second, _) = goes_on(&stand, old.device, common, 3, 5 * MINUTE).unwrap();
    let lines = Lines::of(&stand.store.register().unwrap().directory.devices);
    for device in [old.device, first.device, second.device.id] {
        assert!(lines.is_copied(device));
    }
}

pub(crate) fn two_pasts_that_a_device_signed_prove_two_copies_whoever_shows_them<O: Open>() {
    let stand = Stand::<O>::new();
    let mut old = stand.device(1, 0);
    stand.receive_at(&old.sets(2), MINUTE);
    let mut copy = old.clone();
    let held_past = old.sets(2);
    let other_past: Vec<Candidate> = (["别", "的", "过去"].iter())
        .map(|said| copy.set("own/east", 1, said))
        .collect();
    stand.receive_at(&held_past, 2 * MINUTE);
    let known = || stand.store.register().unwrap().directory.clone();
    let is_copied = || Lines::of(&known().devices).is_copied(old.device);
    let version = known().version;
    let bring = |entries: &[Candidate], is_by_itself| {
        let mut push = stand.push_at(entries, 3 * MINUTE);
        (push.is_in_session, push.is_by_itself) = (false, is_by_itself);
        stand.store.append(&push, &|_, _| Ok(())).unwrap()
    };
    // What the device itself brings, it brings because it was restored.
    assert!(matches!(bring(&other_past, true), Appended::Fork { .. }));
    assert!(!is_copied() && known().version == version);
    assert!(matches!(
        bring(&other_past[1..2], false),
        Appended::Fork { .. }
    ));
    assert!(is_copied() && known().version == version + 1);
    // Whoever brings it again changes nothing more.
    assert!(matches!(bring(&other_past, false), Appended::Fork { .. }));
    assert_eq!(known().version, version + 1);
    let heads: Vec<_> = (stand.store.log(old.device, 3, 9).unwrap().into_iter())
        .map(|head| head.id)
        .collect();
    assert_eq!(heads, [held_past[0].id, held_past[1].id]);
}

pub(crate) fn a_line_gets_a_few_identities_a_day<O: Open>() {
    let stand = Stand::<O>::new();
    let old = stand.device(1, 0);
    let mut log = old.clone();
    for n in 2..7 {
        log = next(&stand, &log, n, MINUTE).0;
    }
    // Whichever of the line asks.
    for from in [&old, &log] {
        let told = goes_on(&stand, from.device, from.head, 8, 60 * MINUTE);
        assert!(matches!(told, Err(GoesOn::TooMany)));
    }
    let other = stand.device(20, 0);
    goes_on(&stand, other.device, other.head, 21, 60 * MINUTE).unwrap();
    goes_on(&stand, log.device, log.head, 8, (24 * 60 + 2) * MINUTE).unwrap();
}

pub(crate) fn what_is_written_again_is_given_out_as_such<O: Open>() {
    let stand = Stand::<O>::new();
    let mut old = stand.device(1, 0);
    stand.receive_at(&old.sets(1), MINUTE);
    let mut log = next(&stand, &old, 2, 2 * MINUTE).0;
    let lost = old.sets(2);
    let again: Vec<Candidate> = lost.iter().map(|one| log.again(one)).collect();
    held(stand.append(&again));
    let (_, batch) = stand.pull(1, &[("own/east", 1)], 100);
    let names = |rows: &[shicha_sync::protocol::Row]| -> Vec<_> {
        rows.iter().map(|row| row.entry.name(row.id)).collect()
    };
    let first: Vec<_> = lost.iter().map(|one| one.id).collect();
    assert_eq!(names(&batch.rows), first);
    let kept = stand.store.entries_of(log.device, 1, 10).unwrap();
    for (kept, again) in kept.iter().zip(&again) {
        assert_eq!(kept.entry, again.entry);
    }
}

pub(crate) fn what_is_written_again_has_the_earlier_bound_of_the_common_place_and_no_other<
    O: Open,
>() {
    let stand = Stand::<O>::new();
    let mut old = stand.device(1, 0);
    let first = stand.receive_at(&old.sets(1), 10 * MINUTE);
    old.after = Some(first[0].id());
    let entries = old.sets(1);
    stand.receive_at(&entries, 20 * MINUTE);
    let parted = old.clone();
    // The log went on: it named a later receipt, and told an end.
    let mut push = stand.push_at(&old.sets(1), 30 * MINUTE);
    push.end = Some(ToldEnd {
        tick_ms: 29 * MINUTE,
        seq: old.head.seq,
        head: old.head.id,
        signature: SignatureBytes::first(&[3; 64]),
    });
    held(stand.store.append(&push, &|_, _| Ok(())).unwrap());
    // A copy had parted after the second entry. What it writes again lies after what that place was after, and is not narrowed.
    let (mut log, receipt) = next(&stand, &parted, 5, 100 * MINUTE);
    assert_eq!(receipt.since_ms, 10 * MINUTE);
    let mut copy = parted.clone();
    let again: Vec<Candidate> = copy.sets(2).iter().map(|one| log.again(one)).collect();
    let receipts = stand.receive_at(&again, 110 * MINUTE);
    assert_eq!(receipts[0].since_ms, 10 * MINUTE);
    // An end at the common place or before it counts.
    let (after_end, receipt) = next(&stand, &old, 6, 120 * MINUTE);
    assert_eq!(receipt.since_ms, 29 * MINUTE);
    // And what goes on from an identity of which nothing is held has what that had.
    let (_, receipt) = next(&stand, &after_end, 7, 130 * MINUTE);
    assert_eq!(receipt.since_ms, 29 * MINUTE);
    // From the very beginning: the enrolment of the line.
    let (_, receipt) = goes_on(&stand, old.device, Head::EMPTY, 8, 140 * MINUTE).unwrap();
    assert_eq!(receipt.since_ms, 1);
}

pub(crate) fn a_log_that_is_forked_on_purpose_gains_no_time<O: Open>() {
    let stand = Stand::<O>::new();
    let session = |device, now_ms| {
        let contact = Contact::Session { last_ms: None };
        stand
            .store
            .note_contact(device, "", now_ms, contact)
            .unwrap();
    };
    let mut log = stand.device(1, 0);
    session(log.device, 9 * MINUTE);
    let mut push = stand.push_at(&log.sets(5), 10 * MINUTE);
    push.end = Some(ToldEnd {
        tick_ms: 10 * MINUTE,
        seq: log.head.seq,
        head: log.head.id,
        signature: SignatureBytes::first(&[3; 64]),
    });
    held(stand.store.append(&push, &|_, _| Ok(())).unwrap());
    let parted = log.clone();
    session(log.device, 3_000 * MINUTE);
    stand.receive_at(&log.sets(1), 3_000 * MINUTE);

    // It goes on from the early place, and says that it was written soon after.
    let (mut forked, _) = next(&stand, &parted, 2, 6_000 * MINUTE);
    session(forked.device, 6_000 * MINUTE);
    let mut copy = parted.clone();
    let mut first = copy.sets(1).remove(0);
    first.entry.at = Hlc::from_ms(20 * MINUTE);
    let receipts = stand.receive_at(&[forked.again(&first)], 6_001 * MINUTE);
    let bounds = Bounds::from(&receipts[0]);
    assert_eq!(
        bounds.since_ms,
        10 * MINUTE,
        "the end at the place where it parted"
    );
    assert_eq!(
        bounds::judge(Some(bounds), first.entry.at),
        Claim::Unproved,
        "it was in touch then and told no end"
    );
    // Whoever really was without a network from the common place on is not doubted.
    let other = stand.device(5, 0);
    session(other.device, 7_000 * MINUTE);
    let (mut honest, _) = next(&stand, &other, 6, 7_000 * MINUTE);
    let mut copy = other.clone();
    let mut on_wednesday = copy.sets(1).remove(0);
    on_wednesday.entry.at = Hlc::from_ms(5_000 * MINUTE);
    let receipts = stand.receive_at(&[honest.again(&on_wednesday)], 7_001 * MINUTE);
    let bounds = Bounds::from(&receipts[0]);
    assert_eq!(
        bounds::judge(Some(bounds), on_wednesday.entry.at),
        Claim::Within,
        "not before the first enrolment, whenever its identity was enrolled"
    );
}

pub(crate) fn revoking_one_identity_revokes_all_of_its_line<O: Open>() {
    for revoked in 0..3 {
        let stand = Stand::<O>::new();
        let first = stand.device(1, 0).device;
        let other = stand.device(9, 0).device;
        let goes_on = |old, n| {
            let given = goes_on(&stand, old, Head::EMPTY, n, 5);
            given.unwrap().0.device.id
        };
        let second = goes_on(first, 2);
        let line = [first, second, goes_on(second, 3), goes_on(first, 4)];
        assert!(stand.store.revoke(line[revoked], 9).unwrap());
        for device in line {
            let state = stand.store.device(device).unwrap().unwrap();
            assert_eq!(state.device.revoked_at_ms, Some(9));
            assert!(!stand.store.revoke(device, 10).unwrap());
        }
        let other = stand.store.device(other).unwrap().unwrap();
        assert!(other.is_active(), "another computer of the same person");
    }
}
