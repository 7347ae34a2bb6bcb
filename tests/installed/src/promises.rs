//! The promises, one after the other, on one Windows: each goes on from where the one before left it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{
    endpoint::{Endpoint, entries},
    laptop::{Laptop, Saved},
    messages::Screen,
    setups::{CHOSEN, UNPACKED},
    stick::STICK,
    wine::Wine,
};

pub(crate) const LISTED: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Shicha";
pub(crate) const SETTINGS: &str = r"HKCU\Software\Shicha";
const CODE_PAGES: &str = r"HKLM\System\CurrentControlSet\Control\Nls\CodePage";
/// The title of every message.
pub(crate) const TITLE: &str = "实查 Shicha";
/// What the setup brings.
pub(crate) const FILES: [&str; 7] = [
    "Shicha.exe",
    "shicha-server.exe",
    "WebView2Loader.dll",
    "uninstall.exe",
    r"fonts\NotoSerifSC_400Regular.ttf",
    r"fonts\NotoSerifSC_700Bold.ttf",
    r"packs\lyg-2021-training.json",
];
/// How the setup ends when a newer version is there.
const NEWER: i32 = 3;
/// How often a laptop is killed.
const KILLS: usize = 4;
const STARTS: usize = 5;

/// Where everything lies.
#[derive(clap::Parser)]
pub(crate) struct Options {
    /// The program that runs those of Windows.
    #[arg(long)]
    wine: PathBuf,
    /// The installer.
    #[arg(long)]
    pub(crate) setup: PathBuf,
    /// The same of an older version.
    #[arg(long)]
    pub(crate) older: PathBuf,
    /// The archive for sticks.
    #[arg(long)]
    pub(crate) stick: PathBuf,
    /// The signature of the installer as an update, by the key that the older version bears.
    #[arg(long)]
    pub(crate) signature: PathBuf,
    /// Both versions, the older first.
    #[arg(long, num_args = 2)]
    versions: Vec<String>,
    /// The core behind a port, for Windows.
    #[arg(long)]
    windows_host: PathBuf,
    /// The same for this system.
    #[arg(long)]
    host: PathBuf,
    /// A program that stands for Microsoft's installer of the component.
    #[arg(long)]
    pub(crate) stand_in: PathBuf,
    /// The central endpoint for this system.
    #[arg(long)]
    server: PathBuf,
    /// The pack to publish.
    #[arg(long)]
    pack: PathBuf,
    /// Folder for pictures and logs.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

/// One Windows on which everything is tried.
pub(crate) struct Trial<'a> {
    pub(crate) options: &'a Options,
    pub(crate) wine: &'a Wine,
    /// The folder of the program, as Windows writes it.
    pub(crate) program: String,
    /// The folder of the records.
    pub(crate) records: String,
}

pub(crate) async fn hold(options: &Options) -> Result<()> {
    fs::create_dir_all(&options.out)?;
    let wine = Wine::find(&options.wine)?;
    let trial = Trial {
        program: wine.local(r"Programs\Shicha"),
        records: wine.local("cn.shicha.desktop"),
        options,
        wine: &wine,
    };
    let (older, newer) = match &options.versions[..] {
        [older, newer] => (older.as_str(), newer.as_str()),
        _ => anyhow::bail!("two versions"),
    };
    trial.begin_clean()?;
    trial.install(&options.older, older)?;
    trial.check_installed(older)?;
    trial.selftests()?;

    let dir = tempfile::tempdir()?;
    trial.speaks_chinese()?;
    let (mut endpoint, mut laptop, mut saved) = trial.day_on_windows(dir.path()).await?;
    trial.endpoint_on_windows(dir.path()).await?;

    let screen = Screen::new(&wine, &options.out).await?;
    trial.without_component(&screen, newer).await?;
    trial.updates_are_taken_back(&screen, older, newer).await?;
    trial.go_on(&mut laptop, &mut saved).await?;
    trial.on_a_full_disk(older)?;
    trial.setups_are_cut_short(newer).await?;
    trial.check_installed(newer)?;
    let code = trial.setup_code(&options.older)?;
    ensure!(
        code == NEWER,
        "an older version over a newer one ended with {code}"
    );
    told("an older version does not go over a newer one");
    trial.go_on(&mut laptop, &mut saved).await?;
    told("after the upgrade the records are there, and work goes on");

    trial.uninstall(false)?;
    trial.installed_by_hand(&screen, newer).await?;
    trial.go_on(&mut laptop, &mut saved).await?;
    laptop.begin().await?;
    laptop.unlock().await?;
    laptop.deliver().await?;
    laptop.kill()?;
    let verified = endpoint.verify()?;
    told(&format!(
        "removed and installed again: {} answers there and delivered; the endpoint holds {} entries, and all fit",
        saved.count(),
        entries(&verified)
    ));
    trial.removed_by_hand(&screen).await?;
    let elsewhere = Trial {
        program: CHOSEN.to_owned(),
        records: trial.records.clone(),
        ..trial
    };
    elsewhere.in_a_chosen_folder(older, newer)?;
    elsewhere.uninstall(true)?;
    told("a removal with /PURGE leaves nothing");
    trial.on_a_stick(&screen).await?;
    wine.wait()?;
    println!("all promises hold");
    Ok(())
}

pub(crate) fn told(what: &str) {
    println!("ok     {what}");
}

impl Trial<'_> {
    fn begin_clean(&self) -> Result<()> {
        for folder in [&self.program, &self.records, CHOSEN, STICK] {
            let folder = self.wine.here(folder);
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        for key in [LISTED, SETTINGS] {
            // Not there after a trial that ended well.
            let _removed = self
                .wine
                .code(self.wine.command("reg").args(["delete", key, "/f"]))?;
        }
        self.wine.wait()
    }

    fn setup_code(&self, setup: &Path) -> Result<i32> {
        self.wine
            .code(self.wine.command(setup).args(["/S", "/SERVER"]))
    }

    pub(crate) fn install(&self, setup: &Path, version: &str) -> Result<()> {
        let begin = Instant::now();
        let code = self.setup_code(setup)?;
        let took = begin.elapsed();
        ensure!(code == 0, "the setup of {version} ended with {code}");
        let bytes = fs::metadata(setup)?.len();
        told(&format!(
            "{version} installs silently: {bytes} bytes of setup, {:.1} s",
            took.as_secs_f64()
        ));
        Ok(())
    }

    pub(crate) fn check_installed(&self, version: &str) -> Result<()> {
        let mut bytes = 0;
        for file in FILES {
            let path = self.wine.here(&format!(r"{}\{file}", self.program));
            bytes += fs::metadata(&path)
                .with_context(|| format!("{file} is missing"))?
                .len();
        }
        ensure!(
            !self
                .wine
                .here(&format!(r"{}\{UNPACKED}", self.program))
                .exists(),
            "something was left half done"
        );
        let value = |key: &str, name: &str| -> Result<String> {
            self.wine
                .registry(key, name)?
                .with_context(|| format!("{key} has no {name}"))
        };
        ensure!(
            value(LISTED, "DisplayVersion")? == version,
            "another version is listed"
        );
        ensure!(
            value(LISTED, "DisplayName")? == "实查 Shicha",
            "another name is listed"
        );
        let opened = value(
            r"HKCU\Software\Classes\Shicha.Package\shell\open\command",
            "",
        )?;
        ensure!(
            opened == format!(r#""{}\Shicha.exe" "%1""#, self.program),
            "packages are opened with {opened}"
        );
        ensure!(self.link().is_some(), "there is no entry in the start menu");
        told(&format!(
            "{version} is there: {bytes} bytes, listed, in the start menu, opens .shicha"
        ));
        Ok(())
    }

    /// The entry in the start menu.
    fn link(&self) -> Option<PathBuf> {
        let roaming = self.wine.local("").replace("Local", "Roaming");
        let menu = format!(r"{roaming}Microsoft\Windows\Start Menu\Programs\实查.lnk");
        Some(self.wine.here(&menu)).filter(|link| link.exists())
    }

    pub(crate) fn shicha(&self) -> String {
        format!(r"{}\Shicha.exe", self.program)
    }

    /// The core in the installed program itself.
    fn selftests(&self) -> Result<()> {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let begin = Instant::now();
            self.selftest(&self.shicha())?;
            times.push(begin.elapsed().as_millis());
        }
        told(&format!(
            "the installed program's core makes an encrypted database; its self-test takes {times:?} ms"
        ));
        Ok(())
    }

    /// What a program says that tests itself. Without WebView2 it does not call itself well; the rest has to be.
    pub(crate) fn selftest(&self, program: &str) -> Result<Value> {
        let done = self.wine.command(program).arg("--selftest").output()?;
        let said: Value = serde_json::from_slice(&done.stdout)
            .with_context(|| format!("it said {}", String::from_utf8_lossy(&done.stdout)))?;
        ensure!(
            said["core"] == "needs_enrolment"
                && said["screens"] == true
                && said["webview"].is_null(),
            "{said}"
        );
        Ok(said)
    }

    /// Chinese text and Beijing's time, in a console whose code page is not UTF-8 and in a pipe.
    fn speaks_chinese(&self) -> Result<()> {
        let page = self.wine.registry(CODE_PAGES, "OEMCP")?;
        ensure!(page.as_deref() == Some("936"), "the code page is {page:?}");
        let program = format!(r"{}\shicha-server.exe", self.program);
        let data = self.wine.local("时区 数据");
        let at = self.wine.here(&data);
        if at.exists() {
            fs::remove_dir_all(&at)?;
        }
        let run = |words: &[&str]| {
            let mut command = self.wine.command(&program);
            self.wine
                .output(command.args(["--data", &data]).args(words))
        };
        run(&["init", "--name", "样本·中心端"])?;
        run(&[
            "org",
            "add",
            "--code",
            "320700",
            "--name",
            "样本·市应急管理局",
            "--kind",
            "city",
        ])?;
        run(&[
            "person",
            "add",
            "--name",
            "张三",
            "--org",
            "320700",
            "--role",
            "inspector",
        ])?;
        let said = run(&["code", "new", "--person", "张三", "--days", "7"])?;
        let beijing = chrono::FixedOffset::east_opt(8 * 3600).context("Beijing")?;
        let until = chrono::Utc::now().with_timezone(&beijing) + chrono::Duration::days(7);
        let is_there = (0..3).any(|minutes| {
            let at = until - chrono::Duration::minutes(minutes);
            said.contains(&at.format("%Y-%m-%d %H:%M").to_string())
        });
        ensure!(is_there && said.contains("张三"), "{said}");
        fs::remove_dir_all(&at)?;

        // A console of Windows that is shown in a terminal.
        let line = format!("{} '{program}' --help", self.options.wine.display());
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        let shown = self
            .wine
            .output(script.env("TERM", "xterm").env_remove("DISPLAY"))?;
        ensure!(shown.contains("实查中心端"), "the console shows {shown}");
        told(
            "Chinese text is right in a console of code page 936 and in a pipe, and times are Beijing's",
        );
        Ok(())
    }

    fn laptop_on_windows(&self) -> Laptop<'_> {
        let records = self.records.clone();
        let start = move || {
            let mut command = self.wine.command(&self.options.windows_host);
            command.args(["--data", &records, "--port", "0", "--ui", "."]);
            command
        };
        Laptop::new(start, &self.options.out.join("laptop-on-windows.log"))
    }

    /// The core on Windows with an endpoint on this system: enrol, record, kills, deliver, verify.
    async fn day_on_windows(&self, dir: &Path) -> Result<(Endpoint<'_>, Laptop<'_>, Saved)> {
        let data = dir.join("central").display().to_string();
        let server = move || Command::new(&self.options.server);
        let log = self.options.out.join("endpoint-here.log");
        let pack = self.options.pack.display().to_string();
        let mut endpoint = Endpoint::make(server, data, &pack, &log).await?;
        let mut laptop = self.laptop_on_windows();
        laptop.begin().await?;
        laptop.enrol(&endpoint).await?;
        let saved = work_through_kills(&mut laptop, &mut endpoint).await?;
        let verified = endpoint.verify()?;
        endpoint.begin().await?;
        laptop.kill()?;
        told(&format!(
            "the core on Windows: enrolled at an endpoint here, {} answers through {KILLS} kills, delivered; the endpoint holds {} entries, and all fit",
            saved.count(),
            entries(&verified)
        ));
        Ok((endpoint, laptop, saved))
    }

    /// The installed endpoint with a laptop on this system, both killed.
    async fn endpoint_on_windows(&self, dir: &Path) -> Result<()> {
        let program = format!(r"{}\shicha-server.exe", self.program);
        let data = self.wine.local(r"中心端 数据");
        let at = self.wine.here(&data);
        if at.exists() {
            fs::remove_dir_all(&at)?;
        }
        let pack = format!(r"{}\packs\lyg-2021-training.json", self.program);
        let log = self.options.out.join("endpoint-on-windows.log");
        let server = || self.wine.command(&program);
        let mut endpoint = Endpoint::make(server, data, &pack, &log).await?;
        let start = || {
            let mut command = Command::new(&self.options.host);
            command.arg("--data").arg(dir.join("laptop"));
            command.args(["--port", "0", "--ui", "."]);
            command
        };
        let mut laptop = Laptop::new(start, &self.options.out.join("laptop-here.log"));
        laptop.begin().await?;
        laptop.enrol(&endpoint).await?;
        let saved = work_through_kills(&mut laptop, &mut endpoint).await?;
        laptop.kill()?;
        let verified = endpoint.verify()?;
        fs::remove_dir_all(&at)?;
        told(&format!(
            "the installed endpoint on Windows: {} answers delivered to it through {KILLS} kills; it holds {} entries, and all fit",
            saved.count(),
            entries(&verified)
        ));
        Ok(())
    }

    /// What was saved is there, and there is more afterwards.
    async fn go_on(&self, laptop: &mut Laptop<'_>, saved: &mut Saved) -> Result<()> {
        laptop.begin().await?;
        laptop.unlock().await?;
        laptop.check(saved).await?;
        laptop.answer(saved, 3).await?;
        laptop.kill()
    }

    fn uninstall(&self, is_purged: bool) -> Result<()> {
        let uninstaller = format!(r"{}\uninstall.exe", self.program);
        let mut command = self.wine.command(uninstaller);
        command.arg("/S");
        if is_purged {
            command.arg("/PURGE");
        }
        let code = self.wine.code(&mut command)?;
        ensure!(code == 0, "the removal ended with {code}");
        // It goes on in a copy of itself.
        self.wine.wait()?;
        self.check_removed(is_purged)
    }

    pub(crate) fn check_removed(&self, is_purged: bool) -> Result<()> {
        let program = self.wine.here(&self.program);
        ensure!(!program.exists(), "{} is still there", program.display());
        ensure!(self.link().is_none(), "the start menu still has its entry");
        for key in [LISTED, SETTINGS, r"HKCU\Software\Classes\Shicha.Package"] {
            let is_there = self
                .wine
                .code(self.wine.command("reg").args(["query", key]))?
                == 0;
            ensure!(!is_there, "{key} is still there");
        }
        let records = self.wine.here(&self.records);
        ensure!(
            records.join("ledger.db").exists() != is_purged,
            "the records"
        );
        ensure!(records.exists() != is_purged, "the folder of the records");
        if !is_purged {
            told("a removal takes the program and leaves the records");
        }
        Ok(())
    }
}

/// An inspection in the course of which the laptop and the endpoint are killed again and again.
async fn work_through_kills(laptop: &mut Laptop<'_>, endpoint: &mut Endpoint<'_>) -> Result<Saved> {
    let mut saved = laptop.inspection().await?;
    for n in 0..KILLS {
        laptop.answer(&mut saved, 7 + 3 * n).await?;
        // A round may just be under way.
        if n % 2 == 1 {
            endpoint.kill()?;
            endpoint.begin().await?;
        }
        laptop.kill()?;
        laptop.begin().await?;
        laptop.unlock().await?;
        laptop.check(&saved).await?;
    }
    laptop.deliver().await?;
    Ok(saved)
}
