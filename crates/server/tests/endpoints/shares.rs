//! Connections and event streams: what one device, person or address holds keeps nobody else from being answered.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use shicha_domain::directory::{Person, Role};
use shicha_sync::protocol::{ProblemCode, admin::Revoke};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    OWN,
    common::{Device, Server, code_of, record},
};

/// Far more than any answer here takes; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Within this something happens at once, also where the machine does much else.
const SOON: Duration = Duration::from_secs(5);

async fn listen(device: &Device) -> Response {
    let stream = device.request(Method::GET, "/v1/events").send().await;
    let mut stream = stream.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    let first = stream.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"data:"), "it speaks at once");
    stream
}

/// What a stream still says until it ends.
async fn last_words(mut stream: Response) -> String {
    let mut said = Vec::new();
    let reading = async {
        while let Some(chunk) = stream.chunk().await.unwrap() {
            said.extend_from_slice(&chunk);
        }
    };
    let ended = tokio::time::timeout(PATIENCE, reading).await;
    ended.expect("the stream ends");
    String::from_utf8(said).unwrap()
}

async fn said_next(stream: &mut Response) -> String {
    let chunk = tokio::time::timeout(PATIENCE, stream.chunk()).await;
    let chunk = chunk.expect("the stream speaks").unwrap().unwrap();
    String::from_utf8(chunk.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_two_event_streams_and_a_new_one_ends_the_oldest() {
    let server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let mut other = server.device("乙", "320703", Role::Inspector).await;
    let oldest = listen(&device).await;
    let mut kept = [listen(&device).await, listen(&device).await];
    assert_eq!(last_words(oldest).await, "", "it ends and says nothing");
    let entries = [other.set(OWN, record(), "新的")];
    other.push(&entries).await;
    for stream in &mut kept {
        assert!(said_next(stream).await.contains("data: entries"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_stream_of_a_revoked_device_and_of_a_retired_person_ends_and_says_nothing_more() {
    let server = Server::start().await;
    let administrator = server.device("管", "320700", Role::Administrator).await;
    let mut writer = server.device("甲", "320703", Role::Inspector).await;
    let revoked = server.device("乙", "320703", Role::Inspector).await;
    let retired = server.device("丙", "320703", Role::Inspector).await;
    let moved = server.device("丁", "320703", Role::Inspector).await;
    let (of_revoked, of_retired) = (listen(&revoked).await, listen(&retired).await);
    let mut of_moved = listen(&moved).await;

    let order = Revoke {
        device: revoked.id,
        order: None,
    };
    let done = administrator.post("/v1/admin/devices/revoke", &order).await;
    assert_eq!(done.status(), StatusCode::OK);
    let person = |of: &Device, name: &str, org: &str, is_active| Person {
        id: of.person,
        name: name.into(),
        org: org.parse().unwrap(),
        role: Role::Inspector,
        certificate: None,
        is_active,
    };
    for changed in [
        person(&retired, "丙", "320703", false),
        person(&moved, "丁", "320706", true),
    ] {
        let done = administrator.post("/v1/admin/people", &changed).await;
        assert_eq!(done.status(), StatusCode::OK);
    }
    // Written after they were out: not even that there is something.
    let begun = Instant::now();
    let entries = [writer.set(OWN, record(), "以后的")];
    writer.push(&entries).await;
    let said = last_words(of_revoked).await + &last_words(of_retired).await;
    assert!(!said.contains("data: entries"), "{said}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    // Who moved to another bureau still hears that the directory changed, and nothing of the channel that is not theirs any more.
    let own = [moved.clone().set("own/320706", record(), "那边的")];
    assert!(moved.push(&own).await.refused.is_empty());
    let mut neighbour = server.device("戊", "320706", Role::Inspector).await;
    let entries = [neighbour.set("own/320706", record(), "邻局的")];
    neighbour.push(&entries).await;
    let mut heard = String::new();
    while !heard.contains("data: entries") {
        heard += &said_next(&mut of_moved).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_revoked_by_the_command_line_is_not_listened_for_any_longer_either() {
    let server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let stream = listen(&device).await;
    let id = device.id.to_string();
    tokio::task::block_in_place(|| server.command(&["device", "revoke", "--device", &id]));
    let begun = Instant::now();
    let said = last_words(stream).await;
    assert!(!said.contains("data: entries"), "{said}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

/// A connection that was opened and says nothing.
async fn idle(server: &Server) -> TcpStream {
    let address = server.url.trim_start_matches("http://");
    TcpStream::connect(address).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_all_connections_keeps_nobody_from_asking_whether_it_lives() {
    let mut server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    server.stop().await;
    server.limits.connections.all = 20;
    server.start_again().await;
    let mut held = Vec::new();
    // All that there are, and more than there are aside.
    for _ in 0..200 {
        held.push(idle(&server).await);
    }
    for path in ["healthz", "readyz"] {
        let asked = reqwest::get(format!("{}/{path}", server.url));
        let answer = tokio::time::timeout(SOON, asked).await.expect(path);
        assert_eq!(answer.unwrap().status(), StatusCode::OK, "{path}");
    }
    // Everybody else is told, and not left waiting.
    let asked = device.request(Method::GET, "/v1/directory").send();
    let answer = tokio::time::timeout(SOON, asked).await.unwrap().unwrap();
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_eq!(code_of(answer).await, ProblemCode::SlowDown);
    drop(held);
    let begun = Instant::now();
    while reqwest::get(format!("{}/v1/server", server.url))
        .await
        .unwrap()
        .status()
        != StatusCode::OK
    {
        assert!(begun.elapsed() < PATIENCE, "its places were given back");
    }
    assert_eq!(device.try_session().await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_a_share_of_the_connections_and_others_the_rest() {
    let mut server = Server::start().await;
    server.stop().await;
    server.limits.connections.address = 10;
    server.start_again().await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(idle(&server).await);
    }
    let asked = reqwest::get(format!("{}/v1/server", server.url));
    assert_eq!(code_of(asked.await.unwrap()).await, ProblemCode::SlowDown);
    // The same machine by another of its addresses.
    let elsewhere = reqwest::Client::builder()
        .local_address(Some("127.0.0.2".parse().unwrap()))
        .build()
        .unwrap();
    let asked = elsewhere.get(format!("{}/v1/server", server.url)).send();
    assert_eq!(asked.await.unwrap().status(), StatusCode::OK);
}

/// A connection over which the device has asked something, and the status that it was answered with.
async fn used(server: &Server, device: &Device) -> (TcpStream, String) {
    let mut stream = idle(server).await;
    let token = &device.token;
    let head = format!(
        "GET /v1/directory HTTP/1.1\r\nhost: x\r\nshicha-protocol: 2\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = vec![0; 12];
    stream.read_exact(&mut status).await.unwrap();
    (stream, String::from_utf8(status).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_and_a_person_have_a_share_of_the_connections_and_others_the_rest() {
    let mut server = Server::start().await;
    let mut one = server.device("甲", "320703", Role::Inspector).await;
    let mut second = Device::enrol(&server, &server.code(one.person)).await;
    let mut other = server.device("乙", "320703", Role::Inspector).await;
    server.stop().await;
    server.limits.connections.device = 4;
    server.limits.connections.person = 6;
    server.start_again().await;
    for device in [&mut one, &mut second, &mut other] {
        device.http = reqwest::Client::new();
        device.open_session().await;
    }
    // A moment after it began the endpoint knows everybody.
    let mut held = Vec::new();
    for (device, may) in [(&one, 4), (&second, 2), (&other, 4)] {
        for n in 0..6 {
            let (stream, status) = used(&server, device).await;
            let expected = if n < may { "200" } else { "429" };
            assert!(status.ends_with(expected), "{n}: {status}");
            held.push(stream);
        }
    }
}
