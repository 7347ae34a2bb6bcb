//! What is pulled: taken in whole, in any order of devices, and refused when it does not fit.

use serde_json::json;
use shicha_ledger::LedgerError;

use crate::kit::*;

#[test]
fn a_record_arrives_whole_and_arriving_again_changes_nothing() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (from, to) = (ledger(here.path(), 1), ledger(there.path(), 2));
    from.append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    write(&from, record(5), "phone", json!("0518"));
    let incoming = as_pulled(&from, 0);
    let inserted = to.insert(vec![incoming.clone()], NOW).unwrap();
    assert_eq!(
        (inserted.new, inserted.known, inserted.records),
        (2, 0, vec![record(5)])
    );
    let digest = to.views_digest().unwrap();
    let again = to.insert(vec![incoming], NOW).unwrap();
    assert_eq!((again.new, again.known), (0, 2));
    assert_eq!(to.views_digest().unwrap(), digest);
    assert_eq!(to.record(record(5)).unwrap().unwrap().text("phone"), "0518");
    assert_eq!(to.cursors().unwrap(), [(channel(), 2)]);
    assert_eq!(
        to.delivery(record(5)).unwrap().delivered_at_ms,
        Some(NOW + 5_000)
    );
}

#[test]
fn an_entry_that_is_withheld_forged_or_out_of_place_is_refused_and_nothing_of_its_batch_stays() {
    let here = tempfile::tempdir().unwrap();
    let from = ledger(here.path(), 1);
    from.append(
        person(),
        vec![
            opened(record(5), "甲"),
            opened(record(6), "乙"),
            opened(record(7), "丙"),
        ],
        NOW,
    )
    .unwrap();
    let good = as_pulled(&from, 0);
    let mut withheld = good.clone();
    withheld.entries.remove(1);
    withheld.covered_by.remove(1);
    let mut forged = good.clone();
    forged.entries[1].2.event.push(b' ');
    let mut cut = good.clone();
    cut.entries.pop();
    cut.covered_by.pop();
    let mut chain = good.clone();
    chain.entries[1].2.prev = shicha_domain::EntryId([1; 32]);
    chain.entries[1].1 = chain.entries[1].2.id();
    let mut elsewhere = good.clone();
    elsewhere.channel = "own/320706".parse().unwrap();
    for bad in [withheld, forged, cut, chain, elsewhere] {
        let there = tempfile::tempdir().unwrap();
        let to = ledger(there.path(), 2);
        assert!(matches!(
            to.insert(vec![bad], NOW),
            Err(LedgerError::Withheld)
        ));
        assert_eq!(to.counts().unwrap().entries, 0);
        assert_eq!(to.cursors().unwrap(), []);
        to.insert(vec![good.clone()], NOW).unwrap();
    }
}

#[test]
fn two_values_written_without_knowing_of_each_other_are_both_kept_and_listed() {
    let (a_dir, b_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (ledger(a_dir.path(), 1), ledger(b_dir.path(), 2));
    a.append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    b.insert(vec![as_pulled(&a, 0)], NOW).unwrap();
    receive(&a, 0);
    write(&a, record(5), "phone", json!("1"));
    write(&b, record(5), "phone", json!("2"));
    // The channel has a's two entries and then b's; each device is also given its own back.
    let entries_of = |ledger: &shicha_ledger::Ledger, n: u128| -> Vec<_> {
        let stored = ledger.entries_of(record(5)).unwrap().into_iter();
        stored
            .filter(|one| one.entry.device == device(n))
            .map(|one| (one.id, one.entry))
            .collect()
    };
    let (of_a, of_b) = (pulled(entries_of(&a, 1), 0), pulled(entries_of(&b, 2), 2));
    for ledger in [&a, &b] {
        ledger.insert(vec![of_a.clone()], NOW).unwrap();
        ledger.insert(vec![of_b.clone()], NOW).unwrap();
        let state = ledger.record(record(5)).unwrap().unwrap();
        let values = state.fields()["phone"].heads().len();
        assert_eq!((values, state.text("phone")), (2, "2"));
        assert_eq!(ledger.conflicts(10).unwrap().len(), 1);
    }
    assert_eq!(a.views_digest().unwrap(), b.views_digest().unwrap());
    let settled = a.record(record(5)).unwrap().unwrap().heads_of("phone");
    a.append(
        person(),
        vec![set(record(5), "phone", json!("1"), settled)],
        NOW,
    )
    .unwrap();
    assert_eq!(a.conflicts(10).unwrap().len(), 0);
}

#[test]
fn a_clock_that_is_a_year_ahead_elsewhere_moves_no_time_here_and_hides_no_other() {
    let dirs = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let [ahead, near, to] = [(0, 1), (1, 2), (2, 3)].map(|(dir, n)| ledger(dirs[dir].path(), n));
    let year = 365 * 24 * 3_600_000;
    ahead
        .append(person(), vec![opened(record(5), "甲")], NOW + year)
        .unwrap();
    near.append(person(), vec![opened(record(6), "乙")], NOW + 60_000)
        .unwrap();
    to.insert(vec![as_pulled(&ahead, 0)], NOW).unwrap();
    to.insert(vec![as_pulled(&near, 1)], NOW).unwrap();
    to.append(person(), vec![opened(record(7), "丙")], NOW)
        .unwrap();
    let at = to.entries_of(record(7)).unwrap()[0].entry.at;
    assert!(
        at.ms() >= NOW + 60_000,
        "what was read was before what is written"
    );
    assert!(at.ms() < NOW + year);
}
