//! Bytes on a connection that are no proper requests: smuggled ones, endless ones, slow ones.

use std::time::Duration;

use shicha_domain::directory::Role;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::common::Server;

/// Far more than any answer here takes; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn address(server: &Server) -> String {
    server.url.trim_start_matches("http://").to_owned()
}

/// Sends bytes and reads until the server closes or has nothing more to say.
async fn said(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address(server)).await.unwrap();
    // A server that has heard enough may close before all is sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("the server ends the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answer: &str) -> Vec<u16> {
    answer
        .split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|rest| rest.get(..3)?.parse().ok())
        .collect()
}

const SMUGGLED: &str = "GET /v1/server HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_request_hidden_in_another_is_not_answered() {
    let server = Server::start().await;
    let chunked = format!("0\r\n\r\n{SMUGGLED}");
    let length = chunked.len();
    let head = "POST /v1/enrol HTTP/1.1\r\nhost: x\r\nshicha-protocol: 2\r\n";
    let cases = [
        (
            "a length and chunks",
            format!(
                "{head}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
            ),
        ),
        (
            "chunks and a length",
            format!(
                "{head}transfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n{chunked}"
            ),
        ),
        (
            "two lengths",
            format!("{head}content-length: 5\r\ncontent-length: 0\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a list of lengths",
            format!("{head}content-length: 0, 5\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a length with a sign",
            format!("{head}content-length: +0\r\n\r\n{SMUGGLED}"),
        ),
        (
            "an encoding that is none",
            format!("{head}transfer-encoding: xchunked\r\n\r\n{chunked}"),
        ),
        (
            "chunks that are not last",
            format!("{head}transfer-encoding: chunked, identity\r\n\r\n{chunked}"),
        ),
        (
            "a blank before the colon",
            format!("{head}content-length : 0\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a header over two lines",
            format!("{head}x: a\r\n content-length: 0\r\n\r\n{SMUGGLED}"),
        ),
        ("a zero byte", format!("{head}x: a\0b\r\n\r\n{SMUGGLED}")),
        (
            "chunks without end",
            format!("{head}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{SMUGGLED}"),
        ),
    ];
    for (what, bytes) in cases {
        let answer = said(&server, bytes.as_bytes()).await;
        let statuses = statuses(&answer);
        assert!(
            matches!(statuses[..], [400..500]),
            "{what}: refused once, and the connection is closed: {answer}"
        );
    }
}

#[tokio::test]
async fn headers_and_addresses_without_end_are_refused() {
    let server = Server::start().await;
    let many: String = (0..5_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let cases = [
        (
            "one long header",
            format!("GET /v1/server HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200_000)),
        ),
        (
            "many headers",
            format!("GET /v1/server HTTP/1.1\r\n{many}\r\n"),
        ),
        (
            "a long address",
            format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(200_000)),
        ),
        ("no request", "\u{16}\u{3}\u{1}\u{2}".repeat(50_000)),
        (
            "a body larger than any",
            "POST /v1/enrol HTTP/1.1\r\nshicha-protocol: 2\r\ncontent-length: 1000000000000000000\r\n\r\n{".to_owned(),
        ),
    ];
    for (what, bytes) in cases {
        let answer = said(&server, bytes.as_bytes()).await;
        let statuses = statuses(&answer);
        assert!(
            statuses.iter().all(|status| (400..500).contains(status)),
            "{what}: {answer}"
        );
    }
    server
        .device("甲", "320703", Role::Inspector)
        .await
        .pull(&[])
        .await;
}

#[tokio::test]
async fn many_who_begin_and_say_nothing_more_keep_nobody_from_being_answered() {
    let server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let mut idle = Vec::new();
    for n in 0..300 {
        let mut stream = TcpStream::connect(address(&server)).await.unwrap();
        let begun: &[u8] = match n % 3 {
            0 => b"",
            1 => b"POST /v1/enrol HTTP/1.1\r\nhost: x\r\nx-",
            _ => b"POST /v1/enrol HTTP/1.1\r\nhost: x\r\nshicha-protocol: 2\r\ncontent-length: 100\r\n\r\n{",
        };
        stream.write_all(begun).await.unwrap();
        idle.push(stream);
    }
    let answered = tokio::time::timeout(PATIENCE, device.pull(&[])).await;
    assert!(answered.is_ok(), "others are answered all the same");
    assert_eq!(idle.len(), 300);
}

#[tokio::test]
async fn an_answer_that_is_given_before_all_was_sent_arrives_all_the_same() {
    const LENGTH: usize = 1 << 20;
    let server = Server::start().await;
    let mut stream = TcpStream::connect(address(&server)).await.unwrap();
    let head = format!(
        "PATCH /v1/blobs/{} HTTP/1.1\r\nhost: x\r\nshicha-protocol: 2\r\ncontent-length: {LENGTH}\r\n\r\n",
        "0".repeat(64)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Nobody without a session sends evidence: that is said while the evidence is still on its way.
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(statuses(&String::from_utf8_lossy(&answer)), [401]);
    for _ in 0..LENGTH >> 10 {
        stream.write_all(&[7; 1 << 10]).await.unwrap();
    }
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        String::from_utf8_lossy(&answer).contains("\"code\""),
        "the reason arrived whole"
    );
}
