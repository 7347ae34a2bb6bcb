//! Laptops with real ledgers, enrolled by hand at a central endpoint of which only the key is there.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use shicha_domain::suite::SigningKey;
use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt,
    directory::{Device, Directory, Org, OrgKind, Person, Role},
};
use shicha_ledger::{DatabaseKey, Identity, KeyStore, Ledger};
use tokio::{sync::watch, time::timeout};
use uuid::Uuid;

use super::super::{
    Announced, Compared, Finder, Finding, Nearby, NearbyConfig, NearbyState, OnFound, SessionState,
    Stage,
};
use crate::client::SystemClock;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// One key for all: making one is slow on purpose.
static KEY: LazyLock<DatabaseKey> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    KeyStore::new(dir.path())
        .create_with_passphrase("nearby nearby")
        .unwrap()
});

/// Finds nobody: laptops are reached by address.
pub(super) struct ByAddress;

impl Finder for ByAddress {
    fn begin(&self, _: &Announced, _: OnFound) -> Result<Finding, String> {
        Ok(Finding::new(|| ()))
    }
}

/// A central endpoint's key and the directory that it gave.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) key: SigningKey,
    pub(super) directory: Directory,
}

impl Endpoint {
    pub(super) fn new(seed: u8) -> Self {
        let org = |code: &str, parent: Option<&str>| Org {
            code: code.parse().unwrap(),
            name: format!("组织{code}"),
            short_name: "苏连".into(),
            parent: parent.map(|parent| parent.parse().unwrap()),
            kind: OrgKind::County,
            region: None,
        };
        Self {
            key: SigningKey::from_bytes(&[seed; 32]),
            directory: Directory {
                orgs: vec![org("320700", None), org("320703", Some("320700"))],
                ..Directory::default()
            },
        }
    }

    /// A new device that the directory has.
    pub(super) fn device(&mut self, name: &str) -> Identity {
        let me = self.stranger(name);
        self.directory.people.push(Person {
            id: me.person,
            name: name.to_owned(),
            org: me.org.clone(),
            role: me.role,
            certificate: None,
            is_active: true,
        });
        self.directory.devices.push(Device {
            id: me.device,
            person: me.person,
            public_key: me.signing_key.public_key(),
            label: format!("{name}的电脑"),
            revoked_at_ms: None,
            continues: None,
            is_parted: false,
        });
        me
    }

    /// A device that the directory does not have.
    pub(super) fn stranger(&self, name: &str) -> Identity {
        Identity {
            device: DeviceId(Uuid::now_v7()),
            signing_key: SigningKey::from_bytes(&rand::random()),
            person: PersonId(Uuid::now_v7()),
            person_name: name.to_owned(),
            org: "320703".parse().unwrap(),
            role: Role::Inspector,
            server_url: "http://127.0.0.1:1".into(),
            server_key: self.key.public_key(),
            server_name: "中心端".into(),
            is_sample: true,
        }
    }
}

/// A laptop with the page open.
pub(super) struct Laptop {
    pub(super) nearby: Nearby,
    pub(super) state: watch::Receiver<NearbyState>,
    _dir: tempfile::TempDir,
}

pub(super) fn ledger(endpoint: &Endpoint, me: &Identity) -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = Ledger::open(dir.path(), &KEY, 1_700_000_000_000).unwrap();
    let receipt =
        Receipt::whole(me.device, 0, EntryId::NONE, 1_700_000_000_000).signed(&endpoint.key);
    ledger
        .enrol(me, &receipt, &endpoint.directory.to_part("1"))
        .unwrap();
    (dir, ledger)
}

impl Laptop {
    pub(super) async fn of(endpoint: &Endpoint, me: &Identity) -> Self {
        Self::with(endpoint, me, |_| ()).await
    }

    pub(super) async fn with(
        endpoint: &Endpoint,
        me: &Identity,
        change: impl FnOnce(&mut NearbyConfig),
    ) -> Self {
        let (dir, ledger) = ledger(endpoint, me);
        let mut config = NearbyConfig::new(ledger, Arc::new(SystemClock), Arc::new(ByAddress));
        config.name = me.person_name.clone();
        config.label = format!("{}的电脑", me.person_name);
        config.listen = Ipv4Addr::LOCALHOST;
        config.port = 0;
        change(&mut config);
        let nearby = Nearby::start(config).await.unwrap();
        Self {
            state: nearby.state(),
            nearby,
            _dir: dir,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.state.borrow().port).into()
    }

    pub(super) async fn ask(&self, other: SocketAddr) {
        self.nearby.connect(vec![other], other.to_string()).await;
    }

    /// Waits until the session is as a test wants it.
    pub(super) async fn until(&mut self, wanted: impl Fn(&SessionState) -> bool) -> SessionState {
        let state = timeout(
            PATIENCE,
            self.state
                .wait_for(|state| state.session.as_ref().is_some_and(&wanted)),
        )
        .await
        .map(|state| state.unwrap().session.clone().unwrap());
        state.unwrap_or_else(|_| panic!("it stays at {:?}", self.state.borrow().session))
    }

    pub(super) async fn digits(&mut self) -> String {
        let session = self
            .until(|session| session.met.is_some() || !session.is_running())
            .await;
        session
            .met
            .unwrap_or_else(|| panic!("{:?}", session.fault))
            .digits
    }

    /// The person says so of the digits that are on the screen.
    pub(super) async fn answer(&self, is_same: bool) {
        let session = self.state.borrow().session.clone().unwrap();
        self.nearby
            .answer(Compared {
                session: session.id,
                digits: session.met.unwrap().digits,
                is_same,
            })
            .await;
    }

    pub(super) async fn ended(&mut self) -> SessionState {
        self.until(|session| !session.is_running()).await
    }

    pub(super) async fn done(&mut self) -> SessionState {
        let session = self.ended().await;
        assert_eq!(session.stage, Stage::Done, "{:?}", session.fault);
        session
    }
}
