//! Every page of the real window on sample data, in both languages: nothing that an accessibility checker calls serious, nothing that
//! the content security policy had to refuse, every page marked as a sample.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shicha_sample::{PASSPHRASE, Plan, make, shipped_pack};
use shicha_window::{Clock, Display, Driver, Programs, Session, part};

const PAGES: [&str; 8] = [
    "workbench",
    "subjects",
    "inspections",
    "findings",
    "overview",
    "sync",
    "conflicts",
    "settings",
];

/// The checker as the front end's packages bring it.
fn axe(root: &Path) -> String {
    let modules = root.join("ui/node_modules");
    let places = [
        modules.join("axe-core/axe.min.js"),
        modules.join("@axe-core/playwright/node_modules/axe-core/axe.min.js"),
    ];
    let place: &PathBuf = places.iter().find(|place| place.is_file()).unwrap();
    std::fs::read_to_string(place).unwrap()
}

async fn serious_faults(session: &Session) -> Value {
    let script = "const done = arguments[0];
        axe.run({ resultTypes: ['violations'] }).then(
            ({ violations }) => done(violations
                .filter(({ impact }) => impact === 'serious' || impact === 'critical')
                .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)),
            (error) => done([String(error)]));";
    session.script_async(script, &[]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_used_by_everybody_keeps_the_policy_and_says_that_it_is_a_sample() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("sample");
    let sample = make(Plan {
        out: out.clone(),
        fonts: Vec::new(),
        pack: shipped_pack(),
        listen: "127.0.0.1:0".parse().unwrap(),
        seed: 7,
        visits_per_area: Some(1),
        subjects_per_area: Some(3),
    })
    .await
    .unwrap();
    let programs = Programs::find().unwrap();
    let axe = axe(&programs.root);
    let display = Display::start(dir.path()).await.unwrap();
    let clock = Clock::showing(i64::try_from(sample.now_ms).unwrap()).unwrap();
    let data = out.join("inspector");
    let driver = Driver {
        app: &programs.app,
        data: &data,
        display: &display,
        clock: &clock,
        logs: dir.path(),
    };
    let session = driver.start().await.unwrap();
    let watch = "window.__refused = [];
        document.addEventListener('securitypolicyviolation', (event) => window.__refused.push(`${event.violatedDirective} ${event.blockedURI}`));";
    session.script(watch, &[]).await.unwrap();
    session.unlock(PASSPHRASE).await.unwrap();
    session.script(&axe, &[]).await.unwrap();
    let mut faults = Vec::new();
    let picture = dir.path().join("page.png");
    for language in ["zh-CN", "en"] {
        session.speak(language).await.unwrap();
        for page in PAGES {
            session.go(page).await.unwrap();
            look(
                &session,
                &picture,
                &format!("{language} {page}"),
                &mut faults,
            )
            .await;
        }
        session.open_inspection(&sample.contradicted).await.unwrap();
        look(
            &session,
            &picture,
            &format!("{language} inspection"),
            &mut faults,
        )
        .await;
        session.click(&part("inspection-finish")).await.unwrap();
        session.wait_for(&part("finish-page")).await.unwrap();
        look(
            &session,
            &picture,
            &format!("{language} finish"),
            &mut faults,
        )
        .await;
    }
    let refused = session
        .script("return window.__refused", &[])
        .await
        .unwrap();
    assert_eq!(refused, json!([]), "the policy had to refuse something");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    session.close().await.unwrap();
}

async fn look(session: &Session, picture: &Path, page: &str, faults: &mut Vec<String>) {
    // As soon as nothing moves any more, the page is all there.
    session.still_picture(picture).await.unwrap();
    let marked = session.text("body").await.unwrap();
    if !marked.contains("SAMPLE") {
        faults.push(format!("{page}: not marked as a sample"));
    }
    for fault in serious_faults(session).await.as_array().unwrap() {
        faults.push(format!("{page}: {}", fault.as_str().unwrap_or_default()));
    }
}
