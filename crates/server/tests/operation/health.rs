//! What supervisors of processes, load balancers and Prometheus are told.

use shicha_domain::directory::Role;

use crate::{
    common::{Server, record},
    process::{Process, text, until},
};

const OWN: &str = "own/320703";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_serves_says_that_it_lives_and_is_ready_to_anybody() {
    let mut server = Server::start().await;
    server.stop().await;
    let process = Process::start(&server.place, &["--metrics-listen", "127.0.0.1:0"]);
    for base in [&process.url, process.metrics.as_ref().unwrap()] {
        assert_eq!(text(&format!("{base}/healthz")).await, (200, "ok".into()));
        assert_eq!(text(&format!("{base}/readyz")).await, (200, "ready".into()));
    }
    let (status, _) = text(&format!("{}/metrics", process.url)).await;
    assert_ne!(
        status, 200,
        "figures are not for those who reach the endpoint"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_evidence_or_store_is_gone_lives_but_is_not_ready() {
    let mut server = Server::start().await;
    server.stop().await;
    let process = Process::start(&server.place, &[]);
    // The tables are gone, as with a volume that was torn off.
    let database = rusqlite::Connection::open(server.data().join("server.db")).unwrap();
    database
        .execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE channel; DROP TABLE meta;")
        .unwrap();
    let ready = format!("{}/readyz", process.url);
    let said = until("a broken store was never noticed", || async {
        let (status, said) = text(&ready).await;
        (status == 503).then_some(said)
    })
    .await;
    assert_eq!(said, "the store does not answer");
    assert_eq!(text(&format!("{}/healthz", process.url)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_is_told_what_happens_and_nothing_of_whom() {
    let mut server = Server::start().await;
    let mut device = server.device("冯淑贞", "320703", Role::Inspector).await;
    server.stop().await;
    let process = Process::start(&server.place, &["--metrics-listen", "127.0.0.1:0"]);
    device.url.clone_from(&process.url);
    device.open_session().await;
    let taken: Vec<_> = (0..3)
        .map(|n| device.set(OWN, record(), &n.to_string()))
        .collect();
    device.push(&taken).await;
    let refused = [device.set("own/320706", record(), "别人的")];
    assert_eq!(device.push(&refused).await.refused.len(), 1);
    assert_eq!(device.pull(&[]).await.batch.rows.len(), 3);
    let paths = ["/v1/nothing", "/v1/blobs/abc", "/冯淑贞", "/v1/%00"];
    for path in paths {
        device
            .request(reqwest::Method::GET, path)
            .send()
            .await
            .unwrap();
    }

    let url = format!("{}/metrics", process.metrics.as_ref().unwrap());
    let (status, told) = text(&url).await;
    assert_eq!(status, 200);
    for line in [
        r#"shicha_requests_total{route="/v1/push",method="POST",status="200"} 2"#,
        r#"shicha_request_seconds_count{route="/v1/push"} 2"#,
        r#"shicha_pushes_total{outcome="held"} 2"#,
        r#"shicha_entries_total{outcome="new"} 4"#,
        r#"shicha_entries_total{outcome="channel"} 1"#,
        "shicha_entries_pulled_total 3",
        r#"shicha_store_seconds_count{call="append"} 2"#,
        r#"shicha_store_seconds_count{call="pull"} 1"#,
        "shicha_heavy_wait_seconds_count 3",
        "shicha_event_streams 0",
        "shicha_ready 1",
    ] {
        assert!(told.contains(line), "{line} is not in\n{told}");
    }
    let value = |name: &str| -> f64 {
        let line = told.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("shicha_bytes_total{call=\"push\"}") > 0.0);
    assert!(value("shicha_store_bytes ") > 0.0);
    assert_eq!(value("shicha_devices "), 1.0);
    assert_eq!(value("shicha_devices_active "), 1.0);
    for personal in [
        "冯淑贞",
        "电脑",
        "320703",
        &device.id.to_string(),
        "abc",
        "nothing",
    ] {
        assert!(!told.contains(personal), "{personal} is in\n{told}");
    }

    let listening = device
        .request(reqwest::Method::GET, "/v1/events")
        .send()
        .await
        .unwrap();
    assert!(text(&url).await.1.contains("shicha_event_streams 1\n"));
    drop(listening);
}
