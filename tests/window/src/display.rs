//! A display without a screen.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::{process::Group, wait::until};

/// Larger than the window, so that all of it is on the display.
const SCREEN: &str = "1600x1000x24";

/// A virtual display that ends with its owner.
#[derive(Debug)]
pub struct Display {
    name: String,
    _server: Group,
}

impl Display {
    /// Starts one under a free number. `dir` takes its log.
    pub async fn start(dir: &Path) -> Result<Self> {
        let log = dir.join("display.log");
        let mut command = Command::new("Xvfb");
        // It writes the number that it took to its output as soon as it can be used.
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            SCREEN,
            "-nolisten",
            "tcp",
        ]);
        let mut server = Group::start(&mut command, &log)?;
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
            _server: server,
        })
    }

    /// What programs find in `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }
}
