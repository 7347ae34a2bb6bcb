//! What verification tells whoever doubts: each demonstration of a forger, on both stores, named as what it is.

use std::fs;

use shicha_domain::{
    Digest, Entry, Event, Hlc, RecordId, RecordKind, RecordState,
    directory::Role,
    event::{Pin, SignMethod, Signature, SignerRole},
    record::{Doubt, Held},
};
use shicha_server::verify::{Verification, VerifyFault, VerifyMark, verify};

use crate::{
    common::{Device, Server, aside, record},
    postgres_server,
};

const OWN: &str = "own/320703";
const DAY: u64 = 86_400_000;

/// One endpoint with its store in a file, and one with it in PostgreSQL.
async fn both() -> Vec<(Server, Option<String>)> {
    let url = aside(postgres_server::database);
    vec![
        (Server::start().await, None),
        (Server::start_on(Some(url.clone())).await, Some(url)),
    ]
}

fn found(server: &Server) -> Verification {
    aside(|| verify(&server.home(), &mut |_| {}).unwrap())
}

/// Changes the database as whoever has its password can.
fn edit(server: &Server, url: Option<&String>, sqlite: &str, postgres: &str) {
    aside(|| match url {
        None => {
            let db = rusqlite::Connection::open(server.data().join("server.db")).unwrap();
            db.execute_batch(sqlite).unwrap();
        }
        Some(url) => {
            let mut db = ::postgres::Client::connect(url, ::postgres::NoTls).unwrap();
            db.batch_execute(postgres).unwrap();
        }
    });
}

fn opened() -> Event {
    Event::Opened {
        kind: RecordKind::Inspection,
        fields: Default::default(),
    }
}

/// The last entry that a device wrote, with another claimed time.
fn claiming(device: &mut Device, mut entry: Entry, at_ms: u64) -> Entry {
    entry.at = Hlc::from_ms(at_ms);
    device.head.id = entry.id();
    entry
}

/// What these entries of a record fold to, and what a signature over all of them covers.
fn content(entries: &[Entry]) -> (Digest, Pin) {
    let named: Vec<_> = entries.iter().map(|entry| (entry.id(), entry)).collect();
    let held = || {
        named
            .iter()
            .map(|(name, entry)| Held::unreceived(*name, entry))
    };
    let state = RecordState::fold_held(held()).unwrap();
    (state.content_digest(), RecordState::pin(held()))
}

fn signature(digest: Digest, pin: Pin) -> Event {
    Event::Signed(Signature {
        digest,
        pin: Some(pin),
        under: None,
        role: SignerRole::Inspector,
        name: "某".into(),
        person: None,
        method: SignMethod::Screen,
        mark: None,
        mark_size: None,
        note: String::new(),
        witness: String::new(),
    })
}

/// Opens a record, writes into it and signs it, truly.
async fn signed(device: &mut Device, record: RecordId) -> Vec<Entry> {
    let mut entries = vec![
        device.write(OWN, record, &opened()),
        device.set(OWN, record, "真的"),
    ];
    let (digest, pin) = content(&entries);
    entries.push(device.write(OWN, record, &signature(digest, pin)));
    device.push(&entries).await;
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_truly_fits_and_nothing_is_held_against_it() {
    for (server, _) in both().await {
        let mut device = server.device("甲", "320703", Role::Inspector).await;
        signed(&mut device, record()).await;
        let refused = device.set("own/320706", record(), "别的县");
        device.push(&[refused]).await;
        let found = found(&server);
        assert_eq!((found.faults, found.marks), (vec![], vec![]));
        assert_eq!(
            (found.entries, found.records, found.signatures),
            (4, 1, 1),
            "what was refused is in no record"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_dated_entry_is_named_with_its_bounds() {
    for (server, _) in both().await {
        let mut device = server.device("甲", "320703", Role::Inspector).await;
        let record = record();
        let claimed_ms = crate::common::wall_ms() - 90 * DAY;
        let entry = device.write(OWN, record, &opened());
        let entry = claiming(&mut device, entry, claimed_ms);
        let received = device.push(&[entry]).await.receipts.remove(0);
        let found = found(&server);
        assert_eq!(found.faults, []);
        assert_eq!(
            found.marks,
            [VerifyMark::Contradicted {
                device: device.id,
                seq: 1,
                record,
                claimed_ms,
                since_ms: received.since_ms,
                received_ms: received.received_at_ms,
            }]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_edited_in_the_database_of_the_endpoint_is_named() {
    type Fits = fn(&VerifyFault) -> bool;
    let edits: [(&str, &str, &str, Fits); 12] = [
        (
            "what an entry says",
            "UPDATE entry SET event = CAST('{\"t\":\"set\",\"f\":\"name\",\"v\":\"假的\"}' AS BLOB) WHERE seq = 2",
            "UPDATE entry SET event = convert_to('{\"t\":\"set\",\"f\":\"name\",\"v\":\"假的\"}', 'UTF8') WHERE seq = 2",
            |fault| matches!(fault, VerifyFault::Entry { seq: 2, .. }),
        ),
        (
            "the time that an entry claims",
            "UPDATE entry SET at = at - 1000000000000 WHERE seq = 2",
            "UPDATE entry SET at = at - 1000000000000 WHERE seq = 2",
            |fault| matches!(fault, VerifyFault::Entry { seq: 2, .. }),
        ),
        (
            "when a receipt was given",
            "UPDATE receipt SET received_at_ms = received_at_ms - 1000 WHERE seq = 4",
            "UPDATE receipt SET received_at_ms = received_at_ms - 1000 WHERE seq = 4",
            |fault| {
                matches!(fault, VerifyFault::Receipt { seq: 4, reason, .. } if reason.contains("not signed"))
            },
        ),
        (
            "the earlier bound in a receipt",
            "UPDATE receipt SET since_ms = 0 WHERE seq = 4",
            "UPDATE receipt SET since_ms = 0 WHERE seq = 4",
            |fault| {
                matches!(fault, VerifyFault::Receipt { seq: 4, reason, .. } if reason.contains("not signed"))
            },
        ),
        (
            "under which receipt an entry stands",
            "UPDATE entry SET covered = (SELECT n FROM receipt WHERE seq = 4) WHERE seq = 3",
            "UPDATE entry SET covered = 4 WHERE seq = 3",
            |fault| matches!(fault, VerifyFault::Rank { seq: 3, .. }),
        ),
        (
            "that an entry was refused",
            "DELETE FROM refused; UPDATE entry SET number = 5 WHERE seq = 5; UPDATE channel SET last = 5 WHERE last = 4;",
            "UPDATE entry SET number = 1, code = NULL WHERE seq = 5; UPDATE channel SET last = 1 WHERE last = 0;",
            |fault| {
                matches!(fault, VerifyFault::Rank { seq: 5, reason, .. } if reason.contains("refused"))
            },
        ),
        (
            "that an entry was accepted",
            "INSERT INTO refused (entry, code) SELECT n, 'event' FROM entry WHERE seq = 4; UPDATE entry SET number = NULL WHERE seq = 4;
             UPDATE channel SET last = 3 WHERE last = 4;",
            "UPDATE entry SET number = NULL, code = 'event' WHERE seq = 4; UPDATE channel SET last = 3 WHERE last = 4;",
            |fault| {
                matches!(fault, VerifyFault::Rank { seq: 4, reason, .. } if reason.contains("accepted"))
            },
        ),
        (
            "the order of the numbers",
            "UPDATE entry SET number = 99 WHERE seq = 1; UPDATE entry SET number = 1 WHERE seq = 4; UPDATE entry SET number = 4 WHERE seq = 1;",
            "UPDATE entry SET number = 99 WHERE seq = 1; UPDATE entry SET number = 1 WHERE seq = 4; UPDATE entry SET number = 4 WHERE seq = 1;",
            |fault| matches!(fault, VerifyFault::Order { number: 2, .. }),
        ),
        (
            "a number left out",
            "UPDATE entry SET number = 9 WHERE seq = 4; UPDATE channel SET last = 9 WHERE last = 4;",
            "UPDATE entry SET number = 9 WHERE seq = 4; UPDATE channel SET last = 9 WHERE last = 4;",
            |fault| {
                matches!(
                    fault,
                    VerifyFault::Numbers {
                        last: 9,
                        count: 4,
                        ..
                    }
                )
            },
        ),
        (
            "what a record is",
            "UPDATE record SET kind = 'finding' WHERE kind IS NOT NULL",
            "UPDATE record SET kind = 'finding' WHERE kind IS NOT NULL",
            |fault| matches!(fault, VerifyFault::Record { .. }),
        ),
        (
            "what a device's next bounds follow from",
            "UPDATE device SET since_ms = 0",
            "UPDATE device SET since_ms = 0",
            |fault| matches!(fault, VerifyFault::Bounds { .. }),
        ),
        (
            "the last entries taken away",
            "DELETE FROM refused; DELETE FROM entry WHERE seq = 5",
            "DELETE FROM entry WHERE seq = 5",
            |fault| matches!(fault, VerifyFault::Entry { seq: 5, .. }),
        ),
    ];
    for (name, sqlite, postgres, fits) in edits {
        for (server, url) in both().await {
            let mut device = server.device("甲", "320703", Role::Inspector).await;
            let record = record();
            signed(&mut device, record).await;
            let later = device.write(
                OWN,
                record,
                &Event::Set {
                    field: "after/remark".into(),
                    value: "后来".into(),
                    replaces: vec![],
                },
            );
            device.push(&[later]).await;
            let refused = device.set("own/320706", crate::common::record(), "别的县");
            device.push(&[refused]).await;
            assert_eq!(found(&server).faults, [], "{name}");
            edit(&server, url.as_ref(), sqlite, postgres);
            let faults = found(&server).faults;
            assert!(faults.iter().any(fits), "{name}: {faults:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_put_back_to_a_backup_says_so() {
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    signed(&mut device, record()).await;
    let backup = server.backup();
    server.restore(&backup).await;
    let found = found(&server);
    assert_eq!(found.faults, []);
    assert!(
        matches!(found.marks.as_slice(), [VerifyMark::Life { life: 2.., .. }]),
        "{:?}",
        found.marks
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_put_back_in_silence_is_found_out_by_what_devices_name() {
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    signed(&mut device, record()).await;
    server.stop().await;
    let database = server.data().join("server.db");
    let older = fs::read(&database).unwrap();
    server.start_again().await;
    device.open_session().await;
    let lost = device.set(OWN, record(), "恢复后没有了");
    let receipt = device
        .push(std::slice::from_ref(&lost))
        .await
        .receipts
        .remove(0);
    server.stop().await;
    for beside in ["server.db-wal", "server.db-shm"] {
        let beside = server.data().join(beside);
        if beside.exists() {
            fs::remove_file(beside).unwrap();
        }
    }
    fs::write(&database, older).unwrap();
    server.start_again().await;
    device.open_session().await;
    device.after = Some(receipt.id());
    let next = device.set(OWN, record(), "之后");
    device.push(&[lost, next]).await;
    let found = found(&server);
    assert_eq!(found.faults, []);
    assert_eq!(
        found.marks,
        [VerifyMark::UnknownReceipt {
            device: device.id,
            seq: 5,
            count: 1
        }]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_record_that_was_rewritten_is_named_with_who_did_it() {
    for (server, _) in both().await {
        let mut author = server.device("甲", "320703", Role::Inspector).await;
        let mut colleague = server.device("乙", "320703", Role::Inspector).await;
        let record = record();
        let entries = signed(&mut author, record).await;
        // Over the same beginnings, with another value, as if the signed one had never been.
        let forged = colleague.set(OWN, record, "改过的");
        let (digest, pin) = content(&[entries[0].clone(), forged.clone()]);
        let rewritten = colleague.write(OWN, record, &signature(digest, pin));
        colleague.push(&[forged, rewritten]).await;
        let found = found(&server);
        assert_eq!(found.faults, []);
        assert_eq!(
            found.marks,
            [VerifyMark::Signature {
                record,
                device: colleague.id,
                seq: 2,
                author: colleague.person,
                doubt: Doubt::Version {
                    counts: false,
                    knew_of_first: false,
                    leaves_out: 1,
                },
            }]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_does_not_fit_or_covers_what_never_came_is_named() {
    for (server, _) in both().await {
        let mut device = server.device("甲", "320703", Role::Inspector).await;
        let (wrong, lacking) = (record(), record());
        let first = device.write(OWN, wrong, &opened());
        let (_, pin) = content(std::slice::from_ref(&first));
        let digest = Digest([7; 32]);
        let not_fitting = device.write(OWN, wrong, &signature(digest, pin));
        let second = device.write(OWN, lacking, &opened());
        let elsewhere = Entry {
            device: shicha_domain::DeviceId(uuid::Uuid::from_u128(7)),
            ..second.clone()
        };
        let (digest, pin) = content(&[second.clone(), elsewhere]);
        let incomplete = device.write(OWN, lacking, &signature(digest, pin));
        device.push(&[first, not_fitting, second, incomplete]).await;
        let found = found(&server);
        assert_eq!((found.faults, found.signatures), (vec![], 2));
        let author = device.person;
        let device = device.id;
        let mark = |record, seq, doubt| VerifyMark::Signature {
            record,
            device,
            seq,
            author,
            doubt,
        };
        let lacks = Doubt::Incomplete { held: 1, count: 2 };
        for expected in [mark(wrong, 2, Doubt::Digest), mark(lacking, 4, lacks)] {
            assert!(found.marks.contains(&expected), "{:?}", found.marks);
        }
        assert_eq!(found.marks.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_goes_on_while_entries_come_in() {
    for (server, _) in both().await {
        let mut device = server.device("甲", "320703", Role::Inspector).await;
        let first = device.set(OWN, record(), "一");
        device.push(&[first]).await;
        let next = device.set(OWN, record(), "二");
        let runtime = tokio::runtime::Handle::current();
        let home = aside(|| server.home());
        let found = aside(|| {
            let mut is_pushed = false;
            verify(&home, &mut |so_far| {
                if so_far.entries == 1 && !is_pushed {
                    is_pushed = true;
                    runtime.block_on(device.push(std::slice::from_ref(&next)));
                }
            })
            .unwrap()
        });
        assert_eq!((found.entries, found.faults), (2, vec![]));
    }
}
