//! The directory on its way to a laptop: however large it is, and whatever becomes of it.

use shicha_domain::directory::{Role, parts::DirectoryPart};
use shicha_sync::{
    client::{Reply, SyncErrorCode},
    protocol::MAX_BATCH_BODY,
};
use uuid::Uuid;

use crate::{
    common::{Server, aside},
    kit::{CITY, COUNTY, Laptop, Line, is, noise},
};

/// Devices that one answer of 16 MiB has no room for.
const DEVICES: usize = 40_000;

/// Puts devices with long names into the store of a server that stands still, as if they had been enrolled one by one.
fn crowd(server: &Server) {
    let mut db = rusqlite::Connection::open(server.data().join("server.db")).unwrap();
    let tx = db.transaction().unwrap();
    let person: i64 = tx
        .query_row("SELECT n FROM person WHERE org = ?1", [COUNTY], |row| {
            row.get(0)
        })
        .unwrap();
    {
        let mut add = tx
            .prepare("INSERT INTO device (id, person, public_key, label, enrolled_at_ms) VALUES (?1, ?2, ?3, ?4, 1)")
            .unwrap();
        for n in 0..DEVICES {
            let id = Uuid::from_u128(n as u128 + 1);
            let mut key = [1; 33];
            key[1..17].copy_from_slice(id.as_bytes());
            add.execute((id.as_bytes(), person, key, "长".repeat(100)))
                .unwrap();
        }
    }
    tx.execute(
        "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'directory_version'",
        [],
    )
    .unwrap();
    tx.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_laptop_enrols_and_gets_a_directory_of_any_size_and_then_only_what_changes() {
    let mut server = Server::start().await;
    let inspector = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    server.stop().await;
    aside(|| crowd(&server));
    server.start_again().await;

    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let line = Line::to(&server);
    city.round_over(line.clone()).await.unwrap();
    let directory = city.ledger.directory().unwrap();
    assert_eq!(directory.devices.len(), DEVICES + 2);
    assert!(
        serde_json::to_vec(&*directory).unwrap().len() > MAX_BATCH_BODY,
        "more than one answer may have"
    );
    let asked = |line: &Line| {
        let asked = line.asked();
        asked
            .iter()
            .filter(|asked| asked.contains("/v1/directory"))
            .count()
    };
    assert!(asked(&line) > 16, "in parts");

    // One change more is one small answer.
    server.person("乙", COUNTY, Role::Inspector);
    let line = Line::changed(&server, |request, reply| {
        if request.path.starts_with("/v1/directory") {
            assert!(reply.body.len() < 2_000, "{} bytes", reply.body.len());
        }
        Ok(reply)
    });
    assert!(city.round_over(line.clone()).await.unwrap().directory);
    assert_eq!(asked(&line), 1);
    let people = &city.ledger.directory().unwrap().people;
    assert!(people.iter().any(|person| person.name == "乙"));
    assert!(
        !city.round(&server).await.unwrap().directory,
        "nothing more"
    );

    assert!(inspector.round(&server).await.unwrap().directory);
    assert_eq!(
        inspector.ledger.directory().unwrap().devices.len(),
        DEVICES + 2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_taken_keeps_no_evidence_and_no_entry_from_being_delivered() {
    let server = Server::start().await;
    let inspector = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = inspector.subject("某机构");
    inspector.attach(record, &noise(4_000));
    server.person("乙", COUNTY, Role::Inspector);
    let line = Line::changed(&server, |request, reply| {
        Ok(if request.path.starts_with("/v1/directory") {
            let mut part: DirectoryPart = serde_json::from_slice(&reply.body).unwrap();
            part.rows.clear();
            Reply {
                body: serde_json::to_vec(&part).unwrap(),
                ..reply
            }
        } else {
            reply
        })
    });
    is(
        inspector.round_over(line).await,
        SyncErrorCode::Untrustworthy,
    );
    assert_eq!(inspector.waiting(), 0, "entries were delivered");
    assert_eq!(
        inspector.ledger.counts().unwrap().waiting_blobs,
        0,
        "and evidence"
    );
    assert!(
        inspector.round(&server).await.unwrap().directory,
        "told and tried again"
    );
}
