//! Setups that are cut short, that find no space, that are given another folder, and that a person clicks through.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256, digest::Output};
use shicha_window::{Group, until};

use crate::{
    messages::Screen,
    promises::{FILES, LISTED, TITLE, Trial, told},
};

/// A folder that somebody chose, beside the usual one.
pub(crate) const CHOSEN: &str = r"C:\检查台账\实查";
/// Where a setup unpacks, below the folder of the program.
pub(crate) const UNPACKED: &str = "shicha-setup";
/// A setup is cut short once a share of all is unpacked: none, one of so many, and so on up to all.
const SHARES: u64 = 6;
/// With which code a setup ends that could not write.
const NOT_WRITTEN: i32 = 2;
/// What fits on the disk, as long as it is full: less than the program alone takes.
const LEFT: u64 = 24 << 20;

impl Trial<'_> {
    /// A setup on a disk without space says so by its code, and what was there stays.
    pub(crate) fn on_a_full_disk(&self, older: &str) -> Result<()> {
        let folder = self.wine.here(&self.program);
        let before = hashes(&folder)?;
        let mut setup = self.wine.confined(&self.options.setup, LEFT);
        let code = self.wine.code(setup.args(["/S", "/SERVER"]))?;
        self.wine.wait()?;
        ensure!(
            code == NOT_WRITTEN,
            "a setup that cannot write ends with {code}"
        );
        ensure!(hashes(&folder)? == before, "a file was changed");
        self.check_installed(older)?;
        told("a setup on a full disk ends with its own code, and leaves all as it was");
        Ok(())
    }

    /// A setup over an older version is killed at several places: what is there is the old or the new, file by file, and the next
    /// setup brings it to its end.
    pub(crate) async fn setups_are_cut_short(&self, newer: &str) -> Result<()> {
        let folder = self.wine.here(&self.program);
        let before = hashes(&folder)?;
        let all = size(folder.clone())?;
        let log = self.options.out.join("cut-short.log");
        let mut seen = Vec::new();
        let mut unfinished = 0;
        for share in 0..=SHARES {
            let mut setup = Group::start(
                self.wine
                    .command(&self.options.setup)
                    .args(["/S", "/SERVER"]),
                &log,
            )?;
            until("a share of the files", async || {
                let is_reached = size(folder.join(UNPACKED))? * SHARES >= all * share;
                Ok((is_reached || setup.has_ended()?).then_some(()))
            })
            .await?;
            unfinished += usize::from(!setup.has_ended()?);
            setup.kill()?;
            self.wine.wait()?;
            seen.push(hashes(&folder)?);
        }
        ensure!(unfinished > 0, "every setup came to its end");
        self.install(&self.options.setup, newer)?;
        let after = hashes(&folder)?;
        for now in &seen {
            for (n, name) in FILES.iter().enumerate() {
                ensure!(
                    now[n] == before[n] || now[n] == after[n],
                    "{name} is neither the old nor the new one"
                );
            }
        }
        told(&format!(
            "of {} setups {unfinished} were killed before their end: each file was the old or the new one, and the next setup went through",
            seen.len()
        ));
        Ok(())
    }

    /// A folder that somebody chose: an upgrade finds it.
    pub(crate) fn in_a_chosen_folder(&self, older: &str, newer: &str) -> Result<()> {
        let code = self.wine.code(
            self.wine
                .command(&self.options.older)
                .args(["/S", "/SERVER"])
                .arg(format!("/D={}", self.program)),
        )?;
        ensure!(code == 0, "the setup ended with {code}");
        self.check_installed(older)?;
        self.install(&self.options.setup, newer)?;
        self.check_installed(newer)?;
        told("a folder chosen with /D is found again by the upgrade");
        Ok(())
    }

    /// The setup as a person sees it, page by page, up to the first start of the program.
    pub(crate) async fn installed_by_hand(&self, screen: &Screen<'_>, newer: &str) -> Result<()> {
        let mut setup = screen.start(
            screen.program(&self.options.setup).arg("/SERVER"),
            "setup-by-hand.log",
        )?;
        let window = screen.wait_for(TITLE, &mut setup, &[]).await?;
        let parts = screen.picture("setup-1-parts").await?;
        screen.press(&window, "Return")?;
        let place = screen.other_picture("setup-2-folder", &parts).await?;
        screen.press(&window, "Return")?;
        until("the end of the installation", async || {
            let version = self.wine.registry(LISTED, "DisplayVersion")?;
            let is_whole = !self
                .wine
                .here(&format!(r"{}\{UNPACKED}", self.program))
                .exists();
            Ok((version.as_deref() == Some(newer) && is_whole).then_some(()))
        })
        .await?;
        screen.other_picture("setup-3-done", &place).await?;
        // The last page offers to start the program, which has no window here and says so.
        let message = until("the first start", async || {
            let shown = screen.windows(TITLE)?;
            if shown.contains(&window) {
                // It may close between the two.
                let _is_there = screen.pressed(&window, "Return")?;
                return Ok(None);
            }
            Ok(shown.into_iter().next())
        })
        .await?;
        screen.picture("setup-4-first-start").await?;
        screen.quit(&message)?;
        self.wine.wait()?;
        self.check_installed(newer)?;
        told(
            "the pages of the setup lead to the first start, by the Enter key alone: setup-1 to setup-4",
        );
        Ok(())
    }

    /// The removal as a person sees it: the records stay unless that is changed.
    pub(crate) async fn removed_by_hand(&self, screen: &Screen<'_>) -> Result<()> {
        let _removal = screen.start(
            &mut screen.program(format!(r"{}\uninstall.exe", self.program)),
            "removal-by-hand.log",
        )?;
        // It goes on in a copy of itself.
        let window = screen.shown("the removal's window").await?;
        let asked = screen.picture("removal-1-records").await?;
        screen.press(&window, "Return")?;
        until("the removal", async || {
            Ok(self
                .wine
                .registry(LISTED, "DisplayVersion")?
                .is_none()
                .then_some(()))
        })
        .await?;
        screen.other_picture("removal-2-done", &asked).await?;
        until("the end of the removal", async || {
            let is_there = screen.windows(TITLE)?.contains(&window);
            if is_there {
                let _is_there = screen.pressed(&window, "Return")?;
            }
            Ok((!is_there).then_some(()))
        })
        .await?;
        self.wine.wait()?;
        self.check_removed(false)?;
        told(
            "the pages of the removal keep the records unless somebody chooses otherwise: removal-1, removal-2",
        );
        Ok(())
    }
}

/// The hashes of the program's files, in the order of [`FILES`].
fn hashes(folder: &Path) -> Result<Vec<Output<Sha256>>> {
    let hash = |name: &&str| {
        let bytes = fs::read(folder.join(name.replace('\\', "/")))
            .with_context(|| format!("{name} is missing"))?;
        Ok(Sha256::digest(bytes))
    };
    FILES.iter().map(hash).collect()
}

/// How many bytes lie in a folder and those in it.
fn size(folder: PathBuf) -> Result<u64> {
    let mut bytes = 0;
    let mut below = vec![folder];
    while let Some(folder) = below.pop() {
        // What is looked at may just be moved away.
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let Ok(meta) = entry.metadata() else {
                continue;
            };
            if meta.is_dir() {
                below.push(entry.path());
            } else {
                bytes += meta.len();
            }
        }
    }
    Ok(bytes)
}
