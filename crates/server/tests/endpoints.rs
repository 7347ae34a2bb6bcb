//! What the endpoints let through and what they do not, spoken by hand.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::Ordering;

use common::{Device, Server, code_of, problem, record, wall_ms};
use ed25519_dalek::SigningKey;
use futures::StreamExt as _;
use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    BlobHash, EntryId, Event, Evidence, Hlc, PersonId, RecordKind,
    directory::{Person, Role},
    number::NumberBlock,
};
use shicha_sync::protocol::{
    ProblemCode,
    messages::{
        DirectoryReply, ForkReport, Head, IdentityReply, IdentityRequest, NumberRun, NumbersRequest,
    },
    signing,
};
use uuid::Uuid;

const OWN: &str = "own/320703";

fn attached(bytes: &[u8]) -> (String, Event) {
    let blob = BlobHash(Sha256::digest(bytes).into());
    let evidence = Evidence {
        blob,
        size: bytes.len() as u64,
        name: "照片.jpg".into(),
        mime: "image/jpeg".into(),
        source: "camera".into(),
        taken_at_ms: None,
        position_e7: None,
        camera: None,
        derived_from: None,
    };
    (
        blob.to_string(),
        Event::Attached {
            place: "record".into(),
            evidence,
        },
    )
}

#[tokio::test]
async fn an_entry_reaches_exactly_those_who_may_read_it() {
    let server = Server::start().await;
    let mut inspector = server.device("甲", "320703", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let neighbour = server.device("丙", "320706", Role::Supervisor).await;
    let school = server.device("丁", "TI-01", Role::Institution).await;
    let opened = Event::Opened {
        kind: RecordKind::Finding,
        fields: Default::default(),
    };
    let entries = [
        inspector.set(OWN, record(), "内部"),
        inspector.write("inst/320703/TI-01", record(), &opened),
    ];
    let reply = inspector.push(&entries).await;
    assert_eq!(reply.receipts.len(), 1);
    assert_eq!(reply.accepted.len(), 2);
    assert!(reply.refused.is_empty());

    let ids = |pull: &shicha_sync::protocol::wire::Pull| {
        pull.batch.rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let (first, second) = (entries[0].id(), entries[1].id());
    assert_eq!(ids(&city.pull(&[]).await), [first, second]);
    assert_eq!(
        ids(&inspector.pull(&[]).await),
        [first, second],
        "its own come back with their numbers"
    );
    assert!(ids(&neighbour.pull(&[]).await).is_empty());
    assert_eq!(ids(&school.pull(&[]).await), [second]);
    assert!(ids(&city.pull(&[(OWN, 1), ("inst/320703/TI-01", 1)]).await).is_empty());
}

#[tokio::test]
async fn a_refused_entry_keeps_its_place_and_does_not_hold_up_the_rest() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let (good, moved) = (record(), record());
    let mut entries = vec![
        device.set(OWN, good, "好"),
        device.set("own/320706", record(), "别人的频道"),
        device.set("pub/320703", record(), "无权发布"),
        device.set("own/999999", record(), "没有的组织"),
        device.set(OWN, moved, "在这里"),
        device.set("inst/320703/TI-01", moved, "换频道"),
    ];
    // An author who is somebody else, an event that is none: both written by a client that breaks the rules.
    for (author, event) in [
        (PersonId(Uuid::now_v7()), entries[0].event.clone()),
        (device.person, b"not json".to_vec()),
    ] {
        let mut forged = device.set(OWN, good, "x");
        forged.author = author;
        forged.event = event;
        device.head = Head {
            seq: forged.seq,
            id: forged.id(),
        };
        entries.push(forged);
    }
    entries.push(device.set(OWN, good, "也好"));
    let reply = device.push(&entries).await;
    let refused: Vec<(u64, &str)> = reply
        .refused
        .iter()
        .map(|(seq, code)| (*seq, code.as_str()))
        .collect();
    assert_eq!(
        refused,
        [
            (2, "channel"),
            (3, "channel"),
            (4, "no_such_org"),
            (6, "elsewhere"),
            (7, "author"),
            (8, "malformed")
        ]
    );
    assert_eq!(reply.head, device.head);
    let pulled = server
        .device("乙", "320700", Role::Supervisor)
        .await
        .pull(&[])
        .await;
    let seqs: Vec<u64> = pulled.batch.rows.iter().map(|row| row.entry.seq).collect();
    assert_eq!(
        seqs,
        [1, 5, 9],
        "the rest went through, in order, each with the true hash of the one before it"
    );
}

#[tokio::test]
async fn a_push_whose_answer_was_lost_is_answered_the_same_again() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let entries: Vec<_> = (0..10)
        .map(|n| device.set(OWN, record(), &n.to_string()))
        .collect();
    let first = device.push(&entries).await;
    assert_eq!(device.push(&entries).await, first);
    assert_eq!(
        device.push(&entries[..3]).await,
        first,
        "the receipt speaks of all"
    );
    assert_eq!(
        first.accepted,
        [NumberRun {
            seq: 1,
            number: 1,
            count: 10
        }]
    );
}

#[tokio::test]
async fn a_restored_laptop_is_told_where_it_parted_and_goes_on_under_a_new_identity() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let first: Vec<_> = (0..5)
        .map(|n| device.set(OWN, record(), &n.to_string()))
        .collect();
    device.push(&first).await;
    let mut restored = device.clone();
    let lost = [device.set(OWN, record(), "备份之后")];
    device.push(&lost).await;

    let mine = [restored.set(OWN, record(), "恢复之后")];
    let both = [&first[3..], &mine[..]].concat();
    let (status, problem) = problem(restored.try_push(&both).await).await;
    assert_eq!(
        (status, problem.code),
        (StatusCode::CONFLICT, ProblemCode::Fork)
    );
    let fork: ForkReport = serde_json::from_value(problem.extra["fork"].clone()).unwrap();
    assert_eq!(
        fork.common,
        Some(Head {
            seq: 5,
            id: first[4].id()
        })
    );
    assert_eq!(
        fork.log,
        [Head {
            seq: 6,
            id: lost[0].id()
        }]
    );
    assert_eq!(fork.head, device.head);

    let key = SigningKey::from_bytes(&[42; 32]);
    let public_key = key.verifying_key().to_bytes();
    let said = signing::identity_bytes(&server.key, restored.id, &public_key);
    let mut request = IdentityRequest {
        public_key,
        signature: signing::sign(&restored.key, &said),
        proof: signing::sign(&restored.key, &said),
        label: "恢复的电脑".into(),
    };
    assert_eq!(
        code_of(restored.post("/v1/identity", &request).await).await,
        ProblemCode::BadRequest,
        "no proof"
    );
    request.proof = signing::sign(&key, &said);
    let reply: IdentityReply = restored.ask("/v1/identity", &request).await;
    assert_eq!(
        restored
            .ask::<IdentityReply>("/v1/identity", &request)
            .await,
        reply,
        "the answer was lost"
    );

    let mut renewed = Device {
        id: reply.device,
        key,
        head: Head::EMPTY,
        ..restored
    };
    renewed.open_session().await;
    let again = [renewed.set(OWN, record(), "恢复之后")];
    renewed.push(&again).await;
    let seen = renewed.pull(&[]).await;
    assert_eq!(
        seen.batch.rows.len(),
        7,
        "nothing of either history is lost"
    );
}

#[tokio::test]
async fn a_gap_is_told_with_what_the_server_has() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let entries: Vec<_> = (0..3)
        .map(|n| device.set(OWN, record(), &n.to_string()))
        .collect();
    device.push(&entries[..1]).await;
    let (status, problem) = problem(device.try_push(&entries[2..]).await).await;
    assert_eq!(
        (status, problem.code),
        (StatusCode::CONFLICT, ProblemCode::Gap)
    );
    let head: Head = serde_json::from_value(problem.extra["head"].clone()).unwrap();
    assert_eq!(
        head,
        Head {
            seq: 1,
            id: entries[0].id()
        }
    );
}

#[tokio::test]
async fn forged_entries_are_refused_whole() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let mut other = server.device("乙", "320703", Role::Inspector).await;
    let mine = device.set(OWN, record(), "真");
    let forged = device.body_signed(std::slice::from_ref(&mine), &[0; 64]);
    assert_eq!(
        code_of(device.push_body(forged).await).await,
        ProblemCode::Forbidden,
        "not signed by the device"
    );
    let theirs = other.set(OWN, record(), "假");
    assert_eq!(
        code_of(device.try_push(&[theirs]).await).await,
        ProblemCode::Forbidden,
        "another device's ledger"
    );
    let mut torn = device.set(OWN, record(), "断");
    torn.prev = EntryId([7; 32]);
    assert_eq!(
        code_of(device.try_push(&[mine.clone(), torn]).await).await,
        ProblemCode::BadRequest,
        "a torn chain"
    );
    device.push(&[mine]).await;
}

#[tokio::test]
async fn an_entry_is_never_refused_for_its_claimed_time() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let entries: Vec<_> = [
        0,
        1,
        wall_ms() - 365 * 86_400_000,
        wall_ms() + 365 * 86_400_000,
        u64::MAX >> 16,
    ]
    .into_iter()
    .map(|ms| {
        let mut entry = device.set(OWN, record(), "时钟");
        entry.at = Hlc::from_ms(ms);
        device.head.id = entry.id();
        entry
    })
    .collect();
    assert!(device.push(&entries).await.refused.is_empty());
    let pulled = device.pull(&[]).await;
    assert!(
        pulled
            .batch
            .rows
            .iter()
            .map(|row| row.entry.at)
            .eq(entries.iter().map(|entry| entry.at))
    );
}

#[tokio::test]
async fn no_endpoint_answers_without_credentials_of_this_server() {
    let server = Server::start().await;
    let elsewhere = Server::start().await;
    let device = server.device("甲", "320703", Role::Inspector).await;
    let foreign = elsewhere.device("甲", "320703", Role::Inspector).await;
    let blob = format!("/v1/blobs/{}", "a".repeat(64));
    let calls = [
        (Method::POST, "/v1/push"),
        (Method::POST, "/v1/pull"),
        (Method::POST, "/v1/numbers"),
        (Method::POST, "/v1/identity"),
        (Method::GET, "/v1/directory"),
        (Method::GET, "/v1/events"),
        (Method::GET, &blob),
        (Method::PATCH, &blob),
    ];
    for (method, path) in &calls {
        for token in ["", "garbage", &foreign.token] {
            let bare = Device {
                token: token.to_owned(),
                ..device.clone()
            };
            let response = bare
                .request(method.clone(), path)
                .body("{}")
                .send()
                .await
                .unwrap();
            assert_eq!(
                response.status(),
                StatusCode::UNAUTHORIZED,
                "{method} {path} {token:?}"
            );
            assert_eq!(code_of(response).await, ProblemCode::Unauthorized);
        }
    }
    server.ahead_ms.store(60 * 60 * 1000, Ordering::SeqCst);
    for (method, path) in &calls {
        let response = device
            .request(method.clone(), path)
            .body("{}")
            .send()
            .await
            .unwrap();
        assert_eq!(
            code_of(response).await,
            ProblemCode::SessionExpired,
            "{method} {path} after an hour"
        );
    }
}

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
    foreign.proof = vec![0; 64];
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
        (Some("0"), "update_client"),
        (Some("2"), "update_server"),
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
        "directory?since=x",
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

#[tokio::test]
async fn a_photo_goes_on_from_where_the_line_broke() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let photo: Vec<u8> = (0..3_000_000_u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let (hash, event) = attached(&photo);
    let length = photo.len() as u64;
    let early = device
        .send_blob(&hash, 0, length, photo[..1_000].to_vec())
        .await;
    assert_eq!(
        code_of(early).await,
        ProblemCode::NotFound,
        "entries go first"
    );
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;

    // The body breaks off in the middle of a part.
    let half: Vec<Result<Vec<u8>, std::io::Error>> = vec![
        Ok(photo[..700_000].to_vec()),
        Err(std::io::Error::other("the line broke")),
    ];
    let broken = device
        .request(Method::PATCH, &format!("/v1/blobs/{hash}"))
        .header("upload-offset", 0)
        .header("upload-length", length)
        .body(reqwest::Body::wrap_stream(futures::stream::iter(half)))
        .send()
        .await;
    assert!(broken.is_err());
    let held = loop {
        // The server notices the broken line when it gets to it.
        let state = device
            .request(Method::HEAD, &format!("/v1/blobs/{hash}"))
            .send()
            .await
            .unwrap();
        assert_eq!(state.headers()["upload-complete"], "?0");
        match state.headers()["upload-offset"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
        {
            0 => tokio::task::yield_now().await,
            held => break held,
        }
    };
    assert!(held <= 700_000);
    let (status, wrong) = problem(
        device
            .send_blob(&hash, 1, length, photo[1..9].to_vec())
            .await,
    )
    .await;
    assert_eq!(
        (status, wrong.code),
        (StatusCode::CONFLICT, ProblemCode::Offset)
    );
    let from = wrong.extra["offset"].as_u64().unwrap();
    let rest = device
        .send_blob(&hash, from, length, photo[from as usize..].to_vec())
        .await;
    assert_eq!(rest.headers()["upload-complete"], "?1");

    let city = server.device("乙", "320700", Role::Supervisor).await;
    let part = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .header("range", "bytes=1000-1999")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        part.headers()["content-range"],
        format!("bytes 1000-1999/{length}")
    );
    assert_eq!(part.bytes().await.unwrap(), photo[1_000..2_000]);
    let whole = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(whole.bytes().await.unwrap(), photo);
    let neighbour = server.device("丙", "320706", Role::Supervisor).await;
    let unseen = neighbour
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        code_of(unseen).await,
        ProblemCode::NotFound,
        "to others it does not exist"
    );
    let after = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .header("range", format!("bytes={length}-"));
    assert_eq!(
        after.send().await.unwrap().status(),
        StatusCode::RANGE_NOT_SATISFIABLE
    );
}

#[tokio::test]
async fn evidence_that_is_not_what_its_entry_names_is_thrown_away() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let (hash, event) = attached(b"the photo");
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;
    let wrong = device.send_blob(&hash, 0, 9, b"not photo".to_vec()).await;
    assert_eq!(code_of(wrong).await, ProblemCode::HashMismatch);
    let longer = device.send_blob(&hash, 0, 5, b"the photo".to_vec()).await;
    assert_eq!(code_of(longer).await, ProblemCode::TooLarge);
    let empty = device.send_blob(&hash, 0, 0, Vec::new()).await;
    assert_eq!(code_of(empty).await, ProblemCode::TooLarge);
    let huge = device.send_blob(&hash, 0, 10 << 20, vec![0; 9 << 20]).await;
    assert_eq!(code_of(huge).await, ProblemCode::TooLarge);
    let right = device.send_blob(&hash, 0, 9, b"the photo".to_vec()).await;
    assert_eq!(right.headers()["upload-complete"], "?1");
}

#[tokio::test]
async fn document_numbers_are_lent_to_the_bureaus_own_people_only() {
    let server = Server::start().await;
    let inspector = server.device("甲", "320703", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let ask = |org: &str, word: &str, year| NumbersRequest {
        request: Uuid::now_v7(),
        org: org.parse().unwrap(),
        word: word.into(),
        year,
    };
    let block: NumberBlock = inspector
        .ask("/v1/numbers", &ask("320703", "应急检记", 2022))
        .await;
    assert_eq!((block.from, block.to), (1, 50));
    let wrong = [
        ask("320706", "应急检记", 2022),
        ask("320703", "", 2022),
        ask("320703", "应急检记", 1),
    ];
    for request in wrong {
        assert!(
            inspector
                .post("/v1/numbers", &request)
                .await
                .status()
                .is_client_error()
        );
    }
    let foreign = city
        .post("/v1/numbers", &ask("320703", "应急检记", 2022))
        .await;
    assert_eq!(code_of(foreign).await, ProblemCode::Forbidden);
}

#[tokio::test]
async fn the_directory_shows_a_person_no_more_than_their_scope() {
    let server = Server::start().await;
    let inspector = server.device("甲", "320703", Role::Inspector).await;
    let neighbour = server.device("丙", "320706", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let school = server.device("丁", "TI-01", Role::Institution).await;
    let directory = async |device: &Device| {
        let response = device
            .request(Method::GET, "/v1/directory?since=0")
            .send()
            .await
            .unwrap();
        let reply: DirectoryReply =
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        let directory = reply.directory.unwrap();
        let names = |of: &[Person]| {
            of.iter()
                .map(|person| person.name.clone())
                .collect::<Vec<_>>()
        };
        (
            names(&directory.people),
            directory.orgs.len(),
            directory.devices.len(),
            reply.version,
        )
    };
    let (people, orgs, _, version) = directory(&inspector).await;
    assert_eq!(
        (people.as_slice(), orgs),
        (&["甲".to_owned(), "乙".into(), "丁".into()][..], 3)
    );
    assert_eq!(directory(&city).await.0.len(), 4);
    assert_eq!(directory(&neighbour).await.0, ["丙", "乙"]);
    let (people, orgs, devices, _) = directory(&school).await;
    assert_eq!(
        (people.len(), orgs, devices),
        (3, 3, 1),
        "who acts for the bureaus above, not with what"
    );
    let unchanged = inspector
        .request(Method::GET, &format!("/v1/directory?since={version}"))
        .send()
        .await
        .unwrap();
    let reply: DirectoryReply = serde_json::from_slice(&unchanged.bytes().await.unwrap()).unwrap();
    assert_eq!(reply.directory, None);
}

#[tokio::test]
async fn others_are_told_within_a_moment_that_there_is_something_new() {
    let server = Server::start().await;
    let mut inspector = server.device("甲", "320703", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let neighbour = server.device("丙", "320706", Role::Supervisor).await;
    let listen = async |device: &Device| {
        let response = device
            .request(Method::GET, "/v1/events")
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = response.bytes_stream().boxed();
        assert_eq!(
            stream.next().await.unwrap().unwrap(),
            "data: entries\n\n",
            "at once, for what came in between"
        );
        stream
    };
    let (mut city_hears, mut neighbour_hears) = (listen(&city).await, listen(&neighbour).await);
    let entries = [inspector.set(OWN, record(), "新")];
    inspector.push(&entries).await;
    assert_eq!(
        city_hears.next().await.unwrap().unwrap(),
        "data: entries\n\n"
    );
    // A change of the directory by the administrator reaches both; the neighbour hears of nothing before it.
    server.person("戊", "320706", Role::Inspector);
    assert_eq!(
        neighbour_hears.next().await.unwrap().unwrap(),
        "data: directory\n\n"
    );
    let mut server = server;
    server.stop().await;
    while let Some(Ok(_)) = city_hears.next().await {}
}
