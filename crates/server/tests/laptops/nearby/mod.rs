//! Two laptops exchange directly, without the central endpoint; and what it makes of it afterwards.

mod breaking;
mod meeting;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use shicha_sync::{
    client::SystemClock,
    nearby::{
        Announced, Compared, Finder, Finding, Nearby, NearbyConfig, OnFound, SessionState, Stage,
        Summary,
    },
};
use tokio::time::timeout;

use crate::{common::Server, kit::Laptop};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Finds nobody: these laptops are reached by address.
struct ByAddress;

impl Finder for ByAddress {
    fn begin(&self, _: &Announced, _: OnFound) -> Result<Finding, String> {
        Ok(Finding::new(|| ()))
    }
}

/// A laptop with the page open.
struct Open(Nearby);

impl Open {
    async fn of(laptop: &Laptop) -> Self {
        let mut config = NearbyConfig::new(
            laptop.ledger.clone(),
            Arc::new(SystemClock),
            Arc::new(ByAddress),
        );
        config.listen = [127, 0, 0, 1].into();
        config.port = 0;
        config.attempts = 10_000;
        Self(Nearby::start(config).await.unwrap())
    }

    /// The person says so of the digits that are on the screen.
    async fn answer(&self, is_same: bool) {
        let session = self.0.state().borrow().session.clone().unwrap();
        self.0
            .answer(Compared {
                session: session.id,
                digits: session.met.map(|met| met.digits).unwrap_or_default(),
                is_same,
            })
            .await;
    }

    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.0.state().borrow().port).into()
    }

    async fn until(&self, wanted: impl Fn(&SessionState) -> bool) -> SessionState {
        let there = |session: Option<&SessionState>| session.is_some_and(&wanted);
        self.until_any(there).await.unwrap()
    }

    async fn until_any(
        &self,
        wanted: impl Fn(Option<&SessionState>) -> bool,
    ) -> Option<SessionState> {
        let mut states = self.0.state();
        let reached = timeout(
            PATIENCE,
            states.wait_for(|state| wanted(state.session.as_ref())),
        )
        .await
        .map(|state| state.unwrap().session.clone());
        reached.unwrap_or_else(|_| panic!("it stays at {:?}", self.0.state().borrow().session))
    }

    async fn ended(&self) -> SessionState {
        self.until(|session| !session.is_running()).await
    }
}

/// One asks the other at that address; both people confirm. How it ended, on the other side only where that saw anything of it.
async fn meet_at(
    one: &Open,
    other: &Open,
    address: SocketAddr,
) -> (SessionState, Option<SessionState>) {
    one.0.connect(vec![address], "旁边".into()).await;
    let seen = |session: &SessionState| session.met.is_some() || !session.is_running();
    if let Some(met) = one.until(seen).await.met {
        if let Some(other_met) = other.until(seen).await.met {
            assert_eq!(met.digits, other_met.digits);
        }
        one.answer(true).await;
        other.answer(true).await;
    }
    let ended = one.ended().await;
    let over = |session: Option<&SessionState>| session.is_none_or(|session| !session.is_running());
    (ended, other.until_any(over).await)
}

/// Both pages are opened, the people meet, and both pages are closed.
async fn meet(one: &Laptop, other: &Laptop) -> (Summary, Summary) {
    let (here, there) = (Open::of(one).await, Open::of(other).await);
    let (here_ended, there_ended) = meet_at(&here, &there, there.address()).await;
    let there_ended = there_ended.unwrap();
    for session in [&here_ended, &there_ended] {
        assert_eq!(session.stage, Stage::Done, "{:?}", session.fault);
    }
    let (a, b) = (here_ended.summary, there_ended.summary);
    assert_eq!(
        (a.given.entries, a.given.files, a.given.bytes),
        (b.taken.entries, b.taken.files, b.taken.bytes),
        "what one says that it gave, the other says that it took"
    );
    assert_eq!(
        (b.given.entries, b.given.files, b.given.bytes),
        (a.taken.entries, a.taken.files, a.taken.bytes)
    );
    here.0.stop().await;
    there.0.stop().await;
    (a, b)
}

/// All of them hold the same, and it is what the entries say.
fn assert_same(laptops: &[&Laptop]) {
    let digests: Vec<_> = laptops
        .iter()
        .map(|laptop| {
            assert!(laptop.is_whole());
            let digest = laptop.ledger.views_digest().unwrap();
            laptop.ledger.rebuild(&mut |_, _| {}).unwrap();
            assert_eq!(
                laptop.ledger.views_digest().unwrap(),
                digest,
                "the views are those of the entries"
            );
            digest
        })
        .collect();
    for digest in &digests[1..] {
        assert_eq!(*digest, digests[0], "all show the same");
    }
}

/// The central endpoint finds nothing wrong with what it holds.
async fn assert_sound(server: &mut Server) {
    server.stop().await;
    let found = shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap();
    assert_eq!(found.faults, []);
}
