//! The archive for sticks: unpacked and used as it is.

use std::fs::{self, File};

use anyhow::{Result, bail, ensure};
use shicha_window::until;
use zip::ZipArchive;

use crate::{
    messages::Screen,
    promises::{SETTINGS, TITLE, Trial, told},
};

/// Where the archive is unpacked.
pub(crate) const STICK: &str = r"C:\优盘 1";

impl Trial<'_> {
    /// Everything that the program writes lies beside it, and nothing of it on the computer.
    pub(crate) async fn on_a_stick(&self, screen: &Screen<'_>) -> Result<()> {
        let here = self.wine.here(STICK);
        ZipArchive::new(File::open(&self.options.stick)?)?.extract(&here)?;
        let Some(folder) = fs::read_dir(&here)?.next().transpose()? else {
            bail!("the archive is empty");
        };
        let folder = format!(r"{STICK}\{}", folder.file_name().display());
        let (shicha, data) = (format!(r"{folder}\Shicha.exe"), format!(r"{folder}\data"));
        let said = self.selftest(&shicha)?;
        ensure!(said["data"] == data, "{said}");
        let mut program = screen.start(&mut screen.program(&shicha), "stick.log")?;
        let message = screen.wait_for(TITLE, &mut program, &[]).await?;
        screen.picture("stick-first-start").await?;
        screen.quit(&message)?;
        until("the end of the program", async || {
            Ok(program.has_ended()?.then_some(()))
        })
        .await?;
        self.wine.wait()?;
        ensure!(
            fs::read_dir(self.wine.here(&format!(r"{data}\logs")))?
                .next()
                .is_some(),
            "no log lies on the stick"
        );
        ensure!(
            !self.wine.here(&self.records).exists(),
            "something was left on the computer"
        );
        let settings = self
            .wine
            .code(self.wine.command("reg").args(["query", SETTINGS]))?;
        ensure!(settings != 0, "{SETTINGS} is there");
        told(
            "unpacked on a stick the program keeps its data beside itself, and leaves nothing on the computer",
        );
        Ok(())
    }
}
