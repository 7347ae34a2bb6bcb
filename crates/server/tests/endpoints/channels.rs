//! Which channels there are: those of organisations that the directory has, or had.

use std::sync::atomic::Ordering;

use shicha_domain::{
    Entry, Event, Hlc, RecordId, RecordKind,
    directory::{Directory, Org, OrgKind, Role, parts::DirectoryPart},
};
use shicha_sync::protocol::messages::PushReply;

use crate::{
    OWN,
    common::{Device, Server, aside, record, wall_ms},
};

const SCHOOLS: &str = "inst/320703/TI-01";
const DAY: u64 = 86_400_000;

fn opened(kind: RecordKind) -> Event {
    Event::Opened {
        kind,
        fields: Default::default(),
    }
}

fn finding() -> Event {
    opened(RecordKind::Finding)
}

fn codes(reply: &PushReply) -> Vec<(u64, &str)> {
    let refused = reply.refused.iter();
    refused.map(|(seq, code)| (*seq, code.as_str())).collect()
}

/// Moves the school to another bureau at this moment.
fn move_school(server: &Server, parent: &str, now_ms: u64) {
    let school = Org {
        code: "TI-01".parse().unwrap(),
        name: "组织TI-01".into(),
        short_name: "苏连".into(),
        parent: Some(parent.parse().unwrap()),
        kind: OrgKind::Institution,
        region: None,
    };
    assert!(aside(|| server
        .home()
        .store
        .put_org(&school, now_ms)
        .unwrap()));
}

/// An entry that claims to be of that time.
fn at(device: &mut Device, ms: u64, channel: &str, record: RecordId, event: &Event) -> Entry {
    let mut entry = device.write(channel, record, event);
    entry.at = Hlc::from_ms(ms);
    device.head.id = entry.id();
    entry
}

#[tokio::test]
async fn whoever_invents_channels_is_refused_and_everybody_above_goes_on() {
    const EACH: usize = 20_000;
    let server = Server::start().await;
    let mut inspector = server.device("甲", "320703", Role::Inspector).await;
    let city = server.device("乙", "320700", Role::Supervisor).await;
    for round in 0..2 {
        let entries: Vec<Entry> = (0..EACH)
            .map(|n| {
                let channel = format!("inst/320703/X{round}-{n:05}");
                inspector.write(&channel, record(), &finding())
            })
            .collect();
        let reply = inspector.push(&entries).await;
        assert_eq!(reply.refused.len(), EACH);
        assert!(reply.refused.iter().all(|(_, code)| code == "no_such_org"));
    }
    let honest = [
        inspector.set(OWN, record(), "好"),
        inspector.write(SCHOOLS, record(), &finding()),
    ];
    assert!(inspector.push(&honest).await.refused.is_empty());
    let pulled = city.pull(&[]).await;
    assert_eq!(pulled.channels.len(), 2);
    assert_eq!(pulled.batch.rows.len(), 2);
    assert!(!pulled.more);
}

#[tokio::test]
async fn nobody_writes_to_an_institution_of_another_bureau_or_to_a_bureau_as_if_it_were_one() {
    let server = Server::start().await;
    let school = server.device("丁", "TI-01", Role::Institution).await;
    let mut neighbour = server.device("丙", "320706", Role::Inspector).await;
    let reply = [
        neighbour.write("inst/320706/TI-01", record(), &finding()),
        neighbour.write(SCHOOLS, record(), &finding()),
        neighbour.write("inst/320706/320706", record(), &finding()),
    ];
    let reply = neighbour.push(&reply).await;
    assert_eq!(
        codes(&reply),
        [(1, "no_such_org"), (2, "channel"), (3, "no_such_org")]
    );
    assert!(school.pull(&[]).await.batch.rows.is_empty());

    let mut city = server.device("乙", "320700", Role::Supervisor).await;
    let entries = [
        city.write("inst/320700/320706", record(), &finding()),
        city.write("inst/320700/TI-01", record(), &finding()),
    ];
    assert_eq!(
        codes(&city.push(&entries).await),
        [(1, "no_such_org")],
        "a school below one of its counties is the city's too"
    );
    assert_eq!(school.pull(&[]).await.batch.rows.len(), 1);
}

/// The endpoint's clock goes on, and sessions end.
async fn pass(server: &Server, ms: u64, devices: &mut [&mut Device]) -> u64 {
    let ahead_ms = server.ahead_ms.fetch_add(ms, Ordering::SeqCst) + ms;
    for device in devices {
        device.open_session().await;
    }
    wall_ms() + ahead_ms
}

#[tokio::test]
async fn when_a_school_moves_what_was_begun_before_goes_on_and_nothing_new_begins() {
    let server = Server::start().await;
    let mut east = server.device("甲", "320703", Role::Inspector).await;
    let mut school = server.device("丁", "TI-01", Role::Institution).await;
    let mut west = server.device("丙", "320706", Role::Inspector).await;
    let before = record();
    let first = [at(&mut east, wall_ms(), SCHOOLS, before, &finding())];
    assert!(east.push(&first).await.refused.is_empty());

    let moved_ms = pass(&server, 2 * DAY, &mut []).await;
    move_school(&server, "320706", moved_ms);
    let devices = &mut [&mut east, &mut school, &mut west];
    let now_ms = pass(&server, DAY, devices).await;
    let remark = Event::Set {
        field: "remark".into(),
        value: "复查".into(),
        replaces: vec![],
    };
    // The inspector was on the way without a network when it moved.
    let entries = [
        at(&mut east, moved_ms - 1, SCHOOLS, record(), &finding()),
        at(&mut east, now_ms, SCHOOLS, before, &remark),
        at(&mut east, now_ms, SCHOOLS, record(), &finding()),
        at(&mut east, now_ms, SCHOOLS, record(), &remark),
    ];
    assert_eq!(
        codes(&east.push(&entries).await),
        [(4, "parted"), (5, "parted")]
    );
    let reply = Event::Set {
        field: "reply/text".into(),
        value: "已整改".into(),
        replaces: vec![],
    };
    let answers = [at(&mut school, now_ms, SCHOOLS, before, &reply)];
    assert!(school.push(&answers).await.refused.is_empty());
    assert_eq!(school.pull(&[]).await.batch.rows.len(), 4);
    // The new bureau begins where the old one ended.
    let new = "inst/320706/TI-01";
    let entries = [
        at(&mut west, now_ms, new, record(), &finding()),
        at(&mut west, moved_ms - 1, new, record(), &finding()),
    ];
    assert!(west.push(&entries).await.refused.is_empty());

    // Both sides still know of each other.
    let part: DirectoryPart = {
        let asked = east.request(reqwest::Method::GET, "/v1/directory");
        serde_json::from_str(&asked.send().await.unwrap().text().await.unwrap()).unwrap()
    };
    let mut directory = Directory::default();
    for row in part.rows {
        directory.take(&row.kind, row.value.unwrap());
    }
    let Directory { orgs, former, .. } = directory;
    assert!(orgs.iter().any(|org| org.code.as_str() == "TI-01"));
    assert_eq!(
        (former[0].from_ms, former[0].until_ms),
        (0, moved_ms),
        "{former:?}"
    );
}

#[tokio::test]
async fn nobody_begins_anew_at_a_school_that_moved_by_claiming_a_time_before_it_did() {
    let server = Server::start().await;
    let mut named = server.device("甲", "320703", Role::Inspector).await;
    let mut silent = server.device("乙", "320703", Role::Inspector).await;
    let mut away = server.device("戊", "320703", Role::Inspector).await;
    let moved_ms = pass(&server, 2 * DAY, &mut []).await;
    move_school(&server, "320706", moved_ms);
    pass(&server, DAY, &mut [&mut named, &mut silent]).await;
    // One of them shows by what it names that it was made later, another was in touch and told no end.
    let work = named.write(OWN, record(), &opened(RecordKind::Subject));
    let receipt = named.push(&[work]).await.receipts.remove(0);
    named.after = Some(receipt.id());
    let work = silent.write(OWN, record(), &opened(RecordKind::Subject));
    silent.push(&[work]).await;
    silent.after = None;
    let devices = &mut [&mut named, &mut silent, &mut away];
    pass(&server, DAY, devices).await;
    for (device, why, expected) in [
        (&mut named, "back-dated", vec![(2, "parted")]),
        (&mut silent, "unproved", vec![(2, "parted")]),
        (&mut away, "it was away all the time", vec![]),
    ] {
        let opening = at(device, moved_ms - 60_000, SCHOOLS, record(), &finding());
        assert_eq!(codes(&device.push(&[opening]).await), expected, "{why}");
    }
}

#[tokio::test]
async fn a_second_opening_makes_no_other_record_of_a_colleagues() {
    let server = Server::start().await;
    let mut first = server.device("甲", "320703", Role::Inspector).await;
    let mut second = server.device("乙", "320703", Role::Inspector).await;
    let inspection = record();
    let opening = [first.write(OWN, inspection, &opened(RecordKind::Inspection))];
    assert!(first.push(&opening).await.refused.is_empty());
    let others = [
        at(&mut second, 0, OWN, inspection, &finding()),
        at(
            &mut second,
            0,
            OWN,
            inspection,
            &opened(RecordKind::Inspection),
        ),
    ];
    assert_eq!(codes(&second.push(&others).await), [(1, "event")]);
}

#[tokio::test]
async fn a_code_is_never_used_again_for_something_else() {
    let server = Server::start().await;
    let mut school = server
        .home()
        .store
        .register()
        .unwrap()
        .directory
        .orgs
        .iter()
        .find(|org| org.code.as_str() == "TI-01")
        .unwrap()
        .clone();
    school.kind = OrgKind::County;
    assert!(aside(|| server.home().store.put_org(&school, 1).is_err()));
}
