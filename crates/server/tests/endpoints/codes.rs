//! Guessing enrolment codes: it is bounded, and keeps nobody out who does not guess.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use shicha_domain::{directory::Role, suite::SigningKey};
use shicha_sync::protocol::{
    EnrolCode, ProblemCode, VERSION, VERSION_HEADER, messages::EnrolRequest, signing,
};

use crate::common::{Device, Server, code_of};

/// A request with a code that was never given out.
fn guess(server: &Server) -> EnrolRequest {
    let key = SigningKey::from_bytes(&rand::random());
    let public_key = key.public_key();
    let code = EnrolCode::new(rand::random(), &server.key).canonical();
    let said = signing::enrol_bytes(&server.key, &public_key, &code);
    EnrolRequest {
        proof: signing::sign(&key, &said),
        code,
        public_key,
        label: "电脑".into(),
        client_version: "0".into(),
    }
}

/// Asks for a place from this address.
async fn ask(
    client: &reqwest::Client,
    server: &Server,
    from: &str,
    request: &EnrolRequest,
) -> reqwest::Response {
    client
        .post(format!("{}/v1/enrol", server.url))
        .header(VERSION_HEADER, VERSION)
        .header("x-forwarded-for", from)
        .body(serde_json::to_vec(request).unwrap())
        .send()
        .await
        .unwrap()
}

async fn behind_a_proxy() -> Server {
    let mut server = Server::start().await;
    server.stop().await;
    server.proxies = vec!["127.0.0.0/8".to_owned()];
    server.start_again().await;
    server
}

/// Guesses from each of these addresses at the same moment; how many were listened to.
async fn listened_to(server: &Server, from: &[String]) -> usize {
    let client = reqwest::Client::new();
    let guesses = from.iter().map(|address| {
        let request = guess(server);
        let client = client.clone();
        async move { code_of(ask(&client, server, address, &request).await).await }
    });
    let mut answers = BTreeMap::new();
    for code in futures::future::join_all(guesses).await {
        *answers.entry(code.as_str()).or_insert(0) += 1;
    }
    let heard = answers
        .remove(ProblemCode::BadCode.as_str())
        .unwrap_or_default();
    answers.remove(ProblemCode::SlowDown.as_str());
    assert!(answers.is_empty(), "{answers:?}");
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn of_four_hundred_codes_tried_at_the_same_moment_from_one_address_ten_are_listened_to() {
    let server = behind_a_proxy().await;
    let one = vec!["192.0.2.1".to_owned(); 400];
    assert_eq!(listened_to(&server, &one).await, 10);
    // All the addresses of one network of IPv6 are one.
    let one: Vec<_> = (0..400).map(|n| format!("2001:db8:1:2::{n:x}")).collect();
    assert_eq!(listened_to(&server, &one).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_from_many_addresses_keeps_nobody_out_who_has_a_good_code() {
    let server = behind_a_proxy().await;
    let guessers: Vec<_> = (0..800)
        .map(|n| format!("198.51.{}.{}", 100 + n % 2, n % 40))
        .collect();
    let heard = listened_to(&server, &guessers).await;
    assert!((200..=230).contains(&heard), "{heard}");
    let code = server.code_for("甲", "320703", Role::Inspector);
    let key = SigningKey::from_bytes(&rand::random());
    let request = Device::enrolment(&server, &key, &code);
    let client = reqwest::Client::new();
    for from in ["198.51.100.3", "203.0.113.7"] {
        let answer = ask(&client, &server, from, &request).await;
        let expected = match from {
            "203.0.113.7" => StatusCode::OK,
            _ => StatusCode::TOO_MANY_REQUESTS,
        };
        assert_eq!(answer.status(), expected, "{from}");
    }
}
