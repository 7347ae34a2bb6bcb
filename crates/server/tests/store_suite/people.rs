//! Devices, people, evidence, document numbers and copies.

use std::collections::BTreeMap;

use shicha_domain::{
    BlobHash, DeviceId, Event, Evidence, PersonId,
    authority::Actor,
    directory::{
        FormerParent, Org, OrgKind, Person, Role,
        parts::{RowChange, hash_of, row_hash},
    },
    suite::PublicKey,
};
use shicha_server::store::{Contact, Enrolment, Store, StoreError};
use shicha_sync::protocol::messages::NumbersRequest;
use uuid::Uuid;

use crate::kit::*;

pub(crate) fn a_code_enrols_one_device_once_and_not_after_it_ran_out<O: Open>() {
    let stand = Stand::<O>::new();
    let seal = |receipt| stand.seal(receipt);
    assert!(
        stand
            .store
            .enrol(&stand.enrolment(1, 1), &seal)
            .unwrap()
            .is_none(),
        "unknown"
    );
    stand
        .store
        .add_code(&[1; 32], stand.people[0], 0, 100)
        .unwrap();
    assert!(
        stand
            .store
            .enrol(&stand.enrolment(1, 100), &seal)
            .unwrap()
            .is_none(),
        "expired"
    );
    let first = stand
        .store
        .enrol(&stand.enrolment(1, 99), &seal)
        .unwrap()
        .unwrap();
    let again = Enrolment {
        device: DeviceId(Uuid::from_u128(77)),
        ..stand.enrolment(1, 99)
    };
    assert_eq!(
        stand.store.enrol(&again, &seal).unwrap().unwrap(),
        first,
        "the answer was lost"
    );
    let other = Enrolment {
        public_key: PublicKey::first(&[5; 32]),
        ..again.clone()
    };
    assert!(
        stand.store.enrol(&other, &seal).unwrap().is_none(),
        "used by another key"
    );
    stand
        .store
        .note_contact(first.0.device.id, "0.1.0", 50, Contact::Package)
        .unwrap();
    assert!(
        stand.store.enrol(&again, &seal).unwrap().is_none(),
        "whoever asks now has overheard"
    );
    stand
        .store
        .add_code(&[2; 32], stand.people[1], 0, 100)
        .unwrap();
    stand
        .store
        .put_person(&Person {
            is_active: false,
            ..person(stand.people[1])
        })
        .unwrap();
    assert!(
        stand
            .store
            .enrol(&stand.enrolment(2, 1), &seal)
            .unwrap()
            .is_none(),
        "retired"
    );
}

pub(crate) fn the_directory_grows_a_version_with_each_change_and_has_no_circles<O: Open>() {
    let stand = Stand::<O>::new();
    let before = stand.store.register().unwrap().directory.version;
    assert!(!stand.store.put_org(&org("east", Some("city")), 1).unwrap());
    assert_eq!(
        stand.store.register().unwrap().directory.version,
        before,
        "nothing changed"
    );
    assert!(
        stand
            .store
            .put_org(
                &Org {
                    name: "新名".into(),
                    ..org("east", Some("city"))
                },
                1
            )
            .unwrap()
    );
    let register = stand.store.register().unwrap();
    assert_eq!(register.directory.version, before + 1);
    assert!(
        register
            .tree
            .is_at_or_below(&"east".parse().unwrap(), &"city".parse().unwrap())
    );
    assert!(matches!(
        stand.store.put_org(&org("city", Some("east")), 1),
        Err(StoreError::Contradiction(_))
    ));
    assert!(matches!(
        stand.store.put_org(&org("x", Some("nowhere")), 1),
        Err(StoreError::Missing(_))
    ));
    let lost = Person {
        org: "nowhere".parse().unwrap(),
        ..person(PersonId(Uuid::from_u128(50)))
    };
    assert!(matches!(
        stand.store.put_person(&lost),
        Err(StoreError::Missing(_))
    ));
}

pub(crate) fn where_an_organisation_lay_is_kept_and_its_code_is_its_own_for_ever<O: Open>() {
    let stand = Stand::<O>::new();
    let school = |parent| Org {
        kind: OrgKind::Institution,
        ..org("school", Some(parent))
    };
    let put = |org: &Org, now_ms| stand.store.put_org(org, now_ms).unwrap();
    put(&org("west", Some("city")), 1);
    put(&school("east"), 1);
    assert!(put(&school("west"), 500));
    assert!(!put(&school("west"), 600));
    // The clock was set back.
    assert!(put(&school("city"), 400));
    let former = |parent: &str, from_ms, until_ms| FormerParent {
        org: "school".parse().unwrap(),
        parent: Some(parent.parse().unwrap()),
        from_ms,
        until_ms,
    };
    let register = stand.store.register().unwrap();
    assert_eq!(
        register.directory.former,
        [former("east", 0, 500), former("west", 500, 501)]
    );
    let pair = |bureau: &str| {
        let spans = register
            .tree
            .pair(&bureau.parse().unwrap(), &"school".parse().unwrap());
        spans.iter().any(|span| span.is_open())
    };
    assert!(pair("city") && !pair("east") && !pair("west"));
    let bureau = Org {
        kind: OrgKind::County,
        ..school("city")
    };
    assert!(matches!(
        stand.store.put_org(&bureau, 700),
        Err(StoreError::Contradiction(_))
    ));
    let mut above = "city".to_owned();
    let deep: Vec<bool> = (0..20)
        .map(|n| {
            let code = format!("deep-{n}");
            let is_put = stand.store.put_org(&org(&code, Some(&above)), 1).is_ok();
            above = code;
            is_put
        })
        .collect();
    assert!(deep[0] && !deep[19], "no tree is deeper than can be walked");
}

pub(crate) fn evidence_belongs_to_whose_accepted_entries_name_it<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let attached = |blob| Event::Attached {
        place: "record".into(),
        evidence: Evidence {
            blob: BlobHash([blob; 32]),
            size: 5,
            name: "a.jpg".into(),
            mime: "image/jpeg".into(),
            source: "file".into(),
            taken_at_ms: None,
            position_e7: None,
            camera: None,
            derived_from: None,
        },
    };
    let entries = [
        log.write("own/east", 1, attached(1)),
        log.write("own/east", 1, attached(2)),
    ];
    stand.judged(&entries, &|candidate, _| {
        if candidate.entry.seq == 2 {
            Err("event")
        } else {
            Ok(())
        }
    });
    let uses = stand.store.blob_uses(BlobHash([1; 32])).unwrap();
    assert_eq!(uses, [("own/east".parse().unwrap(), stand.people[0])]);
    assert!(
        stand.store.blob_uses(BlobHash([2; 32])).unwrap().is_empty(),
        "only a refused entry names it"
    );
    assert!(stand.store.blobs().unwrap().is_empty());
    stand.store.note_blob(BlobHash([1; 32]), 5, 7).unwrap();
    assert_eq!(stand.store.blobs().unwrap(), [(BlobHash([1; 32]), 5)]);
}

pub(crate) fn no_document_number_is_lent_twice<O: Open>() {
    let stand = Stand::<O>::new();
    let (first, second) = (stand.device(1, 0), stand.device(2, 1));
    let request = |n: u128, word: &str, year| NumbersRequest {
        request: Uuid::from_u128(n),
        org: "east".parse().unwrap(),
        word: word.into(),
        year,
    };
    let lend = |device: &Log, request: &NumbersRequest| {
        stand.store.lend_numbers(device.device, request, 50, 1)
    };
    let a = lend(&first, &request(1, "应急检记", 2022)).unwrap();
    let b = lend(&second, &request(2, "应急检记", 2022)).unwrap();
    assert_eq!(((a.from, a.to), (b.from, b.to)), ((1, 50), (51, 100)));
    assert_eq!(
        lend(&first, &request(1, "应急检记", 2022)).unwrap(),
        a,
        "the answer was lost"
    );
    assert!(
        lend(&second, &request(1, "应急检记", 2022)).is_err(),
        "somebody else's request"
    );
    assert_eq!(lend(&first, &request(3, "应急检记", 2023)).unwrap().from, 1);
    assert_eq!(lend(&first, &request(4, "责改", 2022)).unwrap().from, 1);
}

pub(crate) fn a_device_gets_the_next_numbers_when_it_has_used_the_last_and_not_before<O: Open>() {
    const WORD: &str = "应急检记";
    let stand = Stand::<O>::new();
    let (mut device, colleague) = (stand.device(1, 0), stand.device(2, 1));
    let lend_to = |device: DeviceId, n: u128, now_ms: u64| {
        let request = NumbersRequest {
            request: Uuid::from_u128(n),
            org: "east".parse().unwrap(),
            word: WORD.into(),
            year: 2022,
        };
        stand.store.lend_numbers(device, &request, 50, now_ms)
    };
    let me = device.device;
    // What is written here is received at 1,000 ms and its sequence number.
    let first = lend_to(me, 1, 1_000).unwrap();
    for n in 2..60 {
        let more = lend_to(me, n, 1_000);
        assert!(matches!(more, Err(StoreError::NumbersLeft)), "{more:?}");
    }
    assert_eq!(lend_to(me, 1, 1_000).unwrap(), first, "the answer was lost");
    let other = lend_to(colleague.device, 100, 1_000).unwrap();
    assert_eq!(other.from, first.to + 1, "no hole for the colleague");

    // Much work of other kinds, and one record that gets a number again and again.
    let number = |n: u32| Event::Set {
        field: "number".into(),
        value: format!("（苏连）{WORD}〔2022〕{n}号").into(),
        replaces: vec![],
    };
    held(stand.append(&device.sets(40)));
    let again: Vec<_> = (0..40)
        .map(|n| device.write("own/east", 7, number(n)))
        .collect();
    held(stand.append(&again));
    assert!(lend_to(me, 200, 1_081).is_err());
    // As many as a device has given that asks for more.
    let used: Vec<_> = (0..31)
        .map(|n| device.write("own/east", 1_000 + u128::from(n), number(n)))
        .collect();
    held(stand.append(&used));
    let next = lend_to(me, 200, 1_112).unwrap();
    assert_eq!(next.from, other.to + 1);
    assert!(lend_to(me, 201, 1_113).is_err(), "once");
    // Its blocks were lost with its database.
    let later_ms = 8 * 86_400_000;
    lend_to(me, 300, later_ms).unwrap();
    assert!(lend_to(me, 301, later_ms).is_err());
}

pub(crate) fn a_copy_for_a_backup_is_whole_and_bears_another_epoch<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    held(stand.append(&log.sets(5)));
    let copied = tempfile::tempdir().unwrap();
    let path = copied.path().join("server.db");
    stand.store.backup_to(&path, Uuid::from_u128(2)).unwrap();
    assert!(
        stand.store.backup_to(&path, Uuid::from_u128(3)).is_err(),
        "nothing is written over"
    );
    held(stand.append(&log.sets(1)));
    let copy = O::open(copied.path());
    assert_eq!(copy.device(log.device).unwrap().unwrap().head.seq, 5);
    assert_eq!(copy.info().unwrap().unwrap().epoch, Uuid::from_u128(2));
    assert!(copy.begin_life(Uuid::from_u128(4), 900).unwrap());
    assert!(!copy.begin_life(Uuid::from_u128(5), 900).unwrap());
    assert_eq!(
        copy.info().unwrap().unwrap().epoch,
        Uuid::from_u128(4),
        "each time that a copy is put back is another life"
    );
    assert!(!stand.store.begin_life(Uuid::from_u128(6), 900).unwrap());
    assert_eq!(
        stand.store.info().unwrap().unwrap().epoch,
        Uuid::from_u128(1)
    );
}

pub(crate) fn a_copy_for_a_backup_lends_no_number_that_was_lent_after_it<O: Open>() {
    let stand = Stand::<O>::new();
    let device = stand.device(1, 0);
    let request = |n: u128| NumbersRequest {
        request: Uuid::from_u128(n),
        org: "east".parse().unwrap(),
        word: "应急检记".into(),
        year: 2022,
    };
    let lend = |store: &dyn Store, n: u128| {
        // A month between them.
        store
            .lend_numbers(device.device, &request(n), 50, n as u64 * 30 * 86_400_000)
            .unwrap()
    };
    let before = lend(&stand.store, 1);
    let copied = tempfile::tempdir().unwrap();
    let path = copied.path().join("server.db");
    stand.store.backup_to(&path, Uuid::from_u128(2)).unwrap();
    let after = lend(&stand.store, 2);
    let copy = O::open(copied.path());
    assert!(lend(&copy, 3).from > after.to);
    assert_eq!(lend(&copy, 1), before, "what it knows it answers the same");
}

pub(crate) fn a_challenge_is_used_once_and_forgotten_when_nobody_would_take_it<O: Open>() {
    let stand = Stand::<O>::new();
    let used = |challenge: u8, now_ms, until_ms| {
        stand
            .store
            .use_challenge(&[challenge; 16], now_ms, until_ms)
            .unwrap()
    };
    assert!(used(1, 100, 200));
    assert!(!used(1, 150, 250), "that is a replay");
    assert!(used(2, 150, 250));
    assert!(!used(2, 249, 300));
    assert!(used(1, 300, 400), "it was forgotten");
}

pub(crate) fn a_restored_store_begins_another_life_and_lends_no_number_that_may_be_lent_already<
    O: Open,
>() {
    let stand = Stand::<O>::new();
    let device = stand.device(1, 0);
    let lend = |n: u128| {
        let request = NumbersRequest {
            request: Uuid::from_u128(n),
            org: "east".parse().unwrap(),
            word: "应急检记".into(),
            year: 2022,
        };
        stand
            .store
            .lend_numbers(device.device, &request, 50, n as u64 * 30 * 86_400_000)
            .unwrap()
    };
    let before = lend(1);
    let old = stand.store.info().unwrap().unwrap().epoch;
    let new = Uuid::from_u128(7);
    assert!(
        !stand.store.begin_life(new, 900).unwrap(),
        "nothing was restored"
    );
    assert_eq!(stand.store.info().unwrap().unwrap().epoch, old);
    stand.store.mark_restored().unwrap();
    assert!(stand.store.begin_life(new, 900).unwrap());
    let restored = stand.store.info().unwrap().unwrap();
    assert_eq!((restored.epoch, restored.life), (new, 2));
    assert!(!stand.store.begin_life(old, 900).unwrap(), "only once");
    assert!(lend(2).from > before.to + 500);
    assert_eq!(lend(1), before, "what it knows it answers the same");
}

pub(crate) fn a_directory_is_given_out_as_what_changed_since_a_mark_in_parts<O: Open>() {
    let stand = Stand::<O>::new();
    stand.store.put_org(&org("west", Some("city")), 1).unwrap();
    let city = Actor {
        person: stand.people[0],
        org: "city".parse().unwrap(),
        role: Role::Supervisor,
    };
    let east = Actor {
        org: "east".parse().unwrap(),
        ..city.clone()
    };
    let life = Uuid::from_u128(1);
    let part = |actor: &Actor, since: Option<&str>, room| {
        let register = stand.store.register().unwrap();
        register.part(life, actor, since, room)
    };
    let all = part(&city, None, usize::MAX);
    let whole = all.whole.clone().unwrap();
    let held: BTreeMap<_, _> = all.rows.iter().map(named).collect();

    // In parts of one row each it is the same.
    let (mut mark, mut rows, mut parts) = (None, Vec::new(), 0);
    loop {
        let one = part(&city, mark.as_deref(), 1);
        assert_eq!(one.after, mark);
        rows.extend(one.rows);
        parts += 1;
        mark = Some(one.mark);
        if let Some(last) = one.whole {
            assert_eq!(last, whole);
            break;
        }
    }
    assert!(parts >= all.rows.len(), "{parts}");
    assert_eq!(rows.iter().map(named).collect::<BTreeMap<_, _>>(), held);

    let nothing = part(&city, mark.as_deref(), usize::MAX);
    assert_eq!(
        (nothing.rows.len(), nothing.whole),
        (0, Some(whole.clone()))
    );

    // One change is one row, and the hash is that of all rows.
    let new = Org {
        name: "新名".into(),
        ..org("east", Some("city"))
    };
    stand.store.put_org(&new, 2).unwrap();
    let change = part(&city, mark.as_deref(), usize::MAX);
    assert_eq!(change.rows.iter().map(named).collect::<Vec<_>>().len(), 1);
    assert_eq!(change.rows[0].id, "east");
    let mut now = held.clone();
    now.extend(change.rows.iter().map(named));
    assert_eq!(change.whole.unwrap().hash, hash(&now));
    let device = stand.device(77, 0);
    stand.store.revoke(device.device, 5).unwrap();
    let change = part(&city, Some(&change.mark), usize::MAX);
    assert_eq!(change.rows.len(), 1, "added and revoked: {change:?}");
    now.extend(change.rows.iter().map(named));
    assert_eq!(change.whole.unwrap().hash, hash(&now));

    // Whoever goes to another bureau leaves the former one with their devices; for the city nobody left.
    let mark = change.mark;
    let of_east = part(&east, None, usize::MAX);
    let mut rows: BTreeMap<_, _> = of_east.rows.iter().map(named).collect();
    let moved = Person {
        org: "west".parse().unwrap(),
        ..person(stand.people[0])
    };
    stand.store.put_person(&moved).unwrap();
    let change = part(&east, Some(&of_east.mark), usize::MAX);
    let gone: Vec<_> = change
        .rows
        .iter()
        .filter(|row| row.value.is_none())
        .collect();
    assert_eq!(gone.len(), 2, "the person and their device: {change:?}");
    for row in gone {
        rows.remove(&(row.kind.clone(), row.id.clone())).unwrap();
    }
    assert_eq!(change.rows.len(), 2);
    assert_eq!(change.whole.unwrap().hash, hash(&rows));
    let change = part(&city, Some(&mark), usize::MAX);
    now.extend(change.rows.iter().map(named));
    assert_eq!(change.whole.unwrap().hash, hash(&now));

    // Another life, another scope, or a mark that was never given: from the beginning.
    let mark = Some(change.mark.as_str());
    let register = stand.store.register().unwrap();
    assert_eq!(
        register
            .part(Uuid::from_u128(2), &city, mark, usize::MAX)
            .after,
        None
    );
    assert_eq!(part(&east, mark, usize::MAX).after, None);
    assert_eq!(
        part(&city, Some("nothing.of.the.kind"), usize::MAX).after,
        None
    );
}

fn named(row: &RowChange) -> ((String, String), serde_json::Value) {
    (
        (row.kind.clone(), row.id.clone()),
        row.value.clone().unwrap(),
    )
}

fn hash(rows: &BTreeMap<(String, String), serde_json::Value>) -> shicha_domain::Digest {
    hash_of(
        rows.iter()
            .map(|((kind, id), value)| row_hash(kind, id, value))
            .collect(),
    )
}
