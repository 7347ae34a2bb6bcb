//! Laptops with real ledgers, and a line to the central endpoint that can be made to do what a test needs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};

use futures::{future::BoxFuture, stream::BoxStream};
use serde_json::json;
use shicha_domain::{
    BlobHash, EntryId, Event, Evidence, PersonId, RecordId, RecordKind, directory::Role,
};
use shicha_ledger::{DatabaseKey, Draft, KeyStore, Ledger, OpenReport};
use shicha_sync::{
    client::{
        Clock, Engine, HttpTransport, Method, Outcome, Reply, Request, SyncError, SyncErrorCode,
        Transport, TransportFault, enrol,
    },
    protocol::{PROBLEM_TYPE, Problem, ProblemCode, VERSION, VERSION_HEADER},
};

use crate::common::{Server, record, wall_ms};

pub(crate) const COUNTY: &str = "320703";
pub(crate) const NEIGHBOUR: &str = "320706";
pub(crate) const CITY: &str = "320700";

/// One key for all: making one is slow on purpose.
static KEY: LazyLock<DatabaseKey> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    KeyStore::new(dir.path())
        .create_with_passphrase("laptops laptops")
        .unwrap()
});

/// The wall's time and so much more.
pub(crate) struct Ahead(pub(crate) i64);

impl Clock for Ahead {
    fn now_ms(&self) -> u64 {
        wall_ms().saturating_add_signed(self.0)
    }
}

pub(crate) fn fingerprint(server: &Server) -> String {
    shicha_domain::receipt::fingerprint(&server.key)
}

/// Opens a folder in which anything may have happened.
pub(crate) fn open_damaged(dir: &Path) -> (Ledger, OpenReport) {
    Ledger::open(dir, &KEY, wall_ms()).unwrap()
}

pub(crate) fn open(dir: &Path) -> Ledger {
    let (ledger, report) = open_damaged(dir);
    assert_eq!(report.salvage, None);
    ledger
}

/// A computer with a ledger that is enrolled.
pub(crate) struct Laptop {
    pub(crate) dir: PathBuf,
    pub(crate) ledger: Ledger,
    pub(crate) person: PersonId,
    /// The channel of its bureau.
    pub(crate) own: String,
    _folder: Arc<tempfile::TempDir>,
}

impl Laptop {
    pub(crate) async fn of(server: &Server, name: &str, org: &str, role: Role) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        std::fs::create_dir(&dir).unwrap();
        let ledger = open(&dir);
        let person = server.person(name, org, role);
        let code = server.code(person);
        enrol(&ledger, &server.url, &fingerprint(server), &code, name)
            .await
            .unwrap();
        Self {
            dir,
            ledger,
            person,
            own: format!("own/{org}"),
            _folder: Arc::new(folder),
        }
    }

    /// This computer as it would be from a copy of its data at this moment.
    pub(crate) fn copied(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        std::fs::create_dir(&dir).unwrap();
        self.ledger.backup_to(&dir.join("ledger.db")).unwrap();
        self.at(folder)
    }

    /// This person's computer with the data that lie in `data` of a folder.
    pub(crate) fn at(&self, folder: tempfile::TempDir) -> Self {
        let dir = folder.path().join("data");
        Self {
            ledger: open(&dir),
            dir,
            person: self.person,
            own: self.own.clone(),
            _folder: Arc::new(folder),
        }
    }

    /// A computer whose ledger lies in `data` of a folder, of a person of this organisation.
    #[allow(dead_code)] // The tests of packages have computers that enrol by files.
    pub(crate) fn at_first(folder: tempfile::TempDir, person: PersonId, org: &str) -> Self {
        let dir = folder.path().join("data");
        Self {
            ledger: open(&dir),
            dir,
            person,
            own: format!("own/{org}"),
            _folder: Arc::new(folder),
        }
    }

    /// The program ends. Its folder is there for as long as what this returns.
    pub(crate) fn ended(self) -> Arc<tempfile::TempDir> {
        self._folder
    }

    /// The program ends and starts again.
    pub(crate) fn restart(self) -> Self {
        self.restart_after(|_| ())
    }

    /// The program ends and starts again, and something is done with its folder in between.
    pub(crate) fn restart_after(self, between: impl FnOnce(&Path)) -> Self {
        let Self {
            dir,
            ledger,
            person,
            own,
            _folder,
        } = self;
        drop(ledger);
        between(&dir);
        Self {
            ledger: open(&dir),
            dir,
            person,
            own,
            _folder,
        }
    }

    pub(crate) fn draft(&self, channel: &str, record: RecordId, event: Event) -> Draft {
        Draft {
            channel: channel.parse().unwrap(),
            record,
            event,
        }
    }

    pub(crate) fn append(&self, draft: Draft) -> EntryId {
        let appended = self.ledger.append(self.person, vec![draft], wall_ms());
        appended.unwrap()[0].entry
    }

    /// A new subject in a channel.
    pub(crate) fn subject_in(&self, channel: &str, name: &str) -> RecordId {
        let record = record();
        self.append(self.draft(channel, record, opened(name)));
        record
    }

    /// A new subject of the own bureau.
    pub(crate) fn subject(&self, name: &str) -> RecordId {
        self.subject_in(&self.own, name)
    }

    pub(crate) fn set(&self, record: RecordId, field: &str, value: &str) -> EntryId {
        let state = self.ledger.record(record).unwrap().unwrap();
        let event = Event::Set {
            field: field.into(),
            value: json!(value),
            replaces: state.heads_of(field),
        };
        self.append(self.draft(&self.own, record, event))
    }

    /// Takes a file in as evidence of the record.
    pub(crate) fn attach(&self, record: RecordId, bytes: &[u8]) -> BlobHash {
        let mut reader = bytes;
        let taken = self
            .ledger
            .blob_import(&mut reader, &mut |_| {}, wall_ms())
            .unwrap();
        let evidence = Evidence {
            blob: taken.hash,
            size: taken.size,
            name: "照片.jpg".into(),
            mime: taken.mime,
            source: "file".into(),
            taken_at_ms: None,
            position_e7: None,
            camera: None,
            derived_from: None,
        };
        let event = Event::Attached {
            place: "record".into(),
            evidence,
        };
        self.append(self.draft(&self.own, record, event));
        taken.hash
    }

    /// One round over a good line.
    pub(crate) async fn round(&self, server: &Server) -> Result<Outcome, SyncError> {
        self.round_over(Line::to(server)).await
    }

    /// One round over this line.
    pub(crate) async fn round_over(&self, line: Line) -> Result<Outcome, SyncError> {
        engine(line).sync_once(&self.ledger, &|_| {}).await
    }

    pub(crate) fn waiting(&self) -> u64 {
        self.ledger.counts().unwrap().waiting_entries
    }

    pub(crate) fn has(&self, record: RecordId) -> bool {
        self.ledger.record(record).unwrap().is_some()
    }

    pub(crate) fn bytes_of(&self, hash: BlobHash) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.ledger.blob_copy_to(hash, &mut bytes).unwrap();
        bytes
    }

    pub(crate) fn is_whole(&self) -> bool {
        let found = self.ledger.verify(&mut |_, _| {}).unwrap();
        found.first_bad.is_none()
    }
}

pub(crate) fn opened(name: &str) -> Event {
    Event::Opened {
        kind: RecordKind::Subject,
        fields: BTreeMap::from([
            ("name".to_owned(), json!(name)),
            ("subject_kind".to_owned(), json!("enterprise")),
        ]),
    }
}

pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    (0..bytes / 16)
        .flat_map(|_| rand::random::<u128>().to_le_bytes())
        .collect()
}

pub(crate) fn engine(line: Line) -> Engine {
    Engine::new(Arc::new(line), Arc::new(Ahead(0)))
}

pub(crate) fn is(outcome: Result<Outcome, SyncError>, code: SyncErrorCode) {
    match outcome {
        Ok(outcome) => panic!("expected {code:?}, got {outcome:?}"),
        Err(error) => assert_eq!(error.code(), code, "{error}"),
    }
}

type Instead = dyn Fn(&Request) -> Option<Result<Reply, TransportFault>> + Send + Sync;
type Change = dyn Fn(&Request, Reply) -> Result<Reply, TransportFault> + Send + Sync;

/// A line that answers in the server's place or changes what it answers, and remembers what was asked.
#[derive(Clone)]
pub(crate) struct Line(Arc<Inner>);

struct Inner {
    good: HttpTransport,
    instead: Box<Instead>,
    change: Box<Change>,
    asked: Mutex<Vec<String>>,
}

impl Line {
    fn new(server: &Server, instead: Box<Instead>, change: Box<Change>) -> Self {
        Self(Arc::new(Inner {
            good: HttpTransport::new(&server.url).unwrap(),
            instead,
            change,
            asked: Mutex::default(),
        }))
    }

    pub(crate) fn to(server: &Server) -> Self {
        Self::new(server, Box::new(|_| None), Box::new(|_, reply| Ok(reply)))
    }

    /// Whatever `instead` gives is the answer, and the server does not get the request.
    pub(crate) fn instead(
        server: &Server,
        instead: impl Fn(&Request) -> Option<Result<Reply, TransportFault>> + Send + Sync + 'static,
    ) -> Self {
        Self::new(server, Box::new(instead), Box::new(|_, reply| Ok(reply)))
    }

    /// The server gets every request, and `change` makes the answer of its answer.
    pub(crate) fn changed(
        server: &Server,
        change: impl Fn(&Request, Reply) -> Result<Reply, TransportFault> + Send + Sync + 'static,
    ) -> Self {
        Self::new(server, Box::new(|_| None), Box::new(change))
    }

    /// What was asked: method, path, and the offset of a part.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().clone()
    }

    /// What was asked of evidence and of entries.
    pub(crate) fn moved(&self) -> Vec<String> {
        let about = |asked: &String| asked.contains("/v1/blobs/") || asked.contains("/v1/push");
        self.asked().into_iter().filter(about).collect()
    }

    async fn send(&self, request: Request) -> Result<Reply, TransportFault> {
        let at = request
            .headers
            .iter()
            .find(|(name, _)| *name == "upload-offset" || *name == "range")
            .map(|(_, value)| format!(" {value}"))
            .unwrap_or_default();
        let asked = format!("{:?} {}{at}", request.method, request.path);
        self.0.asked.lock().unwrap().push(asked);
        if let Some(answer) = (self.0.instead)(&request) {
            return answer;
        }
        let reply = self.0.good.call(request.clone()).await?;
        (self.0.change)(&request, reply)
    }
}

impl Transport for Line {
    fn call<'a>(&'a self, request: Request) -> BoxFuture<'a, Result<Reply, TransportFault>> {
        Box::pin(self.send(request))
    }

    fn listen<'a>(
        &'a self,
        request: Request,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Vec<u8>, TransportFault>>, TransportFault>>
    {
        self.0.good.listen(request)
    }
}

pub(crate) fn broken() -> TransportFault {
    TransportFault::Unreachable("the line broke".into())
}

/// What a server answers that cannot do what it was asked.
pub(crate) fn refusal(code: ProblemCode) -> Reply {
    Reply {
        status: code.status(),
        headers: vec![
            (VERSION_HEADER.into(), VERSION.to_string()),
            ("content-type".into(), PROBLEM_TYPE.into()),
        ],
        body: serde_json::to_vec(&Problem::new(code, "for a test")).unwrap(),
    }
}

pub(crate) fn is_part(request: &Request) -> bool {
    request.method == Method::Patch
}
