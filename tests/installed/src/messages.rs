//! What stands on the screen of a computer without WebView2, looked at on a virtual display.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail, ensure};
use shicha_window::{Display, Group, until};

use crate::wine::Wine;

/// Fewer are an empty screen, or a window whose text is not drawn yet.
const LEAST_COLOURS: usize = 12;

/// The installed program on a display.
pub(crate) struct Screen<'a> {
    wine: &'a Wine,
    display: Display,
    out: PathBuf,
}

impl<'a> Screen<'a> {
    pub(crate) async fn new(wine: &'a Wine, out: &Path) -> Result<Self> {
        Ok(Self {
            wine,
            display: Display::start(out).await?,
            out: out.to_path_buf(),
        })
    }

    /// Starts a program with a window.
    pub(crate) fn start(&self, program: &str, log: &str) -> Result<Group> {
        Group::start(&mut self.program(program), &self.out.join(log))
    }

    /// A program with a window.
    pub(crate) fn program(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.wine.command(program);
        command.env("DISPLAY", self.display.name());
        command
    }

    /// Waits for a window whose title fits, other than those that were seen before.
    pub(crate) async fn wait_for(
        &self,
        title: &str,
        program: &mut Group,
        seen: &[String],
    ) -> Result<String> {
        until(&format!("a window {title}"), async || {
            if program.has_ended()? {
                bail!("the program ended without showing {title}");
            }
            let shown = self.windows(title)?;
            Ok(shown.into_iter().find(|window| !seen.contains(window)))
        })
        .await
    }

    /// The windows whose title fits.
    pub(crate) fn windows(&self, title: &str) -> Result<Vec<String>> {
        let found = self
            .hand("xdotool")
            .args(["search", "--onlyvisible", "--name", title])
            .output()?;
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        Ok(found.lines().map(str::to_owned).collect())
    }

    /// Presses a key in a window: without a manager of windows, one that follows another is not given the keyboard.
    pub(crate) fn press(&self, window: &str, key: &str) -> Result<()> {
        let pressed = self
            .hand("xdotool")
            .args(["windowfocus", "--sync", window, "key", key])
            .status()?;
        ensure!(pressed.success(), "{key} cannot be pressed");
        Ok(())
    }

    /// A picture of the whole screen, once it does not change any more.
    pub(crate) async fn picture(&self, name: &str) -> Result<PathBuf> {
        let path = self.out.join(format!("{name}.png"));
        let mut last = Vec::new();
        until("a picture that stands still", async || {
            let taken = self
                .hand("import")
                .args(["-silent", "-window", "root"])
                .arg(&path)
                .status()?;
            ensure!(taken.success(), "no picture could be taken");
            let said = Command::new("identify")
                .args(["-format", "%k %#"])
                .arg(&path)
                .output()?;
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            let colours = said.split(' ').next().and_then(|count| count.parse().ok());
            let is_drawn = colours.is_some_and(|count: usize| count >= LEAST_COLOURS);
            let is_still = said.as_bytes() == last;
            last = said.into_bytes();
            Ok((is_drawn && is_still).then_some(()))
        })
        .await?;
        ensure!(fs::metadata(&path)?.len() > 0, "the picture is empty");
        Ok(path)
    }

    fn hand(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", self.display.name());
        command
    }
}
