//! A device that asks in a loop is slowed down; a laptop that works, however much it brings, is not.

use std::time::Instant;

use reqwest::StatusCode;
use shicha_domain::{Entry, directory::Role};
use shicha_sync::protocol::{ProblemCode, RETRY_AFTER_S};

use crate::{
    common::{Server, code_of, problem, record},
    process::{Process, text},
};

const OWN: &str = "own/320703";

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_asks_in_a_loop_is_told_when_to_come_again_and_others_are_served() {
    let mut server = Server::start().await;
    let mut looping = server.device("甲", "320703", Role::Inspector).await;
    let mut other = server.device("乙", "320703", Role::Inspector).await;
    server.stop().await;
    let process = Process::start(
        &server.place,
        &["--device-rate", "1", "--metrics-listen", "127.0.0.1:0"],
    );
    for device in [&mut looping, &mut other] {
        device.url.clone_from(&process.url);
        device.open_session().await;
    }
    let ask = || {
        looping
            .request(reqwest::Method::GET, "/v1/directory")
            .send()
    };
    let mut answered = 0;
    let slowed = loop {
        let response = ask().await.unwrap();
        if response.status() != StatusCode::OK {
            break response;
        }
        answered += 1;
    };
    assert!(answered >= 30, "half a minute's worth at once: {answered}");
    let header: u64 = slowed.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let (status, said) = problem(slowed).await;
    assert_eq!((status.as_u16(), said.code), (429, ProblemCode::SlowDown));
    assert_eq!(said.extra[RETRY_AFTER_S], header);
    assert!((1..=60).contains(&header));
    other.pull(&[]).await;
    assert_eq!(
        looping.send_blob(&"a".repeat(64), 0, 1, "x").await.status(),
        StatusCode::NOT_FOUND,
        "evidence has a measure of its own"
    );
    let figures = text(&format!("{}/metrics", process.metrics.as_ref().unwrap()))
        .await
        .1;
    assert!(
        figures.contains(r#"shicha_slowed_down_total{call="device"} 1"#),
        "{figures}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_opens_sessions_in_a_loop_is_slowed_down_by_the_word_of_a_trusted_proxy() {
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    server.stop().await;
    let process = Process::start(
        &server.place,
        &[
            "--address-rate",
            "1",
            "--behind-proxy",
            "127.0.0.0/8,10.1.2.3",
        ],
    );
    device.url.clone_from(&process.url);
    let ask = |from: &'static str| {
        let request = device.request(reqwest::Method::GET, "/v1/server");
        async move {
            request
                .header("x-forwarded-for", from)
                .send()
                .await
                .unwrap()
        }
    };
    let mut answered = 0;
    while ask("192.0.2.1").await.status() == StatusCode::OK {
        answered += 1;
    }
    assert!(answered >= 60, "{answered}");
    assert_eq!(
        code_of(ask("198.51.100.7, 192.0.2.1").await).await,
        ProblemCode::SlowDown,
        "what the client itself wrote does not count"
    );
    assert_eq!(ask("192.0.2.2").await.status(), StatusCode::OK);
}

/// What `cargo xtask bench returning` measures for a thousand: here one, with forty inspections at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_comes_back_after_weeks_is_never_slowed_down() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let begun = Instant::now();
    let mut requests = 0;
    for inspection in 0..40 {
        let entries: Vec<Entry> = (0..60)
            .map(|n| device.set(OWN, record(), &format!("{inspection} {n}")))
            .collect();
        device.push(&entries).await;
        device.pull(&[(OWN, inspection * 60)]).await;
        // Twenty photos, each asked for and sent in parts.
        for part in 0..60 {
            let hash = format!("{inspection:032x}{part:032x}");
            let answer = device.send_blob(&hash, 0, 1, "x").await;
            assert_eq!(
                answer.status(),
                StatusCode::NOT_FOUND,
                "no entry names it, but it is heard"
            );
            requests += 1;
        }
        requests += 2;
    }
    eprintln!("{requests} requests in {} ms", begun.elapsed().as_millis());
}
