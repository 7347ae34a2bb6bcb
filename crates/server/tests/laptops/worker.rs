//! The background: nobody has to press anything.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use shicha_domain::directory::Role;
use shicha_sync::{
    client::{Phase, Reply, SyncErrorCode, SyncState, Worker},
    protocol::{Problem, ProblemCode, VERSION_HEADER},
};

use crate::{
    common::{Server, wall_ms},
    kit::{CITY, COUNTY, Laptop, Line, broken, engine},
};

fn worker(laptop: &Laptop, line: Line) -> Worker {
    Worker::start(engine(line), laptop.ledger.clone())
}

async fn until(worker: &Worker, what: impl Fn(&SyncState) -> bool) -> SyncState {
    worker.state().wait_for(what).await.unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_writes_goes_up_by_itself_and_comes_down_at_another_by_itself() {
    let server = Server::start().await;
    let inspector = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let (up, down) = (
        worker(&inspector, Line::to(&server)),
        worker(&city, Line::to(&server)),
    );
    for worker in [&up, &down] {
        until(worker, |state| state.last_success_ms.is_some()).await;
    }
    let record = inspector.subject("某机构");
    up.poke();
    until(&up, |state| {
        state.moved.iter().any(|moved| moved.count == 1) && state.waiting_entries == 0
    })
    .await;
    // The server tells the other that there is something; that one was not poked.
    until(&down, |state| !state.moved.is_empty() && city.has(record)).await;
    up.stop().await;
    down.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_went_is_told_and_what_waits_goes_up_when_it_is_back() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let is_there = Arc::new(AtomicBool::new(false));
    let network = Arc::clone(&is_there);
    let line = Line::instead(&server, move |_| {
        (!network.load(Ordering::SeqCst)).then(|| Err(broken()))
    });
    laptop.subject("某机构");
    let worker = worker(&laptop, line);
    let state = until(&worker, |state| {
        state.phase == Phase::Offline && state.waiting_entries == 1
    })
    .await;
    assert_eq!(state.last_error.unwrap().code, SyncErrorCode::Offline);
    assert!(
        state.next_try_ms.unwrap() > wall_ms() - 60_000,
        "it says when it tries again"
    );
    is_there.store(true, Ordering::SeqCst);
    worker.sync_now();
    let state = until(&worker, |state| state.last_success_ms.is_some()).await;
    assert_eq!(state.last_error, None);
    until(&worker, |state| {
        state.phase == Phase::Idle && state.waiting_entries == 0
    })
    .await;
    worker.stop().await;
    assert_eq!(laptop.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_back_by_itself_without_a_word() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let left = std::sync::atomic::AtomicI64::new(2);
    let line = Line::instead(&server, move |_| {
        (left.fetch_sub(1, Ordering::SeqCst) > 0).then(|| Err(broken()))
    });
    laptop.subject("某机构");
    let worker = worker(&laptop, line);
    until(&worker, |state| state.phase == Phase::Offline).await;
    until(&worker, |state| state.last_success_ms.is_some()).await;
    worker.stop().await;
    assert_eq!(laptop.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_asks_for_a_person_and_stops_trying() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let device = laptop.ledger.identity().unwrap().unwrap().device;
    server.store().revoke(device, wall_ms()).unwrap();
    let worker = worker(&laptop, Line::to(&server));
    let state = until(&worker, |state| state.last_error.is_some()).await;
    assert_eq!(state.phase, Phase::NeedsAttention);
    assert_eq!(state.last_error.unwrap().code, SyncErrorCode::Revoked);
    assert_eq!(state.next_try_ms, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_to_be_left_alone_is_left_alone_even_when_somebody_wishes() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = Arc::clone(&asked);
    let line = Line::instead(&server, move |_| {
        let mut times = times.lock().unwrap();
        times.push(Instant::now());
        (times.len() == 1).then(|| Ok(slow_down(2)))
    });
    laptop.subject("某机构");
    let worker = worker(&laptop, line);
    let state = until(&worker, |state| state.last_error.is_some()).await;
    assert_eq!(state.last_error.unwrap().code, SyncErrorCode::SlowDown);
    worker.poke();
    worker.sync_now();
    until(&worker, |state| state.last_success_ms.is_some()).await;
    worker.stop().await;
    let asked = asked.lock().unwrap();
    assert!(asked[1] - asked[0] >= Duration::from_secs(2), "{asked:?}");
    assert_eq!(laptop.waiting(), 0);
}

/// The answer of a proxy or an endpoint that says when to come again in the header alone.
fn slow_down(s: u64) -> Reply {
    let problem = Problem::new(ProblemCode::SlowDown, "too many requests");
    Reply {
        status: 429,
        headers: vec![
            (VERSION_HEADER.to_owned(), "1".to_owned()),
            ("retry-after".to_owned(), s.to_string()),
        ],
        body: serde_json::to_vec(&problem).unwrap(),
    }
}
