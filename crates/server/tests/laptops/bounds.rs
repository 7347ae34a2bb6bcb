//! Between which moments an entry was made: told by a device that speaks the protocol by hand and lies, to an application that pulls.

use std::sync::atomic::Ordering;

use reqwest::Method;
use shicha_domain::{
    Entry, Hlc, ReceiptId, RecordId,
    bounds::{self, Bounds, Claim},
    directory::Role,
    receipt::end_bytes,
    suite::SignatureBytes,
};
use shicha_sync::protocol::{
    BATCH_TYPE,
    end::{END_HEADER, End, MAX_TICK_AGE_MS, TICK_HEADER, Tick},
    messages::{PushReply, SessionReply},
};

use crate::{
    common::{Device, Server, record, wall_ms},
    kit::{CITY, COUNTY, Laptop, opened},
};

const CHANNEL: &str = "own/320703";
const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;

/// The endpoint's clock goes on.
fn pass(server: &Server, ms: u64) {
    server.ahead_ms.fetch_add(ms, Ordering::SeqCst);
}

fn now(server: &Server) -> u64 {
    wall_ms() + server.ahead_ms.load(Ordering::SeqCst)
}

/// The next entry, with this claimed time and this receipt named.
fn claimed(device: &mut Device, record: RecordId, at_ms: u64, after: Option<ReceiptId>) -> Entry {
    let (head, named) = (device.head, device.after);
    device.after = after;
    let mut entry = device.write(CHANNEL, record, &opened("某机构"));
    device.after = named;
    entry.at = Hlc::from_ms(at_ms);
    entry.prev = head.id;
    device.head.id = entry.id();
    entry
}

/// Opens a session; the tick that it begins with.
async fn session(device: &mut Device) -> Tick {
    let reply = device.try_session().await;
    let tick = Tick::from_text(reply.headers()[TICK_HEADER].to_str().unwrap()).unwrap();
    let reply: SessionReply = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
    device.token = reply.token;
    tick
}

/// The end of the log as it is, with this tick.
fn end(device: &Device, tick: Tick) -> End {
    let said = end_bytes(
        &device.server,
        device.id,
        tick.at_ms,
        device.head.seq,
        device.head.id,
    );
    End {
        tick,
        seq: device.head.seq,
        head: device.head.id,
        signature: device.key.sign(&said),
    }
}

/// Pushes and tells an end; the receipts.
async fn push_with(device: &Device, entries: &[Entry], end: &End) -> PushReply {
    let response = device
        .request(Method::POST, "/v1/push")
        .header("content-type", BATCH_TYPE)
        .header(END_HEADER, end.to_text())
        .body(device.body(entries))
        .send()
        .await
        .unwrap();
    assert!(response.status().is_success());
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// What the application of the city says of the only entry of a record.
async fn seen(city: &Laptop, server: &Server, record: RecordId) -> (Claim, Bounds) {
    city.round(server).await.unwrap();
    let entries = city.ledger.entries_of(record).unwrap();
    let stored = &entries[0];
    let claim = bounds::judge(stored.bounds, stored.entry.at);
    (claim, stored.bounds.unwrap())
}

/// A device that was enrolled and in touch, and ten days later again; then it does what a test wants.
async fn ten_days_on(server: &Server) -> (Device, ReceiptId, ReceiptId) {
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    let enrolled = device.after.unwrap();
    let first = claimed(&mut device, record(), now(server), Some(enrolled));
    device.push(&[first]).await;
    pass(server, 10 * DAY);
    session(&mut device).await;
    let at_ms = now(server);
    let second = claimed(&mut device, record(), at_ms, Some(enrolled));
    let reply = device.push(&[second]).await;
    let newest = reply.receipts.last().unwrap().id();
    pass(server, 2 * 60 * MINUTE);
    session(&mut device).await;
    (device, enrolled, newest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_days_ago_never_passes_whichever_receipt_the_entry_names() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    for name in ["newest", "enrolment", "none", "unknown"] {
        let begun = now(&server);
        let (mut device, enrolled, newest) = ten_days_on(&server).await;
        let after = match name {
            "newest" => Some(newest),
            "enrolment" => Some(enrolled),
            "none" => None,
            _ => Some(ReceiptId([7; 32])),
        };
        let record = record();
        let entry = claimed(&mut device, record, begun + DAY, after);
        device.push(&[entry]).await;
        let (claim, bounds) = seen(&city, &server, record).await;
        // Who names the newest receipt says themselves that it was later. Who does not was in touch and told no end.
        let expected = match name {
            "newest" => Claim::BackDated,
            _ => Claim::Unproved,
        };
        assert_eq!(claim, expected, "{name}: {bounds:?}");
        assert!(bounds.width_ms() < 11 * DAY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_was_written_before_its_device_was_enrolled() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    for at_ms in [1, now(&server) - 400 * DAY] {
        let record = record();
        let entry = claimed(&mut device, record, at_ms, None);
        device.push(&[entry]).await;
        assert_eq!(seen(&city, &server, record).await.0, Claim::BackDated);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_an_end_was_told_nothing_later_can_be_said_to_be_from_before_it() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let (mut device, ..) = ten_days_on(&server).await;
    let tick = session(&mut device).await;
    let entry = claimed(&mut device, record(), now(&server), None);
    let told = end(&device, tick);
    push_with(&device, &[entry], &told).await;
    let record = record();
    let forged = claimed(&mut device, record, now(&server) - 9 * DAY, None);
    device.push(&[forged]).await;
    let (claim, bounds) = seen(&city, &server, record).await;
    assert_eq!((claim, bounds.since_ms), (Claim::BackDated, tick.at_ms));
    assert!(bounds.width_ms() < 60 * MINUTE);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_was_just_in_touch_leaves_no_more_than_minutes_of_doubt() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    laptop.subject("之前");
    pass(&server, 10 * DAY);
    laptop.round(&server).await.unwrap();
    let told = {
        let store = server.store();
        let device = laptop.ledger.identity().unwrap().unwrap().device;
        crate::common::aside(|| store.end_of(device).unwrap().unwrap())
    };
    assert_eq!((told.seq, told.head), laptop.ledger.head().unwrap());
    assert!(now(&server) - told.tick_ms < 5 * MINUTE);
    pass(&server, 3 * MINUTE);
    let subject = laptop.subject("之后");
    laptop.round(&server).await.unwrap();
    let (_, bounds) = seen(&city, &server, subject).await;
    assert!(bounds.since_ms >= told.tick_ms, "{bounds:?}");
    assert!(bounds.width_ms() < 10 * MINUTE, "{bounds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_answer_to_an_end_is_on_its_way_is_never_contradicted() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    let tick = session(&mut device).await;
    let sent = claimed(&mut device, record(), now(&server), None);
    let told = end(&device, tick);
    // Written before the endpoint has the end, which arrives after four minutes.
    let record = record();
    let (meanwhile, written_ms) = {
        pass(&server, MINUTE);
        let at_ms = now(&server);
        (claimed(&mut device, record, at_ms, None), at_ms)
    };
    pass(&server, 3 * MINUTE);
    push_with(&device, &[sent], &told).await;
    pass(&server, DAY);
    session(&mut device).await;
    device.push(&[meanwhile]).await;
    let (claim, bounds) = seen(&city, &server, record).await;
    assert_eq!(claim, Claim::Within);
    assert_eq!(bounds.since_ms, tick.at_ms);
    assert!(bounds.since_ms < written_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_counts_only_with_a_fresh_tick_of_the_endpoint_for_that_device() {
    let server = Server::start().await;
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    let mut other = server.device("乙", COUNTY, Role::Inspector).await;
    let entry = claimed(&mut device, record(), now(&server), None);
    let id = device.id;
    let kept = || {
        let store = server.store();
        crate::common::aside(|| store.end_of(id).unwrap().map(|end| end.tick_ms))
    };
    let others = session(&mut other).await;
    push_with(&device, std::slice::from_ref(&entry), &end(&device, others)).await;
    assert_eq!(kept(), None, "the tick of another device");
    let tick = session(&mut device).await;
    let early = Tick {
        at_ms: tick.at_ms + 1,
        ..tick
    };
    push_with(&device, std::slice::from_ref(&entry), &end(&device, early)).await;
    assert_eq!(kept(), None, "a time that the endpoint did not say");
    let mut unsigned = end(&device, tick);
    unsigned.signature = SignatureBytes::first(&[1; 64]);
    push_with(&device, std::slice::from_ref(&entry), &unsigned).await;
    assert_eq!(kept(), None, "not the device's word");
    pass(&server, MAX_TICK_AGE_MS + MINUTE);
    session(&mut device).await;
    push_with(&device, std::slice::from_ref(&entry), &end(&device, tick)).await;
    assert_eq!(kept(), None, "an old tick");
    let tick = session(&mut device).await;
    push_with(&device, &[entry], &end(&device, tick)).await;
    assert_eq!(kept(), Some(tick.at_ms));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_colleague_brings_later_tells_no_end() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    let colleague = server.device("乙", COUNTY, Role::Inspector).await;
    let tick = session(&mut device).await;
    let sealed = claimed(&mut device, record(), now(&server), None);
    let (body, told) = (
        device.body(std::slice::from_ref(&sealed)),
        end(&device, tick),
    );
    // Goes on writing, without a network.
    let subject = record();
    let later = claimed(&mut device, subject, now(&server) + 60 * MINUTE, None);
    pass(&server, DAY);
    let mut colleague = colleague;
    session(&mut colleague).await;
    let carried = colleague
        .request(Method::POST, "/v1/push")
        .header("content-type", BATCH_TYPE)
        .header(END_HEADER, told.to_text())
        .body(body)
        .send()
        .await
        .unwrap();
    assert!(carried.status().is_success());
    session(&mut device).await;
    device.push(&[later]).await;
    let (claim, bounds) = seen(&city, &server, subject).await;
    assert_ne!(claim, Claim::BackDated, "{bounds:?}");
    assert!(bounds.since_ms <= tick.at_ms);
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_bad_line_some_times_are_unproved_and_none_is_contradicted() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    let begun = now(&server);
    let written: Vec<(RecordId, Entry)> = (0..5)
        .map(|n| {
            let record = record();
            (record, claimed(&mut device, record, begun + n * DAY, None))
        })
        .collect();
    pass(&server, 5 * DAY);
    let mut claims = Vec::new();
    for (_, entry) in &written {
        pass(&server, 2 * 60 * MINUTE);
        session(&mut device).await;
        // The line breaks before all is sent, so no end is told.
        device.push(std::slice::from_ref(entry)).await;
    }
    for (record, _) in &written {
        claims.push(seen(&city, &server, *record).await.0);
    }
    assert_eq!(
        claims[0],
        Claim::Within,
        "the first session after five days"
    );
    assert!(
        claims[1..].iter().all(|claim| *claim == Claim::Unproved),
        "{claims:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_turns_up_below_an_end_that_was_told_is_received_and_contradicts_it() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    let mut colleague = server.device("乙", COUNTY, Role::Inspector).await;
    let kept = claimed(&mut device, record(), now(&server), None);
    device.push(std::slice::from_ref(&kept)).await;
    let before = device.clone();
    // A colleague has this by hand; then the disk dies with it.
    let subject = record();
    let given = claimed(&mut device, subject, now(&server), None);
    let body = device.body(std::slice::from_ref(&given));
    pass(&server, 5 * DAY);
    let mut device = before;
    let tick = session(&mut device).await;
    push_with(&device, &[kept], &end(&device, tick)).await;
    session(&mut colleague).await;
    assert!(colleague.push_body(body).await.status().is_success());
    let (claim, bounds) = seen(&city, &server, subject).await;
    assert_eq!((claim, bounds.since_ms), (Claim::BackDated, tick.at_ms));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_stops_entries_until_the_error_is_stated_and_then_they_rank_later() {
    let server = Server::start().await;
    let mut device = server.device("甲", COUNTY, Role::Inspector).await;
    pass(&server, 3 * DAY);
    session(&mut device).await;
    let entry = device.write(CHANNEL, record(), &opened("某机构"));
    let ahead = device.push(&[entry]).await.receipts.remove(0);
    // Put right.
    server.ahead_ms.store(0, Ordering::SeqCst);
    session(&mut device).await;
    let entry = device.write(CHANNEL, record(), &opened("某机构"));
    let refused = device.try_push(std::slice::from_ref(&entry)).await;
    let (status, problem) = crate::common::problem(refused).await;
    assert_eq!(status.as_u16(), 503);
    assert_eq!(problem.extra["reason"], "clock_behind");
    crate::common::aside(|| server.command(&["clock-corrected"]));
    let right = device.push(&[entry]).await.receipts.remove(0);
    assert_eq!((ahead.life, right.life), (1, 2));
    assert!(ahead.received_at_ms > right.received_at_ms && ahead.rank() < right.rank());
    assert!(right.since_ms <= right.received_at_ms);
    crate::common::aside(|| server.command(&["verify"]));
}
