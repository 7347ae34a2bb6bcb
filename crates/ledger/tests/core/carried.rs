//! What other devices hand over directly, before the central endpoint has it.

use serde_json::json;
use shicha_domain::suite::SigningKey;
use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt,
    authority::Actor,
    directory::{Device, Directory, Org, OrgKind, Person, Role},
    entry::Entry,
    receipt::push_bytes,
};
use shicha_ledger::{
    Confirmed, EntryDelivery, Ledger, Sealed, SealedRefusal, SealedTaken, Vouched,
};
use uuid::Uuid;

use crate::kit::*;

/// The key of a device of [`identity`].
fn key(n: u128) -> SigningKey {
    SigningKey::from_bytes(&[n as u8; 32])
}

/// A city, two counties, and three devices of colleagues in one of them.
fn directory() -> Directory {
    let org = |code: &str, parent: Option<&str>, kind| Org {
        code: code.parse().unwrap(),
        name: code.into(),
        short_name: code.into(),
        parent: parent.map(|parent| parent.parse().unwrap()),
        kind,
        region: None,
    };
    Directory {
        version: 1,
        server_name: "试验".into(),
        is_sample: true,
        orgs: vec![
            org("320700", None, OrgKind::City),
            org("320703", Some("320700"), OrgKind::County),
            org("320706", Some("320700"), OrgKind::County),
        ],
        people: vec![Person {
            id: person(),
            name: "张三".into(),
            org: "320703".parse().unwrap(),
            role: Role::Inspector,
            certificate: None,
            is_active: true,
        }],
        devices: (1..=3)
            .map(|n| Device {
                id: device(n),
                person: person(),
                public_key: key(n).public_key(),
                label: format!("电脑{n}"),
                revoked_at_ms: None,
                continues: None,
                is_parted: false,
            })
            .collect(),
        former: Vec::new(),
    }
}

fn laptop(n: u128) -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path(), n);
    ledger.take_directory(&directory().to_part("1")).unwrap();
    (dir, ledger)
}

fn seal(entries: Vec<(EntryId, Entry)>) -> Sealed {
    let (id, last) = entries.last().unwrap();
    let n = last.device.0.as_u128();
    let said = push_bytes(last.device, last.seq, *id);
    Sealed {
        signature: key(n).sign(&said),
        entries,
    }
}

/// What waits in a ledger, as its device hands it over.
fn sealed(from: &Ledger) -> Sealed {
    seal(from.outbox(usize::MAX, usize::MAX).unwrap())
}

fn taken(to: &Ledger, sealed: &Sealed) -> u64 {
    match to.take_sealed(sealed, NOW).unwrap() {
        SealedTaken::Held { new, .. } => new,
        SealedTaken::Refused(refusal) => panic!("{refusal}"),
    }
}

fn refused(to: &Ledger, sealed: &Sealed) -> SealedRefusal {
    let before = to.views_digest().unwrap();
    match to.take_sealed(sealed, NOW).unwrap() {
        SealedTaken::Held { .. } => panic!("taken"),
        SealedTaken::Refused(refusal) => {
            assert_eq!(to.views_digest().unwrap(), before);
            refusal
        }
    }
}

#[test]
fn a_colleagues_work_shows_at_once_and_settles_to_the_same_when_the_endpoint_has_it() {
    let ((_a, a), (_b, b), (_c, c)) = (laptop(1), laptop(2), laptop(3));
    a.append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    write(&a, record(5), "phone", json!("0518"));
    assert_eq!(taken(&b, &sealed(&a)), 2);
    assert_eq!(taken(&b, &sealed(&a)), 0, "the same again changes nothing");
    assert_eq!(b.record(record(5)).unwrap().unwrap().text("phone"), "0518");
    let found = b.entries_of(record(5)).unwrap();
    assert!(
        found
            .iter()
            .all(|one| one.delivery == EntryDelivery::Waiting)
    );
    // b carries it on to c, with the author's seal.
    let carried = b.carried().unwrap();
    assert_eq!(carried, [sealed(&a)]);
    assert_eq!(taken(&c, &carried[0]), 2);
    // The author adds to it meanwhile; then the endpoint has numbered all.
    write(&a, record(5), "address", json!("海州"));
    let pulled = as_pulled(&a, 0);
    for ledger in [&b, &c] {
        ledger.insert(vec![pulled.clone()], NOW).unwrap();
        assert!(
            ledger.carried().unwrap().is_empty(),
            "nothing to carry is left"
        );
        assert_eq!(ledger.views_digest().unwrap(), a.views_digest().unwrap());
        let found = ledger.entries_of(record(5)).unwrap();
        assert!(
            found
                .iter()
                .all(|one| matches!(one.delivery, EntryDelivery::Delivered { .. }))
        );
        assert_eq!(ledger.verify(&mut |_, _| {}).unwrap().first_bad, None);
        assert_eq!(
            taken(ledger, &carried[0]),
            0,
            "an old stretch changes nothing"
        );
        assert!(ledger.carried().unwrap().is_empty());
    }
}

#[test]
fn only_what_a_known_device_signed_and_may_write_is_taken() {
    let ((_a, a), (_b, b)) = (laptop(1), laptop(2));
    a.append(
        person(),
        vec![opened(record(5), "甲"), opened(record(6), "乙")],
        NOW,
    )
    .unwrap();
    let good = sealed(&a);
    let mut other_hand = good.clone();
    other_hand.signature = key(2).sign(b"something else");
    assert_eq!(refused(&b, &other_hand), SealedRefusal::NotSigned);
    let mut altered = good.clone();
    altered.entries[0].1.event.push(b' ');
    assert_eq!(refused(&b, &altered), SealedRefusal::NotSigned);
    let mut torn = good.clone();
    torn.entries.remove(0);
    torn.entries.insert(0, good.entries[1].clone());
    assert_eq!(refused(&b, &torn), SealedRefusal::NotSigned);
    let mut shorter = good.clone();
    shorter.entries.pop();
    assert_eq!(
        refused(&b, &shorter),
        SealedRefusal::NotSigned,
        "a signature over the end says nothing of a shorter log"
    );

    let change = |entry: &Entry, change: &dyn Fn(&mut Entry)| {
        let mut entry = entry.clone();
        change(&mut entry);
        seal(vec![(entry.id(), entry)])
    };
    let first = &good.entries[0].1;
    let foreign = change(first, &|entry| {
        entry.channel = "own/320706".parse().unwrap()
    });
    assert_eq!(refused(&b, &foreign), SealedRefusal::MayNotRead);
    let public = change(first, &|entry| {
        entry.channel = "pub/320703".parse().unwrap()
    });
    assert_eq!(refused(&b, &public), SealedRefusal::MayNotWrite);
    let author = change(first, &|entry| entry.author = PersonId(Uuid::from_u128(4)));
    assert_eq!(refused(&b, &author), SealedRefusal::MayNotWrite);
    let unknown = change(first, &|entry| entry.device = DeviceId(Uuid::from_u128(9)));
    assert_eq!(refused(&b, &unknown), SealedRefusal::UnknownDevice);

    let mut revoked = directory();
    revoked.devices[0].revoked_at_ms = Some(NOW - 1);
    b.take_directory(&revoked.to_part("1")).unwrap();
    assert_eq!(refused(&b, &good), SealedRefusal::Revoked);
    b.take_directory(&directory().to_part("1")).unwrap();
    assert_eq!(taken(&b, &good), 2);
    b.take_directory(&revoked.to_part("1")).unwrap();
    assert!(
        b.carried().unwrap().is_empty(),
        "the endpoint would not take it"
    );
}

#[test]
fn what_a_colleague_wrote_whom_the_directory_here_lacks_is_kept_and_handed_on() {
    let ((_a, a), (_b, b)) = (laptop(1), laptop(2));
    a.append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    let mut older = directory();
    older.devices.remove(0);
    b.take_directory(&older.to_part("1")).unwrap();
    let vouched = Vouched {
        device: device(1),
        public_key: key(1).public_key(),
        actor: Actor {
            person: person(),
            org: "320703".parse().unwrap(),
            role: Role::Inspector,
        },
    };
    let given = b.take_sealed_of(&sealed(&a), Some(&vouched), NOW).unwrap();
    assert!(matches!(given, SealedTaken::Held { new: 1, .. }));
    assert_eq!(
        b.carried().unwrap(),
        [sealed(&a)],
        "the endpoint judges it, and not who carries it"
    );
    assert!(!b.entries_of(record(5)).unwrap()[0].is_received);
    let mut revoked = directory();
    revoked.devices[0].revoked_at_ms = Some(NOW);
    b.take_directory(&revoked.to_part("2")).unwrap();
    assert!(b.carried().unwrap().is_empty(), "it is known to be revoked");
}

#[test]
fn what_the_endpoint_refused_or_has_otherwise_gives_way_to_what_it_says() {
    let ((_a, a), (_b, b)) = (laptop(1), laptop(2));
    a.append(
        person(),
        vec![opened(record(5), "甲"), opened(record(6), "乙")],
        NOW,
    )
    .unwrap();
    write(&a, record(5), "phone", json!("0518"));
    let entries = a.outbox(usize::MAX, usize::MAX).unwrap();
    taken(&b, &sealed(&a));
    assert!(b.record(record(6)).unwrap().is_some());
    // The endpoint numbers the first and the third: the second it refused.
    let (id, last) = entries[2].clone();
    let mut incoming = pulled(vec![entries[0].clone(), (id, last.clone())], 0);
    incoming.receipts = vec![Receipt::whole(device(1), 3, id, NOW + 5_000).signed(&server())];
    b.insert(vec![incoming], NOW).unwrap();
    assert!(
        b.record(record(6)).unwrap().is_none(),
        "it is given to nobody"
    );
    assert_eq!(b.record(record(5)).unwrap().unwrap().text("phone"), "0518");
    assert!(b.carried().unwrap().is_empty());
    assert_eq!(taken(&b, &sealed(&a)), 0, "and does not come back");
    assert!(b.record(record(6)).unwrap().is_none());
    let rebuilt = b.views_digest().unwrap();
    b.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(b.views_digest().unwrap(), rebuilt);
}

#[test]
fn a_courier_hears_what_the_endpoint_says_of_what_it_brought() {
    let ((_a, a), (_b, b)) = (laptop(1), laptop(2));
    a.append(
        person(),
        vec![opened(record(5), "甲"), opened(record(6), "乙")],
        NOW,
    )
    .unwrap();
    let sealed = sealed(&a);
    taken(&b, &sealed);
    let head = sealed.entries[1].0;
    let receipt = Receipt::whole(device(1), 2, head, NOW + 9_000).signed(&server());
    let other = Receipt::whole(device(1), 2, EntryId([8; 32]), NOW + 9_000).signed(&server());
    assert!(b.accept_carried(&other, &[(1, 1)], &[], NOW).is_err());
    let refused = [(2, "event".to_owned())];
    b.accept_carried(&receipt, &[(1, 1)], &refused, NOW)
        .unwrap();
    assert!(b.carried().unwrap().is_empty());
    assert!(b.record(record(6)).unwrap().is_none());
    let delivery = b.delivery(record(5)).unwrap();
    assert_eq!(delivery.delivered_at_ms, Some(NOW + 9_000));
    let incoming = pulled(vec![sealed.entries[0].clone()], 0);
    b.insert(vec![incoming], NOW).unwrap();
    assert_eq!(b.counts().unwrap().entries, 1);
}

#[test]
fn a_colleague_who_was_restored_from_a_copy_shows_what_the_endpoint_holds_in_the_end() {
    let ((_a, a), (_other, restored), (_b, b)) = (laptop(1), laptop(1), laptop(2));
    for ledger in [&a, &restored] {
        ledger
            .append(person(), vec![opened(record(5), "甲")], NOW)
            .unwrap();
    }
    write(&a, record(5), "phone", json!("old branch"));
    write(&a, record(5), "address", json!("old branch"));
    write(&restored, record(5), "phone", json!("new branch"));
    taken(&b, &sealed(&a));
    assert_eq!(refused(&b, &sealed(&restored)), SealedRefusal::Parted);
    b.insert(vec![as_pulled(&restored, 0)], NOW).unwrap();
    assert_eq!(
        b.views_digest().unwrap(),
        restored.views_digest().unwrap(),
        "what the endpoint has goes before"
    );
    assert!(b.carried().unwrap().is_empty());
    assert_eq!(b.verify(&mut |_, _| {}).unwrap().first_bad, None);
}

#[test]
fn an_answer_about_another_past_gives_no_number_to_what_a_colleague_handed_over() {
    let ((_a, a), (_copy, copy), (_b, b)) = (laptop(1), laptop(1), laptop(2));
    for (ledger, name) in [(&a, "甲"), (&copy, "乙")] {
        let drafts = [5, 6, 7].map(|n| opened(record(n), name));
        ledger.append(person(), drafts.to_vec(), NOW).unwrap();
    }
    let handed = seal(vec![sealed(&a).entries[1].clone()]);
    taken(&b, &handed);
    let head = sealed(&copy).entries[2].0;
    let receipt = Receipt::whole(device(1), 3, head, NOW + 9_000).signed(&server());
    b.accept_carried(&receipt, &[(1, 1), (2, 2), (3, 3)], &[], NOW)
        .unwrap();
    let delivery = b.delivery(record(6)).unwrap();
    assert_eq!(delivery.delivered_at_ms, None);
    b.insert(vec![as_pulled(&copy, 0)], NOW).unwrap();
    assert_eq!(b.views_digest().unwrap(), copy.views_digest().unwrap());
}

#[test]
fn what_was_handed_over_before_what_it_does_not_follow_gives_way_and_nothing_is_called_damaged() {
    let ((_a, a), (_copy, copy), (_b, b)) = (laptop(1), laptop(1), laptop(2));
    for (ledger, name) in [(&a, "甲"), (&copy, "乙")] {
        let drafts = vec![opened(record(5), name), opened(record(6), name)];
        ledger.append(person(), drafts, NOW).unwrap();
    }
    let one_of = |from: &Ledger, n: usize| seal(vec![sealed(from).entries[n].clone()]);
    // The second entry of one past, then the first of another.
    taken(&b, &one_of(&a, 1));
    assert_eq!(refused(&b, &one_of(&copy, 0)), SealedRefusal::Parted);
    assert_eq!(b.verify(&mut |_, _| {}).unwrap().first_bad, None);
    b.insert(vec![as_pulled(&copy, 0)], NOW).unwrap();
    assert_eq!(b.verify(&mut |_, _| {}).unwrap().first_bad, None);
    assert_eq!(b.views_digest().unwrap(), copy.views_digest().unwrap());
}

#[test]
fn a_receipt_for_a_later_entry_of_another_past_says_nothing_of_what_was_brought_by_hand() {
    let ((_a, a), (_copy, copy), (_b, b)) = (laptop(1), laptop(1), laptop(2));
    for (ledger, name) in [(&a, "甲"), (&copy, "乙")] {
        ledger
            .append(person(), vec![opened(record(5), name)], NOW)
            .unwrap();
    }
    // What was brought by hand is of the one past; the endpoint has the other, and what comes of it here is of another channel, with
    // entries between that are not for this device.
    taken(&b, &sealed(&a));
    for n in 6..9 {
        let mut elsewhere = opened(record(n), "丙");
        elsewhere.channel = "pub/320703".parse().unwrap();
        copy.append(person(), vec![elsewhere], NOW).unwrap();
    }
    let entries = copy.outbox(usize::MAX, usize::MAX).unwrap();
    let (id, last) = entries[3].clone();
    let receipt = Receipt::whole(device(1), 4, id, NOW + 5_000).signed(&server());
    let by_a_neighbour = Confirmed {
        entries: Vec::new(),
        receipts: vec![receipt.clone()],
    };
    let is_unreceived = |ledger: &Ledger| {
        let found = ledger.entries_of(record(5)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].delivery, EntryDelivery::Waiting);
        assert_eq!(found[0].bounds, None);
        assert!(!found[0].is_received);
        let state = ledger.record(record(5)).unwrap().unwrap();
        assert_eq!(state.opened().unwrap().received, None);
    };
    b.take_confirmed(&by_a_neighbour, NOW).unwrap();
    is_unreceived(&b);
    let mut incoming = pulled(vec![(id, last)], 0);
    incoming.channel = "pub/320703".parse().unwrap();
    incoming.receipts = vec![receipt];
    assert_eq!(b.insert(vec![incoming], NOW).unwrap().new, 1);
    is_unreceived(&b);
}

#[test]
fn a_record_lives_where_the_endpoint_has_it_whatever_was_said_of_it_before() {
    let mut wide = directory();
    wide.people.push(Person {
        id: PersonId(Uuid::from_u128(78)),
        name: "李四".into(),
        org: "320706".parse().unwrap(),
        role: Role::Inspector,
        certificate: None,
        is_active: true,
    });
    wide.devices[2].person = PersonId(Uuid::from_u128(78));
    let ((_a, a), (_b, b)) = (laptop(1), laptop(2));
    a.append(person(), vec![opened(record(5), "甲")], NOW)
        .unwrap();
    // A device of the city that reads both counties; another county's device claims the record first.
    wide.people[0].org = "320703".parse().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (city, _) = open(dir.path());
    let mut of_city = identity(4);
    of_city.org = "320700".parse().unwrap();
    of_city.role = Role::Supervisor;
    let enrolled = Receipt::whole(device(4), 0, EntryId::NONE, NOW - 1_000).signed(&server());
    city.enrol(&of_city, &enrolled, &wide.to_part("1")).unwrap();
    let mut claim = sealed(&a).entries[0].1.clone();
    claim.device = device(3);
    claim.author = PersonId(Uuid::from_u128(78));
    claim.channel = "own/320706".parse().unwrap();
    taken(&city, &seal(vec![(claim.id(), claim)]));
    assert_eq!(
        city.record(record(5)).unwrap().unwrap().channel(),
        &"own/320706".parse().unwrap()
    );
    // The endpoint has it of the other county. That device's entry is one of those that are carried, too.
    taken_elsewhere(&city, &a);
    city.insert(vec![as_pulled(&a, 0)], NOW).unwrap();
    assert_eq!(
        city.record(record(5)).unwrap().unwrap().channel(),
        &channel()
    );
    drop(b);
}

/// A stretch of a record that is said to live elsewhere is refused by what is known.
fn taken_elsewhere(to: &Ledger, from: &Ledger) {
    assert_eq!(refused(to, &sealed(from)), SealedRefusal::MayNotWrite);
}
