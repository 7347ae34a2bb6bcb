//! What an institution's device tries with what is not its own.

use reqwest::{Method, StatusCode};
use shicha_domain::{
    Event, RecordKind,
    directory::{Org, OrgKind, Role},
};
use shicha_sync::protocol::{
    ProblemCode,
    messages::NumbersRequest,
    wire::{Held, PullRequest},
};

use crate::{
    OWN, attached,
    common::{Device, Server, aside, code_of, record},
};

const ITS_OWN: &str = "inst/320703/TI-01";
const ANOTHERS: &str = "inst/320703/TI-02";

async fn school() -> (Server, Device, Device) {
    let server = Server::start().await;
    let other = Org {
        code: "TI-02".parse().unwrap(),
        name: "另一学校".into(),
        short_name: "苏连".into(),
        parent: Some("320703".parse().unwrap()),
        kind: OrgKind::Institution,
        region: None,
    };
    aside(|| server.home().store.put_org(&other, 1).unwrap());
    let school = server.device("丁", "TI-01", Role::Institution).await;
    let inspector = server.device("甲", "320703", Role::Inspector).await;
    (server, school, inspector)
}

#[tokio::test]
async fn it_writes_replies_to_its_own_channel_and_nothing_else_anywhere() {
    let (server, mut school, mut inspector) = school().await;
    let opened = Event::Opened {
        kind: RecordKind::Finding,
        fields: Default::default(),
    };
    let (finding, without_kind) = (record(), record());
    let given = [
        inspector.write(ITS_OWN, finding, &opened),
        inspector.set(ITS_OWN, without_kind, "没有种类"),
    ];
    inspector.push(&given).await;
    let newer = || Event::Unknown {
        kind: "of_a_newer_version".into(),
    };
    let reply = |field: &str| Event::Set {
        field: field.into(),
        value: if field == "state" {
            "verified"
        } else {
            "已整改"
        }
        .into(),
        replaces: vec![],
    };
    let tries = [
        (ITS_OWN, finding, reply("reply/text"), None),
        (ITS_OWN, finding, reply("state"), Some("event")),
        (ITS_OWN, finding, reply("description"), Some("event")),
        (ITS_OWN, finding, reply("after/reply"), Some("event")),
        (ITS_OWN, finding, reply("replies"), Some("event")),
        (ITS_OWN, finding, newer(), Some("event")),
        (ITS_OWN, record(), reply("reply/text"), Some("event")),
        (ITS_OWN, record(), newer(), Some("event")),
        (ITS_OWN, without_kind, reply("reply/text"), Some("event")),
        (ITS_OWN, record(), opened.clone(), Some("event")),
        (
            ITS_OWN,
            finding,
            Event::Annulled {
                reason: "x".into(),
                signature: None,
                by_supervisor: false,
            },
            Some("event"),
        ),
        (
            ITS_OWN,
            finding,
            Event::Detached {
                attachment: given[0].id(),
                reason: String::new(),
            },
            Some("event"),
        ),
        (ANOTHERS, finding, reply("reply/text"), Some("elsewhere")),
        (ANOTHERS, record(), reply("reply/text"), Some("channel")),
        (OWN, record(), reply("reply/text"), Some("channel")),
        ("pub/320703", record(), reply("reply/text"), Some("channel")),
        ("own/320700", record(), reply("reply/text"), Some("channel")),
        ("own/TI-01", record(), reply("reply/text"), Some("channel")),
        ("pub/TI-01", record(), reply("reply/text"), Some("channel")),
        (
            "inst/320706/TI-01",
            record(),
            reply("reply/text"),
            Some("no_such_org"),
        ),
    ];
    let entries: Vec<_> = tries
        .iter()
        .map(|(channel, record, event, _)| match event {
            Event::Unknown { .. } => {
                // As a newer program writes it: this one does not.
                let mut entry = school.write(channel, *record, &reply("reply/text"));
                entry.event = br#"{"t":"of_a_newer_version"}"#.to_vec();
                school.head.id = entry.id();
                entry
            }
            event => school.write(channel, *record, event),
        })
        .collect();
    let said = school.push(&entries).await;
    let expected: Vec<(u64, String)> = (1..)
        .zip(&tries)
        .filter_map(|(seq, (.., refused))| Some((seq, (*refused)?.to_owned())))
        .collect();
    assert_eq!(said.refused, expected);
    let city = server.device("乙", "320700", Role::Supervisor).await;
    let rows = city.pull(&[]).await.batch.rows;
    assert_eq!(rows.len(), 3, "what the bureau wrote, and the one reply");
}

#[tokio::test]
async fn it_reads_its_own_channel_and_nothing_else_whatever_it_asks_for() {
    let (_server, school, mut inspector) = school().await;
    let opened = Event::Opened {
        kind: RecordKind::Finding,
        fields: Default::default(),
    };
    let (hash, photo) = attached(b"a photo of another place");
    let entries = [
        inspector.write(ITS_OWN, record(), &opened),
        inspector.write(ANOTHERS, record(), &opened),
        inspector.set(OWN, record(), "内部"),
        inspector.write(OWN, record(), &photo),
    ];
    inspector.push(&entries).await;
    let sent = inspector
        .send_blob(&hash, 0, 24, b"a photo of another place".to_vec())
        .await;
    assert_eq!(sent.status(), StatusCode::OK);

    let all = [ANOTHERS, OWN, "own/320700", "pub/320706", ITS_OWN].map(|name| (name, 0));
    let pulled = school.pull(&all).await;
    let ids: Vec<_> = pulled.batch.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [entries[0].id()]);
    assert!(
        pulled
            .channels
            .iter()
            .all(|channel| channel.channel.to_string() == ITS_OWN),
        "nor does it hear how far others are: {:?}",
        pulled.channels
    );
    // Cursors beyond the end, of channels without end, give nothing and break nothing.
    let held = [ANOTHERS, ITS_OWN].map(|name| (name.parse().unwrap(), Held::upto(u64::MAX)));
    let request = PullRequest {
        held: held.into(),
        base: None,
        without: [OWN.parse().unwrap()].into(),
        max_entries: u32::MAX,
        is_held: true,
    };
    let (beyond, _) = school.pull_as(&request).await;
    assert!(
        beyond
            .batch
            .rows
            .iter()
            .all(|row| row.id == entries[0].id())
    );

    for method in [Method::GET, Method::HEAD] {
        let response = school
            .request(method, &format!("/v1/blobs/{hash}"))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
    }
    let sent = school.send_blob(&hash, 0, 24, vec![0; 24]).await;
    assert_eq!(code_of(sent).await, ProblemCode::NotFound);
    let numbers = NumbersRequest {
        request: uuid::Uuid::now_v7(),
        org: "320703".parse().unwrap(),
        word: "应急检记".into(),
        year: 2022,
    };
    for org in ["320703", "TI-01", "TI-02"] {
        let asked = NumbersRequest {
            org: org.parse().unwrap(),
            ..numbers.clone()
        };
        let response = school.post("/v1/numbers", &asked).await;
        assert_eq!(code_of(response).await, ProblemCode::Forbidden, "{org}");
    }
}
