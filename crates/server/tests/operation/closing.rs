//! The process is asked to end.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use shicha_domain::directory::Role;
use shicha_sync::protocol::{BATCH_TYPE, messages::PushReply};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    common::{Server, record},
    process::{Process, text, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_push_under_way_is_answered_and_no_new_work_is_asked_for_meanwhile() {
    let mut server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    server.stop().await;
    let process = Process::start(&server.place, &["--drain", "2"]);
    device.url.clone_from(&process.url);
    device.open_session().await;

    // Half of a push is on its way when the process is told to end.
    let entries = [device.set("own/320703", record(), "在路上")];
    let body = device.body(&entries);
    let (first, second) = body.split_at(body.len() / 2);
    let (send, rest) = futures::channel::mpsc::unbounded::<Result<Vec<u8>, std::io::Error>>();
    send.unbounded_send(Ok(first.to_vec())).unwrap();
    let pushing = tokio::spawn(
        device
            .request(reqwest::Method::POST, "/v1/push")
            .header("content-type", BATCH_TYPE)
            .body(reqwest::Body::wrap_stream(rest.boxed()))
            .send(),
    );
    process.signal("TERM");
    let ready = format!("{}/readyz", process.url);
    let said = until("it never said that it closes", || async {
        let (status, said) = text(&ready).await;
        (status == 503).then_some(said)
    })
    .await;
    assert_eq!(said, "closing");
    // It is closed to others before the push is whole.
    let url = process.url.clone();
    until("it never closed", || async {
        reqwest::get(format!("{url}/healthz")).await.err()
    })
    .await;
    send.unbounded_send(Ok(second.to_vec())).unwrap();
    drop(send);
    let response = pushing.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let reply: PushReply = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(reply.head, device.head);
    assert!(process.end().0.success(), "it ends in order");
    assert_eq!(
        server.store().device(device.id).unwrap().unwrap().head,
        device.head,
        "what was answered is held"
    );
}

/// Streams whose clients do not close, requests that were begun, and connections that say nothing: none of them is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_ends_within_seconds_however_many_streams_are_open() {
    let mut server = Server::start().await;
    let mut devices = Vec::new();
    for n in 0..20 {
        let name = format!("人{n}");
        devices.push(server.device(&name, "320703", Role::Inspector).await);
    }
    server.stop().await;
    let process = Process::start(&server.place, &[]);
    let address = process.url.trim_start_matches("http://").to_owned();
    let mut held = Vec::new();
    for device in &mut devices {
        device.url.clone_from(&process.url);
        device.http = reqwest::Client::new();
        device.open_session().await;
        for _ in 0..2 {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            let head = format!(
                "GET /v1/events HTTP/1.1\r\nhost: x\r\nshicha-protocol: 2\r\nauthorization: Bearer {}\r\n\r\n",
                device.token
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut status = vec![0; 12];
            stream.read_exact(&mut status).await.unwrap();
            assert_eq!(status, b"HTTP/1.1 200");
            held.push(stream);
        }
        for begun in ["", "GET /v1/server HTTP/1.1\r\nhost"] {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            held.push(stream);
        }
    }
    let begun = Instant::now();
    process.signal("TERM");
    let ended = tokio::task::spawn_blocking(move || process.end());
    assert!(ended.await.unwrap().0.success(), "it ends in order");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(held.len(), 80);
}
