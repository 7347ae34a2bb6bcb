//! Wine: a Windows to try things on, in the cache folder, set up as an inspector's laptop is: Chinese, in China's time zone, and
//! without the window component of Microsoft.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::proc;

use super::{pins, toolchain};

/// Debian's `wine` would complain of the missing 32-bit one.
const PROGRAM: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver64";
/// What the folder for temporary files is called, so that every test works in a folder like this.
const TEMPORARY: &str = r"C:\检查 台账（试）\temporary files";
/// Changes when the set-up does.
const MARK: &str = "set up 1\n";
/// Wine 8 lacks a library of Windows 10 that Rust's standard library asks for random numbers. A stand-in, for Wine only.
const RANDOM: &str = include_str!("bcryptprimitives.c");
/// Chinese text is shown in this font; Windows' own are not here.
const FONT: &str = "NotoSansCJK-Regular.ttc,Noto Sans CJK SC";
/// What Windows and installers write text in.
const FONTS_OF_WINDOWS: &[&str] = &[
    "Tahoma",
    "MS Shell Dlg",
    "MS Shell Dlg 2",
    "Microsoft Sans Serif",
    "Segoe UI",
    "SimSun",
    "Arial",
];

/// What a file of this system is called there: Wine shows the whole as drive Z.
pub(super) fn name_of(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', r"\")
}

/// Wine, ready.
pub(super) struct Wine {
    cache: PathBuf,
}

impl Wine {
    /// Puts in place what is missing.
    pub(super) fn set_up(cache: &Path) -> Result<Self> {
        toolchain::install(pins::WINE)?;
        let wine = Self {
            cache: cache.to_path_buf(),
        };
        let mark = wine.prefix().join("set-up");
        if fs::read_to_string(&mark).is_ok_and(|done| done == MARK) {
            return Ok(wine);
        }
        proc::timed("set up Wine", || {
            crate::files::remove_all(&wine.prefix())?;
            wine.make_locale()?;
            fs::create_dir_all(wine.prefix())?;
            proc::run_quietly(wine.start("wineboot").arg("--init"))?;
            wine.wait()?;
            wine.add_random()?;
            wine.set_registry()?;
            wine.wait()?;
            fs::create_dir_all(wine.path_of(TEMPORARY))?;
            fs::write(&mark, MARK)?;
            Ok(())
        })?;
        Ok(wine)
    }

    /// Wine's folder, with a `drive_c` in it.
    pub(super) fn prefix(&self) -> PathBuf {
        self.cache.join("wine")
    }

    /// The settings under which Wine runs: for programs that start it themselves.
    pub(super) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let word = PathBuf::from;
        vec![
            ("WINEPREFIX", self.prefix()),
            ("WINEDEBUG", word("-all")),
            // Neither .NET nor a browser is asked for.
            ("WINEDLLOVERRIDES", word("mscoree,mshtml=")),
            ("LOCPATH", self.cache.join("locale")),
            // By this Windows' code page is 936, as on Chinese computers.
            ("LC_ALL", word("zh_CN.UTF-8")),
            ("TZ", word("Asia/Shanghai")),
        ]
    }

    /// A program of Windows.
    pub(super) fn start(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg(program.as_ref())
            .envs(self.environment())
            .env_remove("DISPLAY");
        command
    }

    /// The program that runs those of Windows.
    pub(super) fn runner(&self) -> &'static str {
        PROGRAM
    }

    /// Where a path of Windows' drive C lies here.
    pub(super) fn path_of(&self, path: &str) -> PathBuf {
        let below = path.trim_start_matches(r"C:\").replace('\\', "/");
        self.prefix().join("drive_c").join(below)
    }

    /// Waits until no program of Windows runs any more and everything is written.
    pub(super) fn wait(&self) -> Result<()> {
        proc::run_quietly(Command::new(SERVER).arg("--wait").envs(self.environment()))
    }

    fn make_locale(&self) -> Result<()> {
        let locales = self.cache.join("locale");
        fs::create_dir_all(&locales)?;
        proc::run_quietly(
            Command::new("localedef")
                .args(["--inputfile", "zh_CN", "--charmap", "UTF-8"])
                .arg(locales.join("zh_CN.UTF-8")),
        )
    }

    fn add_random(&self) -> Result<()> {
        let source = self.cache.join("bcryptprimitives.c");
        fs::write(&source, RANDOM)?;
        let library = self.path_of(r"C:\windows\system32\bcryptprimitives.dll");
        proc::run_quietly(
            Command::new(toolchain::LINKER)
                .args(["-O2", "-s", "-shared", "-o"])
                .arg(&library)
                .arg(&source)
                .arg("-ladvapi32"),
        )
        .context("make the stand-in for Wine's missing library")
    }

    fn set_registry(&self) -> Result<()> {
        let link = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\FontLink\SystemLink";
        for name in FONTS_OF_WINDOWS {
            self.set(link, name, "REG_MULTI_SZ", FONT)?;
        }
        for name in ["TEMP", "TMP"] {
            self.set(r"HKCU\Environment", name, "REG_SZ", TEMPORARY)?;
        }
        // Wine calls itself Windows 7 otherwise.
        self.set(r"HKCU\Software\Wine", "Version", "REG_SZ", "win10")?;
        // A program that fails ends, and asks nobody at a desktop.
        self.set(
            r"HKCU\Software\Wine\WineDbg",
            "ShowCrashDialog",
            "REG_DWORD",
            "0",
        )
    }

    /// Sets a value of the registry.
    pub(super) fn set(&self, key: &str, name: &str, kind: &str, value: &str) -> Result<()> {
        proc::run_quietly(
            self.start("reg")
                .args(["add", key, "/v", name, "/t", kind, "/d", value, "/f"]),
        )
    }
}
