//! A restored endpoint is brought its own older receipts with the entries, and the oldest ranks (docs/PROTOCOL.md, "What proves what",
//! invariant 10): what was received first counts again, and nobody gains by a receipt that is not for the very entries.

use std::collections::BTreeMap;

use serde_json::json;
use shicha_domain::{
    Entry, EntryId, Event, Receipt, RecordId, RecordKind,
    directory::Role,
    event::{SignMethod, Signature, SignerRole},
    receipt::{Rank, push_bytes},
    suite::SigningKey,
};
use shicha_ledger::Draft;
use shicha_sync::protocol::{BatchWriter, messages::PushReply, signing, wire};

use crate::{
    common::{Device, Server, record, wall_ms},
    kit::{CITY, COUNTY, Laptop, opened},
};

const CHANNEL: &str = "own/320703";

fn inspection(laptop: &Laptop) -> RecordId {
    let record = record();
    let fields = BTreeMap::from([("subject_name".to_owned(), json!("样本学校"))]);
    let kind = RecordKind::Inspection;
    laptop.append(laptop.draft(&laptop.own, record, Event::Opened { kind, fields }));
    record
}

/// Signs a record as it is on this computer.
fn sign(laptop: &Laptop, record: RecordId, name: &str) -> EntryId {
    let made = laptop
        .ledger
        .append_signature(laptop.person, record, wall_ms(), |state, pin| {
            assert_eq!(state.frozen(), None);
            Some(vec![Draft {
                channel: state.channel().clone(),
                record,
                event: Event::Signed(Signature {
                    digest: state.content_digest(),
                    pin: Some(pin),
                    under: None,
                    role: SignerRole::Inspector,
                    name: name.into(),
                    person: Some(laptop.person),
                    method: SignMethod::Screen,
                    mark: None,
                    mark_size: None,
                    note: String::new(),
                    witness: String::new(),
                }),
            }])
        });
    made.unwrap()[0].entry
}

/// The signature whose version counts here, and since when it is whole at the endpoint.
fn counting(laptop: &Laptop, record: RecordId) -> (EntryId, Option<Rank>) {
    let state = laptop.ledger.record(record).unwrap().unwrap();
    let counting = state.counting().unwrap();
    (counting.signature(), counting.rank)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_the_version_that_was_received_first_counts_again_whoever_comes_first() {
    let mut server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let two = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let record = inspection(&one);
    one.round(&server).await.unwrap();
    two.round(&server).await.unwrap();
    let backup = server.backup();
    two.set(record, "summary", "畅通");
    let second = sign(&two, record, "乙");
    one.set(record, "summary", "堵塞");
    let first = sign(&one, record, "甲");
    one.round(&server).await.unwrap();
    two.round(&server).await.unwrap();
    city.round(&server).await.unwrap();
    let before = counting(&city, record);
    assert_eq!((before.0, before.1.unwrap().life), (first, 1));
    server.restore(&backup).await;

    two.round(&server).await.unwrap();
    let early = Laptop::of(&server, "新一", CITY, Role::Supervisor).await;
    early.round(&server).await.unwrap();
    let (counts, rank) = counting(&early, record);
    assert_eq!(
        (counts, rank.unwrap().life),
        (second, 1),
        "the only one there"
    );
    assert_eq!(early.ledger.turned().unwrap(), []);
    one.round(&server).await.unwrap();
    let late = Laptop::of(&server, "新二", CITY, Role::Supervisor).await;
    for _ in 0..2 {
        for laptop in [&one, &two, &city, &early, &late] {
            laptop.round(&server).await.unwrap();
        }
    }
    for laptop in [&one, &two, &city, &early, &late] {
        assert_eq!(counting(laptop, record), before);
        assert!(laptop.is_whole());
        assert_eq!(laptop.waiting(), 0);
    }
    let digests = [&one, &two, &city, &early, &late].map(|one| one.ledger.views_digest().unwrap());
    assert!(digests.iter().all(|digest| *digest == digests[0]));
    // Whoever saw another version count is told, and nobody else.
    assert_eq!(early.ledger.turned().unwrap(), [record]);
    for laptop in [&one, &two, &city, &late] {
        assert_eq!(laptop.ledger.turned().unwrap(), []);
    }
    let early = early.restart();
    assert_eq!(early.ledger.turned().unwrap(), [record]);
    server.stop().await;
    let found = shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap();
    assert_eq!(found.faults, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_brought_back_through_every_restore_however_often() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let backups = [server.backup(), server.backup(), server.backup()];
    let record = inspection(&laptop);
    let signed = sign(&laptop, record, "甲");
    laptop.round(&server).await.unwrap();
    city.round(&server).await.unwrap();
    let before = counting(&city, record);
    assert_eq!(before.0, signed);
    let mut laptop = laptop;
    for (n, backup) in backups.iter().enumerate() {
        server.restore(backup).await;
        laptop = laptop.restart();
        // One more is written each time, which has a receipt of its own.
        let later = inspection(&laptop);
        laptop.round(&server).await.unwrap();
        let newcomer = Laptop::of(&server, &format!("新{n}"), CITY, Role::Supervisor).await;
        newcomer.round(&server).await.unwrap();
        assert_eq!(counting(&newcomer, record), before);
        assert_eq!(newcomer.ledger.turned().unwrap(), []);
        assert!(newcomer.has(later));
        assert!(newcomer.is_whole() && laptop.is_whole());
    }
    server.stop().await;
    let found = shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap();
    assert_eq!(found.faults, []);
}

/// A push of these entries that brings a receipt for each of them.
fn bringing(device: &Device, entries: &[Entry], receipt: &Receipt) -> Vec<u8> {
    let last = entries.last().unwrap();
    let said = push_bytes(device.id, last.seq, last.id());
    let mut batch = BatchWriter::new();
    let covered = batch.receipt(receipt);
    for entry in entries {
        batch.row(0, Some(covered), entry.id(), entry);
    }
    wire::write_push(&signing::sign(&device.key, &said), batch).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_counts_only_if_it_is_the_endpoints_own_older_word_for_the_very_entries() {
    let mut server = Server::start().await;
    let mut reader = server.device("市", CITY, Role::Supervisor).await;
    let mut devices = Vec::new();
    for n in 0..6 {
        let device = server
            .device(&format!("甲{n}"), COUNTY, Role::Inspector)
            .await;
        devices.push(device);
    }
    let backup = server.backup();
    let mut written = Vec::new();
    for device in &mut devices {
        let entries: Vec<Entry> = (0..3)
            .map(|_| device.write(CHANNEL, record(), &opened("某机构")))
            .collect();
        let receipt = device.push(&entries).await.receipts.remove(0);
        written.push((entries, receipt));
    }
    server.restore(&backup).await;
    let sealed = |receipt: Receipt| server.signer().seal(receipt);
    type Change<'c> = &'c dyn Fn(Receipt) -> Receipt;
    let cases: [(&str, Change<'_>, &[u64]); 6] = [
        ("its own", &|receipt| receipt, &[1, 2, 3]),
        (
            "of another key",
            &|receipt| receipt.signed(&SigningKey::from_bytes(&[7; 32])),
            &[],
        ),
        (
            "of another past of the log",
            &|receipt| {
                let head = EntryId([7; 32]);
                sealed(Receipt { head, ..receipt })
            },
            &[],
        ),
        (
            "that refused the second",
            &|receipt| {
                let refused = vec![2];
                sealed(Receipt { refused, ..receipt })
            },
            &[1, 3],
        ),
        (
            "of a later life",
            &|receipt| {
                let life = 1 << 40;
                sealed(Receipt { life, ..receipt })
            },
            &[],
        ),
        (
            "of the last only",
            &|receipt| sealed(Receipt { from: 3, ..receipt }),
            &[3],
        ),
    ];
    let mut expected = Vec::new();
    for ((device, (entries, receipt)), (what, change, counts)) in
        devices.iter_mut().zip(&written).zip(&cases)
    {
        device.open_session().await;
        let brought = change(receipt.clone());
        let body = bringing(device, entries, &brought);
        for time in 1..=2 {
            let reply = device.push_body(body.clone()).await;
            assert!(reply.status().is_success(), "{what}, for the {time}. time");
            let reply: PushReply = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
            let confirmed = &reply.receipts[..];
            assert_eq!(confirmed.len(), 1, "{what}");
            assert!(confirmed[0].life > 9, "{what}");
            assert_eq!(confirmed[0].seq, 3, "{what}");
        }
        for entry in entries {
            let is_older = counts.contains(&entry.seq);
            expected.push((entry.id(), (*what, is_older.then(|| brought.clone()))));
        }
    }
    let expected: BTreeMap<EntryId, _> = expected.into_iter().collect();
    reader.open_session().await;
    let pull = reader.pull(&[]).await;
    assert_eq!(pull.batch.rows.len(), 18);
    for row in pull.batch.rows {
        let receipt = &pull.batch.receipts[row.covered.unwrap()];
        let (what, older) = &expected[&row.id];
        match older {
            Some(older) => assert_eq!(receipt, older, "{what}"),
            None => assert!(receipt.life > 9, "{what}"),
        }
    }
    server.stop().await;
    let found = shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap();
    assert_eq!(found.faults, []);
}
