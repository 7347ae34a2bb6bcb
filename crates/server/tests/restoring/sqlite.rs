//! SQLite: an archive of moments, each added by `backup --into` while the endpoint runs.

use std::path::Path;

use clap::Parser as _;
use shicha_domain::directory::Role;

use crate::{
    common::{Server, wall_ms},
    delivered,
    kit::{CITY, COUNTY, Laptop},
    nothing_is_lost,
};

/// Does what an administrator types, at a moment.
fn command(data: &Path, words: &[&str], now_ms: u64) -> bool {
    let line = ["shicha-server", "--json", "--data", data.to_str().unwrap()];
    let cli = shicha_server::cli::Cli::try_parse_from(line.iter().chain(words)).unwrap();
    shicha_server::cli::run_at(cli, now_ms) == std::process::ExitCode::SUCCESS
}

fn written(ms: u64) -> String {
    chrono::DateTime::from_timestamp_millis(ms as i64)
        .unwrap()
        .to_rfc3339()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_goes_back_to_a_chosen_moment_and_the_laptops_bring_the_rest() {
    let mut server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let two = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let archive = server.dir.path().join("archive");
    let archive_path = archive.to_str().unwrap();
    let begun = wall_ms();
    let add = |minute: u64| {
        let now_ms = begun + minute * 60_000;
        assert!(command(
            &server.data(),
            &["backup", "--into", archive_path],
            now_ms
        ));
    };

    let first = delivered(&server, &one, "第一刻之前").await;
    let photo = one.attach(first, b"the photo of the first moment");
    one.round(&server).await.unwrap();
    add(0);
    let second = delivered(&server, &two, "第二刻之前").await;
    add(5);
    let third = delivered(&server, &one, "第二刻之后").await;
    let late = one.attach(third, b"a photo that came later");
    one.round(&server).await.unwrap();
    add(10);
    city.round(&server).await.unwrap();

    // Something went wrong; the administrator goes back to the seventh minute.
    let restored = server.dir.path().join("restored");
    let to = restored.to_str().unwrap();
    let until = written(begun + 7 * 60_000);
    let words = [
        "restore",
        "--from",
        archive_path,
        "--to",
        to,
        "--until",
        &until,
    ];
    let early = written(begun - 60_000);
    let too_early = [
        "restore",
        "--from",
        archive_path,
        "--to",
        to,
        "--until",
        &early,
    ];
    assert!(
        !command(&server.data(), &too_early, begun),
        "there is none that early"
    );
    assert!(!restored.exists());
    assert!(command(&server.data(), &words, begun));
    assert!(
        !command(&server.data(), &words, begun),
        "nothing is written over"
    );
    server.stop().await;
    std::fs::remove_dir_all(server.data()).unwrap();
    std::fs::rename(&restored, server.data()).unwrap();
    {
        let store = server.store();
        let held = |laptop: &Laptop| {
            let device = laptop.ledger.identity().unwrap().unwrap().device;
            store.device(device).unwrap().unwrap().head.seq
        };
        assert_eq!(
            (held(&one), held(&two)),
            (2, 1),
            "as it was at the fifth minute"
        );
    }
    server.start_again().await;

    for _ in 0..2 {
        for laptop in [&two, &one, &city] {
            let outcome = laptop.round(&server).await.unwrap();
            assert_eq!((outcome.skipped, outcome.forked), (vec![], None));
        }
    }
    let later = Laptop::of(&server, "新", CITY, Role::Supervisor).await;
    later.round(&server).await.unwrap();
    for record in [first, second, third] {
        assert!(later.has(record) && city.has(record));
    }
    for blob in [photo, late] {
        assert_eq!(later.bytes_of(blob), one.bytes_of(blob));
    }
    server.stop().await;
    nothing_is_lost(&server, &[&one, &two, &city], 5);
}
