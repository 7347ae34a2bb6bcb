//! The memory of the application with its window, at rest and with an inspection of 100 photos on the screen. Floor: a bare window with one
//! word in it. Counted is what every process of the window has in memory, shared pages in equal parts (PSS, proc_pid_smaps(5)).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use shicha_sample::photo::{self, Scene, Taken};
use shicha_window::{Central, Clock, Display, Driver, Pasted, Programs, Session, part, until};

use crate::report;

const PASSPHRASE: &str = "bench bench bench";
const SUBJECT: &str = "样本·东海恒安安全技术培训学校";
const INSPECTOR: &str = "丁思源";
const PHOTOS: usize = 100;
/// As many as a person adds at once.
const AT_ONCE: usize = 10;
const ITEM: &str = "TI-2.1";

pub(crate) async fn run() -> Result<()> {
    report::heading("memory of the window's processes");
    let dir = tempfile::tempdir()?;
    let programs = Programs::find()?;
    photo::use_fonts(&[programs.root.join("target/fonts")]);
    let display = Display::start(dir.path()).await?;
    let clock = Clock::system();
    let start = async |app: &Path, data: PathBuf| {
        let driver = Driver {
            app,
            data: &data,
            display: &display,
            clock: &clock,
            logs: dir.path(),
        };
        driver.start().await
    };
    let bare = start(
        &programs.app.with_file_name("shicha-bare"),
        dir.path().join("bare"),
    )
    .await?;
    bare.wait_for(&part("bare")).await?;
    let floor = bare.memory()?;
    bare.close().await?;

    let people = json!([
        { "name": "管宇", "org": "320700", "role": "administrator" },
        { "name": INSPECTOR, "org": "320722", "role": "inspector", "certificate": "样本100101" },
    ]);
    let mut central = Central::make(&programs, dir.path(), &people, &clock).await?;
    central.start().await?;
    let laptop = || dir.path().join("laptop");
    let session = start(&programs.app, laptop()).await?;
    let invitation = central.invite(INSPECTOR).await?;
    session.set_up(PASSPHRASE, &invitation, "样本电脑").await?;
    let record = inspect(&session).await?;
    session.close().await?;

    let session = start(&programs.app, laptop()).await?;
    session.unlock(PASSPHRASE).await?;
    session.wait_for(&part("wb-open-row")).await?;
    report::memory("at rest, the workbench shown", session.memory()?, floor);
    session.open_inspection(&record).await?;
    session.turn_to(ITEM).await?;
    let strip = format!("[data-test=\"inspection-evidence\"][data-place=\"answers/{ITEM}\"]");
    until("the photos on the screen", async || {
        // Those below come when they are scrolled to.
        let script = "const images = [...document.querySelectorAll(arguments[0] + ' img')];
            const next = images.find((image) => !image.complete || image.naturalWidth === 0);
            if (next) next.scrollIntoView();
            return next ? 0 : images.length;";
        let shown = session.script(script, &[json!(strip)]).await?;
        Ok((shown.as_u64() == Some(PHOTOS as u64)).then_some(()))
    })
    .await?;
    report::memory(
        &format!("an inspection with {PHOTOS} photos, all seen"),
        session.memory()?,
        floor,
    );
    session.close().await?;
    central.stop().await
}

/// An inspection with all its photos in one item; its record.
async fn inspect(session: &Session) -> Result<Value> {
    let has_pack = |list: &Value| list["packs"][0]["is_here"] == true;
    session
        .wait_for_answer("packs_list", json!({}), "the pack", has_pack)
        .await?;
    let fields = json!({
        "name": SUBJECT, "subject_kind": "training_institution", "credit_code": "", "region": "320722",
        "address": "", "legal_representative": "", "phone": "",
    });
    session
        .rpc("subject_add", json!({ "fields": fields }))
        .await?;
    session.begin_inspection(SUBJECT).await?;
    let is_there = |bench: &Value| bench["open_total"] == 1;
    let bench = session
        .wait_for_answer("workbench_get", json!({}), "the inspection", is_there)
        .await?;
    let record = bench["open"][0]["record"].clone();
    session.answer(ITEM, "nonconforming").await?;
    for first in (0..PHOTOS).step_by(AT_ONCE) {
        let photos = (first..first + AT_ONCE)
            .map(taken)
            .collect::<Result<Vec<_>>>()?;
        let files: Vec<Pasted<'_>> = photos
            .iter()
            .map(|(name, bytes)| (name.as_str(), "image/jpeg", bytes.as_slice()))
            .collect();
        session.add_photos(ITEM, &files).await?;
        until("the photos in the ledger", async || {
            let request = json!({ "record": record });
            let held = session.rpc("inspection_get", request).await?;
            let count = held["evidence"].as_array().context("evidence")?.len();
            Ok((count == first + AT_ONCE).then_some(()))
        })
        .await?;
    }
    Ok(record)
}

fn taken(n: usize) -> Result<(String, Vec<u8>)> {
    let scenes = [Scene::AttendanceSheet, Scene::Classroom, Scene::NoticeBoard];
    let scene = scenes[n % scenes.len()];
    let minute = u32::try_from(n)?;
    let taken = Taken {
        at_ms: shicha_sample::shanghai(2022, 7, 15, 9 + minute / 60, minute % 60),
        position: (34.5423, 118.7521),
    };
    let bytes = photo::take(scene, SUBJECT, taken)?;
    Ok((format!("IMG_{n:03}.jpg"), bytes))
}
