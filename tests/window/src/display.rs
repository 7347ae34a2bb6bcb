//! A display without a screen.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, bail};
use image::RgbImage;
use tempfile::TempDir;

use crate::{desktop::Desktop, frame, process::Group, wait::until};

/// A virtual display that ends with its owner.
#[derive(Debug)]
pub struct Display {
    name: String,
    /// What stands around a program's window, where that was asked for. Ends before the display does.
    desktop: Option<Desktop>,
    /// Where the display keeps what it shows.
    shown: TempDir,
    _server: Group,
}

impl Display {
    /// Pixels. Larger than the window, so that all of it is on the display.
    pub const WIDTH: u32 = 1600;
    /// The same downwards.
    pub const HEIGHT: u32 = 1000;

    /// Starts one under a free number. `dir` takes its log.
    pub async fn start(dir: &Path) -> Result<Self> {
        let log = dir.join("display.log");
        let shown = TempDir::new()?;
        let mut command = Command::new("Xvfb");
        // It writes the number that it took to its output as soon as it can be used.
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            &format!("{}x{}x24", Self::WIDTH, Self::HEIGHT),
            "-nolisten",
            "tcp",
            "-fbdir",
        ]);
        let mut server = Group::start(command.arg(shown.path()), &log)?;
        let number = until("the virtual display", async || {
            let said = fs::read_to_string(&log)?;
            if server.has_ended()? {
                bail!("Xvfb ended: {said}");
            }
            let is_number =
                |line: &&str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
            Ok(said
                .lines()
                .find(is_number)
                .filter(|_| said.ends_with('\n'))
                .map(str::to_owned))
        })
        .await?;
        Ok(Self {
            name: format!(":{number}"),
            desktop: None,
            shown,
            _server: server,
        })
    }

    /// The same with a place for icons in its lower right corner and one for notices in its upper right.
    pub async fn with_desktop(dir: &Path) -> Result<Self> {
        let mut display = Self::start(dir).await?;
        display.desktop = Some(Desktop::start(&display, dir).await?);
        Ok(display)
    }

    /// What programs find in `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands around a program's window, where that was asked for.
    pub fn desktop(&self) -> Option<&Desktop> {
        self.desktop.as_ref()
    }

    /// Lets a program show its windows here.
    pub fn set(&self, command: &mut Command) {
        command
            .env("DISPLAY", &self.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1");
        if let Some(desktop) = &self.desktop {
            command.env("DBUS_SESSION_BUS_ADDRESS", desktop.bus());
        }
    }

    /// What is on it now, all windows and what is around them.
    ///
    /// # Errors
    /// When the display does not tell in a way that is known.
    pub fn picture(&self) -> Result<RgbImage> {
        frame::read(&fs::read(self.shown.path().join("Xvfb_screen0"))?)
    }
}
