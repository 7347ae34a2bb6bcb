//! Starting the application again: while it runs, and after it was closed.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde_json::json;
use shicha_window::{Clock, Display, Driver, Group, Programs, process_with_argument, until};

#[tokio::test]
async fn a_second_start_on_the_same_data_shows_the_first_window_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let programs = Programs::find().unwrap();
    let display = Display::start(dir.path()).await.unwrap();
    let data = dir.path().join("台账");
    let start = |log: &str| {
        let mut command = Command::new(&programs.app);
        command.arg("--data-dir").arg(&data);
        display.set(&mut command);
        Group::start(&mut command, &dir.path().join(log)).unwrap()
    };
    let first = start("first.log");
    until("the first window", async || {
        Ok(data.join("running.json").is_file().then_some(()))
    })
    .await
    .unwrap();
    let mut second = start("second.log");
    until("the end of the second start", async || {
        Ok(second.has_ended()?.then_some(()))
    })
    .await
    .unwrap();
    let running = process_with_argument("shicha", data.as_os_str()).unwrap();
    assert!(running.is_some_and(shicha_window::Stranger::is_there));
    first.end().await.unwrap();
}

#[tokio::test]
async fn the_window_comes_back_where_it_was_and_as_large() {
    let dir = tempfile::tempdir().unwrap();
    let programs = Programs::find().unwrap();
    let display = Display::start(dir.path()).await.unwrap();
    let driver = Driver {
        app: &programs.app,
        data: &dir.path().join("台账"),
        display: &display,
        clock: &Clock::system(),
        logs: dir.path(),
    };
    let session = driver.start().await.unwrap();
    let wished = json!({ "x": 140, "y": 60, "width": 1200, "height": 700 });
    assert_ne!(session.place().await.unwrap(), wished);
    session.put(&wished).await.unwrap();
    until("the window in its new place", async || {
        Ok((session.place().await? == wished).then_some(()))
    })
    .await
    .unwrap();
    session.close().await.unwrap();

    let session = driver.start().await.unwrap();
    until("the window in its old place", async || {
        Ok((session.place().await? == wished).then_some(()))
    })
    .await
    .unwrap();
    session.close().await.unwrap();
}

#[test]
fn a_start_without_a_display_says_so_in_both_languages() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(Programs::find().unwrap().app)
        .arg("--data-dir")
        .arg(dir.path())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("没有可用的显示器"), "{said}");
    assert!(said.contains("What was saved is safe."), "{said}");
}

#[test]
fn an_installation_can_be_checked_without_a_window_and_without_touching_data() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(Programs::find().unwrap().app)
        .arg("--selftest")
        .arg("--data-dir")
        .arg(dir.path())
        .env_remove("DISPLAY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["core"], "needs_enrolment", "{said}");
    assert_eq!(said["screens"], true, "{said}");
    assert!(!dir.path().join("ledger.db").exists());
}
