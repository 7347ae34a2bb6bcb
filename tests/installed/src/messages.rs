//! What stands on the screen of a computer without WebView2, looked at on a virtual display.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, bail, ensure};
use image::RgbImage;
use shicha_window::{Display, Group, until};

use crate::{promises::TITLE, wine::Wine};

/// Fewer are an empty screen, or a window whose text is not drawn yet.
const LEAST_COLOURS: usize = 12;

/// The installed program on a display.
pub(crate) struct Screen<'a> {
    wine: &'a Wine,
    display: Display,
    out: PathBuf,
}

/// A picture that was taken.
pub(crate) struct Picture {
    pub(crate) path: PathBuf,
    content: RgbImage,
}

impl<'a> Screen<'a> {
    pub(crate) async fn new(wine: &'a Wine, out: &Path) -> Result<Self> {
        Ok(Self {
            wine,
            display: Display::start(out).await?,
            out: out.to_path_buf(),
        })
    }

    /// Starts a program with a window, once all others have ended: what runs with a display does not share a desktop with what runs
    /// without.
    pub(crate) fn start(&self, program: &mut Command, log: &str) -> Result<Group> {
        self.wine.wait()?;
        Group::start(program, &self.out.join(log))
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

    /// Waits for a window of ours, whichever program shows it.
    pub(crate) async fn shown(&self, what: &str) -> Result<String> {
        until(what, async || Ok(self.windows(TITLE)?.into_iter().next())).await
    }

    /// The windows whose title fits.
    pub(crate) fn windows(&self, title: &str) -> Result<Vec<String>> {
        let found = self
            .hand()
            .args(["search", "--onlyvisible", "--name", title])
            .output()?;
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        Ok(found.lines().map(str::to_owned).collect())
    }

    /// Presses a key in a window that is there.
    pub(crate) fn press(&self, window: &str, key: &str) -> Result<()> {
        ensure!(self.pressed(window, key)?, "{key} cannot be pressed");
        Ok(())
    }

    /// The same in a window that may be gone; whether it was there. Without a manager of windows, one that follows another is not given
    /// the keyboard.
    pub(crate) fn pressed(&self, window: &str, key: &str) -> Result<bool> {
        let done = self
            .hand()
            .args(["windowfocus", "--sync", window, "key", key])
            .stderr(Stdio::null())
            .status()?;
        Ok(done.success())
    }

    /// Chooses the button that quits, in the message that the window's component is missing.
    pub(crate) fn quit(&self, message: &str) -> Result<()> {
        // Wine's message does not take Escape for it.
        self.press(message, "Tab")?;
        self.press(message, "Return")
    }

    /// A picture of the whole screen, once it does not change any more.
    pub(crate) async fn picture(&self, name: &str) -> Result<Picture> {
        self.still(name, None).await
    }

    /// A picture that differs from one that was taken before.
    pub(crate) async fn other_picture(&self, name: &str, than: &Picture) -> Result<Picture> {
        self.still(name, Some(&than.content)).await
    }

    async fn still(&self, name: &str, before: Option<&RgbImage>) -> Result<Picture> {
        let path = self.out.join(format!("{name}.png"));
        let mut last = None;
        let content = until("a picture that stands still", async || {
            let content = self.display.picture()?;
            let is_still = last.as_ref() == Some(&content);
            if is_still && before != Some(&content) && is_drawn(&content) {
                return Ok(Some(content));
            }
            last = Some(content);
            Ok(None)
        })
        .await?;
        content.save(&path)?;
        Ok(Picture { path, content })
    }

    fn hand(&self) -> Command {
        let mut command = Command::new("xdotool");
        command.env("DISPLAY", self.display.name());
        command
    }
}

/// Whether there is something on the screen.
fn is_drawn(picture: &RgbImage) -> bool {
    let colours: HashSet<_> = picture.pixels().collect();
    colours.len() >= LEAST_COLOURS
}
