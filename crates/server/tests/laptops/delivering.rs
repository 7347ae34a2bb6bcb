//! Entries on their way up.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use shicha_domain::{
    Event,
    bounds::{self, Claim},
    directory::Role,
    suite::SignatureBytes,
};
use shicha_ledger::EntryDelivery;
use shicha_sync::{
    client::{Engine, Reply, SyncErrorCode},
    protocol::{
        ProblemCode,
        messages::{PushReply, refusal},
    },
};

use crate::{
    common::{Server, record, wall_ms},
    kit::{Ahead, CITY, COUNTY, Laptop, Line, is, opened, refusal as problem},
};

const YEAR_MS: i64 = 365 * 86_400_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_the_server_refuses_is_told_and_holds_nothing_up() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let good = laptop.subject("之前");
    let bad = laptop.subject_in("own/320706", "别的县");
    let after = laptop.subject("之后");
    let outcome = laptop.round(&server).await.unwrap();
    assert_eq!((outcome.pushed, outcome.refused), (3, 1));
    let refused = laptop.ledger.refused().unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(
        (refused[0].record, refused[0].code.as_str()),
        (bad, refusal::CHANNEL)
    );
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    city.round(&server).await.unwrap();
    assert!(city.has(good) && city.has(after) && !city.has(bad));
    assert!(laptop.has(bad), "and here it is kept");
    laptop.set(after, "phone", "1");
    let outcome = laptop.round(&server).await.unwrap();
    assert_eq!((outcome.pushed, outcome.refused), (1, 0));
    assert_eq!(laptop.ledger.refused().unwrap().len(), 1, "told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_counts_as_delivered_by_a_receipt_that_is_not_the_servers_own() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.set(record, "phone", "1");
    type Forge = fn(&mut PushReply);
    let forgeries: [(&str, Forge); 6] = [
        ("another signature", |reply| {
            reply.receipts[0].signature = SignatureBytes::first(&[1; 64]);
        }),
        ("another time", |reply| {
            reply.receipts[0].received_at_ms += 1;
        }),
        ("another entry", |reply| reply.receipts[0].head.0[0] ^= 1),
        ("another device", |reply| {
            reply.receipts[0].device = shicha_domain::DeviceId(uuid::Uuid::nil());
        }),
        ("no receipt", |reply| reply.receipts.clear()),
        ("fewer entries", |reply| reply.receipts[0].seq -= 1),
    ];
    for (what, forge) in forgeries {
        let line = Line::changed(&server, move |request, reply| {
            if request.path != "/v1/push" {
                return Ok(reply);
            }
            let mut said: PushReply = serde_json::from_slice(&reply.body).unwrap();
            forge(&mut said);
            let body = serde_json::to_vec(&said).unwrap();
            Ok(Reply { body, ..reply })
        });
        is(laptop.round_over(line).await, SyncErrorCode::Untrustworthy);
        assert_eq!(laptop.waiting(), 2, "{what}");
        let entries = laptop.ledger.entries_of(record).unwrap();
        assert!(
            entries
                .iter()
                .all(|entry| entry.delivery == EntryDelivery::Waiting),
            "{what}"
        );
    }
    assert_eq!(laptop.round(&server).await.unwrap().pushed, 2);
    assert_eq!(laptop.waiting(), 0);
    assert!(laptop.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_by_a_year_delivers_all_the_same_and_the_receipts_tell() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    for (off_ms, claim) in [
        (YEAR_MS, Claim::AheadOfTime),
        (-YEAR_MS, Claim::BackDated),
        (86_400_000, Claim::AheadOfTime),
        (-86_400_000, Claim::BackDated),
        (0, Claim::Within),
    ] {
        let laptop = Laptop::of(&server, &format!("甲{off_ms}"), COUNTY, Role::Inspector).await;
        let record = record();
        let now_ms = wall_ms().saturating_add_signed(off_ms);
        let draft = laptop.draft(&laptop.own, record, opened("某机构"));
        laptop
            .ledger
            .append(laptop.person, vec![draft], now_ms)
            .unwrap();
        let engine = Engine::new(Arc::new(Line::to(&server)), Arc::new(Ahead(off_ms)));
        let told = std::sync::Mutex::new(None);
        let outcome = engine
            .sync_once(&laptop.ledger, &|progress| {
                if let shicha_sync::client::Progress::ClockAhead(ms) = progress {
                    *told.lock().unwrap() = Some(ms);
                }
            })
            .await
            .unwrap();
        assert_eq!((outcome.pushed, laptop.waiting()), (1, 0));
        let told = told.lock().unwrap().unwrap();
        assert!((told - off_ms).abs() < 60_000, "{told} for {off_ms}");
        city.round(&server).await.unwrap();
        let seen = city.ledger.entries_of(record).unwrap();
        assert_eq!(
            bounds::judge(seen[0].bounds, seen[0].entry.at),
            claim,
            "{off_ms}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_out_and_keeps_all_that_it_has() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.round(&server).await.unwrap();
    let engine = crate::kit::engine(Line::to(&server));
    engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    let device = laptop.ledger.identity().unwrap().unwrap().device;
    assert!(server.store().revoke(device, wall_ms()).unwrap());
    laptop.set(record, "phone", "1");
    is(
        engine.sync_once(&laptop.ledger, &|_| {}).await,
        SyncErrorCode::Revoked,
    );
    is(laptop.round(&server).await, SyncErrorCode::Revoked);
    let laptop = laptop.restart();
    laptop.set(record, "phone", "2");
    assert_eq!((laptop.waiting(), laptop.is_whole()), (2, true));
    let state = laptop.ledger.record(record).unwrap().unwrap();
    assert_eq!(state.heads_of("phone").len(), 1);
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    city.round(&server).await.unwrap();
    assert_eq!(
        city.ledger.entries_of(record).unwrap().len(),
        1,
        "what came before stays, what came after is not taken"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_now_is_told_apart_from_one_of_another_version() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    laptop.subject("某机构");
    for (problem_code, code) in [
        (ProblemCode::Version, SyncErrorCode::Version),
        (ProblemCode::Unavailable, SyncErrorCode::Offline),
        (ProblemCode::NoSpace, SyncErrorCode::ServerFull),
        (ProblemCode::Internal, SyncErrorCode::ServerRefused),
        (ProblemCode::SlowDown, SyncErrorCode::SlowDown),
    ] {
        let line = Line::instead(&server, move |request| {
            (request.path == "/v1/push").then(|| Ok(problem(problem_code)))
        });
        is(laptop.round_over(line).await, code);
        assert_eq!(laptop.waiting(), 1);
    }
    let garbage = Line::changed(&server, |_, reply| {
        Ok(Reply {
            body: b"<html>login</html>".to_vec(),
            headers: Vec::new(),
            ..reply
        })
    });
    is(laptop.round_over(garbage).await, SyncErrorCode::NotAServer);
    assert_eq!(laptop.round(&server).await.unwrap().pushed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ran_out_is_opened_again_without_a_word() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let engine = crate::kit::engine(Line::to(&server));
    engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    laptop.subject("一");
    server.ahead_ms.fetch_add(2 * 3_600_000, Ordering::SeqCst);
    assert_eq!(
        engine
            .sync_once(&laptop.ledger, &|_| {})
            .await
            .unwrap()
            .pushed,
        1
    );
    laptop.subject("二");
    server.stop().await;
    server.start_again().await;
    assert_eq!(
        engine
            .sync_once(&laptop.ledger, &|_| {})
            .await
            .unwrap()
            .pushed,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_take_no_more_than_sixty_bytes_each_over_the_line_both_ways() {
    const INSPECTIONS: usize = 40;
    const ITEMS: usize = 100;
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    city.round(&server).await.unwrap();
    let mut now_ms = wall_ms();
    for n in 0..INSPECTIONS {
        let record = laptop.subject(&format!("第{n}家"));
        for item in 0..ITEMS {
            now_ms += 2_000 + u64::from(rand::random::<u16>());
            let results = ["conforms", "nonconforming", "not_applicable", "to_verify"];
            let event = Event::Set {
                field: format!("answers/TI-{}.{}/result", item / 10 + 1, item % 10 + 1),
                value: json!(results[usize::from(rand::random::<u8>()) % 4]),
                replaces: Vec::new(),
            };
            let draft = laptop.draft(&laptop.own, record, event);
            laptop
                .ledger
                .append(laptop.person, vec![draft], now_ms)
                .unwrap();
        }
    }
    let pushed = laptop.round(&server).await.unwrap();
    let entries = (INSPECTIONS * (ITEMS + 1)) as u64;
    assert_eq!(pushed.pushed, entries);
    assert!(
        pushed.bytes <= 60 * entries,
        "{} up",
        pushed.bytes / entries
    );
    let pulled = city.round(&server).await.unwrap();
    assert_eq!(pulled.pulled, entries);
    assert!(
        pulled.bytes <= 60 * entries,
        "{} down",
        pulled.bytes / entries
    );
    assert!(city.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_arrived_and_was_never_answered_is_not_delivered_twice() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    let is_lost = AtomicBool::new(false);
    let line = Line::changed(&server, move |request, reply| {
        if request.path == "/v1/push" && !is_lost.swap(true, Ordering::SeqCst) {
            return Err(crate::kit::broken());
        }
        Ok(reply)
    });
    let engine = crate::kit::engine(line);
    is(
        engine.sync_once(&laptop.ledger, &|_| {}).await,
        SyncErrorCode::Offline,
    );
    assert_eq!(laptop.waiting(), 1, "without a receipt it is not delivered");
    laptop.set(record, "phone", "1");
    engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!(laptop.waiting(), 0);
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    assert_eq!(city.round(&server).await.unwrap().pulled, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_before_its_push_was_answered_is_asked_for_again_also_after_a_restart() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let refused = laptop.subject_in("own/320706", "别的县");
    let record = laptop.subject("某机构");
    // The answer says nothing, and the same round pulls what it was for.
    let line = Line::changed(&server, |request, reply| {
        if request.path != "/v1/push" {
            return Ok(reply);
        }
        let mut said: PushReply = serde_json::from_slice(&reply.body).unwrap();
        said.receipts.clear();
        let body = serde_json::to_vec(&said).unwrap();
        Ok(Reply { body, ..reply })
    });
    is(laptop.round_over(line).await, SyncErrorCode::Untrustworthy);
    let received = laptop.ledger.entries_of(record).unwrap();
    assert!(received[0].bounds.is_some(), "it was pulled");
    let laptop = laptop.restart();
    assert_eq!(laptop.waiting(), 2, "nobody has said what became of them");
    laptop.round(&server).await.unwrap();
    assert_eq!(laptop.waiting(), 0);
    assert_eq!(laptop.ledger.refused().unwrap().len(), 1);
    assert_eq!(laptop.ledger.delivery(refused).unwrap().refused, 1);
    assert!(laptop.is_whole());
}
