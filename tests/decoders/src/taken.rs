//! What a real ledger makes of entries that others wrote: taken in whole or refused whole, and shown the same after a rebuild.

use std::cell::RefCell;

use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt,
    directory::{Directory, Role},
    suite::SigningKey,
};
use shicha_ledger::{DatabaseKey, Identity, Incoming, KeyStore, Ledger};
use tempfile::TempDir;
use uuid::Uuid;

use crate::log::{self, NOW, channel, receipt, server};

/// So many logs go into one ledger, then a new one is made, so that none grows without end.
const LOGS: u128 = 200;
/// After so many logs the views are rebuilt.
const REBUILD_EVERY: u128 = 8;

struct Desk {
    ledger: Ledger,
    _dir: TempDir,
    logs: u128,
    cursor: u64,
}

thread_local! {
    static KEY: RefCell<Option<DatabaseKey>> = const { RefCell::new(None) };
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

fn key() -> DatabaseKey {
    KEY.with_borrow_mut(|key| {
        key.get_or_insert_with(|| {
            let dir = TempDir::new().unwrap();
            KeyStore::new(dir.path())
                .create_with_passphrase("of a decoder's test")
                .unwrap()
        })
        .clone()
    })
}

fn desk() -> Desk {
    let dir = TempDir::new().unwrap();
    let (ledger, _) = Ledger::open(dir.path(), &key(), NOW).unwrap();
    let device = DeviceId(Uuid::from_u128(u128::MAX));
    let identity = Identity {
        device,
        signing_key: SigningKey::from_bytes(&[3; 32]),
        person: PersonId(Uuid::from_u128(8)),
        person_name: "张三".into(),
        org: "320703".parse().unwrap(),
        role: Role::Supervisor,
        server_url: "http://localhost/".into(),
        server_key: server().public_key(),
        server_name: "试验".into(),
        is_sample: true,
    };
    let first = Receipt::whole(device, 0, EntryId::NONE, NOW - 1_000).signed(&server());
    ledger
        .enrol(&identity, &first, &Directory::default().to_part("1"))
        .unwrap();
    Desk {
        ledger,
        _dir: dir,
        logs: 0,
        cursor: 0,
    }
}

/// Takes a log in, a few entries at a time as batches would bring them.
pub fn hold(bytes: &[u8]) {
    DESK.with_borrow_mut(|slot| {
        if slot.as_ref().is_some_and(|desk| desk.logs >= LOGS) {
            *slot = None;
        }
        let desk = slot.get_or_insert_with(desk);
        desk.logs += 1;
        desk.take(bytes);
    });
}

impl Desk {
    fn take(&mut self, bytes: &[u8]) {
        let entries = log::entries(bytes, self.logs * 16);
        let step = 1 + usize::from(bytes.first().copied().unwrap_or(0) >> 4);
        for some in entries.chunks(step) {
            let before = self.ledger.views_digest().unwrap();
            let incoming = Incoming {
                channel: channel(),
                upto: self.cursor + some.len() as u64,
                entries: some
                    .iter()
                    .zip(self.cursor + 1..)
                    .map(|((id, entry), number)| (number, *id, entry.clone()))
                    .collect(),
                receipts: some.iter().map(|(id, entry)| receipt(*id, entry)).collect(),
                covered_by: (0..some.len()).collect(),
                seen_upto: 0,
            };
            match self.ledger.insert(vec![incoming], NOW) {
                Ok(_) => self.cursor += some.len() as u64,
                Err(_) => assert_eq!(
                    self.ledger.views_digest().unwrap(),
                    before,
                    "what is refused leaves nothing behind"
                ),
            }
        }
        if self.logs.is_multiple_of(REBUILD_EVERY) {
            let before = self.ledger.views_digest().unwrap();
            self.ledger.rebuild(&mut |_, _| {}).unwrap();
            assert_eq!(
                self.ledger.views_digest().unwrap(),
                before,
                "views rebuilt say the same"
            );
        }
    }
}
