//! PostgreSQL: a base backup, archived WAL, and recovery to a moment in another cluster, with its own tools as the manual says.

use std::time::{Duration, Instant};

use shicha_domain::directory::Role;

use crate::{
    aside,
    cluster::{Cluster, folder, run},
    common::Server,
    delivered,
    kit::{CITY, COUNTY, Laptop},
    nothing_is_lost,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the WAL so far go to the archive, and waits until it is there.
fn archive_wal(cluster: &Cluster) {
    let mut admin = cluster.admin();
    let file: String = admin
        .query_one("SELECT pg_walfile_name(pg_switch_wal())", &[])
        .unwrap()
        .get(0);
    let begun = Instant::now();
    loop {
        let row = admin
            .query_one(
                "SELECT coalesce(last_archived_wal >= $1, false) FROM pg_stat_archiver",
                &[&file],
            )
            .unwrap();
        if row.get(0) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "WAL is not archived");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_recovered_to_a_chosen_moment_and_the_laptops_bring_the_rest() {
    let wal = folder();
    let cluster = aside(|| Cluster::archiving(wal.path()));
    aside(|| {
        cluster
            .admin()
            .batch_execute("CREATE DATABASE shicha")
            .unwrap()
    });
    let mut server = Server::start_on(Some(cluster.url("shicha"))).await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let two = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let first = delivered(&server, &one, "基础备份之前").await;

    let backups = folder();
    let base = backups.path().join("base");
    aside(|| {
        let variables = [
            ("dir", cluster.dir().to_str().unwrap()),
            ("base", base.to_str().unwrap()),
        ];
        run(
            r#""$bin/pg_basebackup" -h "$dir" -U shicha -D "$base" -c fast"#,
            &variables,
        );
    });
    let second = delivered(&server, &two, "选定时刻之前").await;
    let until: String = aside(|| {
        let row = cluster
            .admin()
            .query_one("SELECT clock_timestamp()::text", &[]);
        row.unwrap().get(0)
    });
    let third = delivered(&server, &one, "选定时刻之后").await;
    let photo = one.attach(third, b"a photo that came later");
    one.round(&server).await.unwrap();
    city.round(&server).await.unwrap();
    aside(|| archive_wal(&cluster));
    server.stop().await;
    drop(cluster);

    let recovered = aside(|| Cluster::recovered(&base, wal.path(), &until));
    server.place.database = Some(recovered.url("shicha"));
    aside(|| {
        let store = server.store();
        let held = |laptop: &Laptop| {
            let device = laptop.ledger.identity().unwrap().unwrap().device;
            store.device(device).unwrap().unwrap().head.seq
        };
        assert_eq!((held(&one), held(&two)), (1, 1), "as it was at that moment");
        let url = recovered.url("shicha");
        server.command(&["--database", &url, "restored"]);
    });
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
    assert_eq!(later.bytes_of(photo), one.bytes_of(photo));
    server.stop().await;
    nothing_is_lost(&server, &[&one, &two, &city], 4);
}
