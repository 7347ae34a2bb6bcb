//! Entries on their way down: what is given is held against what was signed.

use std::sync::{Arc, Mutex};

use shicha_domain::{
    Channel,
    directory::{Org, OrgKind, Role},
};
use shicha_sync::{
    client::{Reply, SyncErrorCode},
    protocol::{BatchWriter, MANY_HELD, Row, wire},
};

use crate::{
    common::{Server, record, wall_ms},
    kit::{CITY, COUNTY, Laptop, Line, NEIGHBOUR, engine, is, opened},
};

/// The answer to a pull with rows and receipts changed, written again as a server would write it.
fn rewritten(
    reply: Reply,
    keep: impl Fn(&Row) -> bool,
    change: impl Fn(usize, &mut wire::Pull),
) -> Reply {
    let mut pull = wire::read_pull(&reply.body).unwrap();
    let rows = std::mem::take(&mut pull.batch.rows);
    pull.batch.rows = rows.into_iter().filter(|row| keep(row)).collect();
    for n in 0..pull.batch.rows.len() {
        change(n, &mut pull);
    }
    for channel in &mut pull.channels {
        let is_of = |row: &&Row| row.entry.channel == channel.channel;
        channel.rows = pull.batch.rows.iter().filter(is_of).count();
    }
    let mut batch = BatchWriter::new();
    for receipt in &pull.batch.receipts {
        batch.receipt(receipt);
    }
    for row in &pull.batch.rows {
        batch.row(row.number, row.covered, row.entry.id(), &row.entry);
    }
    let body = wire::write_pull(&pull.channels, pull.more, batch).unwrap();
    Reply { body, ..reply }
}

/// Two counties with three entries each, and a supervisor above both.
async fn two_counties() -> (Server, Laptop) {
    let server = Server::start().await;
    for org in [COUNTY, NEIGHBOUR] {
        let laptop = Laptop::of(&server, org, org, Role::Inspector).await;
        let record = laptop.subject("某机构");
        laptop.set(record, "phone", "1");
        laptop.set(record, "phone", "2");
        laptop.round(&server).await.unwrap();
    }
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    (server, city)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_withheld_is_noticed_and_only_its_channel_waits() {
    let (server, city) = two_counties().await;
    let channel: Channel = "own/320703".parse().unwrap();
    let victim = channel.clone();
    let line = Line::changed(&server, move |request, reply| {
        if request.path != "/v1/pull" {
            return Ok(reply);
        }
        let victim = victim.clone();
        let keep = move |row: &Row| row.entry.channel != victim || row.number != 2;
        Ok(rewritten(reply, keep, |_, _| {}))
    });
    let outcome = city.round_over(line).await.unwrap();
    assert_eq!(outcome.pulled, 3, "the other county's");
    assert_eq!(outcome.skipped.len(), 1);
    assert_eq!(outcome.skipped[0].what, channel.to_string());
    assert_eq!(outcome.skipped[0].code, SyncErrorCode::Untrustworthy);
    let outcome = city.round(&server).await.unwrap();
    assert_eq!((outcome.pulled, outcome.skipped.len()), (3, 0));
    assert!(city.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_altered_or_is_given_without_its_receipt_is_not_taken() {
    type Forge = fn(usize, &mut wire::Pull);
    let forgeries: [(&str, Forge); 3] = [
        ("another text", |n, pull| {
            let event = &mut pull.batch.rows[n].entry.event;
            let text = String::from_utf8(std::mem::take(event)).unwrap();
            *event = text.replace("某机构", "某企业").into_bytes();
        }),
        ("without a receipt", |n, pull| {
            pull.batch.rows[n].covered = None
        }),
        ("by an older receipt", |n, pull| {
            let row = &mut pull.batch.rows[n];
            if let Some(receipt) = row.covered {
                row.entry.seq = row.entry.seq.max(pull.batch.receipts[receipt].seq + 1);
            }
        }),
    ];
    let (server, city) = two_counties().await;
    for (what, forge) in forgeries {
        let line = Line::changed(&server, move |request, reply| {
            if request.path != "/v1/pull" {
                return Ok(reply);
            }
            Ok(rewritten(reply, |_| true, forge))
        });
        match city.round_over(line).await {
            Ok(outcome) => assert_eq!(
                (outcome.pulled, outcome.skipped.len()),
                (0, 2),
                "{what}: {outcome:?}"
            ),
            Err(error) => assert_eq!(error.code(), SyncErrorCode::Untrustworthy, "{what}"),
        }
        assert_eq!(city.ledger.counts().unwrap().entries, 0, "{what}");
    }
    assert_eq!(city.round(&server).await.unwrap().pulled, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_receipt_spoils_what_came_with_it() {
    let (server, city) = two_counties().await;
    let line = Line::changed(&server, |request, reply| {
        if request.path != "/v1/pull" {
            return Ok(reply);
        }
        let forge = |n: usize, pull: &mut wire::Pull| {
            if n == 0 {
                pull.batch.receipts[0].received_at_ms -= 86_400_000;
            }
        };
        Ok(rewritten(reply, |_| true, forge))
    });
    is(city.round_over(line).await, SyncErrorCode::Untrustworthy);
    assert_eq!(city.ledger.counts().unwrap().entries, 0);
    assert_eq!(city.round(&server).await.unwrap().pulled, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_counts_as_seen_by_others_only_once_they_hold_it() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.set(record, "phone", "1");
    laptop.round(&server).await.unwrap();
    let is_seen = |laptop: &Laptop| laptop.ledger.delivery(record).unwrap().seen_by_others;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    // The batch arrives, and the program is gone before it is stored.
    let lost = Line::changed(&server, |request, reply| match request.path.as_str() {
        "/v1/pull" => Err(crate::kit::broken()),
        _ => Ok(reply),
    });
    is(city.round_over(lost).await, SyncErrorCode::Offline);
    laptop.round(&server).await.unwrap();
    assert!(!is_seen(&laptop), "given is not held");
    assert_eq!(city.round(&server).await.unwrap().pulled, 2);
    // That the city holds it is said with its next question; the server writes that down after it has answered.
    city.round(&server).await.unwrap();
    for _ in 0..500 {
        laptop.round(&server).await.unwrap();
        if is_seen(&laptop) {
            return;
        }
    }
    panic!("what is held is seen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_with_very_many_channels_says_only_what_has_changed() {
    const INSTITUTIONS: usize = MANY_HELD + 100;
    let mut server = Server::start().await;
    let code = |n: usize| format!("TI-9{n:04}");
    let store = server.store();
    for n in 0..INSTITUTIONS {
        let org = Org {
            code: code(n).parse().unwrap(),
            name: code(n),
            short_name: String::new(),
            parent: Some(COUNTY.parse().unwrap()),
            kind: OrgKind::Institution,
            region: None,
        };
        store.put_org(&org, 1).unwrap();
    }
    drop(store);
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let channel = |n| format!("inst/{COUNTY}/{}", code(n));
    let opened = |n| laptop.draft(&channel(n), record(), opened("某机构"));
    let drafts = (0..INSTITUTIONS).map(opened).collect();
    laptop
        .ledger
        .append(laptop.person, drafts, wall_ms())
        .unwrap();
    laptop.round(&server).await.unwrap();

    // How much each pull said, and whether it was only what had changed.
    let said = Arc::new(Mutex::new(Vec::new()));
    let line = Line::changed(&server, {
        let said = Arc::clone(&said);
        move |request, reply| {
            if request.path == "/v1/pull" && reply.status == 200 {
                let asked = wire::read_pull_request(&request.body).unwrap();
                said.lock()
                    .unwrap()
                    .push((asked.base.is_some(), asked.held.len()));
            }
            Ok(reply)
        }
    });
    let engine = engine(line);
    let round = async || {
        let outcome = engine.sync_once(&city.ledger, &|_| ()).await.unwrap();
        (outcome.pulled, std::mem::take(&mut *said.lock().unwrap()))
    };
    let all = INSTITUTIONS;
    assert_eq!(round().await, (all as u64, vec![(false, 0), (false, all)]));
    assert_eq!(round().await, (0, vec![(true, 0)]));
    laptop.append(opened(7));
    laptop.round(&server).await.unwrap();
    assert_eq!(round().await, (1, vec![(true, 0), (true, 1)]));

    // An endpoint that started again remembers nothing, and is told all of it once.
    server.stop().await;
    server.start_again().await;
    laptop.append(opened(8));
    laptop.round(&server).await.unwrap();
    let lost = vec![(true, 0), (false, all), (true, 1)];
    assert_eq!(round().await, (1, lost));
    assert_eq!(round().await, (0, vec![(true, 0)]));
    laptop.round(&server).await.unwrap();
    assert_eq!(
        city.ledger.views_digest().unwrap(),
        laptop.ledger.views_digest().unwrap()
    );
}
