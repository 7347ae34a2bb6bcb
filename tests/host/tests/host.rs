//! The host as a process of its own, asked over HTTP as a browser does.
#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};

struct Host {
    process: Child,
    url: String,
}

impl Host {
    fn start(data: &Path, ui: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_shicha-host"))
            .arg("--data")
            .arg(data)
            .arg("--ui")
            .arg(ui)
            .args(["--port", "0", "--now", "2022-07-15T10:00:00+08:00"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let url = said["url"].as_str().unwrap().to_owned();
        Self { process, url }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[tokio::test]
async fn the_screens_and_the_handlers_are_there_for_this_page_and_for_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let ui = dir.path().join("ui");
    std::fs::create_dir(&ui).unwrap();
    std::fs::write(ui.join("index.html"), "<!doctype html><title>实查</title>").unwrap();
    let host = Host::start(&dir.path().join("data"), &ui);
    let client = Client::new();

    let page = client.get(&host.url).send().await.unwrap();
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    assert!(page.text().await.unwrap().contains("实查"));

    let call = |name: &str, request: Value| {
        client
            .post(format!("{}/rpc/{name}", host.url))
            .json(&request)
            .send()
    };
    let status = call("app_status", json!({})).await.unwrap();
    assert_eq!(status.status(), StatusCode::OK);
    let status: Value = status.json().await.unwrap();
    assert_eq!(status["stage"], "needs_key");

    let refused = call("workbench_get", json!({})).await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["code"], "not_ready");

    let missing = client
        .get(format!("{}/files/none", host.url))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);

    let foreign = client
        .post(format!("{}/rpc/app_status", host.url))
        .header(header::ORIGIN, "http://evil.example")
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
}
