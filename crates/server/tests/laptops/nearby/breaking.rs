//! A line that breaks at any byte, and a laptop that says what no program says.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use shicha_domain::directory::Role;
use shicha_sync::nearby::Stage;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{Open, assert_same, assert_sound, meet, meet_at};
use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop, noise},
};

/// Small enough that a failing seed can be read, and the same on every system.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Passes bytes on until so many have gone over in both directions together, and then hangs up.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    left: Arc<AtomicU64>,
) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let before = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                Some(left.saturating_sub(read as u64))
            })
            .unwrap();
        let goes = read.min(before as usize);
        if to.write_all(&bytes[..goes]).await.is_err() || goes < read {
            return;
        }
    }
}

/// A weak line to `target`: each connection ends after what the test says. Where it listens.
async fn weak_line(target: SocketAddr, bytes: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(target).await else {
                return;
            };
            let left = Arc::new(AtomicU64::new(bytes.load(Ordering::SeqCst)));
            tokio::spawn(async move {
                let ((a, b), (c, d)) = (near.into_split(), far.into_split());
                tokio::select! {
                    () = pass(a, d, Arc::clone(&left)) => {}
                    () = pass(c, b, left) => {}
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_anywhere_loses_nothing_and_the_next_meeting_goes_on() {
    let seed = std::env::var("SHICHA_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_211_220);
    println!("SHICHA_SEED={seed}");
    let mut dice = Dice(seed);
    let mut server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let other = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let supervisor = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    one.round(&server).await.unwrap();
    let (here, there) = (Open::of(&one).await, Open::of(&other).await);
    let bytes = Arc::new(AtomicU64::new(0));
    let address = weak_line(there.address(), Arc::clone(&bytes)).await;
    let (mut broken, mut done) = (0, 0);
    for step in 0..14 {
        for (laptop, name) in [(&one, "甲"), (&other, "乙")] {
            let record = laptop.subject(&format!("{name}{step}"));
            for n in 0..dice.below(40) {
                laptop.set(record, "phone", &n.to_string());
            }
            if dice.below(3) == 0 {
                laptop.attach(record, &noise(20_000 + dice.below(400_000) as usize));
            }
        }
        // A greeting is some 3 kB; two photos may be 800 kB.
        let end = [4_000, 60_000, 1_200_000][dice.below(3) as usize];
        bytes.store(dice.below(end), Ordering::SeqCst);
        let (session, other_session) = if step % 2 == 0 {
            meet_at(&here, &there, address).await
        } else {
            let to_one = weak_line(here.address(), Arc::clone(&bytes)).await;
            meet_at(&there, &here, to_one).await
        };
        let is_done = [Some(session), other_session]
            .iter()
            .all(|session| session.as_ref().is_some_and(|one| one.stage == Stage::Done));
        if is_done {
            done += 1
        } else {
            broken += 1
        }
        for open in [&here, &there] {
            open.0.put_away().await;
            open.0
                .state()
                .wait_for(|state| state.session.is_none())
                .await
                .unwrap();
        }
    }
    assert!(
        broken > 2,
        "the line breaks: {broken} times, {done} times it held"
    );
    here.0.stop().await;
    there.0.stop().await;

    meet(&one, &other).await;
    assert_same(&[&one, &other]);
    for laptop in [&one, &other] {
        assert_eq!(
            laptop.ledger.blobs_wanted(10).unwrap(),
            [],
            "all evidence is there whole"
        );
    }
    for laptop in [&other, &one, &supervisor, &other] {
        laptop.round(&server).await.unwrap();
    }
    assert_same(&[&one, &other, &supervisor]);
    assert_sound(&mut server).await;
}
