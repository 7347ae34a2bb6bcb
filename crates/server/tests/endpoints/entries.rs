//! Push and pull.

use reqwest::StatusCode;
use shicha_domain::suite::{SignatureBytes, SigningKey};
use shicha_domain::{EntryId, Event, Hlc, PersonId, RecordKind, directory::Role};
use shicha_sync::protocol::{
    ProblemCode,
    messages::{ForkReport, Head, IdentityReply, IdentityRequest, NumberRun},
    signing,
};
use uuid::Uuid;

use crate::{
    OWN,
    common::{Device, Server, code_of, problem, record, wall_ms},
};

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

    let common = fork.common.unwrap();
    let key = SigningKey::from_bytes(&[42; 32]);
    let public_key = key.public_key();
    let said = signing::identity_bytes(&server.key, restored.id, common, &public_key);
    let mut request = IdentityRequest {
        public_key,
        signature: signing::sign(&restored.key, &said),
        proof: signing::sign(&restored.key, &said),
        label: "恢复的电脑".into(),
        common,
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
        head: Head { seq: 0, ..common },
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
async fn nobody_writes_again_what_was_not_of_their_own_line_and_above_the_common_place() {
    let server = Server::start().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let record = record();
    let entries: Vec<_> = (0..2)
        .map(|n| device.set(OWN, record, &n.to_string()))
        .collect();
    device.push(&entries).await;
    let common = device.head;
    let lost = device.set(OWN, record, "没送到的");
    let key = SigningKey::from_bytes(&[42; 32]);
    let said = signing::identity_bytes(&server.key, device.id, common, &key.public_key());
    let request = IdentityRequest {
        public_key: key.public_key(),
        signature: signing::sign(&device.key, &said),
        proof: signing::sign(&key, &said),
        label: "恢复的电脑".into(),
        common,
    };
    let reply: IdentityReply = device.ask("/v1/identity", &request).await;
    // The old identity is for nothing but going on, in its running session and in a new one.
    let pull = async |device: &Device| {
        let (status, told) =
            problem(device.post("/v1/numbers", &serde_json::json!({})).await).await;
        assert_eq!(
            (status, told.code),
            (StatusCode::CONFLICT, ProblemCode::Fork)
        );
    };
    pull(&device).await;
    assert!(device.open_session().await.is_ended);
    pull(&device).await;

    let mut other = server.device("乙", "320703", Role::Inspector).await;
    let foreign = other.set(OWN, record, "别人的");
    other.push(std::slice::from_ref(&foreign)).await;
    let mut renewed = Device {
        id: reply.device,
        key,
        head: Head { seq: 0, ..common },
        ..device
    };
    renewed.open_session().await;
    let mut tried = Vec::new();
    for first in [&entries[1], &foreign, &lost] {
        let Head { seq, id } = renewed.head;
        let mut entry = first.written_again(renewed.id, seq + 1, id);
        entry.author = renewed.person;
        renewed.head = Head {
            seq: entry.seq,
            id: entry.id(),
        };
        tried.push(entry);
    }
    let reply = renewed.push(&tried).await;
    let refused: Vec<_> = reply
        .refused
        .iter()
        .map(|(seq, code)| (*seq, code.as_str()))
        .collect();
    assert_eq!(refused, [(1, "malformed"), (2, "malformed")]);
    let seen = other.pull(&[]).await;
    let names: Vec<EntryId> = (seen.batch.rows.iter())
        .map(|row| row.entry.name(row.id))
        .collect();
    assert_eq!(
        names,
        [entries[0].id(), entries[1].id(), foreign.id(), lost.id()]
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
    let forged = device.body_signed(
        std::slice::from_ref(&mine),
        &SignatureBytes::first(&[0; 64]),
    );
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
