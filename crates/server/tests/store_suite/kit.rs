//! A store with a city and people in it, and devices whose entries follow each other.

use std::{path::Path, sync::Arc};

use shicha_domain::suite::{PublicKey, SignatureBytes, SigningKey};
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Event, Hlc, PersonId, Receipt, ReceiptId, RecordId,
    directory::{Org, OrgKind, Person, Role},
};
use shicha_server::store::{
    Appended, Brought, Candidate, Enrolment, Holding, Known, MIGRATIONS, Migration, PullQuery,
    Pulled, Pushed, SqliteStore, Store, StoreError,
};
use shicha_sync::protocol::{
    Batch, BatchWriter,
    messages::Head,
    wire::{self, Held, HeldChannels},
};
use uuid::Uuid;

pub(crate) trait Open {
    type Store: Store;
    /// Opens the store of this folder; the same one for the same folder.
    fn open(dir: &Path) -> Self::Store {
        Self::open_as(dir, MIGRATIONS).unwrap()
    }
    /// The same as a program that knows these formats.
    fn open_as(dir: &Path, migrations: &[Migration]) -> Result<Self::Store, StoreError>;
}

pub(crate) struct Sqlite;
#[cfg(unix)]
pub(crate) struct Postgres;

/// Says whether an entry is taken.
pub(crate) type Judge<'a> = dyn Fn(&Candidate, &Known<'_>) -> Result<(), &'static str> + 'a;

impl Open for Sqlite {
    type Store = SqliteStore;
    fn open_as(dir: &Path, migrations: &[Migration]) -> Result<SqliteStore, StoreError> {
        SqliteStore::open_as(&dir.join("server.db"), migrations)
    }
}

#[cfg(unix)]
impl Open for Postgres {
    type Store = shicha_server::store::PostgresStore;
    fn open_as(dir: &Path, migrations: &[Migration]) -> Result<Self::Store, StoreError> {
        let place = dir.join("database");
        if !place.exists() {
            std::fs::write(&place, crate::postgres_server::database()).unwrap();
        }
        Self::Store::open_as(&std::fs::read_to_string(place).unwrap(), migrations)
    }
}

/// A store with a city, a county and two people, and entries written by hand.
pub(crate) struct Stand<O: Open> {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) store: O::Store,
    pub(crate) key: SigningKey,
    pub(crate) people: [PersonId; 2],
}

pub(crate) fn org(code: &str, parent: Option<&str>) -> Org {
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
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = O::open(dir.path());
        store.set_info("中心端", true, Uuid::from_u128(1)).unwrap();
        store.put_org(&org("city", None), 1).unwrap();
        store.put_org(&org("east", Some("city")), 1).unwrap();
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

    pub(crate) fn seal(&self, receipt: Receipt) -> Receipt {
        receipt.signed(&self.key)
    }

    pub(crate) fn enrolment(&self, n: u8, now_ms: u64) -> Enrolment {
        let device = DeviceId(Uuid::from_u128(u128::from(n)));
        Enrolment {
            code: [n; 32],
            device,
            public_key: PublicKey::first(&[n; 32]),
            label: "电脑".to_owned(),
            now_ms,
        }
    }

    /// Enrols a device of one of the two people.
    pub(crate) fn device(&self, n: u8, person: usize) -> Log {
        self.store
            .add_code(&[n; 32], self.people[person], 0, 10_000)
            .unwrap();
        let (state, receipt) = self
            .store
            .enrol(&self.enrolment(n, 1), &|receipt| self.seal(receipt))
            .unwrap()
            .unwrap();
        assert_eq!((receipt.seq, receipt.head), (0, EntryId::NONE));
        Log {
            device: state.device.id,
            author: self.people[person],
            head: Head::EMPTY,
            after: None,
        }
    }

    pub(crate) fn append(&self, entries: &[Candidate]) -> Appended {
        self.judged(entries, &|_, _| Ok(()))
    }

    pub(crate) fn judged(&self, entries: &[Candidate], judge: &Judge<'_>) -> Appended {
        self.store.append(&self.push(entries), judge).unwrap()
    }

    pub(crate) fn push(&self, entries: &[Candidate]) -> Pushed {
        self.push_at(entries, 1_000)
    }

    /// A push in a session of the device, by this clock of the endpoint.
    pub(crate) fn push_at(&self, entries: &[Candidate], now_ms: u64) -> Pushed {
        let key = self.key.clone();
        Pushed {
            entries: entries.to_vec(),
            signature: SignatureBytes::first(&[9; 64]),
            seal: Box::new(move |receipt| receipt.signed(&key)),
            now: Arc::new(move || now_ms),
            is_in_session: true,
            is_by_itself: true,
            end: None,
            brought: Brought::default(),
        }
    }

    /// Takes entries in by this clock, and gives their receipts.
    pub(crate) fn receive_at(&self, entries: &[Candidate], now_ms: u64) -> Vec<Receipt> {
        let push = self.push_at(entries, now_ms);
        held(self.store.append(&push, &|_, _| Ok(())).unwrap()).receipts
    }

    pub(crate) fn pull(
        &self,
        person: usize,
        cursors: &[(&str, u64)],
        max_entries: usize,
    ) -> (Pulled, Batch) {
        let held = cursors
            .iter()
            .map(|(c, n)| (c.parse().unwrap(), Held::upto(*n)))
            .collect();
        self.pull_beyond(person, &held, None, max_entries)
    }

    pub(crate) fn pull_beyond(
        &self,
        person: usize,
        held: &HeldChannels,
        only: Option<&[Channel]>,
        max_entries: usize,
    ) -> (Pulled, Batch) {
        let mut batch = BatchWriter::new();
        let query = PullQuery {
            person: self.people[person],
            may_read: &|channel| channel.to_string() != "own/secret",
            only,
            held,
            max_entries,
            max_event_bytes: 1 << 20,
        };
        let pulled = self.store.pull(&query, &mut batch).unwrap();
        let body = wire::write_pull(&pulled.channels, pulled.more, batch).unwrap();
        (pulled, wire::read_pull(&body).unwrap().batch)
    }
}

pub(crate) fn person(id: PersonId) -> Person {
    Person {
        id,
        name: "某".to_owned(),
        org: "east".parse().unwrap(),
        role: Role::Inspector,
        certificate: None,
        is_active: true,
    }
}

pub(crate) fn held(appended: Appended) -> Holding {
    match appended {
        Appended::Held(held) => held,
        other => panic!("not held: {other:?}"),
    }
}

/// A device's ledger, written by hand.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) device: DeviceId,
    pub(crate) author: PersonId,
    pub(crate) head: Head,
    /// The receipt that the next entries name.
    pub(crate) after: Option<ReceiptId>,
}

impl Log {
    pub(crate) fn write(&mut self, channel: &str, record: u128, event: Event) -> Candidate {
        let entry = Entry {
            device: self.device,
            seq: self.head.seq + 1,
            prev: self.head.id,
            after: self.after,
            at: Hlc::from_ms(5),
            author: self.author,
            channel: channel.parse().unwrap(),
            record: RecordId(Uuid::from_u128(record)),
            event: event.to_bytes().unwrap(),
            again: None,
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

    pub(crate) fn set(&mut self, channel: &str, record: u128, value: &str) -> Candidate {
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

    pub(crate) fn sets(&mut self, count: usize) -> Vec<Candidate> {
        (0..count)
            .map(|n| self.set("own/east", 1, &n.to_string()))
            .collect()
    }
}
