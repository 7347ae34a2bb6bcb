//! Releasing what was refused: it counts from then on, once, and ranks after what was received meanwhile.

use std::cell::RefCell;

use shicha_domain::{Channel, Event, RecordKind, bounds::Bounds};
use shicha_server::store::{
    Placed, Store, StoreError,
    administration::{Administration as _, By, Note, Noting},
    refusals::{MayRelease, Refusals as _, Released, Releasing},
    whole::Whole as _,
};

use crate::kit::*;

fn release<O: Open>(
    stand: &Stand<O>,
    log: &Log,
    seq: u64,
    may: MayRelease<'_>,
    now_ms: u64,
) -> Result<Option<Released>, StoreError> {
    let by = By::command_line();
    let note = Note {
        act: "entry_released",
        org: None,
        target: "电脑".into(),
        detail: serde_json::json!({ "reason": "名录有误" }),
    };
    let sign = |bytes: &[u8]| stand.key.sign(bytes);
    let noting = Noting {
        by: &by,
        note: &note,
        now_ms,
        sign: &sign,
    };
    let releasing = Releasing {
        may,
        seal: &|receipt| stand.seal(receipt),
        now_ms,
        noting,
    };
    stand.store.release(log.device, seq, releasing)
}

fn opened() -> Event {
    Event::Opened {
        kind: RecordKind::Finding,
        fields: Default::default(),
    }
}

/// Three entries of which the second was refused.
fn one_refused<O: Open>(stand: &Stand<O>) -> Log {
    let mut log = stand.device(1, 0);
    let entries = [
        log.set("own/east", 1, "甲"),
        log.write("own/east", 2, opened()),
        log.set("own/east", 1, "乙"),
    ];
    stand.judged(&entries, &|candidate, _| match candidate.entry.seq {
        2 => Err("parted"),
        _ => Ok(()),
    });
    log
}

pub(crate) fn what_was_refused_is_listed_and_outside_for_all<O: Open>() {
    let stand = Stand::<O>::new();
    let log = one_refused(&stand);
    let listed = |may_see: &dyn Fn(&Channel) -> bool, device| {
        let found = stand.store.refused(device, may_see, 10).unwrap();
        found
            .into_iter()
            .map(|one| (one.candidate.entry.seq, one.code))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&|_| true, None), [(2, "parted".to_owned())]);
    assert_eq!(listed(&|_| true, Some(log.device)).len(), 1);
    assert_eq!(listed(&|_| false, None), []);
    let other = stand.device(2, 1);
    assert_eq!(listed(&|_| true, Some(other.device)), []);
    let at = stand.store.refused_at(log.device, 2).unwrap().unwrap();
    assert_eq!(at.receipt.refused, [2]);
    assert_eq!(at.candidate.id, at.candidate.entry.id(), "it is whole");
    for seq in [1, 3, 4, u64::MAX] {
        assert!(stand.store.refused_at(log.device, seq).unwrap().is_none());
    }
    let (_, batch) = stand.pull(1, &[], 100);
    assert_eq!(batch.rows.len(), 2);
}

pub(crate) fn what_is_released_counts_once_and_ranks_after_what_came_meanwhile<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = one_refused(&stand);
    let mut colleague = stand.device(2, 1);
    let meanwhile = stand.receive_at(&[colleague.set("own/east", 2, "丙")], 5_000);
    let refused = stand.store.refused_at(log.device, 2).unwrap().unwrap();

    let released = release(&stand, &log, 2, &|_, _| Ok(()), 9_000)
        .unwrap()
        .unwrap();
    assert_eq!(
        (released.number, released.receipt.received_at_ms),
        (4, 9_000)
    );
    assert!(released.receipt.rank() > meanwhile[0].rank());
    assert!(released.receipt.is_signed_by(&stand.key.verifying_key()));
    assert!(released.receipt.is_for(2) && released.receipt.refused.is_empty());
    let was = Bounds::from(&refused.receipt);
    let is = Bounds::from(&released.receipt);
    assert_eq!((is.since_ms, is.seen_ms), (was.since_ms, was.seen_ms));
    assert!(
        release(&stand, &log, 2, &|_, _| Ok(()), 9_100)
            .unwrap()
            .is_none(),
        "once"
    );
    assert_eq!(stand.store.audit_from(1, 10).unwrap().len(), 1);
    assert_eq!(stand.store.refused(None, &|_| true, 10).unwrap().len(), 0);

    // Whoever had pulled everything gets it as what is new, with its own receipt.
    let (_, batch) = stand.pull(1, &[("own/east", 3)], 100);
    assert_eq!(batch.rows.len(), 1);
    assert_eq!(batch.rows[0].id, refused.candidate.id);
    assert_eq!(batch.rows[0].entry.prev, refused.candidate.entry.prev);
    assert_eq!(
        batch.receipts[batch.rows[0].covered.unwrap()],
        released.receipt
    );
    let (_, batch) = stand.pull(1, &[], 100);
    let numbers: Vec<(u64, u64)> = batch
        .rows
        .iter()
        .filter(|row| row.entry.device == log.device)
        .map(|row| (row.number, row.entry.seq))
        .collect();
    assert_eq!(numbers, [(1, 1), (2, 3), (4, 2)]);
    // The device goes on, and its next receipt is later.
    let next = stand.receive_at(&log.sets(1), 9_000);
    assert!(next[0].rank() > released.receipt.rank());
    assert_eq!((next[0].from, next[0].seq), (4, 4));
    // The same again is answered with what became of it.
    let ledger = stand.store.entries_of(log.device, 1, 10).unwrap();
    assert_eq!(ledger[1].verdict, Ok(4));
    assert_eq!(ledger[1].covered, Some(released.receipt.id()));
    let mut records = Vec::new();
    stand
        .store
        .each_record(&mut |held| {
            records.push((held.kind, held.entries.len()));
            Ok(())
        })
        .unwrap();
    records.sort_unstable();
    assert_eq!(
        records,
        [(None, 3), (Some(RecordKind::Finding), 2)],
        "the record is what the released opening says"
    );
}

pub(crate) fn a_release_that_is_not_allowed_changes_nothing<O: Open>() {
    let stand = Stand::<O>::new();
    let log = one_refused(&stand);
    let mut colleague = stand.device(2, 1);
    held(stand.append(&[colleague.set("own/city", 2, "丙")]));
    let asked = RefCell::new(Vec::new());
    let tried = release(
        &stand,
        &log,
        2,
        &|refused, placed: Option<&Placed>| {
            asked
                .borrow_mut()
                .push((refused.code.clone(), placed.cloned()));
            Err("no")
        },
        9_000,
    );
    assert!(matches!(tried, Err(StoreError::Contradiction("no"))));
    let lives_in = Placed {
        channel: "own/city".parse().unwrap(),
        kind: None,
    };
    assert_eq!(*asked.borrow(), [("parted".to_owned(), Some(lives_in))]);
    assert_eq!(stand.store.audit_from(1, 10).unwrap(), []);
    assert_eq!(stand.store.refused(None, &|_| true, 10).unwrap().len(), 1);
    let channels = stand.store.channels().unwrap();
    assert!(channels.iter().all(|one| one.last == one.count));
    for seq in [1, 9] {
        let none = release(&stand, &log, seq, &|_, _| Ok(()), 9_000).unwrap();
        assert!(none.is_none(), "{seq} was not refused");
    }
}
