//! Where the tour leads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use shicha_sample::photo::{self, Scene, Taken};
use shicha_window::{
    Central, Clock, Display, Driver, Keys, Pasted, Programs, Session, input, part, without_space,
    words_of_pdf,
};

const LANGUAGES: [&str; 2] = ["zh-CN", "en"];
/// The item that something is wrong with.
const ITEM: &str = "TI-2.3";
const FACTS: &str = "抽查5月11日低压电工初训班签到表：第3至9行笔迹相同；考勤机当日下午无刷脸记录。";

/// What is written last.
const WORDS: [(&str, &str); 3] = [
    ("escort", "朱明德（校长）、教务主任1名"),
    ("summary", "检查发现问题1项，已责令限期整改。"),
    ("opinion", "情况属实，按期整改。"),
];

/// Drives the window through the sample inspection.
#[derive(Parser)]
#[command(name = "shicha-tour")]
struct Options {
    /// The sample, as `shicha-sample` made it; it is copied, not changed.
    #[arg(long)]
    sample: PathBuf,
    /// Where pictures and documents go.
    #[arg(long)]
    out: PathBuf,
    /// Folders with fonts, for the labels in the photos.
    #[arg(long, default_value = "target/fonts")]
    fonts: Vec<PathBuf>,
}

struct Tour {
    out: PathBuf,
    passphrase: String,
    now_ms: u64,
}

pub(crate) async fn main() -> Result<()> {
    let options = Options::parse();
    photo::use_fonts(&options.fonts);
    let work = tempfile::tempdir()?;
    let logs = options.out.join("logs");
    for folder in LANGUAGES
        .map(|language| options.out.join(language))
        .iter()
        .chain([&logs])
    {
        fs::create_dir_all(folder)?;
    }
    copy(&options.sample, work.path())?;
    let told: Value = serde_json::from_slice(&fs::read(work.path().join("sample.json"))?)?;
    let text = |name: &str| told[name].as_str().with_context(|| format!("no {name}"));
    let now_ms = told["now_ms"].as_u64().context("no moment")?;
    let tour = Tour {
        out: options.out.clone(),
        passphrase: text("passphrase")?.to_owned(),
        now_ms,
    };
    let programs = Programs::find()?;
    let clock = Clock::showing(i64::try_from(now_ms)?)?;
    let display = Display::start(&logs).await?;
    let listen: std::net::SocketAddr = text("listen")?.parse()?;
    let mut central = Central::at(
        &programs,
        work.path().join("central"),
        listen.port(),
        clock.clone(),
    );
    let window = async |who: &str| -> Result<Session> {
        let data = work.path().join(who);
        let driver = Driver {
            app: &programs.app,
            data: &data,
            display: &display,
            clock: &clock,
            logs: &logs,
        };
        let session = driver.start().await?;
        session.unlock(&tour.passphrase).await?;
        Ok(session)
    };

    let inspector = window("inspector").await?;
    let record = tour.inspect(&inspector).await?;
    tour.sign(&inspector, &record).await?;
    central.start().await?;
    tour.deliver(&inspector, &record).await?;
    inspector.close().await?;

    let supervisor = window("supervisor").await?;
    tour.oversee(&supervisor, &record).await?;
    supervisor.close().await?;
    central.stop().await?;
    fs::copy(
        work.path().join("central.log"),
        logs.join("central-endpoint.log"),
    )?;
    Ok(())
}

impl Tour {
    /// A picture of a page in each language; `go` leads to it from anywhere.
    async fn pictures(
        &self,
        session: &Session,
        name: &str,
        go: impl AsyncFn() -> Result<()>,
    ) -> Result<()> {
        for language in LANGUAGES.iter().rev() {
            session.speak(language).await?;
            go().await?;
            let path = self.out.join(language).join(format!("{name}.png"));
            session.still_picture(&path).await?;
            println!("tour: {}", path.display());
        }
        Ok(())
    }

    async fn inspect(&self, session: &Session) -> Result<Value> {
        self.pictures(session, "1-workbench", async || {
            session.go("workbench").await?;
            session.wait_for(&part("wb-open-row")).await
        })
        .await?;
        let request = json!({
            "filter": { "kind": "training_institution", "region": "320722" }, "sort": "name", "descending": false,
            "window": { "offset": 0, "limit": 1 },
        });
        let subjects = session.rpc("subjects_list", request).await?;
        let subject = subjects["rows"][0]["name"].as_str().context("no subject")?;
        let before = self.open_records(session).await?;
        session.begin_inspection(subject).await?;
        let after = self.open_records(session).await?;
        let record = after
            .into_iter()
            .find(|record| !before.contains(record))
            .context("no inspection was begun")?;

        for item in ["TI-1.1", "TI-1.2", "TI-1.3", "TI-2.1"] {
            session.answer(item, "conforms").await?;
        }
        session.answer(ITEM, "nonconforming").await?;
        let field = |rest: &str| format!("answers/{ITEM}/{rest}");
        session.write(&record, &field("facts"), FACTS).await?;
        for rest in ["finding/description", "finding/measure"] {
            session.accept(&field(rest)).await?;
        }
        let photos = self.photos(subject)?;
        let files: Vec<Pasted<'_>> = photos
            .iter()
            .map(|(name, bytes)| (name.as_str(), "image/jpeg", bytes.as_slice()))
            .collect();
        session.add_photos(ITEM, &files).await?;
        let all_here =
            |view: &Value| view["evidence"].as_array().map_or(0, Vec::len) == photos.len();
        session
            .wait_for_answer(
                "inspection_get",
                json!({ "record": record }),
                "the photos",
                all_here,
            )
            .await?;
        self.pictures(session, "2-inspection", async || {
            session.open_inspection(&record).await?;
            session.turn_to(ITEM).await
        })
        .await?;
        Ok(record)
    }

    async fn open_records(&self, session: &Session) -> Result<Vec<Value>> {
        let bench = session.rpc("workbench_get", json!({})).await?;
        let rows = bench["open"].as_array().context("no list")?;
        Ok(rows.iter().map(|row| row["record"].clone()).collect())
    }

    fn photos(&self, subject: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let scenes = [Scene::AttendanceSheet, Scene::Classroom, Scene::NoticeBoard];
        let photo = |(n, scene): (usize, Scene)| {
            let taken = Taken {
                at_ms: self.now_ms / 60_000 * 60_000 + 7_000 * n as u64,
                position: (34.5423, 118.7521),
            };
            let name = format!("IMG_20220715_1000{:02}.jpg", 7 * n);
            Ok((name, photo::take(scene, subject, taken)?))
        };
        scenes.into_iter().enumerate().map(photo).collect()
    }

    async fn sign(&self, session: &Session, record: &Value) -> Result<()> {
        let request = json!({ "record": record });
        let view = session.rpc("inspection_get", request.clone()).await?;
        let subject = view["fields"]["subject/legal_representative"]["value"].clone();
        let subject = subject.as_str().context("nobody represents the subject")?;
        // The visit took its time; the tour does not.
        let started_ms = self.now_ms - 85 * 60_000;
        let start =
            json!({ "record": record, "field": "started_at", "value": started_ms, "over": null });
        session.rpc("field_set", start).await?;
        session.complete(record, subject).await?;
        session.open_inspection(record).await?;
        session.finish().await?;
        for (name, text) in WORDS {
            let field = input(&format!("finish-field-{name}"));
            session.type_into(&field, text).await?;
            session.press(&[], Keys::TAB).await?;
        }
        let is_written = |view: &Value| {
            let is_set = |(name, text): &(&str, &str)| view["fields"][*name]["value"] == *text;
            WORDS.iter().all(is_set)
        };
        session
            .wait_for_answer(
                "inspection_get",
                request.clone(),
                "the last words",
                is_written,
            )
            .await?;
        session.sign("0").await?;
        session.sign("1").await?;
        self.pictures(session, "3-finish-and-sign", async || {
            session.open_inspection(record).await?;
            session.finish().await
        })
        .await?;
        session.sign("subject").await?;

        let made = session.rpc("inspection_paper", request).await?;
        let pdf = self.keep(session, &made, "on-site-record.pdf").await?;
        let words = words_of_pdf(&pdf)?;
        ensure!(
            words.contains("现场检查记录") && words.contains(&without_space(subject)),
            "the record on paper says something else: {words}"
        );
        let page = Command::new("pdftoppm")
            .args(["-png", "-r", "80", "-f", "1", "-l", "1", "-singlefile"])
            .arg(&pdf)
            .arg(self.out.join("on-site-record"))
            .status()
            .context("start pdftoppm")?;
        ensure!(page.success(), "pdftoppm failed");
        Ok(())
    }

    async fn deliver(&self, session: &Session, record: &Value) -> Result<()> {
        session.go("sync").await?;
        session.click(&part("sync-now")).await?;
        let is_delivered = |view: &Value| view["delivery"]["place"] != "here";
        session
            .wait_for_answer(
                "inspection_get",
                json!({ "record": record }),
                "the receipt",
                is_delivered,
            )
            .await?;
        self.pictures(session, "4-sync", async || {
            session.go("sync").await?;
            session.wait_for(&part("sync-log-row")).await
        })
        .await?;
        self.pictures(session, "5-conflicts", async || {
            session.go("conflicts").await?;
            session.wait_for(&part("conflict")).await
        })
        .await
    }

    async fn oversee(&self, session: &Session, record: &Value) -> Result<()> {
        session.rpc("sync_now", json!({})).await?;
        let is_here = |page: &Value| {
            let rows = page["rows"].as_array().into_iter().flatten();
            rows.into_iter().any(|row| row["record"] == *record)
        };
        let newest = json!({
            "filter": { "is_mine": false }, "sort": "started", "descending": true, "window": { "offset": 0, "limit": 50 },
        });
        session
            .wait_for_answer("inspections_list", newest, "the inspection", is_here)
            .await?;
        self.pictures(session, "6-overview", async || {
            session.go("overview").await?;
            session.wait_for(&part("overview-page")).await
        })
        .await?;
        self.pictures(session, "7-inspections", async || {
            session.go("inspections").await?;
            session.wait_for("[role=\"row\"][data-key]").await
        })
        .await?;
        self.pictures(session, "8-record", async || {
            session.open_record(record).await?;
            session.wait_for("#main h1").await
        })
        .await?;
        self.pictures(session, "9-findings", async || {
            session.go("findings").await?;
            session.wait_for("[role=\"row\"][data-key]").await
        })
        .await?;
        let filter = json!({ "is_mine": false });
        let overview = session
            .rpc("overview_export", json!({ "filter": filter }))
            .await?;
        self.keep(session, &overview, "consolidated.xlsx").await?;
        let list = json!({ "filter": filter, "format": "xlsx" });
        let list = session.rpc("inspections_export", list).await?;
        self.keep(session, &list, "inspections.xlsx").await?;
        Ok(())
    }

    /// Fetches a made file as the page would, and keeps it.
    async fn keep(&self, session: &Session, made: &Value, name: &str) -> Result<PathBuf> {
        let token = made["token"].as_str().context("no file was made")?;
        let (bytes, _) = session.fetch(&format!("made://localhost/{token}")).await?;
        let path = self.out.join(name);
        fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
        println!("tour: {}", path.display());
        Ok(path)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
