//! A newer version is rolled out: one process after another is replaced, and nobody notices.

use std::time::Instant;

use reqwest::StatusCode;
use shicha_domain::directory::Role;
use shicha_server::{
    Config, serve,
    store::{MIGRATIONS, Migration},
};
use shicha_sync::protocol::messages::PushReply;

use crate::{
    CHANNEL, Instance, PATIENCE,
    common::{Device, Server, aside, record},
    places, postgres_server,
};

/// The next format: it adds what today's programs neither read nor write.
const ADDS: Migration = Migration {
    sqlite: "",
    postgres: "ALTER TABLE entry ADD COLUMN colour text; ALTER TABLE device ADD COLUMN colour text; CREATE TABLE added (n integer);",
    oldest: 1,
};

fn with(more: &[Migration]) -> &'static [Migration] {
    Box::leak([MIGRATIONS, more].concat().into_boxed_slice())
}

async fn push(device: &mut Device, url: &str, what: &str) -> PushReply {
    device.url = url.to_owned();
    let entries = [device.set(CHANNEL, record(), what)];
    device.push(&entries).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_migrates_the_store_while_the_old_one_serves_and_one_too_old_stops() {
    let mut server = Server::start_on(Some(aside(postgres_server::database))).await;
    let mut device = server.device("检查员", "320703", Role::Inspector).await;
    let other = server.device("另一人", "320703", Role::Inspector).await;
    server.stop().await;
    let mut places = places(&server, 3);
    let old = Instance::start(&places[0], "127.0.0.1:0");
    let old_url = old.url.clone();
    device.url.clone_from(&old_url);
    device.open_session().await;

    // The old process takes entries in all the while; each push must be taken.
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let mut writer = other.clone();
    writer.url.clone_from(&old_url);
    writer.open_session().await;
    let writing = tokio::spawn({
        let url = old_url.clone();
        async move {
            let mut pushed = 0_u64;
            while stopped.try_recv().is_err() {
                push(&mut writer, &url, "旧版在写").await;
                pushed += 1;
            }
            (writer, pushed)
        }
    });
    let mut newer = Config::new(places.remove(1), "127.0.0.1:0".parse().unwrap());
    newer.migrations = with(&[ADDS]);
    let newer = serve(newer).await.unwrap();
    push(&mut device, &newer.url(), "新版").await;
    push(&mut device, &old_url, "旧版").await;
    push(&mut device, &newer.url(), "又是新版").await;
    stop.send(()).unwrap();
    let (mut writer, pushed) = writing.await.unwrap();
    assert!(pushed > 0);
    writer.url = newer.url();
    assert_eq!(writer.pull(&[]).await.batch.rows.len() as u64, pushed + 3);

    // The old one may even start again beside it.
    let old = {
        let listen = old.kill();
        Instance::start(&places[0], listen.strip_prefix("http://").unwrap())
    };
    push(&mut device, &old_url, "旧版重新启动").await;

    // The version after that takes something away.
    let takes_away = Migration {
        sqlite: "",
        postgres: "ALTER TABLE entry DROP COLUMN after;",
        oldest: MIGRATIONS.len() as u32 + 1,
    };
    let mut newest = Config::new(places.remove(1), "127.0.0.1:0".parse().unwrap());
    newest.migrations = with(&[ADDS, takes_away]);
    let newest = serve(newest).await.unwrap();
    let begin = Instant::now();
    loop {
        let answer = device.post("/v1/session/challenge", &"").await;
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            break;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "the old process noticed nothing"
        );
    }
    drop(old);
    let refused = Instance::command(&places[0], "127.0.0.1:0")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(3));
    let said = String::from_utf8(refused.stdout).unwrap();
    assert!(said.contains("未作任何改动"), "{said}");
    newer.shutdown().await;
    newest.shutdown().await;
}
