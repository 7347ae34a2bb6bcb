//! A central endpoint with a city, two counties, an institution and people, in a folder of its own, and a device that speaks the
//! protocol by hand, so that it can also speak it wrongly.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use shicha_domain::{
    DeviceId, Entry, Event, Hlc, PersonId, Receipt, ReceiptId, RecordId,
    directory::{Org, OrgKind, Person, Role},
    receipt,
    suite::{PublicKey, SignatureBytes, SigningKey},
};
use shicha_maker::Maker;
use shicha_server::{
    Config, Limits, Running,
    evidence::Location,
    home::{Home, Place},
    serve,
    signer::Signer,
    store::Store,
};
use shicha_sync::protocol::{
    BATCH_TYPE, BatchWriter, EnrolCode, MAX_BATCH_ROWS, PULL_TYPE, Problem, ProblemCode, VERSION,
    VERSION_HEADER,
    messages::{
        ChallengeReply, ChallengeRequest, EnrolReply, EnrolRequest, Head, PushReply, SessionReply,
        SessionRequest,
    },
    signing,
    wire::{self, Held, HeldChannels, PullRequest},
};
use uuid::Uuid;

/// A running central endpoint.
pub struct Server {
    pub dir: tempfile::TempDir,
    pub place: Place,
    pub running: Option<Running>,
    pub url: String,
    pub key: PublicKey,
    /// Added to the server's clock, in ms.
    pub ahead_ms: Arc<AtomicU64>,
    /// How much one may ask, from the next start on.
    pub limits: Limits,
    /// Whose word is taken for the address of a client, from the next start on.
    pub proxies: Vec<String>,
}

/// Works with a store as a program of its own would: a store may block, which tasks may not.
pub fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

pub fn wall_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64
}

impl Server {
    pub async fn start() -> Self {
        Self::start_on(None).await
    }

    /// With the store in that PostgreSQL database.
    pub async fn start_on(database: Option<String>) -> Self {
        Self::start_with(database, None).await
    }

    /// With the store in that PostgreSQL database, and evidence at that place.
    pub async fn start_with(database: Option<String>, evidence: Option<Location>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shared = database
            .as_ref()
            .map(|_| dir.path().join("evidence").into());
        let place = Place {
            dir: dir.path().join("data"),
            evidence: evidence.or(shared),
            database,
        };
        let key = aside(|| {
            let (home, is_new) =
                Home::init(place.clone(), "连云港市应急管理局中心端", true).unwrap();
            assert!(is_new);
            let orgs = [
                ("320700", None, OrgKind::City),
                ("320703", Some("320700"), OrgKind::County),
                ("320706", Some("320700"), OrgKind::County),
                ("TI-01", Some("320703"), OrgKind::Institution),
            ];
            for (code, parent, kind) in orgs {
                let org = Org {
                    code: code.parse().unwrap(),
                    name: format!("组织{code}"),
                    short_name: "苏连".to_owned(),
                    parent: parent.map(|parent: &str| parent.parse().unwrap()),
                    kind,
                    region: None,
                };
                home.store.put_org(&org, 1).unwrap();
            }
            home.signer.public_key()
        });
        let mut server = Self {
            dir,
            place,
            running: None,
            url: String::new(),
            key,
            ahead_ms: Arc::default(),
            limits: Limits::default(),
            proxies: Vec::new(),
        };
        server.listen("127.0.0.1:0").await;
        server
    }

    async fn listen(&mut self, at: &str) {
        let mut config = Config::new(self.place.clone(), at.parse().unwrap());
        let ahead = Arc::clone(&self.ahead_ms);
        config.clock = Arc::new(move || wall_ms() + ahead.load(Ordering::SeqCst));
        config.limits = self.limits;
        let proxies = self.proxies.iter().map(|network| network.parse().unwrap());
        config.proxies = proxies.collect();
        let running = serve(config).await.unwrap();
        self.url = running.url();
        self.running = Some(running);
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.place.dir.clone()
    }

    pub async fn stop(&mut self) {
        self.running.take().unwrap().shutdown().await;
    }

    /// Starts again at the same address.
    pub async fn start_again(&mut self) {
        let at = self.url.trim_start_matches("http://").to_owned();
        self.listen(&at).await;
    }

    /// A backup as the administrator makes it, while the server runs.
    pub fn backup(&self) -> std::path::PathBuf {
        let path = self.dir.path().join(format!("backup-{}", Uuid::now_v7()));
        self.command(&["backup", path.to_str().unwrap()]);
        path
    }

    /// Everything is as it was in the backup, and the server runs again at the same address.
    pub async fn restore(&mut self, backup: &std::path::Path) {
        self.stop().await;
        std::fs::remove_dir_all(self.data()).unwrap();
        std::fs::rename(backup, self.data()).unwrap();
        self.start_again().await;
    }

    /// Does what an administrator types.
    pub fn command(&self, words: &[&str]) {
        use clap::Parser as _;
        let data = self.data();
        let line = ["shicha-server", "--json", "--data", data.to_str().unwrap()];
        let cli = shicha_server::cli::Cli::try_parse_from(line.iter().chain(words)).unwrap();
        assert_eq!(
            shicha_server::cli::run(cli),
            std::process::ExitCode::SUCCESS
        );
    }

    /// Puts an update there as the operator does; its name bears the version.
    pub fn add_update(&self, maker: &Maker, name: &str, bytes: &[u8]) {
        let file = self.dir.path().join(name);
        let with = |ending: &str| self.dir.path().join(format!("{name}.{ending}"));
        std::fs::write(&file, bytes).unwrap();
        std::fs::write(with("sig"), maker.sign_for_tauri(name, bytes)).unwrap();
        std::fs::write(with("pub"), maker.public()).unwrap();
        let (file, key) = (file.to_str().unwrap(), with("pub"));
        aside(|| self.command(&["update", "add", file, "--key", key.to_str().unwrap()]));
    }

    /// Releases the update of this version for an organisation and all below it.
    pub fn release(&self, version: &str, org: &str) {
        aside(|| self.command(&["update", "release", version, "--org", org]));
    }

    /// Takes that back.
    pub fn withdraw(&self, version: &str, org: &str) {
        aside(|| self.command(&["update", "withdraw", version, "--org", org]));
    }

    pub fn home(&self) -> Home {
        Home::open(self.place.clone()).unwrap()
    }

    pub fn person(&self, name: &str, org: &str, role: Role) -> PersonId {
        let id = PersonId(Uuid::now_v7());
        let person = Person {
            id,
            name: name.to_owned(),
            org: org.parse().unwrap(),
            role,
            certificate: None,
            is_active: true,
        };
        aside(|| self.home().store.put_person(&person).unwrap());
        id
    }

    /// A new enrolment code that lasts for a day.
    pub fn code(&self, person: PersonId) -> String {
        aside(|| {
            let home = self.home();
            let code = EnrolCode::new(rand::random(), &home.signer.public_key());
            let now = wall_ms() + self.ahead_ms.load(Ordering::SeqCst);
            home.store
                .add_code(
                    &home.signer.code_hash(&code.canonical()),
                    person,
                    now,
                    now + 86_400_000,
                )
                .unwrap();
            code.to_string()
        })
    }

    pub fn code_for(&self, name: &str, org: &str, role: Role) -> String {
        self.code(self.person(name, org, role))
    }

    pub fn signer(&self) -> Signer {
        Signer::load(&self.data()).unwrap()
    }

    pub fn store(&self) -> Box<dyn Store> {
        self.home().store
    }

    pub async fn device(&self, name: &str, org: &str, role: Role) -> Device {
        Device::enrol(self, &self.code_for(name, org, role)).await
    }
}

/// A device that speaks the protocol by hand.
#[derive(Clone)]
pub struct Device {
    pub http: reqwest::Client,
    pub url: String,
    pub server: PublicKey,
    pub key: SigningKey,
    pub id: DeviceId,
    pub person: PersonId,
    pub token: String,
    pub head: Head,
    pub after: Option<ReceiptId>,
}

pub async fn problem(response: Response) -> (StatusCode, Problem) {
    let status = response.status();
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let text = response.text().await.unwrap();
    assert_eq!(kind, "application/problem+json", "{status} {text}");
    let problem: Problem = serde_json::from_str(&text).unwrap();
    assert_eq!(problem.status, status.as_u16());
    assert_eq!(problem.request_id.len(), 16, "a problem names its request");
    (status, problem)
}

pub async fn code_of(response: Response) -> ProblemCode {
    problem(response).await.1.code
}

impl Device {
    pub fn enrolment(server: &Server, key: &SigningKey, code: &str) -> EnrolRequest {
        let code: EnrolCode = code.parse().unwrap();
        let public_key = key.public_key();
        let proof = signing::sign(
            key,
            &signing::enrol_bytes(&server.key, &public_key, &code.canonical()),
        );
        EnrolRequest {
            code: code.canonical(),
            public_key,
            label: "电脑".into(),
            proof,
            client_version: "0".into(),
        }
    }

    pub async fn enrol(server: &Server, code: &str) -> Self {
        let key = SigningKey::from_bytes(&rand::random());
        let request = Self::enrolment(server, &key, code);
        let mut device = Self {
            http: reqwest::Client::new(),
            url: server.url.clone(),
            server: server.key,
            key,
            id: DeviceId(Uuid::nil()),
            person: PersonId(Uuid::nil()),
            token: String::new(),
            head: Head::EMPTY,
            after: None,
        };
        let reply: EnrolReply = device.ask("/v1/enrol", &request).await;
        device.id = reply.device;
        device.person = reply.person;
        device.after = Some(reply.receipt.id());
        device.open_session().await;
        device
    }

    pub async fn open_session(&mut self) -> SessionReply {
        let reply = self.try_session().await;
        let reply: SessionReply = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
        self.token = reply.token.clone();
        reply
    }

    pub async fn try_session(&self) -> Response {
        let request = self.session_request().await;
        self.post("/v1/session", &request).await
    }

    pub async fn session_request(&self) -> SessionRequest {
        let nonce: [u8; 32] = rand::random();
        let ChallengeReply {
            challenge,
            signature,
        } = self
            .ask(
                "/v1/session/challenge",
                &ChallengeRequest {
                    device: self.id,
                    nonce,
                },
            )
            .await;
        assert!(signing::is_signed(
            &self.server,
            &signing::hello_bytes(self.id, &nonce, &challenge),
            &signature
        ));
        let said = receipt::session_bytes(self.id, &self.server, &challenge);
        SessionRequest {
            device: self.id,
            challenge,
            signature: signing::sign(&self.key, &said),
            client_version: "0".into(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .header(VERSION_HEADER, VERSION)
            .bearer_auth(&self.token)
    }

    pub async fn post(&self, path: &str, message: &impl Serialize) -> Response {
        self.request(Method::POST, path)
            .body(serde_json::to_vec(message).unwrap())
            .send()
            .await
            .unwrap()
    }

    pub async fn ask<T: DeserializeOwned>(&self, path: &str, message: &impl Serialize) -> T {
        let response = self.post(path, message).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The next entry of this device's ledger.
    pub fn write(&mut self, channel: &str, record: RecordId, event: &Event) -> Entry {
        let entry = Entry {
            device: self.id,
            seq: self.head.seq + 1,
            prev: self.head.id,
            after: self.after,
            at: Hlc::from_ms(wall_ms()),
            author: self.person,
            channel: channel.parse().unwrap(),
            record,
            event: event.to_bytes().unwrap(),
            again: None,
        };
        self.head = Head {
            seq: entry.seq,
            id: entry.id(),
        };
        entry
    }

    pub fn set(&mut self, channel: &str, record: RecordId, value: &str) -> Entry {
        self.write(
            channel,
            record,
            &Event::Set {
                field: "name".into(),
                value: value.into(),
                replaces: vec![],
            },
        )
    }

    pub fn body(&self, entries: &[Entry]) -> Vec<u8> {
        let last = entries.last().unwrap();
        let said = receipt::push_bytes(self.id, last.seq, last.id());
        self.body_signed(entries, &signing::sign(&self.key, &said))
    }

    pub fn body_signed(&self, entries: &[Entry], signature: &SignatureBytes) -> Vec<u8> {
        let mut batch = BatchWriter::new();
        for entry in entries {
            batch.row(0, None, entry.id(), entry);
        }
        wire::write_push(signature, batch).unwrap()
    }

    pub async fn push_body(&self, body: Vec<u8>) -> Response {
        self.request(Method::POST, "/v1/push")
            .header("content-type", BATCH_TYPE)
            .body(body)
            .send()
            .await
            .unwrap()
    }

    pub async fn try_push(&self, entries: &[Entry]) -> Response {
        self.push_body(self.body(entries)).await
    }

    pub async fn push(&self, entries: &[Entry]) -> PushReply {
        let response = self.try_push(entries).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{text}");
        let reply: PushReply = serde_json::from_str(&text).unwrap();
        let key = shicha_domain::suite::VerifyingKey::new(&self.server).unwrap();
        assert!(
            reply
                .receipts
                .iter()
                .all(|receipt: &Receipt| receipt.is_signed_by(&key))
        );
        reply
    }

    pub async fn pull(&self, cursors: &[(&str, u64)]) -> wire::Pull {
        let held = cursors.iter();
        self.pull_beyond(
            held.map(|(channel, n)| (channel.parse().unwrap(), Held::upto(*n)))
                .collect(),
        )
        .await
    }

    /// What is new beyond what is held.
    pub async fn pull_beyond(&self, held: HeldChannels) -> wire::Pull {
        self.pull_as(&PullRequest {
            held,
            base: None,
            without: Default::default(),
            max_entries: MAX_BATCH_ROWS as u32,
            is_held: true,
        })
        .await
        .0
    }

    /// The answer to a pull, and how many bytes were asked and answered.
    pub async fn pull_as(&self, request: &PullRequest) -> (wire::Pull, [usize; 2]) {
        let body = wire::write_pull_request(request).unwrap();
        let asked = body.len();
        let response = self.try_pull(body).await;
        assert_eq!(response.status(), StatusCode::OK);
        let answer = response.bytes().await.unwrap();
        (wire::read_pull(&answer).unwrap(), [asked, answer.len()])
    }

    pub async fn try_pull(&self, body: Vec<u8>) -> Response {
        self.request(Method::POST, "/v1/pull")
            .header("content-type", PULL_TYPE)
            .body(body)
            .send()
            .await
            .unwrap()
    }

    pub async fn send_blob(
        &self,
        hash: &str,
        offset: u64,
        total: u64,
        bytes: impl Into<reqwest::Body>,
    ) -> Response {
        self.request(Method::PATCH, &format!("/v1/blobs/{hash}"))
            .header("upload-offset", offset)
            .header("upload-length", total)
            .body(bytes)
            .send()
            .await
            .unwrap()
    }
}

pub fn record() -> RecordId {
    RecordId(Uuid::now_v7())
}
