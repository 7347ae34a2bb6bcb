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
    protocol::{Problem, ProblemCode, VERSION, VERSION_HEADER},
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
            (VERSION_HEADER.to_owned(), VERSION.to_string()),
            ("retry-after".to_owned(), s.to_string()),
        ],
        body: serde_json::to_vec(&problem).unwrap(),
    }
}
/// What a proxy on the way does to the event stream.
#[derive(Clone, Copy)]
enum Held {
    /// It gives the headers and keeps the rest until there is more of it.
    Body,
    /// It gives nothing at all before the answer has ended.
    Everything,
}

/// A reverse proxy that passes everything on, except that it holds the event stream back.
async fn buffering_proxy(server: &Server, held: Held) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream = server.url.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                // A line that broke ends the connection, as with any proxy.
                let _ended = pass_on(client, &upstream, held).await;
            });
        }
    });
    url
}

async fn pass_on(
    mut client: tokio::net::TcpStream,
    upstream: &str,
    held: Held,
) -> std::io::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut server = tokio::net::TcpStream::connect(upstream).await?;
    // One request on each connection, so that none hides behind another.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    head.truncate(head.len() - 2);
    head.extend_from_slice(b"connection: close\r\n\r\n");
    server.write_all(&head).await?;
    if !head.starts_with(b"GET /v1/events") {
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let down = async {
        let mut kept = Vec::new();
        let mut has_head = false;
        loop {
            let mut some = [0; 4_096];
            let n = from_server.read(&mut some).await?;
            if n == 0 {
                return to_client.write_all(&kept).await;
            }
            kept.extend_from_slice(&some[..n]);
            let head = kept.windows(4).position(|four| four == b"\r\n\r\n");
            if let (Held::Body, false, Some(end)) = (held, has_head, head) {
                has_head = true;
                let body = kept.split_off(end + 4);
                to_client.write_all(&kept).await?;
                kept = body;
            }
        }
    };
    tokio::select! {
        up = up => up.map(|_| ()),
        down = down => down,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_that_holds_the_stream_back_what_is_new_still_comes_within_seconds() {
    for held in [Held::Body, Held::Everything] {
        let server = Server::start().await;
        let inspector = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
        let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
        let proxy = buffering_proxy(&server, held).await;
        let transport = shicha_sync::client::HttpTransport::new(&proxy).unwrap();
        let engine =
            shicha_sync::client::Engine::new(Arc::new(transport), Arc::new(crate::kit::Ahead(0)));
        // By chance the shortest pauses.
        let down = Worker::start_with(engine, city.ledger.clone(), Box::new(|| 0.0));
        until(&down, |state| state.last_success_ms.is_some()).await;
        let record = inspector.subject("某机构");
        inspector.round(&server).await.unwrap();
        let begun = std::time::Instant::now();
        let arrived = until(&down, |_| city.has(record));
        tokio::time::timeout(std::time::Duration::from_secs(60), arrived)
            .await
            .unwrap();
        println!("held back: seen after {:?}", begun.elapsed());
        down.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisors_ledger_follows_another_device_at_once() {
    let server = Server::start().await;
    let inspector = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let down = worker(&city, Line::to(&server));
    until(&down, |state| state.last_success_ms.is_some()).await;
    let mut delays = Vec::new();
    for n in 0..20 {
        let record = inspector.subject(&format!("第{n}家"));
        let begun = std::time::Instant::now();
        let arrived = async {
            until(&down, |_| city.has(record)).await;
            begun.elapsed()
        };
        let arrived = tokio::time::timeout(std::time::Duration::from_secs(30), arrived);
        let (pushed, arrived) = tokio::join!(inspector.round(&server), arrived);
        pushed.unwrap();
        delays.push(arrived.unwrap());
    }
    delays.sort_unstable();
    println!(
        "from the beginning of the push to the supervisor's ledger: median {:?}, longest {:?}",
        delays[delays.len() / 2],
        delays[delays.len() - 1]
    );
    down.stop().await;
}
