//! A small sample, made through all parts, looked at from both kept devices.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shicha_sample::{PASSPHRASE, Plan, Sample, SetClock, make, shipped_pack};

struct Desk(shicha_api::App);

impl Desk {
    async fn open(dir: &Path, now_ms: u64) -> Self {
        let app = shicha_api::App::new(shicha_api::AppConfig {
            data_dir: dir.to_path_buf(),
            font_dirs: Vec::new(),
            clock: std::sync::Arc::new(SetClock::at(now_ms)),
            label: "test".into(),
            host: std::sync::Arc::new(shicha_api::host::Bare),
        })
        .unwrap();
        let desk = Self(app);
        let status = desk
            .call("key_unlock", json!({ "passphrase": PASSPHRASE }))
            .await;
        assert_eq!(status["stage"], "ready");
        assert_eq!(status["is_sample"], true, "it must say that it is a sample");
        desk
    }

    async fn call(&self, name: &str, request: Value) -> Value {
        self.0.call(name, request).await.unwrap()
    }

    async fn list(&self, name: &str, sort: &str) -> Value {
        let window = json!({ "offset": 0, "limit": 500 });
        let request = json!({ "filter": { "is_mine": false }, "sort": sort, "descending": false, "window": window });
        self.call(name, request).await
    }
}

async fn small(out: PathBuf) -> Sample {
    make(Plan {
        out,
        fonts: Vec::new(),
        pack: shipped_pack(),
        listen: "127.0.0.1:0".parse().unwrap(),
        seed: 7,
        visits_per_area: Some(1),
        subjects_per_area: Some(3),
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_shows_a_campaign_at_work_and_is_marked_as_a_sample_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let sample = small(dir.path().join("sample")).await;
    let out = dir.path().join("sample");
    assert_eq!((sample.subjects, sample.signed), (30, 10));

    let inspector = Desk::open(&out.join("inspector"), sample.now_ms).await;
    let workbench = inspector.call("workbench_get", json!({})).await;
    assert_eq!(workbench["open_total"], 2, "{workbench}");
    assert_eq!(workbench["conflicts"], 1, "{workbench}");
    assert!(
        workbench["waiting"]["waiting_entries"].as_u64() > Some(0),
        "this morning's work waits: {workbench}"
    );
    let conflicts = inspector.call("conflicts_list", json!({})).await;
    assert_eq!(conflicts["conflicts"][0]["record"], sample.contradicted);
    assert_eq!(conflicts["conflicts"][0]["field"], "place");
    let verified = inspector.call("verify", json!({})).await;
    assert_eq!(verified["first_bad"], Value::Null);
    inspector.0.shutdown().await;

    let supervisor = Desk::open(&out.join("supervisor"), sample.now_ms).await;
    let subjects = supervisor.list("subjects_list", "name").await;
    assert_eq!(subjects["total"], 30);
    let inspections = supervisor.list("inspections_list", "started").await;
    assert_eq!(inspections["total"], 11, "all that were delivered");
    for rows in [&subjects, &inspections] {
        for row in rows["rows"].as_array().unwrap() {
            assert_eq!(row["is_sample"], true, "{row}");
        }
    }
    let overview = supervisor
        .call("overview_get", json!({ "filter": { "is_mine": false } }))
        .await;
    assert_eq!(overview["signed"], 10);
    assert_eq!(
        overview["by_org"].as_array().unwrap().len(),
        10,
        "{overview}"
    );
    let findings = supervisor.list("findings_list", "due").await;
    let is_overdue = |row: &Value| row["state"] == "open" && row["days_left"].as_i64() < Some(0);
    assert!(
        findings["rows"].as_array().unwrap().iter().any(is_overdue),
        "somebody has let a deadline pass: {findings}"
    );
    supervisor.0.shutdown().await;
}
