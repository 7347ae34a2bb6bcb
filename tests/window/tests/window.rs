//! The whole system through the real window: an inspector's laptop, a power cut, the central endpoint, a supervisor's desk.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shicha_sample::{
    photo::{self, Scene, Taken},
    shanghai,
};
use shicha_window::{
    Central, Clock, Display, Driver, Keys, Programs, Session, field, input, part, until,
    without_space, words_of_pdf,
};

const PASSPHRASE: &str = "断网也能查 2022";
const SUBJECT: &str = "样本·东海恒安安全技术培训学校";
const FACTS: &str = "抽查2022年5月低压电工班签到表，第3至9行笔迹相同，当日考勤机无记录。";
const DESCRIPTION: &str = "培训学时不实：签到表由一人代签，与考勤机记录不符。";
const LONG: &str =
    "现场询问学员三名，均称五月十一日下午未到课；班主任承认由其代签，并当场提供了班级群通知截图。";

struct Desk<'a> {
    programs: &'a Programs,
    display: &'a Display,
    clock: &'a Clock,
    logs: &'a Path,
    data: PathBuf,
}

impl Desk<'_> {
    async fn start(&self) -> Session {
        let driver = Driver {
            app: &self.programs.app,
            data: &self.data,
            display: self.display,
            clock: self.clock,
            logs: self.logs,
        };
        driver.start().await.unwrap()
    }
}

fn people() -> Value {
    json!([
        { "name": "管宇", "org": "320700", "role": "administrator" },
        { "name": "程敬之", "org": "320700", "role": "supervisor" },
        { "name": "丁思源", "org": "320722", "role": "inspector", "certificate": "样本100101" },
        { "name": "范雨晴", "org": "320722", "role": "inspector", "certificate": "样本100102" },
    ])
}

fn photos() -> Vec<(String, Vec<u8>)> {
    let scenes = [Scene::AttendanceSheet, Scene::Classroom, Scene::NoticeBoard];
    let one = |(n, scene): (usize, Scene)| {
        let taken = Taken {
            at_ms: shanghai(2022, 7, 15, 9, 10 + n as u32),
            position: (34.5423, 118.7521),
        };
        let bytes = photo::take(scene, SUBJECT, taken).unwrap();
        (format!("IMG_20220715_09{}.jpg", 10 + n), bytes)
    };
    scenes.into_iter().enumerate().map(one).collect()
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn view(session: &Session, record: &Value) -> Value {
    session
        .rpc("inspection_get", json!({ "record": record }))
        .await
        .unwrap()
}

/// Waits until a file has been written that many times.
async fn written_times(path: &Path, times: usize) -> anyhow::Result<()> {
    let changed = || {
        std::fs::metadata(path)
            .and_then(|file| file.modified())
            .ok()
    };
    let (mut last, mut count) = (changed(), 0);
    until("typed text on the disk", async || {
        let now = changed();
        count += usize::from(now != last);
        last = now;
        Ok((count >= times).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_survives_a_power_cut_while_typing_and_reaches_the_supervisor_whole() {
    let dir = tempfile::tempdir().unwrap();
    let programs = Programs::find().unwrap();
    photo::use_fonts(&[programs.root.join("target/fonts")]);
    let display = Display::start(dir.path()).await.unwrap();
    let clock = Clock::showing(i64::try_from(shanghai(2022, 7, 15, 9, 0)).unwrap()).unwrap();
    let mut central = Central::make(&programs, dir.path(), &people(), &clock)
        .await
        .unwrap();
    central.start().await.unwrap();
    let desk = |name: &str| Desk {
        programs: &programs,
        display: &display,
        clock: &clock,
        logs: dir.path(),
        data: dir.path().join(name),
    };

    // In the office, with a network.
    let laptop = desk("laptop");
    let session = laptop.start().await;
    let invitation = central.invite("丁思源").await.unwrap();
    session
        .set_up(PASSPHRASE, &invitation, "样本电脑-1")
        .await
        .unwrap();
    session
        .wait_for_answer("packs_list", json!({}), "the pack", |list| {
            list["packs"][0]["is_here"] == true
        })
        .await
        .unwrap();
    session
        .wait_for_answer("workbench_get", json!({}), "document numbers", |bench| {
            bench["numbers"][0]["left"].as_u64() > Some(0)
        })
        .await
        .unwrap();
    let fields = json!({
        "name": SUBJECT, "subject_kind": "training_institution", "credit_code": "", "region": "320722",
        "address": "东海县晶都大道1号（样本地址）", "legal_representative": "赵国栋", "phone": "0518-00000001",
    });
    session
        .rpc("subject_add", json!({ "fields": fields }))
        .await
        .unwrap();

    // On site, without one.
    central.stop().await.unwrap();
    session.begin_inspection(SUBJECT).await.unwrap();
    let open = session
        .wait_for_answer("workbench_get", json!({}), "the inspection", |bench| {
            bench["open_total"] == 1
        })
        .await
        .unwrap();
    let record = open["open"][0]["record"].clone();
    session.answer("TI-1.1", "conforms").await.unwrap();
    session.answer("TI-2.1", "nonconforming").await.unwrap();
    session
        .write(&record, "answers/TI-2.1/facts", FACTS)
        .await
        .unwrap();
    session
        .write(&record, "answers/TI-2.1/finding/description", DESCRIPTION)
        .await
        .unwrap();
    let photos = photos();
    let files: Vec<(&str, &str, &[u8])> = photos
        .iter()
        .map(|(name, bytes)| (name.as_str(), "image/jpeg", bytes.as_slice()))
        .collect();
    session.add_photos("TI-2.1", &files).await.unwrap();
    until("three photos in the ledger", async || {
        let evidence = view(&session, &record).await["evidence"].clone();
        Ok((evidence.as_array().unwrap().len() == 3).then_some(()))
    })
    .await
    .unwrap();

    // The battery falls out in the middle of a sentence.
    session.answer("TI-2.2", "to_verify").await.unwrap();
    let facts = field("answers/TI-2.2/facts");
    let typing = session.type_into(&facts, LONG);
    let log = laptop.data.join("ledger.db-wal");
    let watch = written_times(&log, 4);
    tokio::select! {
        typed = typing => typed.unwrap(),
        watched = watch => watched.unwrap(),
    }
    session.kill().await.unwrap();

    // Started again: nothing is lost.
    let session = laptop.start().await;
    session.unlock(PASSPHRASE).await.unwrap();
    let after = view(&session, &record).await;
    for (field, value) in [
        ("answers/TI-1.1/result", json!("conforms")),
        ("answers/TI-2.1/result", json!("nonconforming")),
        ("answers/TI-2.1/facts", json!(FACTS)),
        ("answers/TI-2.1/finding/description", json!(DESCRIPTION)),
        ("answers/TI-2.2/result", json!("to_verify")),
    ] {
        assert_eq!(
            after["fields"][field]["value"], value,
            "{field} was shown as saved"
        );
    }
    let hashes: Vec<String> = photos.iter().map(|(_, bytes)| hash(bytes)).collect();
    let mut found: Vec<&str> = after["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["blob"].as_str())
        .collect();
    found.sort_unstable();
    let mut expected: Vec<&str> = hashes.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(found, expected, "the photos are there, unchanged");
    let path = "answers/TI-2.2/facts";
    let typed = |view: &Value| {
        let text = view["drafts"][path]
            .as_str()
            .or(view["fields"][path]["value"].as_str());
        text.unwrap_or_default().to_owned()
    };
    let survived = typed(&after);
    assert!(
        !survived.is_empty() && LONG.starts_with(&survived),
        "typed text is kept up to the cut: {survived:?}"
    );
    session.open_inspection(&record).await.unwrap();
    session.turn_to("TI-2.2").await.unwrap();
    assert_eq!(
        session.value(&facts).await.unwrap(),
        survived,
        "it stands in its field"
    );
    // The sentence goes on where it was cut off.
    session
        .type_into(&facts, &LONG[survived.len()..])
        .await
        .unwrap();
    session.press(&[], Keys::TAB).await.unwrap();
    session
        .wait_for_answer(
            "inspection_get",
            json!({ "record": record }),
            "the whole sentence",
            |view| view["fields"][path]["value"] == LONG && view["drafts"] == json!({}),
        )
        .await
        .unwrap();

    // The rest of the visit; then the signatures.
    session.complete(&record, "赵国栋").await.unwrap();
    session.finish().await.unwrap();
    for who in ["0", "1", "subject"] {
        session.sign(who).await.unwrap();
    }
    let signed = view(&session, &record).await;
    assert_eq!(signed["stage"], "signed");
    assert_eq!(
        signed["delivery"]["place"], "here",
        "nothing is delivered without a receipt"
    );

    // Back in the office.
    central.start().await.unwrap();
    session.go("sync").await.unwrap();
    session.click(&part("sync-now")).await.unwrap();
    session
        .wait_for_answer(
            "inspection_get",
            json!({ "record": record }),
            "the receipt",
            |view| view["delivery"]["place"] != "here",
        )
        .await
        .unwrap();

    // The supervisor, in the city.
    let office = desk("office");
    let supervisor = office.start().await;
    let invitation = central.invite("程敬之").await.unwrap();
    supervisor
        .set_up(PASSPHRASE, &invitation, "样本电脑-2")
        .await
        .unwrap();
    let seen = supervisor
        .wait_for_answer("inspections_list", list(), "the inspection", |page| {
            page["total"] == 1
        })
        .await
        .unwrap();
    assert_eq!(seen["rows"][0]["record"], record);
    supervisor.open_record(&record).await.unwrap();
    supervisor
        .wait_for_text("#main", "what the inspector wrote", |page| {
            without_space(page).contains(&without_space(DESCRIPTION))
        })
        .await
        .unwrap();
    let theirs = view(&supervisor, &record).await;
    let ours = view(&session, &record).await;
    let values = |view: &Value| -> Value {
        let fields = view["fields"].as_object().unwrap().iter();
        fields
            .map(|(name, field)| (name.clone(), field["value"].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    assert_eq!(values(&theirs), values(&ours), "the same record");
    assert_eq!(theirs["digest"], ours["digest"]);
    assert_eq!(theirs["stage"], "signed");
    assert_eq!(theirs["may_edit"], false);
    for ((_, original), hash) in photos.iter().zip(&hashes) {
        let url = format!("evidence://localhost/{hash}?size=original");
        let fetched = until("a photo at the supervisor's desk", async || {
            Ok(supervisor.fetch(&url).await.ok())
        })
        .await
        .unwrap();
        assert!(fetched.0 == *original, "the photo is byte-identical");
    }

    // On paper.
    let made = supervisor
        .rpc("inspection_paper", json!({ "record": record }))
        .await
        .unwrap();
    let url = format!("made://localhost/{}", made["token"].as_str().unwrap());
    let (pdf, mime) = supervisor.fetch(&url).await.unwrap();
    assert_eq!(mime, "application/pdf");
    let path = dir.path().join("record.pdf");
    std::fs::write(&path, &pdf).unwrap();
    let words = words_of_pdf(&path).unwrap();
    let number = ours["number"].as_str().unwrap();
    assert!(number.contains("应急检记〔2022〕"), "{number}");
    for expected in [
        "现场检查记录",
        SUBJECT,
        number,
        DESCRIPTION,
        "丁思源",
        "范雨晴",
        "样本100101",
        "样本100102",
        "赵国栋",
        "样本数据",
    ] {
        assert!(
            words.contains(&without_space(expected)),
            "{expected} is missing in:\n{words}"
        );
    }
    for hash in &hashes {
        assert!(
            words.contains(&hash[..16]),
            "the list of evidence names {hash}"
        );
    }
    session.close().await.unwrap();
    supervisor.close().await.unwrap();
    central.stop().await.unwrap();
    let checked = central.command(["verify"]).await.unwrap();
    assert_eq!(checked["faults"], json!([]), "{checked}");
}

fn list() -> Value {
    json!({ "filter": { "is_mine": false }, "sort": "started", "descending": true, "window": { "offset": 0, "limit": 10 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_being_typed_when_the_window_is_closed_is_there_again() {
    let dir = tempfile::tempdir().unwrap();
    let programs = Programs::find().unwrap();
    let display = Display::start(dir.path()).await.unwrap();
    let clock = Clock::showing(i64::try_from(shanghai(2022, 7, 15, 9, 0)).unwrap()).unwrap();
    let mut central = Central::make(&programs, dir.path(), &people(), &clock)
        .await
        .unwrap();
    central.start().await.unwrap();
    let desk = Desk {
        programs: &programs,
        display: &display,
        clock: &clock,
        logs: dir.path(),
        data: dir.path().join("laptop"),
    };
    let session = desk.start().await;
    let invitation = central.invite("丁思源").await.unwrap();
    session
        .set_up(PASSPHRASE, &invitation, "样本电脑-1")
        .await
        .unwrap();
    let fields =
        json!({ "name": SUBJECT, "subject_kind": "training_institution", "region": "320722" });
    let added = session
        .rpc("subject_add", json!({ "fields": fields }))
        .await
        .unwrap();
    session.open_subject(&added["record"]).await.unwrap();
    let address = "东海县晶都大道1号";
    session
        .type_into(&input("subject-field-address"), address)
        .await
        .unwrap();
    session.close().await.unwrap();

    let session = desk.start().await;
    session.unlock(PASSPHRASE).await.unwrap();
    let subject = session
        .rpc("subject_get", json!({ "record": added["record"] }))
        .await
        .unwrap();
    let kept = subject["drafts"]["address"]
        .as_str()
        .or(subject["fields"]["address"]["value"].as_str());
    assert_eq!(kept, Some(address));
}
