//! Updates of the application as a person meets them: it comes, it is installed, it is taken back; and releasing one.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use serde_json::{Value, json};
use shicha_api::{
    App, AppConfig, UpdateConfig,
    error::ErrorCode,
    updates::{Installer, Plan, UpdateKey},
};
use shicha_domain::directory::Role;
use shicha_ledger::{KeyStore, Ledger};
use shicha_maker::Maker;
use tempfile::TempDir;

use crate::kit::*;

const NAME: &str = "Shicha-0.2.0-setup.exe";
const COUNTY: &str = "320703";
const CITY: &str = "320700";

/// Stands in for the desktop: remembers what it was asked, and can refuse.
#[derive(Default)]
struct Stand {
    plans: Mutex<Vec<Plan>>,
    refuses: AtomicBool,
    obstacle: Mutex<Option<&'static str>>,
}

impl Installer for Stand {
    fn obstacle(&self) -> Option<&'static str> {
        *self.obstacle.lock()
    }

    fn install(&self, plan: &Plan) -> Result<(), String> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err("a setup that cannot be started".to_owned());
        }
        self.plans.lock().push(plan.clone());
        Ok(())
    }
}

/// Whoever makes updates, the desktop, and a computer on which versions come and go.
struct Computer {
    maker: Arc<Maker>,
    host: Arc<Stand>,
    desk: Desk,
}

fn begin(dir: &Path, clock: &Ticking, maker: &Maker, host: &Arc<Stand>, running: &str) -> App {
    let config = AppConfig {
        data_dir: dir.to_path_buf(),
        font_dirs: Vec::new(),
        clock: Arc::new(clock.clone()),
        label: "试验电脑".into(),
        host: Arc::new(shicha_api::host::Bare),
    };
    let updates = UpdateConfig {
        key: Some(UpdateKey::parse(&maker.public()).unwrap()),
        platform: Some("windows-x86_64".to_owned()),
        running: running.parse().unwrap(),
        installer: Some(Arc::clone(host) as Arc<dyn Installer>),
    };
    App::with_updates(config, updates).unwrap()
}

impl Computer {
    /// Enrolled, running 0.1.0.
    async fn of(central: &Central, maker: &Arc<Maker>, name: &str, org: &str, role: Role) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = Arc::new(Stand::default());
        let app = begin(dir.path(), &central.clock, maker, &host, "0.1.0");
        let desk = Desk {
            app,
            dir,
            clock: central.clock.clone(),
        };
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
        Self {
            maker: Arc::clone(maker),
            host,
            desk,
        }
    }

    async fn view(&self) -> Value {
        self.desk.call("update_get", json!({})).await
    }

    async fn ready(&self) -> Value {
        self.desk.call("update_check", json!({})).await;
        self.desk
            .until("update_get", json!({}), |view| view["stage"] == "ready")
            .await
    }

    async fn install(&self) -> Plan {
        self.desk
            .call("update_install", json!({ "version": "0.2.0" }))
            .await;
        self.host.plans.lock().last().unwrap().clone()
    }

    /// This version ends, and another one starts on the same folder.
    async fn start_as(self, version: &str) -> Self {
        let Self { maker, host, desk } = self;
        let Desk { app, dir, clock } = desk;
        app.shutdown().await;
        drop(app);
        let app = begin(dir.path(), &clock, &maker, &host, version);
        Self {
            maker,
            host,
            desk: Desk { app, dir, clock },
        }
    }

    async fn unlock(&self) {
        let key = json!({ "passphrase": PASSPHRASE });
        self.desk.call("key_unlock", key).await;
    }

    fn file(&self, name: &str) -> PathBuf {
        self.desk.dir.path().join(name)
    }
}

/// An endpoint that has an update.
async fn offering(maker: &Maker) -> (Central, TempDir) {
    let central = Central::start().await;
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let setup = vec![7; 400_000];
    fs::write(at(NAME), &setup).unwrap();
    let comment = format!("file:{NAME}\tnotes:更快");
    fs::write(
        at(&format!("{NAME}.sig")),
        maker.sign_saying(&comment, &setup),
    )
    .unwrap();
    fs::write(at("key.pub"), maker.public()).unwrap();
    let (file, key) = (at(NAME), at("key.pub"));
    central.command(&[
        "update",
        "add",
        file.to_str().unwrap(),
        "--key",
        key.to_str().unwrap(),
    ]);
    (central, dir)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_installed_on_a_persons_word_and_the_new_version_says_that_it_is_there() {
    let maker = Arc::new(Maker::new());
    let (central, _dir) = offering(&maker).await;
    let computer = Computer::of(&central, &maker, "丁思源", COUNTY, Role::Inspector).await;
    let record = computer.desk.inspection("市考试中心").await;
    assert_eq!(computer.view().await["stage"], "none");
    central.command(&["update", "release", "0.2.0", "--org", CITY]);
    let ready = computer.ready().await;
    assert_eq!(
        (&ready["version"], &ready["notes"]),
        (&json!("0.2.0"), &json!("更快"))
    );
    assert_eq!(ready["obstacle"], Value::Null);
    assert!(
        computer.host.plans.lock().is_empty(),
        "nothing without a person's word"
    );

    let plan = computer.install().await;
    assert_eq!(plan.setup.file_name().unwrap(), NAME);
    assert_eq!(
        (plan.from.to_string(), plan.to.to_string()),
        ("0.1.0".into(), "0.2.0".into())
    );
    assert!(
        computer.file("ledger.before-update.db").exists(),
        "a copy for this version"
    );
    assert!(!plan.is_alive());

    let new = computer.start_as("0.2.0").await;
    assert_eq!(
        new.view().await["last"],
        Value::Null,
        "not before its window is up"
    );
    new.desk.app.came_up();
    assert!(plan.is_alive(), "whoever watches hears of it");
    let view = new.view().await;
    assert_eq!(view["last"]["end"], "installed");
    assert_eq!(view["held"], "0.2.0", "it can be handed on");
    assert_eq!(view["stage"], "none");
    new.unlock().await;
    new.desk.view(&record).await;
    let seen = new.desk.call("update_seen", json!({})).await;
    assert_eq!(seen["last"], Value::Null);
    let again = new.start_as("0.2.0").await;
    again.desk.app.came_up();
    assert_eq!(again.view().await["last"], Value::Null, "told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_did_not_start_is_told_and_the_older_version_has_its_database() {
    let maker = Arc::new(Maker::new());
    let (central, _dir) = offering(&maker).await;
    central.command(&["update", "release", "0.2.0", "--org", COUNTY]);
    let computer = Computer::of(&central, &maker, "丁思源", COUNTY, Role::Inspector).await;
    let record = computer.desk.inspection("市考试中心").await;
    computer.ready().await;
    let plan = computer.install().await;
    // Somebody goes on typing until the window is gone.
    computer
        .desk
        .set(&record, "summary", json!("最后一刻写的"))
        .await;
    computer.desk.app.shutdown().await;
    // The newer version changed the database, and then did not come up.
    changed_by_a_newer_version(computer.desk.dir.path());
    plan.taken_back("time", "no window came up").unwrap();

    let old = computer.start_as("0.1.0").await;
    let last = old.view().await["last"].clone();
    assert_eq!(
        (&last["end"], &last["reason"]),
        (&json!("taken_back"), &json!("time"))
    );
    old.unlock().await;
    let shown = old.desk.view(&record).await;
    assert_eq!(
        shown["fields"]["summary"]["value"], "最后一刻写的",
        "{shown}"
    );
    let beside = fs::read_dir(old.desk.dir.path()).unwrap().filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("ledger.newer-")
    });
    assert_eq!(beside.count(), 1, "the newer database is kept");

    // It is not offered again by itself, but on a person's wish.
    old.desk.call("update_check", json!({})).await;
    old.desk
        .until("update_get", json!({}), |view| {
            view["asked_at_ms"] != Value::Null
        })
        .await;
    let view = old.view().await;
    assert_eq!(
        (&view["stage"], &view["fault"]),
        (&json!("failed"), &json!("taken_back"))
    );
    old.desk.call("update_again", json!({})).await;
    old.desk
        .until("update_get", json!({}), |view| view["stage"] == "ready")
        .await;

    // Once this version works again, nothing is put back behind anybody's back any more.
    let old = old.start_as("0.1.0").await;
    old.desk.app.shutdown().await;
    let copy = old.file("ledger.before-update.db");
    fs::copy(old.file("ledger.db"), copy).unwrap();
    changed_by_a_newer_version(old.desk.dir.path());
    let refused = old
        .desk
        .refused("key_unlock", json!({ "passphrase": PASSPHRASE }))
        .await;
    is(&refused, ErrorCode::NewerDatabase);
}

fn changed_by_a_newer_version(dir: &Path) {
    let key = KeyStore::new(dir)
        .unlock_with_passphrase(PASSPHRASE)
        .unwrap();
    let (ledger, _) = Ledger::open(dir, &key, NOW).unwrap();
    ledger.mark_newer().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_was_never_carried_out_is_told_and_can_be_begun_again() {
    let maker = Arc::new(Maker::new());
    let (central, _dir) = offering(&maker).await;
    central.command(&["update", "release", "0.2.0", "--org", COUNTY]);
    let computer = Computer::of(&central, &maker, "丁思源", COUNTY, Role::Inspector).await;
    computer.ready().await;
    computer.install().await;
    let again = computer.start_as("0.1.0").await;
    let view = again.view().await;
    assert_eq!(view["last"]["end"], "not_done");
    assert_eq!(view["stage"], "ready");
    assert_eq!(
        view["obstacle"], "locked",
        "the database has to be copied first"
    );
    let early = again
        .desk
        .refused("update_install", json!({ "version": "0.2.0" }))
        .await;
    assert_eq!(early.params["reason"], "locked");
    again.unlock().await;
    again.install().await;
    assert_eq!(again.host.plans.lock().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_installed_is_refused_with_the_reason_and_work_goes_on() {
    let maker = Arc::new(Maker::new());
    let (central, _dir) = offering(&maker).await;
    central.command(&["update", "release", "0.2.0", "--org", COUNTY]);
    let computer = Computer::of(&central, &maker, "丁思源", COUNTY, Role::Inspector).await;
    computer.ready().await;
    let refused = async |version: &str, reason: &str| {
        let error = computer
            .desk
            .refused("update_install", json!({ "version": version }))
            .await;
        is(&error, ErrorCode::UpdateRefused);
        assert_eq!(error.params["reason"], reason);
    };
    refused("0.3.0", "gone").await;
    *computer.host.obstacle.lock() = Some("not_installed");
    refused("0.2.0", "not_installed").await;
    *computer.host.obstacle.lock() = None;
    computer.host.refuses.store(true, Ordering::SeqCst);
    refused("0.2.0", "not_started").await;
    assert!(Plan::read(computer.desk.dir.path()).unwrap().is_none());
    // Synchronisation runs again, and what is written arrives.
    computer.desk.subject("某机构").await;
    computer
        .desk
        .until("sync_status", json!({}), |status| {
            status["waiting_entries"] == 0
        })
        .await;
    // The setup was altered since it was kept.
    computer.host.refuses.store(false, Ordering::SeqCst);
    fs::write(computer.file(&format!("update/{NAME}")), vec![8; 400_000]).unwrap();
    refused("0.2.0", "altered").await;
    assert!(computer.host.plans.lock().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_releases_an_update_county_by_county_and_brings_it_to_others() {
    let maker = Arc::new(Maker::new());
    let (central, _dir) = offering(&maker).await;
    let boss = Computer::of(&central, &maker, "市管", CITY, Role::Administrator).await;
    let other = Computer::of(&central, &maker, "范雨晴", COUNTY, Role::Inspector).await;
    let open_orgs = |list: &Value| -> Vec<String> {
        let orgs = list["rows"][0]["open_orgs"].as_array().unwrap();
        orgs.iter()
            .map(|org| org["code"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = boss.desk.call("admin_updates", json!({})).await;
    assert_eq!(list["rows"][0]["version"], "0.2.0");
    assert_eq!(open_orgs(&list).len(), 3);
    let county = json!({ "name": NAME, "org": COUNTY });
    boss.desk.call("admin_update_release", county.clone()).await;
    let list = boss.desk.call("admin_updates", json!({})).await;
    assert!(!open_orgs(&list).contains(&COUNTY.to_owned()));
    let release = &list["rows"][0]["releases"][0];
    assert_eq!(
        (&release["org"], &release["devices"], &release["have"]),
        (&json!(COUNTY), &json!(1), &json!(0))
    );
    other.ready().await;
    boss.desk.call("admin_update_withdraw", county).await;
    other.desk.clock.advance(11 * 60_000);
    other.desk.call("update_check", json!({})).await;
    other
        .desk
        .until("update_get", json!({}), |view| view["stage"] == "none")
        .await;
    let unknown = json!({ "name": "Shicha-7.0.0-setup.exe", "org": COUNTY });
    let refused = boss.desk.refused("admin_update_release", unknown).await;
    is(&refused, ErrorCode::Contradiction);
    let audit = boss.desk.call("admin_audit", json!({ "filter": { "act": null, "text": null, "since_ms": null, "until_ms": null }, "before": null })).await;
    assert_eq!(audit["rows"][0]["act"], "update_withdrawn", "{audit}");

    // By stick: the administrator's computer keeps it, the other one is shown what is in the package.
    boss.desk
        .call("admin_update_release", json!({ "name": NAME, "org": CITY }))
        .await;
    boss.ready().await;
    boss.desk.call("sync_now", json!({})).await;
    let theirs = |known: &Value| {
        let devices = known["devices"].as_array().unwrap().iter();
        let mut theirs = devices.filter(|device| device["person"] == "范雨晴");
        theirs.next().map(|device| device["device"].clone())
    };
    let known = boss
        .desk
        .until("package_recipients", json!({}), |known| {
            theirs(known).is_some()
        })
        .await;
    let stick = tempfile::tempdir().unwrap();
    let path = stick.path().join("更新.shicha");
    let request = json!({ "to": theirs(&known), "records": null, "path": path, "update": true });
    let plan = boss.desk.call("package_plan", request.clone()).await;
    assert_eq!(plan["update"], "0.2.0");
    let made = boss.desk.call("package_make", request).await;
    assert_eq!(made["package"]["update"], "0.2.0");
    let source = json!({ "source": { "from": "path", "path": path } });
    let offline = other.start_as("0.1.0").await;
    offline.unlock().await;
    let looked = offline.desk.call("package_look", source).await;
    assert_eq!(looked["package"]["update"], "0.2.0");
    assert_ne!(looked["update"]["verdict"], "altered");
    let taken = offline
        .desk
        .call("package_take", json!({ "token": looked["token"] }))
        .await;
    assert!(
        ["new", "known"].contains(&taken["update"]["verdict"].as_str().unwrap()),
        "{taken}"
    );
    offline
        .desk
        .until("update_get", json!({}), |view| view["stage"] == "ready")
        .await;
}
