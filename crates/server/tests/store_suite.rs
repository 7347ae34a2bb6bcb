//! What every store promises, held against each implementation. A new implementation adds one line at the end.
#![allow(clippy::unwrap_used)]

use std::{collections::HashMap, path::Path};

use ed25519_dalek::SigningKey;
use shicha_domain::{
    BlobHash, Channel, DeviceId, Entry, EntryId, Event, Evidence, Hlc, PersonId, Receipt, RecordId,
    RecordKind,
    directory::{Org, OrgKind, Person, Role},
};
use shicha_server::store::{
    Appended, Candidate, Enrolment, Holding, Placed, PullQuery, Pulled, SqliteStore, Store,
    StoreError,
};
use shicha_sync::protocol::{
    Batch, BatchWriter,
    messages::{Head, NumberRun, NumbersRequest},
    wire,
};
use uuid::Uuid;

trait Open {
    type Store: Store;
    fn open(dir: &Path) -> Self::Store;
}

struct Sqlite;

/// Says whether an entry is taken.
type Judge<'a> = dyn Fn(&Candidate, Option<&Placed>) -> Result<(), &'static str> + 'a;

impl Open for Sqlite {
    type Store = SqliteStore;
    fn open(dir: &Path) -> SqliteStore {
        SqliteStore::open(&dir.join("server.db")).unwrap()
    }
}

/// A store with a city, a county and two people, and entries written by hand.
struct Stand<O: Open> {
    dir: tempfile::TempDir,
    store: O::Store,
    key: SigningKey,
    people: [PersonId; 2],
}

fn org(code: &str, parent: Option<&str>) -> Org {
    Org {
        code: code.parse().unwrap(),
        name: code.to_owned(),
        short_name: String::new(),
        parent: parent.map(|parent| parent.parse().unwrap()),
        kind: OrgKind::County,
        region: None,
    }
}

impl<O: Open> Stand<O> {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = O::open(dir.path());
        store.set_info("中心端", true, Uuid::from_u128(1)).unwrap();
        store.put_org(&org("city", None)).unwrap();
        store.put_org(&org("east", Some("city"))).unwrap();
        let people = [PersonId(Uuid::from_u128(11)), PersonId(Uuid::from_u128(12))];
        for id in people {
            store.put_person(&person(id)).unwrap();
        }
        Self {
            dir,
            store,
            key: SigningKey::from_bytes(&[1; 32]),
            people,
        }
    }

    fn seal(&self, device: DeviceId, seq: u64, head: EntryId) -> Receipt {
        Receipt::sign(&self.key, device, seq, head, 1_000 + seq)
    }

    fn enrolment(&self, n: u8, now_ms: u64) -> Enrolment {
        let device = DeviceId(Uuid::from_u128(u128::from(n)));
        Enrolment {
            code: [n; 32],
            device,
            public_key: [n; 32],
            label: "电脑".to_owned(),
            now_ms,
        }
    }

    /// Enrols a device of one of the two people.
    fn device(&self, n: u8, person: usize) -> Log {
        self.store
            .add_code(&[n; 32], self.people[person], 0, 10_000)
            .unwrap();
        let (state, receipt) = self
            .store
            .enrol(&self.enrolment(n, 1), &|d, s, h| self.seal(d, s, h))
            .unwrap()
            .unwrap();
        assert_eq!((receipt.seq, receipt.head), (0, EntryId::NONE));
        Log {
            device: state.device.id,
            author: self.people[person],
            head: Head::EMPTY,
        }
    }

    fn append(&self, entries: &[Candidate]) -> Appended {
        self.judged(entries, &|_, _| Ok(()))
    }

    fn judged(&self, entries: &[Candidate], judge: &Judge<'_>) -> Appended {
        self.store
            .append(
                entries[0].entry.device,
                entries,
                &[9; 64],
                judge,
                &|d, s, h| self.seal(d, s, h),
            )
            .unwrap()
    }

    fn pull(&self, person: usize, cursors: &[(&str, u64)], max_entries: usize) -> (Pulled, Batch) {
        let cursors: HashMap<Channel, u64> = cursors
            .iter()
            .map(|(c, n)| (c.parse().unwrap(), *n))
            .collect();
        let mut batch = BatchWriter::new();
        let query = PullQuery {
            person: self.people[person],
            may_read: &|channel| channel.to_string() != "own/secret",
            cursors: &cursors,
            max_entries,
            max_event_bytes: 1 << 20,
        };
        let pulled = self.store.pull(&query, &mut batch).unwrap();
        let body = wire::write_pull(&pulled.channels, pulled.more, batch).unwrap();
        (pulled, wire::read_pull(&body).unwrap().batch)
    }
}

fn person(id: PersonId) -> Person {
    Person {
        id,
        name: "某".to_owned(),
        org: "east".parse().unwrap(),
        role: Role::Inspector,
        certificate: None,
        is_active: true,
    }
}

fn held(appended: Appended) -> Holding {
    match appended {
        Appended::Held(held) => held,
        other => panic!("not held: {other:?}"),
    }
}

/// A device's ledger, written by hand.
#[derive(Clone)]
struct Log {
    device: DeviceId,
    author: PersonId,
    head: Head,
}

impl Log {
    fn write(&mut self, channel: &str, record: u128, event: Event) -> Candidate {
        let entry = Entry {
            device: self.device,
            seq: self.head.seq + 1,
            prev: self.head.id,
            after: None,
            at: Hlc::from_ms(5),
            author: self.author,
            channel: channel.parse().unwrap(),
            record: RecordId(Uuid::from_u128(record)),
            event: event.to_bytes().unwrap(),
        };
        self.head = Head {
            seq: entry.seq,
            id: entry.id(),
        };
        Candidate {
            id: self.head.id,
            event: Some(event),
            entry,
        }
    }

    fn set(&mut self, channel: &str, record: u128, value: &str) -> Candidate {
        self.write(
            channel,
            record,
            Event::Set {
                field: "name".into(),
                value: value.into(),
                replaces: vec![],
            },
        )
    }

    fn sets(&mut self, count: usize) -> Vec<Candidate> {
        (0..count)
            .map(|n| self.set("own/east", 1, &n.to_string()))
            .collect()
    }
}

fn what_was_held_is_still_there_after_opening_again<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let entries = log.sets(5);
    held(stand.append(&entries));
    let Stand { dir, store, .. } = stand;
    drop(store);
    let again = O::open(dir.path());
    assert_eq!(again.device(log.device).unwrap().unwrap().head, log.head);
    let found = again.entries_of(log.device, 1, 100).unwrap();
    assert!(
        found
            .iter()
            .map(|held| &held.entry)
            .eq(entries.iter().map(|candidate| &candidate.entry))
    );
    assert_eq!(found[4].verdict, Ok(5));
    assert_eq!(again.info().unwrap().unwrap().name, "中心端");
}

fn numbers_are_gapless_in_each_channel_and_refused_entries_take_none<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let entries = [
        log.set("own/east", 1, "a"),
        log.set("own/city", 2, "b"),
        log.set("own/east", 1, "refuse me"),
        log.set("own/east", 1, "c"),
        log.set("own/city", 2, "d"),
    ];
    let holding = held(stand.judged(&entries, &|candidate, _| {
        if candidate.entry.seq == 3 {
            Err("event")
        } else {
            Ok(())
        }
    }));
    let run = |seq, number| NumberRun {
        seq,
        number,
        count: 1,
    };
    assert_eq!(
        holding.accepted,
        [run(1, 1), run(2, 1), run(4, 2), run(5, 2)]
    );
    assert_eq!(holding.refused, [(3, "event".to_owned())]);
    assert_eq!(holding.head, log.head, "a refused entry keeps its place");
    let (pulled, batch) = stand.pull(1, &[], 100);
    assert_eq!(batch.rows.len(), 4, "and is given to nobody");
    assert_eq!(pulled.channels.len(), 2);
    for row in &batch.rows {
        assert_eq!(row.id, row.entry.id());
        assert_eq!(batch.receipts[row.covered.unwrap()], holding.receipts[0]);
    }
    let next = log.set("own/east", 1, "e");
    assert_eq!(held(stand.append(&[next])).accepted, [run(6, 3)]);
    for numbers in stand.store.channels().unwrap() {
        assert_eq!(
            (numbers.last, numbers.count),
            (numbers.highest, numbers.highest),
            "{numbers:?}"
        );
    }
}

fn appending_again_changes_nothing_and_answers_the_same<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let entries = log.sets(10);
    let first = held(stand.append(&entries[..4]));
    let second = held(stand.append(&entries[4..8]));
    // The answers were lost: the device sends all again, cut otherwise.
    let again = held(stand.append(&entries[..6]));
    assert_eq!(
        again.receipts,
        [first.receipts[0].clone(), second.receipts[0].clone()]
    );
    assert_eq!(
        again.accepted,
        [NumberRun {
            seq: 1,
            number: 1,
            count: 8
        }],
        "up to the last receipt"
    );
    assert_eq!((again.new, again.channels.len()), (0, 0));
    assert_eq!(again.head.seq, 8);
    let longer = held(stand.append(&entries[2..]));
    assert_eq!(longer.receipts.len(), 3);
    assert_eq!(longer.new, 2);
    assert_eq!(
        longer.accepted,
        [NumberRun {
            seq: 3,
            number: 3,
            count: 8
        }]
    );
    assert_eq!(stand.pull(1, &[], 100).1.rows.len(), 10);
}

fn another_entry_at_the_same_place_is_a_fork_and_a_missing_one_a_gap<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let common = log.sets(5);
    let mut restored = log.clone();
    held(stand.append(&common));
    held(stand.append(&log.sets(3)));
    let other = [
        restored.set("own/east", 7, "after restoring"),
        restored.set("own/east", 7, "and more"),
    ];
    let fork = stand.append(&[&common[3..], &other[..]].concat());
    let at = Head {
        seq: 5,
        id: common[4].id,
    };
    assert_eq!(
        fork,
        Appended::Fork {
            common: Some(at),
            head: log.head
        }
    );
    let late = stand.append(&other[1..]);
    assert_eq!(
        late,
        Appended::Fork {
            common: None,
            head: log.head
        },
        "parted before what was sent"
    );
    log.sets(1);
    let beyond = log.sets(1);
    assert!(matches!(stand.append(&beyond), Appended::Gap { head } if head.seq == 8));
    assert_eq!(
        stand.store.log(log.device, 1, 100).unwrap().len(),
        8,
        "nothing was changed"
    );
}

fn a_record_stays_in_the_channel_of_its_first_accepted_entry<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    let opened = Event::Opened {
        kind: RecordKind::Subject,
        fields: Default::default(),
    };
    let entries = [
        log.set("own/city", 1, "refused"),
        log.write("own/east", 1, opened),
        log.set("own/city", 1, "moved"),
        log.set("own/east", 1, "at home"),
    ];
    let seen = std::cell::RefCell::new(Vec::new());
    stand.judged(&entries, &|candidate, placed| {
        seen.borrow_mut().push(placed.cloned());
        if candidate.entry.seq == 1
            || placed.is_some_and(|placed| placed.channel != candidate.entry.channel)
        {
            Err("elsewhere")
        } else {
            Ok(())
        }
    });
    let placed = Placed {
        channel: "own/east".parse().unwrap(),
        kind: Some(RecordKind::Subject),
    };
    assert_eq!(
        *seen.borrow(),
        [None, None, Some(placed.clone()), Some(placed)]
    );
}

fn a_reader_goes_on_from_its_cursor_and_misses_nothing<O: Open>() {
    let stand = Stand::<O>::new();
    let (mut first, mut second) = (stand.device(1, 0), stand.device(2, 1));
    for _ in 0..4 {
        held(stand.append(&first.sets(3)));
        held(stand.append(&[
            second.set("own/east", 2, "x"),
            second.set("pub/city", 3, "y"),
        ]));
    }
    held(stand.append(&[second.set("own/secret", 4, "z")]));
    let (mut east, mut city, mut rounds) = (0, 0, 0);
    let mut got = Vec::new();
    loop {
        let (pulled, batch) = stand.pull(0, &[("own/east", east), ("pub/city", city)], 5);
        for row in &batch.rows {
            let cursor = if row.entry.channel.to_string() == "own/east" {
                &mut east
            } else {
                &mut city
            };
            assert_eq!(row.number, *cursor + 1, "gapless from the cursor on");
            *cursor = row.number;
            got.push(row.id);
        }
        rounds += 1;
        if !pulled.more {
            break;
        }
        assert_eq!(
            batch.rows.len(),
            5,
            "no more than asked for, and no fewer while there is more"
        );
    }
    assert_eq!((got.len(), east, city, rounds), (20, 16, 4, 4));
}

fn what_somebody_else_holds_is_told_and_what_one_holds_oneself_is_not<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    held(stand.append(&log.sets(10)));
    let cursors = |n| HashMap::from([("own/east".parse::<Channel>().unwrap(), n)]);
    stand
        .store
        .note_seen(stand.people[0], &cursors(10))
        .unwrap();
    assert_eq!(stand.pull(0, &[], 1).0.channels[0].seen_upto, 0);
    assert!(stand.pull(1, &[("own/east", 7)], 1).0.is_news);
    stand.store.note_seen(stand.people[1], &cursors(7)).unwrap();
    assert_eq!(stand.pull(0, &[], 1).0.channels[0].seen_upto, 7);
    assert_eq!(stand.pull(1, &[], 1).0.channels[0].seen_upto, 10);
    stand
        .store
        .note_seen(stand.people[1], &cursors(99))
        .unwrap();
    assert_eq!(
        stand.pull(0, &[], 1).0.channels[0].seen_upto,
        10,
        "nobody holds what there is not"
    );
    assert!(!stand.pull(1, &[("own/east", 10)], 1).0.is_news);
}

fn a_code_enrols_one_device_once_and_not_after_it_ran_out<O: Open>() {
    let stand = Stand::<O>::new();
    let seal = |d, s, h| stand.seal(d, s, h);
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
        public_key: [5; 32],
        ..again.clone()
    };
    assert!(
        stand.store.enrol(&other, &seal).unwrap().is_none(),
        "used by another key"
    );
    stand.store.note_contact(first.0.device.id, 50).unwrap();
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

fn a_device_goes_on_under_a_new_identity_of_the_same_person<O: Open>() {
    let stand = Stand::<O>::new();
    let old = stand.device(1, 0);
    let seal = |d, s, h| stand.seal(d, s, h);
    let (state, receipt) = stand
        .store
        .add_identity(old.device, &stand.enrolment(2, 5), &seal)
        .unwrap()
        .unwrap();
    assert_eq!(
        (state.person.id, state.head, receipt.seq),
        (stand.people[0], Head::EMPTY, 0)
    );
    let again = Enrolment {
        device: DeviceId(Uuid::from_u128(99)),
        ..stand.enrolment(2, 5)
    };
    assert_eq!(
        stand
            .store
            .add_identity(old.device, &again, &seal)
            .unwrap()
            .unwrap()
            .0
            .device
            .id,
        state.device.id
    );
    let other = stand.device(3, 1);
    assert!(
        stand
            .store
            .add_identity(other.device, &again, &seal)
            .unwrap()
            .is_none(),
        "another person's key"
    );
    assert!(stand.store.revoke(old.device, 9).unwrap());
    assert!(!stand.store.revoke(old.device, 10).unwrap());
    assert!(
        stand
            .store
            .add_identity(old.device, &stand.enrolment(4, 5), &seal)
            .unwrap()
            .is_none(),
        "revoked"
    );
    assert!(matches!(
        stand.store.revoke(DeviceId(Uuid::from_u128(1000)), 1),
        Err(StoreError::Missing(_))
    ));
}

fn the_directory_grows_a_version_with_each_change_and_has_no_circles<O: Open>() {
    let stand = Stand::<O>::new();
    let before = stand.store.register().unwrap().directory.version;
    assert!(!stand.store.put_org(&org("east", Some("city"))).unwrap());
    assert_eq!(
        stand.store.register().unwrap().directory.version,
        before,
        "nothing changed"
    );
    assert!(
        stand
            .store
            .put_org(&Org {
                name: "新名".into(),
                ..org("east", Some("city"))
            })
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
        stand.store.put_org(&org("city", Some("east"))),
        Err(StoreError::Contradiction(_))
    ));
    assert!(matches!(
        stand.store.put_org(&org("x", Some("nowhere"))),
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

fn evidence_belongs_to_whose_accepted_entries_name_it<O: Open>() {
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

fn no_document_number_is_lent_twice<O: Open>() {
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

fn two_threads_that_append_at_once_lose_nothing<O: Open>() {
    let stand = Stand::<O>::new();
    let mut logs: Vec<Log> = (1..=4)
        .map(|n| stand.device(n, usize::from(n % 2)))
        .collect();
    std::thread::scope(|scope| {
        for log in &mut logs {
            let stand = &stand;
            scope.spawn(move || {
                for _ in 0..20 {
                    held(stand.append(&log.sets(5)));
                }
            });
        }
        let mut cursor = 0;
        while cursor < 400 {
            for row in stand.pull(0, &[("own/east", cursor)], 1_000).1.rows {
                assert_eq!(
                    row.number,
                    cursor + 1,
                    "a number appeared before the one below it"
                );
                cursor = row.number;
            }
        }
    });
    assert_eq!(stand.store.channels().unwrap()[0].count, 400);
}

fn a_copy_for_a_backup_is_whole_and_bears_another_epoch<O: Open>() {
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
    assert_eq!(
        stand.store.info().unwrap().unwrap().epoch,
        Uuid::from_u128(1)
    );
}

fn a_copy_for_a_backup_lends_no_number_that_was_lent_after_it<O: Open>() {
    let stand = Stand::<O>::new();
    let device = stand.device(1, 0);
    let request = |n: u128| NumbersRequest {
        request: Uuid::from_u128(n),
        org: "east".parse().unwrap(),
        word: "应急检记".into(),
        year: 2022,
    };
    let lend = |store: &dyn Store, n: u128| {
        store
            .lend_numbers(device.device, &request(n), 50, 1)
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

macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name::<super::Sqlite>();
            })*
        }
    };
}

suite!(
    what_was_held_is_still_there_after_opening_again,
    numbers_are_gapless_in_each_channel_and_refused_entries_take_none,
    appending_again_changes_nothing_and_answers_the_same,
    another_entry_at_the_same_place_is_a_fork_and_a_missing_one_a_gap,
    a_record_stays_in_the_channel_of_its_first_accepted_entry,
    a_reader_goes_on_from_its_cursor_and_misses_nothing,
    what_somebody_else_holds_is_told_and_what_one_holds_oneself_is_not,
    a_code_enrols_one_device_once_and_not_after_it_ran_out,
    a_device_goes_on_under_a_new_identity_of_the_same_person,
    the_directory_grows_a_version_with_each_change_and_has_no_circles,
    evidence_belongs_to_whose_accepted_entries_name_it,
    no_document_number_is_lent_twice,
    two_threads_that_append_at_once_lose_nothing,
    a_copy_for_a_backup_is_whole_and_bears_another_epoch,
    a_copy_for_a_backup_lends_no_number_that_was_lent_after_it,
);

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(Sqlite::open(dir.path()));
    let path = dir.path().join("server.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(
        SqliteStore::open(&path),
        Err(StoreError::Newer { found: 99, .. })
    ));
}
