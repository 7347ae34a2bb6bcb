//! The log tells operators what happens, and nobody who it was.

use shicha_domain::directory::Role;
use shicha_sync::protocol::REQUEST_ID_HEADER;

use crate::{
    common::{Device, Server, record},
    process::{Process, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_enrolment_push_and_pull_leaves_no_name_label_code_address_or_path_in_the_log() {
    let mut server = Server::start().await;
    let code = server.code_for("欧阳慧敏", "320703", Role::Inspector);
    server.stop().await;
    let process = Process::start_logging(&server.place, &["--behind-proxy", "127.0.0.1"], "debug");
    server.url.clone_from(&process.url);
    let mut device = Device::enrol(&server, &code).await;
    let entries = [
        device.set("own/320703", record(), "灭火器过期，负责人司马光耀"),
        device.set("own/320706", record(), "不归他管"),
    ];
    assert_eq!(device.push(&entries).await.refused.len(), 1);
    device.pull(&[]).await;
    let hash = "b".repeat(64);
    device.send_blob(&hash, 0, 5, "bytes").await;
    // What a client sends for a path, a query or a body may be anything.
    for path in [
        "/v1/百里守约",
        "/v1/directory?since=%E6%AC%A7",
        "/v1/blobs/百里",
    ] {
        device
            .request(reqwest::Method::GET, path)
            .header("x-forwarded-for", "203.0.113.77")
            .send()
            .await
            .unwrap();
    }
    device
        .post("/v1/numbers", &serde_json::json!({ "word": "百里守约" }))
        .await;
    device
        .push_body(b"not a batch, \xe7\x99\xbe\xe9\x87\x8c".to_vec())
        .await;
    let again = Device::enrolment(&server, &device.key, &code);
    device.post("/v1/enrol", &again).await;
    let answer = device.post("/v1/enrol", &"没有").await;
    let id = answer.headers()[REQUEST_ID_HEADER]
        .to_str()
        .unwrap()
        .to_owned();
    process.signal("TERM");
    let (status, log) = process.end();
    assert!(status.success());

    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(log.contains(&id), "a request is found by its id");
    let has = |message: &str| {
        lines
            .iter()
            .any(|line| line["fields"]["message"] == message)
    };
    for message in [
        "serving",
        "enrolled a device",
        "took entries in",
        "answered",
        "closed",
    ] {
        assert!(has(message), "{message:?} is not in\n{log}");
    }
    let plain = code.replace('-', "");
    for personal in [
        "欧阳慧敏",
        "电脑",
        "司马光耀",
        "灭火器",
        "百里",
        "320703",
        "own/",
        &code,
        &plain,
        &hash,
        &device.token,
        "203.0.113.77",
        "%E6%AC%A7",
    ] {
        assert!(!log.contains(personal), "{personal:?} is in\n{log}");
    }
}

/// Asks so often that the lines about it are more than any pipe holds, and is answered each time.
async fn is_answered(process: &Process) {
    let http = reqwest::Client::new();
    for _ in 0..600 {
        let asked = http.get(format!("{}/v1/server", process.url)).send();
        asked.await.unwrap();
    }
    let ready = format!("{}/readyz", process.url);
    assert_eq!(text(&ready).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_no_answer() {
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    server.stop().await;
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let options = ["--metrics-listen", "127.0.0.1:0"];
    let process = Process::start_to(&server.place, &options, "debug", full.into());
    is_answered(&process).await;
    let metrics = format!("{}/metrics", process.metrics.as_ref().unwrap());
    let told = text(&metrics).await.1;
    assert!(!told.contains("shicha_log_lines_lost_total 0\n"), "{told}");
    device.url.clone_from(&process.url);
    device.open_session().await;
    let entries = [device.set("own/320703", record(), "照常")];
    device.push(&entries).await;
    process.signal("TERM");
    assert!(process.end().0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_no_answer() {
    let mut server = Server::start().await;
    server.stop().await;
    let options = ["--metrics-listen", "127.0.0.1:0"];
    let process = Process::start_logging(&server.place, &options, "debug");
    is_answered(&process).await;
}
