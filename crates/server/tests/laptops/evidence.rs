//! Photos on their way up and down.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use shicha_domain::directory::Role;
use shicha_server::evidence::Sender;
use shicha_sync::{
    client::{Clock, Engine, Method, SyncErrorCode},
    protocol::{BLOB_PART, ProblemCode},
};

use crate::{
    common::{Server, aside, wall_ms},
    kit::{CITY, COUNTY, Laptop, Line, broken, engine, is, is_part, noise, refusal},
};

fn offset_of(request: &shicha_sync::client::Request) -> usize {
    let header = request
        .headers
        .iter()
        .find(|(name, _)| *name == "upload-offset");
    header.unwrap().1.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_stopped_on_the_way_goes_on_from_there_up_and_down() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    let photo = noise(3 * BLOB_PART + 1_000);
    let hash = laptop.attach(record, &photo);
    let breaks = Line::instead(&server, |request| {
        (is_part(request) && offset_of(request) >= 2 * BLOB_PART).then(|| Err(broken()))
    });
    is(laptop.round_over(breaks).await, SyncErrorCode::Offline);
    assert_eq!(laptop.waiting(), 0, "its entry is there");
    assert!(!laptop.ledger.blob_info(hash).unwrap().unwrap().delivered);
    let laptop = laptop.restart();
    let line = Line::to(&server);
    assert_eq!(laptop.round_over(line.clone()).await.unwrap().uploaded, 1);
    let parts: Vec<String> = line.moved();
    assert_eq!(
        parts[parts.len() - 2..],
        [
            format!("Patch /v1/blobs/{hash} {}", 2 * BLOB_PART),
            format!("Patch /v1/blobs/{hash} {}", 3 * BLOB_PART)
        ]
    );
    assert!(laptop.ledger.blob_info(hash).unwrap().unwrap().delivered);

    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let seen = Arc::new(Mutex::new(0));
    let breaks = Line::changed(&server, move |request, reply| {
        let mut seen = seen.lock().unwrap();
        if request.method == Method::Get && request.path.contains("/blobs/") {
            *seen += 1;
            if *seen == 3 {
                return Err(broken());
            }
        }
        Ok(reply)
    });
    is(city.round_over(breaks).await, SyncErrorCode::Offline);
    let city = city.restart();
    let line = Line::to(&server);
    assert_eq!(city.round_over(line.clone()).await.unwrap().downloaded, 1);
    let first = format!(
        "Get /v1/blobs/{hash} bytes={}-{}",
        2 * BLOB_PART,
        3 * BLOB_PART - 1
    );
    assert_eq!(line.moved().first(), Some(&first));
    assert_eq!(city.bytes_of(hash), photo, "byte for byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_much_of_a_photo_arrived_before_the_line_broke_is_asked_before_more_is_sent() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    let photo = noise(9_000);
    let hash = laptop.attach(record, &photo);
    // As a proxy that closes as soon as the server has said, in the middle of a part, that it has more than it begins with.
    let cut = Line::instead(&server, |request| {
        let begins_again = is_part(request) && offset_of(request) == 0 && !request.body.is_empty();
        begins_again.then(|| Err(broken()))
    });
    let engine = engine(cut.clone());
    let outcome = engine.sync_once(&laptop.ledger, &|_| {}).await;
    is(outcome, SyncErrorCode::Offline);
    let arrived = photo[..4_346].to_vec();
    aside(|| {
        let evidence = server.home().evidence;
        let by = Sender::Device(laptop.ledger.identity().unwrap().unwrap().device);
        evidence.append(hash, by, 0, 9_000, arrived).unwrap();
    });
    let outcome = engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!(outcome.uploaded, 1);
    let of_it = format!("Patch /v1/blobs/{hash} ");
    let begun = cut.moved().into_iter();
    let begun: Vec<String> = begun
        .filter_map(|asked| asked.strip_prefix(&of_it).map(str::to_owned))
        .collect();
    assert_eq!(begun, ["0", "0", "4346"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_a_photo_goes_up_goes_before_its_next_part() {
    let server = Server::start().await;
    let laptop = Arc::new(Laptop::of(&server, "甲", COUNTY, Role::Inspector).await);
    let record = laptop.subject("某机构");
    let hash = laptop.attach(record, &noise(2 * BLOB_PART));
    let (writer, has_written) = (Arc::clone(&laptop), AtomicBool::new(false));
    let line = Line::changed(&server, move |request, reply| {
        if is_part(request) && !has_written.swap(true, Ordering::SeqCst) {
            writer.set(record, "phone", "1");
        }
        Ok(reply)
    });
    let outcome = laptop.round_over(line.clone()).await.unwrap();
    assert_eq!((outcome.pushed, outcome.uploaded), (3, 1));
    assert_eq!(
        line.moved(),
        [
            "Post /v1/push".to_owned(),
            format!("Patch /v1/blobs/{hash} 0"),
            "Post /v1/push".to_owned(),
            format!("Patch /v1/blobs/{hash} {BLOB_PART}"),
        ]
    );
}

/// A clock that a test moves on.
struct Moved(Arc<AtomicI64>);

impl Clock for Moved {
    fn now_ms(&self) -> u64 {
        wall_ms().saturating_add_signed(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_the_server_cannot_take_holds_up_no_other_and_is_tried_again_later() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    // Smallest first: the one that fails comes before the others.
    let bad = laptop.attach(record, &noise(1_600));
    for n in 2..5 {
        laptop.attach(record, &noise(n * 1_600));
    }
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let line = Line::instead(&server, move |request| {
        let is_it = is_part(request) && request.path.ends_with(&bad.to_string());
        (is_it && !mended.load(Ordering::SeqCst)).then(|| Ok(refusal(ProblemCode::Internal)))
    });
    let ahead = Arc::new(AtomicI64::new(0));
    let engine = Engine::new(Arc::new(line.clone()), Arc::new(Moved(Arc::clone(&ahead))));
    let outcome = engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!(outcome.uploaded, 3);
    assert_eq!(outcome.skipped.len(), 1);
    assert_eq!(outcome.skipped[0].what, bad.to_string());
    let tries = |line: &Line| {
        let about_it = |asked: &&String| asked.contains(&bad.to_string());
        line.moved().iter().filter(about_it).count()
    };
    engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!(tries(&line), 1, "it is left alone for a while");
    is_mended.store(true, Ordering::SeqCst);
    ahead.store(3_600_000, Ordering::SeqCst);
    let outcome = engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!((outcome.uploaded, tries(&line)), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_arrives_other_than_it_was_sent_is_thrown_away_and_sent_again() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    let photo = noise(BLOB_PART + 160);
    let hash = laptop.attach(record, &photo);
    laptop.round(&server).await.unwrap();
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let altered = Line::changed(&server, |request, mut reply| {
        if request.method == Method::Get && request.path.contains("/blobs/") {
            reply.body[7] ^= 1;
        }
        Ok(reply)
    });
    let outcome = city.round_over(altered).await.unwrap();
    assert_eq!((outcome.downloaded, outcome.skipped.len()), (0, 1));
    let info = city.ledger.blob_info(hash).unwrap().unwrap();
    assert!(
        !info.is_complete,
        "what does not have its hash is not shown"
    );
    assert_eq!(city.round(&server).await.unwrap().downloaded, 1);
    assert_eq!(city.bytes_of(hash), photo);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contents_of_a_published_pack_come_by_themselves() {
    let server = Server::start().await;
    server.person("管理员", CITY, Role::Administrator);
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let engine = engine(Line::to(&server));
    engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    let pack = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../packs/lyg-2021-training/pack.json"
    );
    server.command(&["pack", "publish", pack, "--org", CITY]);
    let outcome = engine.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!(outcome.downloaded, 1);
    let packs = laptop.ledger.packs().unwrap();
    assert_eq!(packs.len(), 1);
    assert_eq!(
        laptop.bytes_of(packs[0].blob),
        std::fs::read(pack).unwrap(),
        "the very file that was published"
    );
}
