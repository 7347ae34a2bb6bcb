//! Evidence, by offset.

use std::{
    process::Command,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use shicha_domain::{BlobHash, directory::Role};
use shicha_server::{
    evidence::{Held, Sender},
    verify::verify,
};
use shicha_sync::protocol::ProblemCode;

use crate::{
    OWN, attached,
    common::{Server, aside, code_of, problem, record},
    s3::{Mood, S3},
};

/// Where a test keeps evidence: in the data folder, or in a bucket that lives as long as this does.
struct At(Option<S3>);

impl At {
    async fn server(&self) -> Server {
        Server::start_with(None, self.0.as_ref().map(S3::location)).await
    }
}

#[tokio::test]
async fn a_photo_goes_on_from_where_the_line_broke() {
    photo_goes_on(At(None)).await;
}

#[tokio::test]
async fn a_photo_goes_on_from_where_the_line_broke_in_a_bucket() {
    photo_goes_on(At(Some(S3::start()))).await;
}

async fn photo_goes_on(at: At) {
    let server = at.server().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let photo: Vec<u8> = (0..3_000_000_u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let (hash, event) = attached(&photo);
    let length = photo.len() as u64;
    let early = device
        .send_blob(&hash, 0, length, photo[..1_000].to_vec())
        .await;
    assert_eq!(
        code_of(early).await,
        ProblemCode::NotFound,
        "entries go first"
    );
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;

    // The body breaks off in the middle of a part.
    let half: Vec<Result<Vec<u8>, std::io::Error>> = vec![
        Ok(photo[..700_000].to_vec()),
        Err(std::io::Error::other("the line broke")),
    ];
    let broken = device
        .request(Method::PATCH, &format!("/v1/blobs/{hash}"))
        .header("upload-offset", 0)
        .header("upload-length", length)
        .body(reqwest::Body::wrap_stream(futures::stream::iter(half)))
        .send()
        .await;
    assert!(broken.is_err());
    let held = loop {
        // The server notices the broken line when it gets to it.
        let state = device
            .request(Method::HEAD, &format!("/v1/blobs/{hash}"))
            .send()
            .await
            .unwrap();
        assert_eq!(state.headers()["upload-complete"], "?0");
        match state.headers()["upload-offset"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
        {
            0 => tokio::task::yield_now().await,
            held => break held,
        }
    };
    assert!(held <= 700_000);
    let (status, wrong) = problem(
        device
            .send_blob(&hash, 1, length, photo[1..9].to_vec())
            .await,
    )
    .await;
    assert_eq!(
        (status, wrong.code),
        (StatusCode::CONFLICT, ProblemCode::Offset)
    );
    // What came before the break may still be on its way to the disk: a sender goes on from wherever it is told to.
    let mut from = wrong.extra["offset"].as_u64().unwrap();
    let rest = loop {
        let rest = device
            .send_blob(&hash, from, length, photo[from as usize..].to_vec())
            .await;
        if rest.status() != StatusCode::CONFLICT {
            break rest;
        }
        let (_, moved) = problem(rest).await;
        assert_eq!(moved.code, ProblemCode::Offset);
        let next = moved.extra["offset"].as_u64().unwrap();
        assert!(next > from && next <= 700_000, "it only grows");
        from = next;
    };
    assert_eq!(rest.headers()["upload-complete"], "?1");

    let city = server.device("乙", "320700", Role::Supervisor).await;
    let part = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .header("range", "bytes=1000-1999")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        part.headers()["content-range"],
        format!("bytes 1000-1999/{length}")
    );
    assert_eq!(part.bytes().await.unwrap(), photo[1_000..2_000]);
    let whole = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(whole.bytes().await.unwrap(), photo);
    let neighbour = server.device("丙", "320706", Role::Supervisor).await;
    let unseen = neighbour
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        code_of(unseen).await,
        ProblemCode::NotFound,
        "to others it does not exist"
    );
    let after = city
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .header("range", format!("bytes={length}-"));
    assert_eq!(
        after.send().await.unwrap().status(),
        StatusCode::RANGE_NOT_SATISFIABLE
    );
}

#[tokio::test]
async fn whoever_may_read_an_entry_can_neither_end_nor_spoil_the_upload_of_its_author() {
    author_goes_on(At(None)).await;
}

#[tokio::test]
async fn whoever_may_read_an_entry_can_neither_end_nor_spoil_the_upload_of_its_author_in_a_bucket()
{
    author_goes_on(At(Some(S3::start()))).await;
}

async fn author_goes_on(at: At) {
    let server = at.server().await;
    let mut author = server.device("甲", "320703", Role::Inspector).await;
    let other = server.device("乙", "320700", Role::Supervisor).await;
    let photo: Vec<u8> = (0..900_000_u32).map(|n| ((n * 31) >> 3) as u8).collect();
    let (hash, event) = attached(&photo);
    let length = photo.len() as u64;
    let entries = [author.write(OWN, record(), &event)];
    author.push(&entries).await;
    let sent = author
        .send_blob(&hash, 0, length, photo[..500_000].to_vec())
        .await;
    assert_eq!(sent.headers()["upload-offset"], "500000");

    // It is as long as is there already; it is something else; it goes on where the author stopped.
    for (offset, total, bytes) in [
        (0, 1, Vec::new()),
        (500_000, 500_000, Vec::new()),
        (0, 1_000, vec![7; 1_000]),
        (0, length, vec![7; 700_000]),
        (500_000, length, vec![7; 400_000]),
    ] {
        let answer = other.send_blob(&hash, offset, total, bytes).await;
        assert!(
            !answer.headers().contains_key("upload-complete")
                || answer.headers()["upload-complete"] == "?0"
        );
    }
    let state = author
        .request(Method::HEAD, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(state.headers()["upload-offset"], "500000");
    let rest = author
        .send_blob(&hash, 500_000, length, photo[500_000..].to_vec())
        .await;
    assert_eq!(rest.headers()["upload-complete"], "?1");
    let whole = other
        .request(Method::GET, &format!("/v1/blobs/{hash}"))
        .send()
        .await
        .unwrap();
    assert_eq!(whole.bytes().await.unwrap(), photo);
}

#[tokio::test]
async fn evidence_that_is_not_what_its_entry_names_is_thrown_away() {
    wrong_evidence(At(None)).await;
}

#[tokio::test]
async fn evidence_that_is_not_what_its_entry_names_is_thrown_away_from_a_bucket() {
    wrong_evidence(At(Some(S3::start()))).await;
}

async fn wrong_evidence(at: At) {
    let server = at.server().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let (hash, event) = attached(b"the photo");
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;
    let wrong = device.send_blob(&hash, 0, 9, b"not photo".to_vec()).await;
    assert_eq!(code_of(wrong).await, ProblemCode::HashMismatch);
    let longer = device.send_blob(&hash, 0, 5, b"the photo".to_vec()).await;
    assert_eq!(code_of(longer).await, ProblemCode::TooLarge);
    let empty = device.send_blob(&hash, 0, 0, Vec::new()).await;
    assert_eq!(code_of(empty).await, ProblemCode::TooLarge);
    let huge = device.send_blob(&hash, 0, 10 << 20, vec![0; 9 << 20]).await;
    assert_eq!(code_of(huge).await, ProblemCode::TooLarge);
    let right = device.send_blob(&hash, 0, 9, b"the photo".to_vec()).await;
    assert_eq!(right.headers()["upload-complete"], "?1");
}

/// All bytes are there, and the process was killed before it had computed their hash.
#[tokio::test]
async fn a_file_whose_last_byte_came_before_a_kill_becomes_whole_when_its_device_asks() {
    all_but_finished(At(None)).await;
}

#[tokio::test]
async fn a_file_whose_last_byte_came_before_a_kill_becomes_whole_in_a_bucket() {
    all_but_finished(At(Some(S3::start()))).await;
}

async fn all_but_finished(at: At) {
    let server = at.server().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let photo: Vec<u8> = (0..90_000_u32).map(|n| (n >> 2) as u8).collect();
    let (hash, event) = attached(&photo);
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;
    let name: BlobHash = hash.parse().unwrap();
    aside(|| {
        let home = server.home();
        for (at, end) in [(0, 60_000), (60_000, 90_000)] {
            let part = photo[at..end].to_vec();
            let by = Sender::Device(device.id);
            let held = home
                .evidence
                .append(name, by, at as u64, 90_000, part)
                .unwrap();
            assert_eq!(held, Held::Part(end as u64));
        }
    });
    // As a device begins that does not know how far it had got.
    let asked = device.send_blob(&hash, 0, 90_000, photo.clone()).await;
    assert_eq!(asked.status(), StatusCode::OK);
    assert_eq!(asked.headers()["upload-complete"], "?1");
    aside(|| assert_eq!(server.store().blobs().unwrap(), [(name, 90_000)]));
}

/// It was whole, and the process was killed before it had noted so: without the note no backup would have it.
#[tokio::test]
async fn a_file_that_became_whole_before_a_kill_is_noted_when_its_device_asks() {
    let server = At(None).server().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let (hash, event) = attached(b"the photo");
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;
    aside(|| {
        server.home().evidence.put(b"the photo").unwrap();
        assert_eq!(server.store().blobs().unwrap(), []);
    });
    let asked = device.send_blob(&hash, 0, 9, b"the photo".to_vec()).await;
    assert_eq!(asked.headers()["upload-complete"], "?1");
    let name: BlobHash = hash.parse().unwrap();
    aside(|| assert_eq!(server.store().blobs().unwrap(), [(name, 9)]));
    let backup = server.backup();
    let copied = backup.join("evidence").join(&hash[..2]).join(&hash);
    assert_eq!(std::fs::read(copied).unwrap(), b"the photo");
}

#[tokio::test]
async fn a_bucket_that_is_away_or_full_is_told_as_such_and_entries_go_on() {
    let s3 = S3::start();
    let server = Server::start_with(None, Some(s3.location())).await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let (hash, event) = attached(b"the photo");
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;
    for (mood, code) in [
        (Mood::Full, ProblemCode::NoSpace),
        (Mood::Forbids, ProblemCode::Unavailable),
        (Mood::Away, ProblemCode::Unavailable),
    ] {
        s3.be(mood);
        let sent = device.send_blob(&hash, 0, 9, b"the photo".to_vec()).await;
        assert_eq!(code_of(sent).await, code, "{mood:?}");
        let entries = [device.set(OWN, record(), "goes on")];
        assert_eq!(device.push(&entries).await.accepted.len(), 1);
    }
    s3.be(Mood::Good);
    let sent = device.send_blob(&hash, 0, 9, b"the photo".to_vec()).await;
    assert_eq!(sent.headers()["upload-complete"], "?1");
    aside(|| {
        let found = verify(&server.home(), &mut |_| {}).unwrap();
        assert_eq!((found.blobs, found.faults), (1, vec![]));
        s3.be(Mood::Away);
        assert!(
            verify(&server.home(), &mut |_| {}).is_err(),
            "what cannot be looked at is not called missing"
        );
    });
    s3.be(Mood::Good);
    // As an administrator does it, whose environment holds the key.
    let backup = server.dir.path().join("backup");
    let done = Command::new(env!("CARGO_BIN_EXE_shicha-server"))
        .args(["--json", "--evidence", "s3://evidence/test/a", "--data"])
        .args([server.data().as_os_str(), "backup".as_ref()])
        .arg(&backup)
        .envs(s3.settings())
        .output()
        .unwrap();
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&said["files"], &said["left_in_bucket"]),
        (&0.into(), &1.into())
    );
    assert!(backup.join("server.db").is_file());
    assert!(
        !backup.join("evidence").exists(),
        "what is in a bucket stays there"
    );
}

#[tokio::test]
async fn what_nobody_went_on_sending_for_two_months_is_thrown_away_and_sent_from_the_start() {
    let mut server = At(None).server().await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let photo: Vec<u8> = (0..90_000_u32).map(|n| (n >> 2) as u8).collect();
    let (hash, event) = attached(&photo);
    let entries = [device.write(OWN, record(), &event)];
    device.push(&entries).await;
    let half = photo[..50_000].to_vec();
    let sent = device.send_blob(&hash, 0, 90_000, half).await;
    assert_eq!(sent.headers()["upload-offset"], "50000");
    let name: BlobHash = hash.parse().unwrap();
    let day_ms = 24 * 3_600_000;
    for (days, is_kept) in [(59, true), (2, false)] {
        server.stop().await;
        server.ahead_ms.fetch_add(days * day_ms, Ordering::SeqCst);
        server.start_again().await;
        device.open_session().await;
        let begin = Instant::now();
        let by = Sender::Device(device.id);
        let held = || aside(|| server.home().evidence.held(name, by).unwrap());
        // It looks when it starts, beside serving.
        while !is_kept && held() != Held::Part(0) {
            assert!(begin.elapsed() < Duration::from_secs(60), "it was kept");
            tokio::task::yield_now().await;
        }
        if is_kept {
            assert_eq!(held(), Held::Part(50_000));
        }
    }
    let rest = photo[50_000..].to_vec();
    let late = device.send_blob(&hash, 50_000, 90_000, rest).await;
    let (_, problem) = problem(late).await;
    assert_eq!(problem.code, ProblemCode::Offset);
    assert_eq!(problem.extra["offset"], 0);
    let sent = device.send_blob(&hash, 0, 90_000, photo).await;
    assert_eq!(sent.headers()["upload-complete"], "?1");
}
