//! A database that turns out to be damaged is told, and nothing more is taken into it.

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use shicha_domain::{EntryId, directory::Role};
use shicha_sync::protocol::{
    ProblemCode,
    wire::{PullRequest, write_pull_request},
};

use crate::{
    common::{Server, aside, code_of, record},
    postgres_server,
    process::{Process, text, until},
};

const OWN: &str = "own/320703";

/// Where the page lies that holds this entry in the table, and its bytes.
fn page_of(database: &Path, id: EntryId) -> (usize, Vec<u8>) {
    const TABLE_LEAF: u8 = 0x0d;
    let file = fs::read(database).unwrap();
    let size = usize::from(u16::from_be_bytes([file[16], file[17]]));
    let found = file.chunks(size).enumerate().find(|(_, page)| {
        page[0] == TABLE_LEAF && page.windows(32).any(|bytes| bytes == id.0.as_slice())
    });
    let (n, page) = found.unwrap();
    (n * size, page.to_vec())
}

fn put(database: &Path, at: usize, bytes: &[u8]) {
    let mut file = fs::read(database).unwrap();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    fs::write(database, file).unwrap();
}

fn doctor(data: &Path) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_shicha-server"))
        .arg("--data")
        .arg(data)
        .args(["--json", "doctor", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut findings = said["findings"].as_array().unwrap().clone();
    findings.retain(|finding| finding["check"] == "store");
    findings
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_damaged_page_was_met_no_push_is_taken_and_no_receipt_given_until_it_is_repaired() {
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let first = device.set(OWN, record(), "第一条");
    device.push(std::slice::from_ref(&first)).await;
    let more: Vec<_> = (0..400)
        .map(|n| {
            device.set(
                OWN,
                record(),
                &format!("{n} {:x?}", rand::random::<[u8; 64]>()),
            )
        })
        .collect();
    device.push(&more).await;
    server.stop().await;
    let database = server.data().join("server.db");
    let (at, page) = page_of(&database, first.id());
    put(&database, at, &[0xff; 64]);

    let process =
        Process::start_logging(&server.place, &["--metrics-listen", "127.0.0.1:0"], "info");
    device.url.clone_from(&process.url);
    device.open_session().await;
    // Somebody reads the page.
    let request = PullRequest {
        held: Default::default(),
        base: None,
        without: Default::default(),
        max_entries: 1000,
        is_held: true,
    };
    let pulled = device.try_pull(write_pull_request(&request).unwrap()).await;
    assert_eq!(code_of(pulled).await, ProblemCode::Unavailable);
    let head = device.head;
    let entry = device.set(OWN, record(), "之后");
    let pushed = device.try_push(std::slice::from_ref(&entry)).await;
    assert_eq!(code_of(pushed).await, ProblemCode::Unavailable);
    let ready = format!("{}/readyz", process.url);
    assert_eq!(text(&ready).await, (503, "the database is damaged".into()));
    assert_eq!(text(&format!("{}/healthz", process.url)).await.0, 200);
    let metrics = format!("{}/metrics", process.metrics.as_ref().unwrap());
    assert!(text(&metrics).await.1.contains("shicha_ready 0\n"));
    process.signal("TERM");
    let (_, log) = process.end();
    assert!(
        log.contains("the database is damaged: nothing more is taken"),
        "{log}"
    );

    assert!(
        doctor(&server.data())
            .iter()
            .any(|found| found["mark"] == "error")
    );
    let again = Command::new(env!("CARGO_BIN_EXE_shicha-server"))
        .arg("--data")
        .arg(server.data())
        .args(["serve", "--listen", "192.0.2.1:1"])
        .env("RUST_LOG", "off")
        .output()
        .unwrap();
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("已损坏：从备份恢复"), "{said}");

    put(&database, at, &page);
    let found = doctor(&server.data());
    assert!(
        found.iter().any(|found| found["mark"] == "attention"),
        "{found:?}"
    );
    assert_eq!(
        aside(|| server.store().device(device.id).unwrap().unwrap().head),
        head
    );
    let process = Process::start(&server.place, &[]);
    device.url.clone_from(&process.url);
    device.open_session().await;
    assert_eq!(device.push(&[entry]).await.head, device.head);
    let ready = format!("{}/readyz", process.url);
    until("it never got ready again", || async {
        (text(&ready).await.0 == 200).then_some(())
    })
    .await;
    assert!(
        doctor(&server.data())
            .iter()
            .all(|found| found["mark"] == "ok")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_postgresql_spoke_of_damage_no_push_is_taken_until_a_new_start() {
    for state in ["XX001", "XX002"] {
        let url = aside(postgres_server::database);
        let mut server = Server::start_on(Some(url.clone())).await;
        let mut device = server.device("甲", "320703", Role::Inspector).await;
        let sql = |statement: String| {
            let url = url.clone();
            aside(move || {
                let mut admin = postgres::Client::connect(&url, postgres::NoTls).unwrap();
                admin.batch_execute(&statement).unwrap();
            });
        };
        sql(format!(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = '{state}'; END $$;
             CREATE TRIGGER broken BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION broken()"
        ));
        let entries = [device.set(OWN, record(), "一")];
        let met = device.try_push(&entries).await;
        assert_eq!(code_of(met).await, ProblemCode::Unavailable, "{state}");
        sql("DROP TRIGGER broken ON entry".to_owned());
        let after = device.try_push(&entries).await;
        assert_eq!(code_of(after).await, ProblemCode::Unavailable, "{state}");
        let said = text(&format!("{}/readyz", server.url)).await;
        assert_eq!(said, (503, "the database is damaged".into()));
        server.stop().await;
        server.start_again().await;
        device.open_session().await;
        assert_eq!(device.push(&entries).await.head, device.head);
    }
}
