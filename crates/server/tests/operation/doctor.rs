//! `doctor` finds what is broken, says what to do, and changes nothing.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use shicha_server::store::MIGRATIONS;

use crate::{
    common::{Server, aside},
    postgres_server,
    process::Process,
};

fn command(data: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shicha-server"))
        .arg("--data")
        .arg(data)
        .args(words)
        .output()
        .unwrap()
}

/// The worst mark of each check, and the exit code.
struct Looked {
    findings: Vec<Value>,
    code: i32,
}

impl Looked {
    fn at(data: &Path, more: &[&str]) -> Self {
        let words = [&["--json", "doctor", "--listen", "127.0.0.1:0"], more].concat();
        let output = command(data, &words);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        Self {
            findings: said["findings"].as_array().unwrap().clone(),
            code: output.status.code().unwrap(),
        }
    }

    fn worst(&self, check: &str) -> &str {
        let marks: Vec<&str> = self
            .findings
            .iter()
            .filter(|finding| finding["check"] == check)
            .map(|finding| finding["mark"].as_str().unwrap())
            .collect();
        assert!(!marks.is_empty(), "{check} was not looked at");
        ["error", "attention", "ok"]
            .into_iter()
            .find(|mark| marks.contains(mark))
            .unwrap()
    }

    fn errors(&self) -> Vec<&str> {
        self.findings
            .iter()
            .filter(|finding| finding["mark"] == "error")
            .map(|finding| finding["check"].as_str().unwrap())
            .collect()
    }
}

async fn stopped() -> Server {
    let mut server = Server::start().await;
    server.stop().await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_endpoint_has_nothing_wrong_with_it() {
    let server = stopped().await;
    let looked = Looked::at(&server.data(), &[]);
    assert_eq!((looked.errors(), looked.code), (vec![], 0));
    for check in ["folder", "key", "store", "evidence", "clock", "listen"] {
        assert_eq!(looked.worst(check), "ok", "{check}");
    }
    let said = command(&server.data(), &["doctor", "--listen", "127.0.0.1:0"]);
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(
        text.contains("OK   数据库完好") && text.contains("注意 "),
        "{text}"
    );

    let process = Process::start(&server.place, &[]);
    let listen = process.url.strip_prefix("http://").unwrap();
    let output = command(&server.data(), &["--json", "doctor", "--listen", listen]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let marks = said["findings"].as_array().unwrap();
    let taken = marks
        .iter()
        .find(|finding| finding["check"] == "listen")
        .unwrap();
    assert_eq!(
        taken["mark"], "attention",
        "it may well be the endpoint that runs"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_thing_is_told_by_itself_with_what_to_do_and_left_as_it_is() {
    let server = stopped().await;
    let data = server.data();
    let nowhere = server.dir.path().join("nowhere");
    let looked = Looked::at(&nowhere, &[]);
    assert_eq!(looked.code, 1);
    for check in ["folder", "key", "store", "evidence", "space"] {
        assert_eq!(looked.worst(check), "error", "{check}");
    }
    assert!(!nowhere.exists());

    let key = data.join("server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Looked::at(&data, &[]).errors(), ["key"]);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let bytes = std::fs::read(&key).unwrap();
    std::fs::write(&key, b"short").unwrap();
    assert_eq!(Looked::at(&data, &[]).errors(), ["key"]);
    std::fs::write(&key, bytes).unwrap();

    let evidence = data.join("evidence");
    let moved = server.dir.path().join("moved");
    std::fs::rename(&evidence, &moved).unwrap();
    assert_eq!(Looked::at(&data, &[]).errors(), ["evidence"]);
    assert!(
        !evidence.exists(),
        "a mount that is missing is not papered over"
    );
    std::fs::rename(&moved, &evidence).unwrap();

    let file = data.join("server.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    let found = MIGRATIONS.len() as u32 + 1;
    database.pragma_update(None, "user_version", found).unwrap();
    database
        .execute(
            "UPDATE meta SET value = ?1 WHERE key = 'oldest_format'",
            [found.to_string()],
        )
        .unwrap();
    drop(database);
    assert_eq!(Looked::at(&data, &[]).errors(), ["store"], "a newer one");
    let bytes = vec![0x5a; 100_000];
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(Looked::at(&data, &[]).errors(), ["store"], "no database");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(Looked::at(&data, &[]).code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ended_and_backups_that_nobody_makes_are_told() {
    let server = stopped().await;
    let data = server.data();
    let authority = crate::tls::Authority::new();
    for (year, mark) in [(2021, "error"), (2090, "ok")] {
        let files = crate::tls::Files::write(server.dir.path(), &authority.issue("x", year));
        assert_eq!(
            Looked::at(&data, &files.options()).worst("certificate"),
            mark
        );
    }
    let backups = server.dir.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    let path = backups.to_str().unwrap();
    assert_eq!(
        Looked::at(&data, &["--backups", path]).worst("backup"),
        "error"
    );
    let made = command(&data, &["backup", "--into", path]);
    assert!(made.status.success(), "{made:?}");
    assert_eq!(
        Looked::at(&data, &["--backups", path]).worst("backup"),
        "ok"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_postgresql_that_lose_data_are_told() {
    let url = aside(postgres_server::database);
    let mut server = Server::start_on(Some(url.clone())).await;
    server.stop().await;
    let evidence = server.dir.path().join("evidence");
    let more = ["--database", &url, "--evidence", evidence.to_str().unwrap()];
    let looked = Looked::at(&server.data(), &more);
    assert_eq!(looked.errors(), Vec::<&str>::new());
    assert_eq!(
        looked.worst("postgresql"),
        "attention",
        "WAL is not archived"
    );
    aside(|| {
        let mut admin = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        let name: String = admin
            .query_one("SELECT current_database()", &[])
            .unwrap()
            .get(0);
        admin
            .batch_execute(&format!(
                "ALTER DATABASE {name} SET synchronous_commit = off"
            ))
            .unwrap();
    });
    let looked = Looked::at(&server.data(), &more);
    assert_eq!((looked.errors(), looked.code), (vec!["postgresql"], 1));
    let gone = format!("{url}-gone");
    let looked = Looked::at(&server.data(), &["--database", &gone]);
    assert_eq!(looked.worst("store"), "error");
}
