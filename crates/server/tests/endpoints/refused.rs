//! Letting in what was refused for the directory's sake: who may, what, and what the log says of it.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use shicha_domain::{Event, RecordKind, directory::Role};
use shicha_server::verify::verify;
use shicha_sync::protocol::{
    ProblemCode,
    admin::{Changed, Refused, ReleaseEntry, Revoke, act},
};

use crate::{
    OWN,
    common::{Device, Server, aside, code_of, problem, record},
};

async fn refused(administrator: &Device) -> Vec<(u64, String, bool)> {
    let asked = administrator.request(Method::GET, "/v1/admin/refused");
    let text = asked.send().await.unwrap().text().await.unwrap();
    let found: Refused = serde_json::from_str(&text).unwrap();
    let mut found: Vec<_> = found
        .entries
        .into_iter()
        .map(|one| (one.seq, one.code, one.is_releasable))
        .collect();
    found.sort_unstable();
    found
}

fn of(device: &Device, seq: u64, reason: &str) -> ReleaseEntry {
    ReleaseEntry {
        device: device.id,
        seq,
        reason: reason.to_owned(),
    }
}

const RELEASE: &str = "/v1/admin/refused/release";

async fn release(administrator: &Device, device: &Device, seq: u64) -> bool {
    let asked = of(device, seq, "名录登记晚了");
    let changed: Changed = administrator.ask(RELEASE, &asked).await;
    changed.changed
}

#[tokio::test]
async fn an_administrator_lets_in_what_was_refused_for_the_directory_and_nothing_else() {
    let server = Server::start().await;
    let county = server.device("县管", "320703", Role::Administrator).await;
    let neighbour = server.device("邻管", "320706", Role::Administrator).await;
    let city = server.device("市", "320700", Role::Supervisor).await;
    let mut stranger = server.device("丙", "320706", Role::Inspector).await;
    let mut other = server.device("丁", "320706", Role::Inspector).await;
    let (mine, placed) = (record(), record());
    let entry = other.set("own/320706", placed, "别处的");
    other.push(&[entry]).await;
    let pack = Event::Opened {
        kind: RecordKind::Pack,
        fields: Default::default(),
    };
    let annulled = Event::Annulled {
        reason: "误录".into(),
        signature: None,
        by_supervisor: true,
    };
    let mut entries = vec![
        stranger.set(OWN, mine, "外县的人写的"),
        stranger.set(OWN, placed, "属于别的频道"),
        stranger.write(OWN, record(), &pack),
        stranger.write(OWN, mine, &annulled),
        stranger.set("own/nowhere", record(), "没有这个单位"),
        stranger.set("pub/320703", record(), "发布"),
    ];
    // In somebody else's name, and no event at all.
    for (name, event) in [(true, None), (false, Some(br#"{"t":"set"}"#.to_vec()))] {
        let mut entry = stranger.set(OWN, record(), "伪造");
        if name {
            entry.author = other.person;
        }
        if let Some(event) = event {
            entry.event = event;
        }
        stranger.head.id = entry.id();
        entries.push(entry);
    }
    let reply = stranger.push(&entries).await;
    assert_eq!(reply.refused.len(), 8);

    assert!(refused(&neighbour).await.is_empty(), "not their channels");
    let listed = refused(&county).await;
    let listed: Vec<(u64, &str)> = listed
        .iter()
        .map(|(seq, code, _)| (*seq, code.as_str()))
        .collect();
    assert_eq!(
        listed,
        [
            (1, "channel"),
            (2, "elsewhere"),
            (3, "channel"),
            (4, "channel"),
            (6, "channel"),
            (7, "author"),
            (8, "malformed"),
        ]
    );
    for (device, code) in [
        (&city, ProblemCode::Forbidden),
        (&neighbour, ProblemCode::NotFound),
    ] {
        let tried = device.post(RELEASE, &of(&stranger, 1, "想要")).await;
        assert_eq!(code_of(tried).await, code);
    }
    for seq in [2, 3, 4, 6, 7, 8] {
        let tried = county.post(RELEASE, &of(&stranger, seq, "想要")).await;
        assert_eq!(code_of(tried).await, ProblemCode::Conflict, "{seq}");
    }
    let tried = county.post(RELEASE, &of(&stranger, 1, " ")).await;
    let (status, _) = problem(tried).await;
    assert_eq!(status, StatusCode::CONFLICT, "without a reason");
    assert!(
        city.pull(&[(OWN, 0), ("own/320706", 1)])
            .await
            .batch
            .rows
            .is_empty()
    );

    assert!(release(&county, &stranger, 1).await);
    assert!(!release(&county, &stranger, 1).await, "once");
    let pulled = city.pull(&[(OWN, 0), ("own/320706", 1)]).await;
    assert_eq!(pulled.batch.rows.len(), 1);
    assert_eq!(pulled.batch.rows[0].id, entries[0].id());
    let rows = aside(|| server.store().audit_from(1, 10).unwrap());
    let row = rows.last().unwrap();
    assert_eq!(
        (row.act.as_str(), row.person),
        (act::ENTRY_RELEASED, Some(county.person))
    );
    let detail: Value = serde_json::from_str(&row.detail).unwrap();
    assert_eq!(detail["reason"], "名录登记晚了");
    assert_eq!(detail["refused"], "channel");
    // Whoever owns the data may as well, by the command line, and where it is not allowed neither.
    let device = stranger.id.to_string();
    let line = ["entry", "refused", "--device", &device];
    aside(|| server.command(&line));
    // The same push again is answered with what became of it.
    let again = stranger.push(&entries).await;
    assert_eq!(again.refused.len(), 7);
    assert_eq!((again.accepted[0].seq, again.accepted[0].number), (1, 1));
    let found = aside(|| verify(&server.home(), &mut |_| {}).unwrap());
    assert_eq!((found.faults, found.marks), (vec![], vec![]));
}

#[tokio::test]
async fn what_a_colleague_brings_of_somebody_who_takes_no_part_any_more_is_kept_until_it_is_released()
 {
    let server = Server::start().await;
    let county = server.device("县管", "320703", Role::Administrator).await;
    let city = server.device("市", "320700", Role::Supervisor).await;
    let colleague = server.device("乙", "320703", Role::Inspector).await;
    for (name, code) in [("丙", "revoked"), ("丁", "ended")] {
        let mut device = server.device(name, "320703", Role::Inspector).await;
        let before = city.pull(&[]).await.batch.rows.len();
        let entries = [
            device.set(OWN, record(), "交接之前写的"),
            device.set("own/320706", record(), "无权写的"),
        ];
        let body = device.body(&entries);
        if code == "revoked" {
            let revoke = Revoke {
                device: device.id,
                order: None,
            };
            let _done: Changed = county.ask("/v1/admin/devices/revoke", &revoke).await;
        } else {
            let person = device.person.to_string();
            aside(|| server.command(&["person", "retire", "--person", &person]));
        }
        let own = device.push_body(body.clone()).await;
        assert!(!own.status().is_success(), "{code}: not from itself");
        let brought = colleague.push_body(body).await;
        let text = brought.text().await.unwrap();
        let reply: shicha_sync::protocol::messages::PushReply =
            serde_json::from_str(&text).unwrap();
        let codes: Vec<(u64, &str)> = reply
            .refused
            .iter()
            .map(|(seq, code)| (*seq, code.as_str()))
            .collect();
        assert_eq!(codes, [(1, code), (2, "channel")]);
        assert_eq!(
            city.pull(&[]).await.batch.rows.len(),
            before,
            "outside for all"
        );
        assert!(release(&county, &device, 1).await);
        assert_eq!(city.pull(&[]).await.batch.rows.len(), before + 1);
    }
    let found = aside(|| verify(&server.home(), &mut |_| {}).unwrap());
    assert_eq!(found.faults, []);
}
