//! What another device hands on that the central endpoint has confirmed.

use serde_json::json;
use shicha_domain::{
    EntryId, Receipt,
    directory::{Directory, Org, OrgKind},
    entry::Entry,
};
use shicha_ledger::{Confirmed, ConfirmedTaken, EntryDelivery, Holdings, Ledger};

use crate::kit::*;

fn laptop(n: u128) -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), n);
    let org = Org {
        code: "320703".parse().unwrap(),
        name: "某区".into(),
        short_name: "某".into(),
        parent: None,
        kind: OrgKind::County,
        region: None,
    };
    ledger
        .take_directory(
            &Directory {
                orgs: vec![org],
                ..Directory::default()
            }
            .to_part("2"),
        )
        .unwrap();
    (dir, ledger)
}

/// Everything confirmed that one gives to another that holds this.
fn given(from: &Ledger, theirs: &Holdings) -> Vec<Confirmed> {
    let batches = from
        .confirmed_beyond(theirs, &|_| true, (3, 1 << 20), 1_000)
        .unwrap();
    batches
        .iter()
        .map(|batch| from.confirmed(batch).unwrap())
        .collect()
}

fn holdings(ledger: &Ledger) -> Holdings {
    ledger.holdings(&|_| true).unwrap()
}

fn taken(to: &Ledger, given: &Confirmed) -> (u64, u64, u64) {
    let ConfirmedTaken {
        new,
        known,
        left_out,
        ..
    } = to.take_confirmed(given, NOW).unwrap();
    (new, known, left_out)
}

/// A laptop that wrote two stretches of three entries and has a receipt for each.
fn delivered() -> (tempfile::TempDir, Ledger) {
    let (dir, a) = laptop(1);
    for round in 0..2 {
        let subject = record(10 + round);
        a.append(person(), vec![opened(subject, "甲")], NOW)
            .unwrap();
        write(&a, subject, "phone", json!("1"));
        write(&a, subject, "phone", json!("2"));
        receive(&a, round as u64 * 3);
    }
    (dir, a)
}

#[test]
fn confirmed_entries_are_handed_on_once_and_get_their_numbers_from_the_endpoint_alone() {
    let ((_a, a), (_b, b), (_c, c)) = (delivered(), laptop(2), laptop(3));
    let batches = given(&a, &holdings(&b));
    assert_eq!(batches.len(), 2, "each ends where a receipt is");
    for batch in &batches {
        assert_eq!(taken(&b, batch), (3, 0, 0));
        assert_eq!(
            taken(&b, batch),
            (0, 3, 0),
            "the same again changes nothing"
        );
    }
    assert_eq!(given(&a, &holdings(&b)), [], "nothing is lacking any more");
    assert_eq!(
        b.cursors().unwrap(),
        [],
        "no number on another device's word"
    );
    assert_eq!(
        b.carried().unwrap(),
        [],
        "nothing of it waits to be carried"
    );
    for entry in b.entries_of(record(10)).unwrap() {
        assert_eq!(
            entry.delivery,
            EntryDelivery::Delivered {
                receipt_ms: NOW + 5_000
            }
        );
    }
    // It hands them on to a third, with the same proof.
    for batch in given(&b, &holdings(&c)) {
        assert_eq!(taken(&c, &batch), (3, 0, 0));
    }
    assert_eq!(b.views_digest().unwrap(), c.views_digest().unwrap());
    // Then the endpoint gives the numbers.
    let entries = a.own_log(0, 100, usize::MAX).unwrap();
    let pulled = b.insert(vec![pulled(entries, 0)], NOW).unwrap();
    assert_eq!((pulled.new, pulled.known), (0, 6));
    assert_eq!(b.cursors().unwrap(), [(channel(), 6)]);
    assert_eq!(b.views_digest().unwrap(), c.views_digest().unwrap());
}

#[test]
fn a_stretch_that_stops_half_way_is_gone_on_with() {
    let ((_a, a), (_b, b)) = (delivered(), laptop(2));
    let first = &given(&a, &holdings(&b))[0];
    assert_eq!(taken(&b, first), (3, 0, 0));
    let rest = given(&a, &holdings(&b));
    assert_eq!(rest.len(), 1);
    assert_eq!(taken(&b, &rest[0]), (3, 0, 0));
    assert_eq!(a.views_digest().unwrap(), b.views_digest().unwrap());
}

#[test]
fn what_no_receipt_proves_is_left_out_and_the_rest_is_taken() {
    let forged = |entry: &Entry| {
        let entry = Entry {
            event: b"{\"type\":\"set\"}".to_vec(),
            ..entry.clone()
        };
        (entry.id(), entry)
    };
    let (_a, a) = delivered();
    let whole = given(&a, &Holdings::default());
    let change = |change: &dyn Fn(&mut Confirmed)| {
        let (_b, b) = laptop(2);
        let mut batch = whole[0].clone();
        change(&mut batch);
        let counts = taken(&b, &batch);
        assert!(b.verify(&mut |_, _| {}).unwrap().first_bad.is_none());
        counts
    };
    assert_eq!(change(&|_| ()), (3, 0, 0));
    assert_eq!(change(&|batch| batch.receipts.clear()), (0, 0, 3));
    assert_eq!(
        change(&|batch| batch.entries[2] = forged(&batch.entries[2].1)),
        (0, 0, 3),
        "another end than the receipt is for"
    );
    assert_eq!(
        change(&|batch| batch.entries[0] = forged(&batch.entries[0].1)),
        (2, 0, 1),
        "another beginning than the chain has"
    );
    assert_eq!(
        change(&|batch| {
            batch.entries.remove(1);
        }),
        (1, 0, 1),
        "a hole"
    );
    assert_eq!(
        change(&|batch| batch.entries[1].0 = EntryId([7; 32])),
        (1, 0, 2),
        "another name than the entry's"
    );
    let other = Receipt::whole(device(1), 3, EntryId([7; 32]), NOW).signed(&server());
    assert_eq!(
        change(&|batch| batch.receipts = vec![other.clone()]),
        (0, 0, 3)
    );
}

#[test]
fn what_only_a_later_run_leads_back_to_is_not_confirmed_because_its_own_may_have_refused_it() {
    let ((_a, a), (_b, b)) = (delivered(), laptop(2));
    let entries = a.own_log(0, 100, usize::MAX).unwrap();
    // The endpoint received the log in two runs, and refused an entry of the first.
    let run = |from: u64, seq: u64, refused: Vec<u64>| {
        let (id, _) = entries[seq as usize - 1];
        Receipt {
            from,
            refused,
            ..Receipt::whole(device(1), seq, id, NOW + 5_000)
        }
        .signed(&server())
    };
    let (first, second) = (run(1, 3, vec![2]), run(4, 6, vec![]));
    let without = Confirmed {
        entries: entries.clone(),
        receipts: vec![second.clone()],
    };
    assert_eq!(
        taken(&b, &without),
        (3, 0, 3),
        "the first run's receipt is kept back"
    );
    let whole = Confirmed {
        entries,
        receipts: vec![first, second],
    };
    assert_eq!(taken(&b, &whole), (2, 3, 1), "the refused one stays out");
}

#[test]
fn ones_own_log_is_confirmed_by_the_endpoint_alone() {
    let ((_a, a), (_b, b)) = (delivered(), laptop(2));
    write_of(&b);
    let head = b.head().unwrap();
    let receipt = Receipt::whole(device(2), head.0, head.1, NOW).signed(&server());
    let mut batch = given(&a, &holdings(&b))[0].clone();
    batch.receipts.push(receipt);
    assert_eq!(taken(&b, &batch), (3, 0, 0));
    assert_eq!(
        b.acked().unwrap().0,
        0,
        "what it refused would not be known"
    );
    assert_eq!(b.outbox(10, usize::MAX).unwrap().len(), 1);
}

fn write_of(ledger: &Ledger) {
    ledger
        .append(person(), vec![opened(record(20), "乙")], NOW)
        .unwrap();
}
