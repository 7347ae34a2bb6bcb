//! Packages over the network: however many are worked on, and however much evidence they ask for, pushes go on.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, directory::Role};
use shicha_server::Limits;
use shicha_sync::package::{Kind, Label, PACKAGE_TYPE, Party, Wanted, Writer, unwatched};
use uuid::Uuid;

use crate::{
    OWN, attached,
    common::{Device, Server, wall_ms},
    turns::{A_SECOND, slowest},
};

/// Evidence that packages ask for: 24 MB take an unoptimised program five seconds to seal.
const FILES: usize = 3;
const BYTES: usize = 8 << 20;
/// How long pushes are watched while packages are worked on.
const WATCHED: Duration = Duration::from_secs(4);

/// A device that has brought evidence, and its hashes.
async fn with_evidence(server: &Server) -> (Device, Vec<BlobHash>) {
    let mut device = server.device("甲", "320703", Role::Inspector).await;
    let mut hashes = Vec::new();
    for n in 0..FILES {
        let mut bytes = vec![n as u8; BYTES];
        bytes[..16].copy_from_slice(&rand::random::<[u8; 16]>());
        let (name, event) = attached(&bytes);
        let entries = [device.write(OWN, crate::common::record(), &event)];
        device.push(&entries).await;
        hashes.push(BlobHash(Sha256::digest(&bytes).into()));
        let sent = device.send_blob(&name, 0, BYTES as u64, bytes).await;
        assert_eq!(sent.status(), StatusCode::OK);
    }
    (device, hashes)
}

/// A package of a few hundred bytes that asks for all of that.
fn asking(server: &Server, device: &Device, evidence: &[BlobHash]) -> Vec<u8> {
    let label = Label {
        id: Uuid::now_v7(),
        from: Party::Device { device: device.id },
        to: Party::Endpoint { key: server.key },
        endpoint: server.key,
        made_at_ms: wall_ms(),
        software: "0.1.0".into(),
    };
    let mut progress = unwatched();
    let mut writer =
        Writer::begin(Vec::new(), &label, &server.key, &device.key, &mut progress).unwrap();
    let wanted = Wanted {
        evidence: evidence.to_vec(),
        ..Wanted::default()
    };
    writer.message(Kind::Wanted, &wanted).unwrap();
    writer.finish().unwrap().0
}

async fn hand_in(device: &Device, package: Vec<u8>) -> reqwest::Response {
    device
        .request(Method::POST, "/v1/packages")
        .header("content-type", PACKAGE_TYPE)
        .body(package)
        .send()
        .await
        .unwrap()
}

fn folders(server: &Server) -> usize {
    let names = std::fs::read_dir(server.data()).unwrap();
    let names = names.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    names.filter(|name| name.starts_with("package-")).count()
}

/// Hands in so many packages at once, by these in turn, and holds another's pushes against those of before.
async fn pushes_go_on_while_packages_are_worked_on(packages: usize, carriers: usize) {
    let mut server = Server::start().await;
    server.stop().await;
    // Pushes are sent one after another for as long as it takes, faster than a device may in the end.
    server.limits = Limits::new(0, 0);
    server.start_again().await;
    let (first, evidence) = with_evidence(&server).await;
    let mut all = vec![first];
    for n in 1..carriers {
        let name = format!("送件人{n}");
        all.push(server.device(&name, "320703", Role::Inspector).await);
    }
    let mut other = server.device("乙", "320703", Role::Inspector).await;
    let quiet = slowest(&mut other, 5).await;
    let handed: Vec<_> = (0..packages)
        .map(|n| {
            let device = all[n % carriers].clone();
            let package = asking(&server, &device, &evidence);
            tokio::spawn(async move { hand_in(&device, package).await.status() })
        })
        .collect();
    let (begun, mut delayed, mut most) = (Instant::now(), Duration::ZERO, 0);
    while begun.elapsed() < WATCHED {
        delayed = delayed.max(slowest(&mut other, 1).await);
        most = most.max(folders(&server));
    }
    assert!(
        handed.iter().any(|one| !one.is_finished()),
        "it was measured while they were worked on"
    );
    assert!(delayed < quiet + A_SECOND, "{quiet:?}, {delayed:?}");
    // Each device has one in work, and two answers at most that it has not fetched yet.
    assert!((1..=3 * carriers).contains(&most), "{most}");
    // The endpoint ends although they are worked on.
    let begun = Instant::now();
    server.stop().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    for one in handed {
        // Answered, told to come again, or cut off.
        drop(one.await);
    }
    assert_eq!(folders(&server), 0, "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn six_packages_of_six_devices_delay_anothers_push_by_less_than_a_second() {
    pushes_go_on_while_packages_are_worked_on(6, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_packages_of_one_device_delay_anothers_push_by_less_than_a_second() {
    pushes_go_on_while_packages_are_worked_on(40, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_packages_of_forty_devices_delay_anothers_push_by_less_than_a_second() {
    pushes_go_on_while_packages_are_worked_on(40, 40).await;
}
