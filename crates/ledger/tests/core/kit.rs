//! A city with ledgers to try things with.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};
use shicha_domain::suite::SigningKey;
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, PersonId, Receipt, RecordId, RecordKind,
    directory::{Directory, Role},
    entry::Entry,
};
use shicha_ledger::{DatabaseKey, Draft, Identity, Incoming, KeyStore, Ledger, OpenReport};
use uuid::Uuid;

pub(crate) const NOW: u64 = 1_650_000_000_000;
pub(crate) const PASSPHRASE: &str = "a passphrase for tests";

pub(crate) fn server() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

pub(crate) fn person() -> PersonId {
    PersonId(Uuid::from_u128(77))
}

pub(crate) fn device(n: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(n))
}

pub(crate) fn channel() -> Channel {
    "own/320703".parse().unwrap()
}

pub(crate) fn record(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(n))
}

pub(crate) fn identity(n: u128) -> Identity {
    Identity {
        device: device(n),
        signing_key: SigningKey::from_bytes(&[n as u8; 32]),
        person: person(),
        person_name: "张三".into(),
        org: "320703".parse().unwrap(),
        role: Role::Inspector,
        server_url: "http://localhost/".into(),
        server_key: server().public_key(),
        server_name: "试验".into(),
        is_sample: true,
    }
}

/// A new enrolled ledger. The key is made once for each folder.
pub(crate) fn ledger(dir: &Path, n: u128) -> Ledger {
    let (ledger, report) = open(dir);
    assert!(report.is_new);
    let receipt = Receipt::whole(device(n), 0, EntryId::NONE, NOW - 1_000).signed(&server());
    ledger
        .enrol(&identity(n), &receipt, &Directory::default().to_part("1"))
        .unwrap();
    ledger
}

pub(crate) fn key(dir: &Path) -> DatabaseKey {
    let store = KeyStore::new(dir);
    match store.unlock_with_passphrase(PASSPHRASE) {
        Ok(key) => key,
        Err(_) => store.create_with_passphrase(PASSPHRASE).unwrap(),
    }
}

pub(crate) fn open(dir: &Path) -> (Ledger, OpenReport) {
    Ledger::open(dir, &key(dir), NOW).unwrap()
}

pub(crate) fn opened(record: RecordId, name: &str) -> Draft {
    Draft {
        channel: channel(),
        record,
        event: Event::Opened {
            kind: RecordKind::Subject,
            fields: BTreeMap::from([
                ("name".to_owned(), json!(name)),
                ("subject_kind".to_owned(), json!("enterprise")),
            ]),
        },
    }
}

pub(crate) fn set(record: RecordId, field: &str, value: Value, replaces: Vec<EntryId>) -> Draft {
    Draft {
        channel: channel(),
        record,
        event: Event::Set {
            field: field.into(),
            value,
            replaces,
        },
    }
}

/// Sets a field over whatever stands there.
pub(crate) fn write(ledger: &Ledger, record: RecordId, field: &str, value: Value) -> EntryId {
    let heads = ledger.record(record).unwrap().unwrap().heads_of(field);
    let appended = ledger
        .append(person(), vec![set(record, field, value, heads)], NOW)
        .unwrap();
    appended[0].entry
}

/// Everything that a ledger has not delivered, as a server would hand it on to others.
pub(crate) fn as_pulled(from: &Ledger, cursor: u64) -> Incoming {
    let entries = from.outbox(usize::MAX, usize::MAX).unwrap();
    pulled(entries, cursor)
}

pub(crate) fn pulled(entries: Vec<(EntryId, Entry)>, cursor: u64) -> Incoming {
    let (id, last) = entries.last().unwrap();
    let receipt = Receipt::whole(last.device, last.seq, *id, NOW + 5_000).signed(&server());
    let count = entries.len();
    let entries: Vec<(u64, EntryId, Entry)> = entries
        .into_iter()
        .zip(cursor + 1..)
        .map(|((id, entry), number)| (number, id, entry))
        .collect();
    Incoming {
        channel: channel(),
        upto: cursor + count as u64,
        entries,
        receipts: vec![receipt],
        covered_by: vec![0; count],
        seen_upto: 0,
    }
}

/// Gives a ledger the receipt for all that it has, with numbers from `cursor + 1` on.
pub(crate) fn receive(ledger: &Ledger, cursor: u64) {
    let entries = ledger.outbox(usize::MAX, usize::MAX).unwrap();
    let (id, last) = entries.last().unwrap();
    let receipt = Receipt::whole(last.device, last.seq, *id, NOW + 5_000).signed(&server());
    let numbers: Vec<(u64, u64)> = entries
        .iter()
        .map(|(_, entry)| entry.seq)
        .zip(cursor + 1..)
        .collect();
    ledger.accept_receipt(&receipt, &numbers, &[]).unwrap();
}
