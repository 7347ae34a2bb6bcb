//! What is served is what `init` made, all of it, by one process, and nobody else on the machine reads it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, directory::Role};

use crate::{
    common::{Server, aside, record},
    postgres_server,
    process::Process,
};

fn run(data: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shicha-server"))
        .arg("--data")
        .arg(data)
        .args(words)
        .env("RUST_LOG", "off")
        .output()
        .unwrap()
}

/// What `serve` says when it does not begin. It cannot go on for ever in any case: nobody has that address here.
fn refused(data: &Path, more: &[&str]) -> String {
    let words = [more, &["serve", "--listen", "192.0.2.1:1"]].concat();
    let output = run(data, &words);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    said
}

/// All of it is there, and only the address is wrong.
fn is_begun(data: &Path) -> bool {
    refused(data, &[]).contains("无法监听")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_missing_is_named_and_never_made_anew() {
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let entries = [device.set("own/320703", record(), "在")];
    device.push(&entries).await;
    let photo = b"a photo".to_vec();
    let hash = BlobHash(Sha256::digest(&photo).into());
    aside(|| {
        let home = server.home();
        home.evidence.put(&photo).unwrap();
        home.store.note_blob(hash, 7, 1).unwrap();
    });
    server.stop().await;
    let data = server.data();
    assert!(is_begun(&data));

    let nowhere = server.dir.path().join("nowhere");
    assert!(refused(&nowhere, &[]).contains("不存在：检查 --data 和挂载"));
    assert!(!nowhere.exists());
    let empty = server.dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(refused(&empty, &[]).contains("没有中心端数据：检查 --data 和挂载"));
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);

    let aside_of = |name: &str| server.dir.path().join(format!("moved-{name}"));
    let init = || {
        let output = run(&data, &["init", "--name", "另一个"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (name, left) in [("server.db", "server.key"), ("server.key", "server.db")] {
        fs::rename(data.join(name), aside_of(name)).unwrap();
        let words = format!("有 {left}，却没有 {name}");
        for said in [refused(&data, &[]), init()] {
            assert!(
                said.contains(&words) && said.contains("从备份恢复"),
                "{said}"
            );
        }
        assert!(!data.join(name).exists(), "{name} was made anew");
        fs::rename(aside_of(name), data.join(name)).unwrap();
    }
    // Cut off to nothing, as after a crash of the file system.
    fs::rename(data.join("server.db"), aside_of("server.db")).unwrap();
    fs::write(data.join("server.db"), b"").unwrap();
    assert!(refused(&data, &[]).contains("却没有 server.db"));
    assert_eq!(fs::metadata(data.join("server.db")).unwrap().len(), 0);
    fs::remove_file(data.join("server.db")).unwrap();
    // Only photos are left.
    fs::rename(data.join("server.key"), aside_of("server.key")).unwrap();
    assert!(init().contains("有 附件文件夹，却没有 server.db"));
    for name in ["server.db", "server.key"] {
        fs::rename(aside_of(name), data.join(name)).unwrap();
    }
    // Photos on a volume that is not mounted.
    fs::rename(data.join("evidence"), aside_of("evidence")).unwrap();
    assert!(refused(&data, &[]).contains("却没有 附件文件夹"));
    assert!(!data.join("evidence").exists());
    fs::rename(aside_of("evidence"), data.join("evidence")).unwrap();

    assert!(is_begun(&data));
    server.start_again().await;
    device.open_session().await;
    let entries = [device.set("own/320703", record(), "仍在")];
    device.push(&entries).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_beside_a_key_is_not_served_as_a_new_endpoint() {
    let [url, wrong] = aside(|| [postgres_server::database(), postgres_server::database()]);
    let mut server = Server::start_on(Some(url.clone())).await;
    server.stop().await;
    let evidence = server.dir.path().join("evidence");
    let at = |url: &str| {
        let more = ["--database", url, "--evidence", evidence.to_str().unwrap()];
        refused(&server.data(), &more)
    };
    assert!(at(&wrong).contains("有 server.key，却没有 数据库中的表"));
    let tables = aside(|| {
        let mut admin = postgres::Client::connect(&wrong, postgres::NoTls).unwrap();
        let found = admin
            .query_one(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
                &[],
            )
            .unwrap();
        found.get::<_, i64>(0)
    });
    assert_eq!(
        tables, 0,
        "nothing was made in a database that may be anybody's"
    );
    assert!(at(&url).contains("无法监听"));
}

#[test]
fn an_init_that_was_broken_off_is_told_and_done_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    assert!(run(&data, &["init", "--name", "甲"]).status.success());
    // As if it had ended before the key was made.
    fs::write(data.join("init.unfinished"), b"").unwrap();
    fs::remove_file(data.join("server.key")).unwrap();
    assert!(refused(&data, &[]).contains("再运行一次 init"));
    assert!(run(&data, &["init", "--name", "甲"]).status.success());
    assert!(is_begun(&data));
    assert!(
        run(&data, &["init", "--name", "乙"]).status.success(),
        "it is only renamed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_one_data_folder_is_refused_and_commands_go_on_beside_the_first() {
    let mut server = Server::start().await;
    server.stop().await;
    let process = Process::start(&server.place, &[]);
    assert!(refused(&server.data(), &[]).contains("已由另一个中心端进程使用"));
    for words in [
        &["org", "list"][..],
        &["verify"],
        &["init", "--name", "改名"],
    ] {
        assert!(run(&server.data(), words).status.success(), "{words:?}");
    }
    process.signal("KILL");
    process.end();
    assert!(is_begun(&server.data()), "however the first one ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_owner_reads_what_lies_in_a_folder_that_was_open_before() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let open =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(&data).unwrap();
    open(&data, 0o755);
    assert!(run(&data, &["init", "--name", "甲"]).status.success());
    let look = |when: &str| {
        for (name, mode) in [
            (".", 0o700),
            ("server.db", 0o600),
            ("server.db-wal", 0o600),
            ("server.db-shm", 0o600),
            ("server.key", 0o600),
            ("evidence", 0o700),
        ] {
            let Ok(found) = fs::metadata(data.join(name)) else {
                assert!(name.starts_with("server.db-"), "{name}");
                continue;
            };
            assert_eq!(found.permissions().mode() & 0o777, mode, "{name} {when}");
        }
    };
    look("as made");
    for (name, mode) in [(".", 0o755), ("server.db", 0o644), ("evidence", 0o755)] {
        open(&data.join(name), mode);
    }
    let place = (&data).into();
    let process = Process::start(&place, &[]);
    assert!(data.join("server.db-wal").exists());
    look("as served");
    process.signal("TERM");
    process.end();
}
