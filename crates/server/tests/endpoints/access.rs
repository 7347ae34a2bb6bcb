//! Who is let in, and what becomes of what nobody should send.

use std::sync::atomic::Ordering;

use reqwest::{Method, StatusCode};
use shicha_domain::directory::{Person, Role};
use shicha_domain::suite::{SignatureBytes, SigningKey};
use shicha_sync::protocol::{ProblemCode, signing};

use crate::{
    OWN,
    common::{Device, Server, code_of, problem, record, wall_ms},
};

#[tokio::test]
async fn a_session_cannot_be_opened_with_somebody_elses_proof_an_old_one_or_a_used_one() {
    let server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let other = server.device("乙", "320703", Role::Inspector).await;
    let stolen = Device {
        key: other.key.clone(),
        ..device.clone()
    };
    assert_eq!(
        code_of(stolen.try_session().await).await,
        ProblemCode::Unauthorized
    );
    let request = device.session_request().await;
    assert_eq!(
        device.post("/v1/session", &request).await.status(),
        StatusCode::OK
    );
    assert_eq!(
        code_of(device.post("/v1/session", &request).await).await,
        ProblemCode::Unauthorized,
        "replayed"
    );
    let request = device.session_request().await;
    server.ahead_ms.store(10 * 60 * 1000, Ordering::SeqCst);
    assert_eq!(
        code_of(device.post("/v1/session", &request).await).await,
        ProblemCode::Unauthorized,
        "expired"
    );
}

#[tokio::test]
async fn a_revoked_device_and_a_retired_person_are_out_at_once() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let retired = server.device("乙", "320703", Role::Inspector).await;
    let entries = [device.set(OWN, record(), "先送达")];
    device.push(&entries).await;
    assert!(server.store().revoke(device.id, wall_ms()).unwrap());
    let person = Person {
        id: retired.person,
        name: "乙".into(),
        org: "320703".parse().unwrap(),
        role: Role::Inspector,
        certificate: None,
        is_active: false,
    };
    server.store().put_person(&person).unwrap();
    for mut out in [device, retired] {
        let entries = [out.set(OWN, record(), "再送")];
        let (status, problem) = problem(out.try_push(&entries).await).await;
        assert_eq!(
            (status, problem.code),
            (StatusCode::FORBIDDEN, ProblemCode::Revoked)
        );
        assert_eq!(code_of(out.try_session().await).await, ProblemCode::Revoked);
    }
    let kept = server
        .device("丙", "320700", Role::Supervisor)
        .await
        .pull(&[])
        .await;
    assert_eq!(kept.batch.rows.len(), 1, "what was delivered is kept");
}

#[tokio::test]
async fn an_enrolment_code_works_once_for_one_key_and_guessing_is_slowed_down() {
    let server = Server::start().await;
    let code = server.code_for("甲", "320703", Role::Inspector);
    let device = Device::enrol(&server, &code).await;
    let other = SigningKey::from_bytes(&[5; 32]);
    let again = Device::enrolment(&server, &other, &code);
    assert_eq!(
        code_of(device.post("/v1/enrol", &again).await).await,
        ProblemCode::BadCode,
        "used"
    );

    let late = server.code_for("乙", "320703", Role::Inspector);
    server.ahead_ms.store(2 * 86_400_000, Ordering::SeqCst);
    let request = Device::enrolment(&server, &other, &late);
    let (_, expired) = problem(device.post("/v1/enrol", &request).await).await;
    let mut unknown = request.clone();
    unknown.code = shicha_sync::protocol::EnrolCode::new([1; 5], &server.key).canonical();
    unknown.proof = signing::sign(
        &other,
        &signing::enrol_bytes(&server.key, &unknown.public_key, &unknown.code),
    );
    let (_, wrong) = problem(device.post("/v1/enrol", &unknown).await).await;
    assert_eq!(
        (expired.code, expired.detail),
        (wrong.code, wrong.detail),
        "nobody learns which codes were given"
    );

    for _ in 0..20 {
        device.post("/v1/enrol", &unknown).await;
    }
    let response = device.post("/v1/enrol", &unknown).await;
    assert_eq!(response.headers()["retry-after"], "60");
    assert_eq!(code_of(response).await, ProblemCode::SlowDown);
    let mut foreign = request;
    foreign.proof = SignatureBytes::first(&[0; 64]);
    server.ahead_ms.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(
        code_of(device.post("/v1/enrol", &foreign).await).await,
        ProblemCode::BadRequest,
        "a key nobody holds"
    );
}

#[tokio::test]
async fn another_version_of_the_protocol_is_told_what_to_update() {
    let server = Server::start().await;
    let client = reqwest::Client::new();
    for (header, action) in [
        (None, "update_client"),
        (Some("1"), "update_client"),
        (Some("3"), "update_server"),
    ] {
        let mut request = client.post(format!("{}/v1/pull", server.url));
        if let Some(version) = header {
            request = request.header("shicha-protocol", version);
        }
        let (status, problem) = problem(request.send().await.unwrap()).await;
        assert_eq!((status.as_u16(), problem.code), (426, ProblemCode::Version));
        assert_eq!(problem.extra["action"], action);
    }
    let info = client
        .get(format!("{}/v1/server", server.url))
        .send()
        .await
        .unwrap();
    assert_eq!(
        info.status(),
        StatusCode::OK,
        "who the server is may be asked by any version"
    );
}

#[tokio::test]
async fn garbage_and_oversized_bodies_to_every_endpoint_are_refused_with_a_problem() {
    let server = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let paths = [
        "server",
        "enrol",
        "session/challenge",
        "session",
        "push",
        "pull",
        "numbers",
        "directory?from=x",
    ];
    let more = [
        "identity",
        "events",
        "blobs/xyz",
        "blobs/../../etc/passwd",
        "nothing",
        "",
    ];
    let bodies: [Vec<u8>; 6] = [
        Vec::new(),
        b"{".to_vec(),
        vec![0xff; 1_000],
        b"[[[[[[[[[[".repeat(1_000),
        zstd::encode_all(&vec![0_u8; 200 << 20][..], 3).unwrap(),
        vec![b' '; 20 << 20],
    ];
    for path in paths.into_iter().chain(more) {
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            for body in &bodies {
                if (path, &method) == ("server", &Method::GET)
                    || (path, &method) == ("events", &Method::GET)
                {
                    continue;
                }
                let request = device.request(method.clone(), &format!("/v1/{path}"));
                let request = request
                    .header("content-type", shicha_sync::protocol::BATCH_TYPE)
                    .body(body.clone());
                // A server that will not read twenty megabytes may close before they are all sent.
                let Ok(response) = request.send().await else {
                    continue;
                };
                let status = response.status();
                assert!(status.is_client_error(), "{method} {path}: {status}");
                problem(response).await;
            }
        }
    }
    device.pull(&[]).await;
}
