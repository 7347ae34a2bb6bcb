//! A central endpoint with a city, two counties and people; and applications that are set up as a person would.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use shicha_api::{
    App, AppConfig, Clock,
    error::{ApiError, ErrorCode},
    host::{Bare, Host},
};
use shicha_domain::{
    PersonId,
    directory::{Org, OrgKind, Person, Role},
};
use shicha_ledger::{KeyStore, Ledger};
use shicha_server::{Config, Running, cli, home::Home, serve};
use shicha_sync::protocol::EnrolCode;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const PASSPHRASE: &str = "连云港 2022";
/// 2022-04-11 09:00 in Beijing.
pub(crate) const NOW: u64 = 1_649_638_800_000;
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that goes on by a second whenever it is looked at.
#[derive(Clone)]
pub(crate) struct Ticking(Arc<AtomicU64>);

impl Ticking {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(NOW)))
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Ticking {
    fn now_ms(&self) -> u64 {
        self.0.fetch_add(1_000, Ordering::SeqCst)
    }
}

/// A central endpoint.
pub(crate) struct Central {
    dir: TempDir,
    running: Option<Running>,
    listen: String,
    pub(crate) clock: Ticking,
}

impl Central {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (home, _) = Home::init(dir.path().join("data"), "连云港市中心端", true).unwrap();
        for (code, parent, kind) in [
            ("320700", None, OrgKind::City),
            ("320703", Some("320700"), OrgKind::County),
            ("320722", Some("320700"), OrgKind::County),
        ] {
            home.store
                .put_org(
                    &Org {
                        code: code.parse().unwrap(),
                        name: format!("{code}应急管理局"),
                        short_name: "苏连".into(),
                        parent: parent.map(|parent: &str| parent.parse().unwrap()),
                        kind,
                        region: Some(code.into()),
                    },
                    1,
                )
                .unwrap();
        }
        home.store
            .put_person(&Person {
                id: PersonId(Uuid::from_u128(rand::random())),
                name: "管理员".into(),
                org: "320700".parse().unwrap(),
                role: Role::Administrator,
                certificate: None,
                is_active: true,
            })
            .unwrap();
        drop(home);
        let mut central = Self {
            dir,
            running: None,
            listen: "127.0.0.1:0".into(),
            clock: Ticking::new(),
        };
        let pack = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../packs/lyg-2021-training/pack.json"
        );
        central.command(&["pack", "publish", pack, "--org", "320700"]);
        central.run().await;
        central
    }

    fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn command(&self, words: &[&str]) {
        use clap::Parser as _;
        let data = self.data();
        let line = ["shicha-server", "--data", data.to_str().unwrap()];
        let cli = cli::Cli::try_parse_from(line.iter().chain(words)).unwrap();
        assert_eq!(
            cli::run_at(cli, self.clock.now_ms()),
            std::process::ExitCode::SUCCESS
        );
    }

    /// Publishes another pack while the endpoint runs.
    pub(crate) fn publish(&self, pack: &Path) {
        self.command(&["pack", "publish", pack.to_str().unwrap(), "--org", "320700"]);
    }

    /// Takes a package in, as the administrator does with a stick, and puts the answer beside it.
    pub(crate) fn take_package(&self, package: &Path, answer: &Path) {
        let (package, answer) = (package.to_str().unwrap(), answer.to_str().unwrap());
        self.command(&["package", "take", package, "--answer", answer]);
    }

    pub(crate) async fn run(&mut self) {
        let mut config = Config::new(self.data(), self.listen.parse().unwrap());
        let clock = self.clock.clone();
        config.clock = Arc::new(move || clock.now_ms());
        let running = serve(config).await.unwrap();
        self.listen = running.addr.to_string();
        self.running = Some(running);
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().unwrap().shutdown().await;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    pub(crate) fn fingerprint(&self) -> String {
        Home::open(self.data()).unwrap().signer.fingerprint()
    }

    /// Gives the person another role.
    pub(crate) fn becomes(&self, name: &str, role: Role) {
        let home = Home::open(self.data()).unwrap();
        let register = home.store.register().unwrap();
        let people = &register.directory.people;
        let known = people.iter().find(|one| one.name == name).unwrap();
        let person = Person {
            role,
            ..known.clone()
        };
        home.store.put_person(&person).unwrap();
    }

    pub(crate) fn code(&self, name: &str, org: &str, role: Role) -> String {
        let home = Home::open(self.data()).unwrap();
        let person = PersonId(Uuid::from_u128(rand::random()));
        home.store
            .put_person(&Person {
                id: person,
                name: name.into(),
                org: org.parse().unwrap(),
                role,
                certificate: (role == Role::Inspector).then(|| format!("苏{name}001")),
                is_active: true,
            })
            .unwrap();
        let code = EnrolCode::new(rand::random(), &home.signer.public_key());
        let hash = home.signer.code_hash(&code.canonical());
        let now = self.clock.now_ms();
        home.store
            .add_code(&hash, person, now, now + 86_400_000)
            .unwrap();
        code.to_string()
    }
}

/// An application without a window.
pub(crate) struct Desk {
    pub(crate) app: App,
    pub(crate) dir: TempDir,
    pub(crate) clock: Ticking,
}

impl Desk {
    /// A computer on which nobody has worked yet.
    pub(crate) fn bare(clock: &Ticking) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = start(dir.path(), clock).unwrap();
        Self {
            app,
            dir,
            clock: clock.clone(),
        }
    }

    /// A computer that is set up and has fetched what there is.
    pub(crate) async fn of(central: &Central, name: &str, org: &str, role: Role) -> Self {
        let desk = Self::bare(&central.clock);
        desk.call("key_create", json!({ "passphrase": PASSPHRASE }))
            .await;
        let enrol = json!({
            "url": central.url(), "fingerprint": central.fingerprint(), "code": central.code(name, org, role), "label": name,
        });
        desk.call("enrol", enrol).await;
        desk.until("packs_list", json!({}), |list| {
            list["packs"][0]["is_here"] == true
        })
        .await;
        if role == Role::Inspector {
            desk.until("workbench_get", json!({}), |bench| {
                bench["numbers"][0]["left"].as_u64() > Some(0)
            })
            .await;
        }
        desk
    }

    /// Closes the application, lets another program have its ledger, and starts it again.
    pub(crate) async fn between<T>(
        self,
        now_ms: u64,
        with: impl FnOnce(&Ledger) -> T,
    ) -> (Self, T) {
        self.app.shutdown().await;
        let Self { app, dir, clock } = self;
        drop(app);
        let key = KeyStore::new(dir.path())
            .unlock_with_passphrase(PASSPHRASE)
            .unwrap();
        let result = {
            let (ledger, _) = Ledger::open(dir.path(), &key, now_ms).unwrap();
            with(&ledger)
        };
        let app = start(dir.path(), &clock).unwrap();
        let desk = Self { app, dir, clock };
        desk.call("key_unlock", json!({ "passphrase": PASSPHRASE }))
            .await;
        (desk, result)
    }

    pub(crate) async fn call(&self, name: &str, request: Value) -> Value {
        match self.app.call(name, request.clone()).await {
            Ok(answer) => answer,
            Err(error) => panic!("{name} {request}: {error}"),
        }
    }

    pub(crate) async fn refused(&self, name: &str, request: Value) -> ApiError {
        match self.app.call(name, request.clone()).await {
            Ok(answer) => panic!("{name} {request} should be refused, but answered {answer}"),
            Err(error) => error,
        }
    }

    /// Asks again whenever something is said to have changed, until the answer satisfies.
    pub(crate) async fn until(
        &self,
        name: &str,
        request: Value,
        is_it: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut events = self.app.events();
        let asking = async {
            loop {
                let answer = self.call(name, request.clone()).await;
                if is_it(&answer) {
                    return answer;
                }
                // Whatever it was, it is a reason to ask again; a missed event as well.
                let _ = events.recv().await;
            }
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(answer) => answer,
            Err(_) => panic!("{name} never satisfied: {}", self.call(name, request).await),
        }
    }

    pub(crate) async fn set(&self, record: &Value, field: &str, value: Value) -> Value {
        self.call(
            "field_set",
            json!({ "record": record, "field": field, "value": value, "over": null }),
        )
        .await
    }

    pub(crate) async fn view(&self, record: &Value) -> Value {
        self.call("inspection_get", json!({ "record": record }))
            .await
    }

    pub(crate) async fn subject(&self, name: &str) -> Value {
        let fields = json!({ "name": name, "subject_kind": "exam_institution", "region": "320703", "address": "苍梧路1号",
            "legal_representative": "赵国栋", "phone": "0518-1" });
        self.call("subject_add", json!({ "fields": fields })).await["record"].clone()
    }

    /// Begins an inspection of a new subject with two inspectors.
    pub(crate) async fn inspection(&self, name: &str) -> Value {
        let pack = self.call("packs_list", json!({})).await["packs"][0].clone();
        self.inspection_with(name, &pack).await
    }

    /// [`Self::inspection`] with a pack of the list.
    pub(crate) async fn inspection_with(&self, name: &str, pack: &Value) -> Value {
        let subject = self.subject(name).await;
        let lists = pack["checklists"].as_array().unwrap();
        let list = lists
            .iter()
            .find(|list| list["subject_kind"] == "exam_institution")
            .unwrap();
        let request = json!({
            "subject": subject, "kind": "enforcement", "pack": pack["hash"],
            "checklist": list["id"], "phase": pack["phases"][0]["id"], "started_ms": null,
            "inspectors": [
                { "person": null, "name": "丁思源", "certificate": "苏A1" },
                { "person": null, "name": "范雨晴", "certificate": "苏A2" },
            ],
        });
        self.call("inspection_open", request).await["record"].clone()
    }

    /// A file that was sent piece by piece.
    pub(crate) async fn upload(&self, name: &str, bytes: &[u8]) -> Value {
        let upload = self.call("upload_begin", json!({ "name": name })).await["upload"].clone();
        for (n, piece) in bytes.chunks(700_000).enumerate() {
            let data = BASE64_STANDARD.encode(piece);
            self.call(
                "upload_write",
                json!({ "upload": upload, "offset": n * 700_000, "data": data }),
            )
            .await;
        }
        json!({ "from": "upload", "upload": upload })
    }

    pub(crate) async fn attach(
        &self,
        record: &Value,
        place: &str,
        name: &str,
        bytes: &[u8],
    ) -> Value {
        let source = self.upload(name, bytes).await;
        let files = json!([{ "source": source, "origin": "file", "derived_from": null }]);
        let added = self
            .call(
                "evidence_add",
                json!({ "record": record, "place": place, "files": files }),
            )
            .await;
        added["results"][0].clone()
    }

    /// Answers everything that the visit has to answer, with one non-conformity, and completes the head.
    pub(crate) async fn complete(&self, record: &Value) {
        let asked = self.view(record).await["asked"].as_array().unwrap().clone();
        for (n, item) in asked.iter().enumerate() {
            let item = item.as_str().unwrap();
            let result = if n == 0 { "nonconforming" } else { "conforms" };
            self.set(record, &format!("answers/{item}/result"), json!(result))
                .await;
        }
        let first = asked[0].as_str().unwrap();
        for (field, value) in [
            ("description", "三名考生的人像比对记录缺失"),
            ("measure", "补齐比对记录"),
            ("responsible", "赵国栋"),
            ("due", "2022-04-26"),
        ] {
            self.set(
                record,
                &format!("answers/{first}/finding/{field}"),
                json!(value),
            )
            .await;
        }
        let added = self
            .attach(record, &format!("answers/{first}"), "现场.jpg", &photo(1))
            .await;
        assert_eq!(added["error"], Value::Null, "{added}");
        for (field, value) in [
            ("identity_shown", json!(true)),
            ("place", json!("考场二楼")),
            ("ended_at", json!(NOW + 90 * 60_000)),
            ("summary", json!("检查了考场和档案。")),
        ] {
            self.set(record, field, value).await;
        }
        self.call("number_take", json!({ "record": record })).await;
        let missing = self
            .call("inspection_missing", json!({ "record": record }))
            .await;
        assert_eq!(missing["missing"], json!([]));
    }

    pub(crate) async fn sign(
        &self,
        record: &Value,
        role: &str,
        name: &str,
    ) -> Result<Value, ApiError> {
        let digest = self.view(record).await["digest"].clone();
        let mark = self.upload("sign.png", &png(60, 20)).await;
        self.app
            .call(
                "signature_add",
                json!({ "record": record, "digest": digest, "role": role, "person": null, "name": name,
                    "method": "screen", "mark": mark, "note": "", "witness": "" }),
            )
            .await
    }

    pub(crate) async fn sign_all(&self, record: &Value) {
        for (role, name) in [
            ("inspector", "丁思源"),
            ("inspector", "范雨晴"),
            ("subject", "赵国栋"),
        ] {
            self.sign(record, role, name).await.unwrap();
        }
    }
}

/// Opens the application of a folder.
pub(crate) fn start(dir: &Path, clock: &Ticking) -> Result<App, ApiError> {
    start_on(dir, clock, Arc::new(Bare))
}

/// [`start`] on a desktop.
pub(crate) fn start_on(dir: &Path, clock: &Ticking, host: Arc<dyn Host>) -> Result<App, ApiError> {
    App::new(AppConfig {
        data_dir: dir.to_path_buf(),
        font_dirs: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/fonts").into()],
        clock: Arc::new(clock.clone()),
        label: "试验电脑".into(),
        host,
    })
}

/// A picture that is another one for each seed.
pub(crate) fn photo(seed: u8) -> Vec<u8> {
    let picture =
        image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 ^ seed, y as u8, seed]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Jpeg)
        .unwrap();
    bytes.into_inner()
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbaImage::new(width, height)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

pub(crate) fn is(error: &ApiError, code: ErrorCode) -> bool {
    assert_eq!(error.code, code, "{error}");
    true
}
