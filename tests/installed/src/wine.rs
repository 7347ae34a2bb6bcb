//! Programs of Windows, their folders and their registry.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

/// Wine, as the environment has it set up.
pub(crate) struct Wine {
    program: PathBuf,
    prefix: PathBuf,
    /// `%LOCALAPPDATA%`.
    local: String,
}

impl Wine {
    pub(crate) fn find(program: &Path) -> Result<Self> {
        let prefix = std::env::var_os("WINEPREFIX").context("WINEPREFIX is not set")?;
        let mut wine = Self {
            program: program.to_path_buf(),
            prefix: prefix.into(),
            local: String::new(),
        };
        let said = wine.output(wine.command("cmd").args(["/c", "echo %LOCALAPPDATA%"]))?;
        wine.local = said.trim().to_owned();
        ensure!(wine.local.starts_with(r"C:\"), "%LOCALAPPDATA% is {said}");
        Ok(wine)
    }

    /// A program of Windows, without a display.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(program.as_ref())
            .env_remove("DISPLAY")
            .stdin(Stdio::null());
        command
    }

    /// The same where no file can become larger than so many bytes: more cannot be written, as on a full disk.
    pub(crate) fn confined(&self, program: impl AsRef<Path>, bytes: u64) -> Command {
        let mut command = Command::new("sh");
        // The shell counts in blocks of 512 bytes (POSIX, `ulimit`).
        command
            .args(["-c", r#"trap '' XFSZ; ulimit -f "$0"; exec "$@""#])
            .arg((bytes / 512).to_string())
            .args([&self.program, program.as_ref()])
            .env_remove("DISPLAY")
            .stdin(Stdio::null());
        command
    }

    /// Where a path of Windows lies here.
    pub(crate) fn here(&self, path: &str) -> PathBuf {
        let below = path.trim_start_matches(r"C:\").replace('\\', "/");
        self.prefix.join("drive_c").join(below)
    }

    /// Below the folder for programs' data.
    pub(crate) fn local(&self, below: &str) -> String {
        format!(r"{}\{below}", self.local)
    }

    /// What a program that must succeed prints.
    pub(crate) fn output(&self, command: &mut Command) -> Result<String> {
        let done = command.output()?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        if !done.status.success() {
            let complained = String::from_utf8_lossy(&done.stderr);
            bail!("{command:?} ended with {}: {said}{complained}", done.status);
        }
        Ok(said)
    }

    /// With which code a program ends.
    pub(crate) fn code(&self, command: &mut Command) -> Result<i32> {
        let done = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        done.code().context("it was killed")
    }

    /// A text value of the registry; `None`: it is not there.
    pub(crate) fn registry(&self, key: &str, name: &str) -> Result<Option<String>> {
        let mut command = self.command("reg");
        command.args(["query", key]);
        if name.is_empty() {
            command.arg("/ve");
        } else {
            command.args(["/v", name]);
        }
        let done = command.output()?;
        if !done.status.success() {
            return Ok(None);
        }
        // Programs of a Chinese Windows print in its code page.
        let (said, _, _) = encoding_rs::GBK.decode(&done.stdout);
        let value = said.lines().find_map(|line| line.split_once("REG_SZ"));
        Ok(value.map(|(_, value)| value.trim().to_owned()))
    }

    /// Waits until every program of Windows has ended.
    pub(crate) fn wait(&self) -> Result<()> {
        let server = self.program.with_file_name("wineserver64");
        ensure!(
            Command::new(server).arg("--wait").status()?.success(),
            "wineserver cannot be waited for"
        );
        Ok(())
    }
}
