//! What is read of whom: memory is taken for a body only when it is known whose it is, and nobody takes all of it.

use std::time::Duration;

use reqwest::StatusCode;
use shicha_domain::{Event, directory::Role, suite::SigningKey};
use shicha_sync::protocol::{BATCH_TYPE, MAX_BATCH_BODY, PULL_TYPE, ProblemCode, admin::Revoke};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    OWN,
    common::{Device, Server, code_of, record},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Sends the head of a request whose body has so many bytes.
async fn begin(server: &Server, route: &str, token: Option<&str>, length: usize) -> TcpStream {
    let address = server.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let token = token.unwrap_or_default();
    let kind = match route {
        "/v1/push" => BATCH_TYPE,
        "/v1/pull" => PULL_TYPE,
        _ => "application/json",
    };
    let head = format!(
        "POST {route} HTTP/1.1\r\nhost: x\r\nshicha-protocol: 2\r\ncontent-type: {kind}\r\n{token}content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The status of the answer that comes although nothing of the body was sent.
async fn answered(stream: &mut TcpStream) -> String {
    let mut status = vec![0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut status)).await;
    read.expect("it is answered at once").unwrap();
    String::from_utf8(status).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn before_somebody_says_who_they_are_no_more_than_four_kilobytes_are_read() {
    let server = Server::start().await;
    let routes = [
        "/v1/enrol",
        "/v1/session/challenge",
        "/v1/session",
        "/v1/obeyed",
    ];
    for route in routes {
        let mut stream = begin(&server, route, None, 4_097).await;
        assert!(answered(&mut stream).await.ends_with("413"), "{route}");
    }
    // In chunks nothing is announced, and it ends as soon as there is too much.
    let device = server.device("甲", "320703", Role::Inspector).await;
    for route in routes {
        let body = reqwest::Body::wrap_stream(futures::stream::iter(
            (0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1_000])),
        ));
        let request = device.request(reqwest::Method::POST, route).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(code_of(response).await, ProblemCode::TooLarge, "{route}");
    }
    // What a real device sends has room, with a label as long as it may be and longer.
    let code = server.code_for("乙", "320703", Role::Inspector);
    let key = SigningKey::from_bytes(&rand::random());
    let mut request = Device::enrolment(&server, &key, &code);
    request.label = "电".repeat(1_000);
    let response = device.post("/v1/enrol", &request).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_revoked_device_not_a_byte_is_read() {
    let server = Server::start().await;
    let administrator = server.device("管", "320700", Role::Administrator).await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let order = Revoke {
        device: device.id,
        order: None,
    };
    let done = administrator.post("/v1/admin/devices/revoke", &order).await;
    assert_eq!(done.status(), StatusCode::OK);
    for route in ["/v1/push", "/v1/pull", "/v1/numbers"] {
        for length in [100, 1 << 20] {
            let mut stream = begin(&server, route, Some(&device.token), length).await;
            assert!(answered(&mut stream).await.ends_with("403"), "{route}");
        }
    }
    let mut stream = begin(&server, "/v1/push", Some("no token"), MAX_BATCH_BODY).await;
    assert!(answered(&mut stream).await.ends_with("401"));
}

/// How much of a body the endpoint takes within a moment.
async fn taken(stream: &mut TcpStream) -> usize {
    let piece = vec![7; 64 << 10];
    let mut sent = 0;
    while sent + piece.len() < MAX_BATCH_BODY {
        let write = tokio::time::timeout(Duration::from_secs(2), stream.write_all(&piece));
        match write.await {
            Ok(written) => written.unwrap(),
            Err(_elapsed) => break,
        }
        sent += piece.len();
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn one_device_fills_the_memory_with_no_more_than_two_bodies_and_others_send_all_the_same() {
    let server = Server::start().await;
    let hoarder = server.device("甲", "320703", Role::Inspector).await;
    let mut other = server.device("乙", "320703", Role::Inspector).await;
    let mut streams = Vec::new();
    for _ in 0..12 {
        streams.push(begin(&server, "/v1/push", Some(&hoarder.token), MAX_BATCH_BODY).await);
    }
    // All but the last bytes, so that each stays unfinished.
    let all = futures::future::join_all(streams.iter_mut().map(taken)).await;
    let whole = all
        .iter()
        .filter(|sent| **sent > MAX_BATCH_BODY - (1 << 20));
    assert_eq!(whole.count(), 2, "{all:?}");
    let noise: Vec<u8> = (0..400_000).map(|_| rand::random::<u8>()).collect();
    let large: Vec<_> = noise
        .chunks(40_000)
        .map(|chunk| {
            let event = Event::Set {
                field: "remark".into(),
                value: hex(chunk).into(),
                replaces: vec![],
            };
            other.write(OWN, record(), &event)
        })
        .collect();
    assert!(
        other.body(&large).len() > 64 << 10,
        "a body that is counted"
    );
    let pushed = tokio::time::timeout(PATIENCE, other.push(&large)).await;
    assert_eq!(pushed.expect("it is taken").head, other.head);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
