//! Several processes of the central endpoint on one PostgreSQL database: any of them serves any device, and each may be killed at any
//! moment.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod migrating;
#[path = "../common/postgres.rs"]
mod postgres_server;
#[path = "../common/s3.rs"]
mod s3;

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{Device, Server, aside, record};
use parking_lot::Mutex;
use s3::S3;
use sha2::{Digest as _, Sha256};
use shicha_domain::suite::VerifyingKey;
use shicha_domain::{
    BlobHash, Entry, Event, Evidence,
    directory::{Org, OrgKind, Role},
};
use shicha_server::{evidence::Location, home::Place, verify::verify};
use shicha_sync::protocol::{BATCH_TYPE, admin::Changed, messages::PushReply};

/// How often a process is killed.
const KILLS: usize = 12;
const DEVICES: usize = 4;
const CHANNEL: &str = "own/320703";
/// How long a device tries to get rid of one push.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that serves.
struct Instance {
    child: Child,
    url: String,
}

impl Instance {
    fn command(place: &Place, listen: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shicha-server"));
        command
            .arg("--json")
            .arg("--data")
            .arg(&place.dir)
            .arg("--database")
            .arg(place.database.as_ref().unwrap())
            .arg("--evidence")
            .arg(place.evidence.as_ref().unwrap().to_string())
            .args(["serve", "--listen", listen])
            // Devices here write as fast as they can, which is not what these tests are about.
            .args(["--device-rate", "0", "--address-rate", "0"])
            .envs(settings(place))
            .env("RUST_LOG", "off");
        command
    }

    fn start(place: &Place, listen: &str) -> Self {
        let mut child = Self::command(place, listen)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            url: said["url"].as_str().unwrap().to_owned(),
        }
    }

    /// Ends at once, whatever it does.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        std::mem::take(&mut self.url)
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // A test that fails leaves no process behind; one that was killed is waited for.
        let _was_gone = self.child.kill().is_err();
        let _ended = self.child.wait().is_err();
    }
}

/// What the environment of a process holds that keeps evidence in a bucket.
fn settings(place: &Place) -> BTreeMap<String, String> {
    match &place.evidence {
        Some(Location::Bucket(address)) => address.settings.clone(),
        _ => BTreeMap::new(),
    }
}

/// Folders of processes on one database: the same key, the same evidence.
fn places(server: &Server, count: usize) -> Vec<Place> {
    let first = server.place.clone();
    let mut places = vec![first.clone()];
    for n in 1..count {
        let dir: PathBuf = server.dir.path().join(format!("data-{n}"));
        std::fs::create_dir(&dir).unwrap();
        let key = |dir: &Path| dir.join("server.key");
        std::fs::copy(key(&first.dir), key(&dir)).unwrap();
        places.push(Place {
            dir,
            ..first.clone()
        });
    }
    places
}

/// Delivers entries to whichever process answers, as a client does.
async fn deliver(
    device: &mut Device,
    urls: &[String],
    entries: &[Entry],
    mut at: usize,
) -> PushReply {
    let begin = Instant::now();
    let body = device.body(entries);
    loop {
        assert!(begin.elapsed() < PATIENCE, "no process took the entries");
        device.url.clone_from(&urls[at % urls.len()]);
        at += 1;
        let sent = device
            .request(reqwest::Method::POST, "/v1/push")
            .header("content-type", BATCH_TYPE)
            .body(body.clone())
            .send()
            .await;
        let Ok(response) = sent else { continue };
        let status = response.status();
        let Ok(text) = response.text().await else {
            continue;
        };
        if status.is_success() {
            return serde_json::from_str(&text).unwrap();
        }
        // A token of one process holds at all of them; what is not ready may be in a moment.
        assert_eq!(status, 503, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_of_several_processes_serves_any_laptop_and_each_may_be_killed_at_any_moment() {
    let mut server = Server::start_on(Some(aside(postgres_server::database))).await;
    let mut devices = Vec::new();
    for n in 0..DEVICES {
        devices.push(
            server
                .device(&format!("检查员{n}"), "320703", Role::Inspector)
                .await,
        );
    }
    server.stop().await;
    let places = places(&server, 2);
    let instances: Vec<Instance> = places
        .iter()
        .map(|place| Instance::start(place, "127.0.0.1:0"))
        .collect();
    let urls: Vec<String> = instances.iter().map(|one| one.url.clone()).collect();
    for device in &mut devices {
        device.url.clone_from(&urls[0]);
        device.open_session().await;
    }

    // Everybody writes to the same channel through both, while one of the two is killed again and again.
    let is_done = Arc::new(Mutex::new(false));
    let mut writing = Vec::new();
    for (n, mut device) in devices.into_iter().enumerate() {
        let (urls, is_done) = (urls.clone(), Arc::clone(&is_done));
        writing.push(tokio::spawn(async move {
            let key = VerifyingKey::new(&device.server).unwrap();
            let mut confirmed = HashMap::new();
            let mut round = n;
            while !*is_done.lock() {
                let entries: Vec<Entry> = (0..5)
                    .map(|k| device.set(CHANNEL, record(), &format!("{round} {k}")))
                    .collect();
                let reply = deliver(&mut device, &urls, &entries, round).await;
                assert!(
                    reply
                        .receipts
                        .iter()
                        .all(|receipt| receipt.is_signed_by(&key))
                );
                assert!(reply.refused.is_empty(), "{reply:?}");
                for entry in entries {
                    confirmed.insert(entry.id(), entry.seq);
                }
                round += 1;
            }
            (device, confirmed)
        }));
    }
    let mut instances: Vec<Option<Instance>> = instances.into_iter().map(Some).collect();
    let killing = tokio::task::spawn_blocking(move || {
        for n in 0..KILLS {
            let at = n % 2;
            let url = instances[at].take().unwrap().kill();
            let listen = url.strip_prefix("http://").unwrap();
            // Starting takes a while; meanwhile the other one serves.
            instances[at] = Some(Instance::start(&places[at], listen));
        }
        instances
    });
    let instances = killing.await.unwrap();
    *is_done.lock() = true;

    let mut written = Vec::new();
    for one in writing {
        let (device, confirmed) = one.await.unwrap();
        // Both give the same answer to whoever reads.
        for url in &urls {
            let mut device = device.clone();
            device.url.clone_from(url);
            device.open_session().await;
            let numbers = numbers(&device).await;
            assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        }
        written.push((device.id, confirmed));
    }
    aside(|| {
        let home = server.home();
        let mut all = 0;
        for (device, confirmed) in &written {
            let held = home.store.entries_of(*device, 1, 1_000_000).unwrap();
            let places: HashMap<_, _> = held.iter().map(|held| (held.id, held.entry.seq)).collect();
            for (id, seq) in confirmed {
                assert_eq!(
                    places.get(id),
                    Some(seq),
                    "a confirmed entry is there, at its place"
                );
            }
            assert_eq!(held.len(), confirmed.len(), "and nothing else is");
            all += confirmed.len() as u64;
        }
        assert!(all > 0);
        let channels = home.store.channels().unwrap();
        let channel = channels
            .iter()
            .find(|one| one.channel.to_string() == CHANNEL)
            .unwrap();
        assert_eq!(
            (channel.last, channel.count, channel.highest),
            (all, all, all),
            "no number is missing, none is given twice"
        );
        let found = verify(&home, &mut |_| {}).unwrap();
        assert!(found.faults.is_empty(), "{:?}", found.faults);
    });
    drop(instances);
}

/// One process is told of an institution; the other one judges by the same directory at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_one_process_has_added_is_there_for_the_other() {
    let mut server = Server::start_on(Some(aside(postgres_server::database))).await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let mut administrator = server.device("管", "320700", Role::Administrator).await;
    server.stop().await;
    let instances: Vec<Instance> = places(&server, 2)
        .iter()
        .map(|place| Instance::start(place, "127.0.0.1:0"))
        .collect();
    for (device, instance) in [(&mut administrator, 0), (&mut device, 1)] {
        device.url.clone_from(&instances[instance].url);
        device.open_session().await;
    }
    for n in 0..20 {
        let code = format!("TI-9{n}");
        let school = Org {
            code: code.parse().unwrap(),
            name: code.clone(),
            short_name: String::new(),
            parent: Some("320703".parse().unwrap()),
            kind: OrgKind::Institution,
            region: None,
        };
        let added: Changed = administrator.ask("/v1/admin/orgs", &school).await;
        assert!(added.changed);
        let channel = format!("inst/320703/{code}");
        let entry = [device.set(&channel, record(), "刚刚增加的机构")];
        assert_eq!(device.push(&entry).await.refused, []);
    }
}

/// The process is killed while a part is on its way; the laptop goes on at the other from whatever has arrived.
#[tokio::test(flavor = "multi_thread")]
async fn a_photo_whose_process_is_killed_on_the_way_goes_on_at_the_other_into_one_bucket() {
    let s3 = S3::start();
    let database = aside(postgres_server::database);
    let mut server = Server::start_with(Some(database), Some(s3.location())).await;
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    server.stop().await;
    let mut instances: Vec<Instance> = places(&server, 2)
        .iter()
        .map(|place| Instance::start(place, "127.0.0.1:0"))
        .collect();
    let photo: Vec<u8> = (0..5_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let blob = BlobHash(Sha256::digest(&photo).into());
    let (hash, total) = (blob.to_string(), photo.len() as u64);
    device.url.clone_from(&instances[0].url);
    device.open_session().await;
    let evidence = Evidence {
        blob,
        size: total,
        name: "照片.jpg".into(),
        mime: "image/jpeg".into(),
        source: "camera".into(),
        taken_at_ms: None,
        position_e7: None,
        camera: None,
        derived_from: None,
    };
    let event = Event::Attached {
        place: "record".into(),
        evidence,
    };
    let entries = [device.write(CHANNEL, record(), &event)];
    device.push(&entries).await;

    // Two parts and a half; what comes after it never comes.
    let part = photo[..1 << 20].to_vec();
    let first = device.send_blob(&hash, 0, total, part).await;
    assert_eq!(first.headers()["upload-offset"], (1 << 20).to_string());
    let (sender, rest) = futures::channel::mpsc::unbounded::<Result<Vec<u8>, std::io::Error>>();
    sender
        .unbounded_send(Ok(photo[1 << 20..(5 << 20) / 2].to_vec()))
        .unwrap();
    let sending = tokio::spawn({
        let (device, hash) = (device.clone(), hash.clone());
        async move {
            device
                .request(reqwest::Method::PATCH, &format!("/v1/blobs/{hash}"))
                .header("upload-offset", 1 << 20)
                .header("upload-length", total)
                .body(reqwest::Body::wrap_stream(rest))
                .send()
                .await
        }
    });
    let other = instances.pop().unwrap();
    let mut at_other = device.clone();
    at_other.url.clone_from(&other.url);
    let held = |device: Device, hash: String| async move {
        let state = device.request(reqwest::Method::HEAD, &format!("/v1/blobs/{hash}"));
        let state = state.send().await.unwrap();
        let held = state.headers()["upload-offset"].to_str().unwrap();
        held.parse::<u64>().unwrap()
    };
    let begin = Instant::now();
    while held(at_other.clone(), hash.clone()).await < 2 << 20 {
        assert!(begin.elapsed() < PATIENCE, "the other process sees it come");
    }
    instances.pop().unwrap().kill();
    assert!(sending.await.unwrap().is_err(), "it was cut off");
    drop(sender);

    let mut at = held(at_other.clone(), hash.clone()).await;
    assert!(
        (2 << 20..=(5 << 20) / 2).contains(&at),
        "all that the killed process had written: {at}"
    );
    while at < total {
        let end = photo.len().min(at as usize + (1 << 20));
        let part = photo[at as usize..end].to_vec();
        let sent = at_other.send_blob(&hash, at, total, part).await;
        assert_eq!(sent.status(), 200);
        at = sent.headers()["upload-offset"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
    }
    let whole = at_other.request(reqwest::Method::GET, &format!("/v1/blobs/{hash}"));
    assert_eq!(whole.send().await.unwrap().bytes().await.unwrap(), photo);
    assert_eq!(s3.objects(), 1, "and nothing of the way to it is left");
    aside(|| {
        let found = verify(&server.home(), &mut |_| {}).unwrap();
        assert_eq!((found.blobs, found.faults), (1, vec![]));
    });
}

/// The numbers of the channel as a reader gets them, in that order.
async fn numbers(device: &Device) -> Vec<u64> {
    let mut numbers = Vec::new();
    loop {
        let from = numbers.last().copied().unwrap_or(0);
        let pulled = device.pull(&[(CHANNEL, from)]).await;
        let mut rows = pulled.batch.rows.iter();
        for one in &pulled.channels {
            let of_channel = rows.by_ref().take(one.rows);
            if one.channel.to_string() == CHANNEL {
                numbers.extend(of_channel.map(|row| row.number));
            } else {
                of_channel.for_each(drop);
            }
        }
        if !pulled.more {
            return numbers;
        }
    }
}
