//! Ledgers and records to look at views with.
#![allow(dead_code)]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use serde_json::{Value, json};
use shicha_domain::suite::SigningKey;
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, PersonId, Receipt, RecordId, RecordKind, RecordState,
    directory::{Directory, Role},
    entry::Entry,
    event::{SignMethod, Signature, SignerRole},
};
use shicha_ledger::{
    DatabaseKey, Draft, Identity, Incoming, InspectionFilter, InspectionSort, KeyStore, Ledger,
};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const NOW: u64 = 1_650_000_000_000;
pub(crate) const DAY: u64 = 86_400_000;

/// One key for all: making one is slow on purpose.
static KEY: LazyLock<DatabaseKey> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    KeyStore::new(dir.path())
        .create_with_passphrase("a passphrase for tests")
        .unwrap()
});

pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) ledger: Ledger,
}

/// A new ledger, not enrolled.
pub(crate) fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    Place { dir, ledger }
}

pub(crate) fn open(dir: &Path) -> Ledger {
    Ledger::open(dir, &KEY, NOW).unwrap().0
}

/// A new ledger of device `n`, at which person `n` works.
pub(crate) fn device(n: u128) -> Place {
    let place = place();
    let server = SigningKey::from_bytes(&[9; 32]);
    let id = DeviceId(Uuid::from_u128(n));
    let identity = Identity {
        device: id,
        signing_key: SigningKey::from_bytes(&[n as u8; 32]),
        person: person(n),
        person_name: format!("检查员{n}"),
        org: "320703".parse().unwrap(),
        role: Role::Inspector,
        server_url: "http://localhost/".into(),
        server_key: server.public_key(),
        server_name: "试验".into(),
        is_sample: true,
    };
    let receipt = Receipt::whole(id, 0, EntryId::NONE, NOW - 1_000).signed(&server);
    place
        .ledger
        .enrol(&identity, &receipt, &Directory::default().to_part("1"))
        .unwrap();
    place
}

pub(crate) fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(1_000 + n))
}

pub(crate) fn record(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(n))
}

pub(crate) fn channel(org: &str) -> Channel {
    format!("own/{org}").parse().unwrap()
}

/// Opens a record.
pub(crate) fn opened(org: &str, kind: RecordKind, record: RecordId, fields: Value) -> Draft {
    let fields: BTreeMap<String, Value> = serde_json::from_value(fields).unwrap();
    Draft {
        channel: channel(org),
        record,
        event: Event::Opened { kind, fields },
    }
}

pub(crate) fn event(org: &str, record: RecordId, event: Event) -> Draft {
    Draft {
        channel: channel(org),
        record,
        event,
    }
}

impl Place {
    pub(crate) fn append(&self, drafts: Vec<Draft>, now_ms: u64) -> Vec<EntryId> {
        let appended = self.ledger.append(person(1), drafts, now_ms).unwrap();
        appended.into_iter().map(|one| one.entry).collect()
    }

    pub(crate) fn subject(&self, n: u128, fields: Value) -> RecordId {
        self.append(
            vec![opened("320703", RecordKind::Subject, record(n), fields)],
            NOW,
        );
        record(n)
    }

    pub(crate) fn inspection(&self, n: u128, fields: Value) -> RecordId {
        self.append(
            vec![opened("320703", RecordKind::Inspection, record(n), fields)],
            NOW,
        );
        record(n)
    }

    /// Sets a field over whatever stands there.
    pub(crate) fn set(&self, record: RecordId, field: &str, value: Value) -> EntryId {
        let replaces = self.state(record).heads_of(field);
        self.set_over(record, field, value, replaces)
    }

    pub(crate) fn set_over(
        &self,
        record: RecordId,
        field: &str,
        value: Value,
        replaces: Vec<EntryId>,
    ) -> EntryId {
        let state = self.state(record);
        let draft = Draft {
            channel: state.channel().clone(),
            record,
            event: Event::Set {
                field: field.into(),
                value,
                replaces,
            },
        };
        self.append(vec![draft], NOW)[0]
    }

    pub(crate) fn state(&self, record: RecordId) -> Arc<RecordState> {
        self.ledger.record(record).unwrap().unwrap()
    }

    /// A supervisor who has no part in it annuls the record.
    pub(crate) fn annul(&self, record: RecordId) {
        let state = self.state(record);
        let draft = Draft {
            channel: state.channel().clone(),
            record,
            event: Event::Annulled {
                reason: "误建".into(),
                signature: state.counting().map(|version| version.first.0),
                by_supervisor: true,
            },
        };
        self.ledger.append(person(9), vec![draft], NOW).unwrap();
    }

    /// Two inspectors and the subject sign.
    pub(crate) fn sign(&self, record: RecordId) {
        for (role, name) in [
            (SignerRole::Inspector, "甲"),
            (SignerRole::Inspector, "乙"),
            (SignerRole::Subject, "丙"),
        ] {
            self.sign_as(record, role, name);
        }
    }

    pub(crate) fn sign_as(&self, record: RecordId, role: SignerRole, name: &str) {
        let channel = self.state(record).channel().clone();
        let sign = |state: &RecordState, pin| {
            let under = state.counting().map(|version| version.signature());
            let signature = Signature {
                digest: state.frozen().unwrap_or_else(|| state.content_digest()),
                pin: under.is_none().then_some(pin),
                under,
                role,
                name: name.into(),
                person: None,
                method: SignMethod::Paper,
                mark: None,
                mark_size: None,
                note: String::new(),
                witness: String::new(),
            };
            Some(vec![Draft {
                channel,
                record,
                event: Event::Signed(signature),
            }])
        };
        self.ledger
            .append_signature(person(1), record, NOW, sign)
            .unwrap();
    }

    /// All entries of this device.
    pub(crate) fn log(&self) -> Vec<(EntryId, Entry)> {
        self.ledger.outbox(usize::MAX, usize::MAX).unwrap()
    }

    /// The server receives what this device has written, with the receipts that others get with it.
    pub(crate) fn deliver(&self) {
        self.deliver_with(&received);
    }

    /// The server receives what this device has written, with these receipts.
    pub(crate) fn deliver_with(&self, received: &dyn Fn(EntryId, &Entry) -> Receipt) {
        for (id, entry) in self.log() {
            let number = [(entry.seq, 1_000 + entry.seq)];
            self.ledger
                .accept_receipt(&received(id, &entry), &number, &[])
                .unwrap();
        }
    }

    /// Takes entries in, in this order, as if a server had numbered them so.
    pub(crate) fn pull(&self, entries: Vec<(EntryId, Entry)>) {
        self.pull_with(entries, &received);
    }

    /// Takes entries in, in this order, as if a server had numbered them so and given these receipts.
    pub(crate) fn pull_with(
        &self,
        entries: Vec<(EntryId, Entry)>,
        received: &dyn Fn(EntryId, &Entry) -> Receipt,
    ) {
        let mut by_channel: BTreeMap<String, Vec<(EntryId, Entry)>> = BTreeMap::new();
        for (id, entry) in entries {
            by_channel
                .entry(entry.channel.to_string())
                .or_default()
                .push((id, entry));
        }
        let cursors: BTreeMap<String, u64> = self
            .ledger
            .cursors()
            .unwrap()
            .into_iter()
            .map(|(channel, cursor)| (channel.to_string(), cursor))
            .collect();
        let incoming = by_channel
            .into_iter()
            .map(|(channel, entries)| {
                let cursor = cursors.get(&channel).copied().unwrap_or(0);
                let mut receipts: Vec<Receipt> = Vec::new();
                let mut covered_by = Vec::new();
                for (id, entry) in &entries {
                    covered_by.push(receipts.len());
                    receipts.push(received(*id, entry));
                }
                Incoming {
                    channel: channel.parse().unwrap(),
                    upto: cursor + entries.len() as u64,
                    entries: entries
                        .into_iter()
                        .zip(cursor + 1..)
                        .map(|((id, entry), number)| (number, id, entry))
                        .collect(),
                    receipts,
                    covered_by,
                    seen_upto: 0,
                }
            })
            .collect();
        self.ledger.insert(incoming, NOW + 10_000).unwrap();
    }

    /// What a search among the inspections finds.
    pub(crate) fn found(&self, query: &str) -> Vec<RecordId> {
        let filter = InspectionFilter {
            query: Some(query.into()),
            ..InspectionFilter::default()
        };
        let page = self
            .ledger
            .inspections(&filter, InspectionSort::Started, false, 0, 1_000)
            .unwrap();
        assert_eq!(page.total, page.rows.len() as u64, "{query}");
        page.rows.into_iter().map(|row| row.record).collect()
    }
}

/// A receipt for one entry that says between which moments it was made.
pub(crate) fn between(
    (since_ms, received_at_ms): (u64, u64),
    id: EntryId,
    entry: &Entry,
) -> Receipt {
    let whole = Receipt::whole(entry.device, entry.seq, id, received_at_ms);
    Receipt {
        from: entry.seq,
        since_ms,
        ..whole
    }
    .signed(&SigningKey::from_bytes(&[9; 32]))
}

/// The server's receipt for an entry.
fn received(id: EntryId, entry: &Entry) -> Receipt {
    let server = SigningKey::from_bytes(&[9; 32]);
    Receipt::whole(entry.device, entry.seq, id, NOW + 5_000).signed(&server)
}

/// A visit to `name`.
pub(crate) fn visit(name: &str) -> Value {
    json!({
        "subject_name": name,
        "subject_kind": "training_institution",
        "region": "320703",
        "inspection_kind": "enforcement",
        "phase": "P2",
        "checklist": "TI",
        "pack": "lyg",
        "pack_version": "1",
        "started_at": NOW,
        "inspectors": [{"name": "王建国", "certificate": "1", "person": person(1).to_string()}, {"name": "李晓梅", "certificate": "2"}],
    })
}
