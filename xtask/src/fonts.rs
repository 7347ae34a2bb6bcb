//! Fonts for papers in development and tests, in `target/fonts`.
//!
//! Windows has FangSong, KaiTi, SimHei and SimSun of its own. Elsewhere Fandol stands in for them: from Debian's TeX package, of which
//! only the fonts are taken. Noto Serif SC, a locked package of the front end's tools, has the characters that the others lack.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::{files, proc, workspace::Workspace};

const FANDOL_PACKAGE: &str = "texlive-lang-chinese";
const FANDOL: &[&str] = &[
    "FandolFang-Regular.otf",
    "FandolHei-Bold.otf",
    "FandolHei-Regular.otf",
    "FandolKai-Regular.otf",
    "FandolSong-Bold.otf",
    "FandolSong-Regular.otf",
];
const NOTO: &[(&str, &str)] = &[
    ("400Regular", "NotoSerifSC_400Regular.ttf"),
    ("700Bold", "NotoSerifSC_700Bold.ttf"),
];

/// Puts in place what is missing.
pub(crate) fn fetch(workspace: &Workspace) -> Result<()> {
    let fonts = workspace.fonts();
    fs::create_dir_all(&fonts)?;
    let noto = workspace
        .ui()
        .join("node_modules/@expo-google-fonts/noto-serif-sc");
    for (weight, name) in NOTO {
        let to = fonts.join(name);
        if !to.exists() {
            let from = noto.join(weight).join(name);
            put(&from, &to).with_context(|| format!("take over {}", workspace.short(&from)))?;
        }
    }
    if FANDOL.iter().all(|name| fonts.join(name).exists()) {
        return Ok(());
    }
    if !proc::succeeds(Command::new("apt-get").arg("--version")) {
        return Ok(());
    }
    let fetched = proc::timed("fetch the Fandol fonts", || fandol(&fonts));
    if let Err(error) = fetched {
        // Papers are then set in Noto Serif SC: readable, but not as prescribed.
        println!("note: without the Fandol fonts: {error:#}");
    }
    Ok(())
}

fn fandol(fonts: &Path) -> Result<()> {
    let work = fonts.join("fetch");
    files::remove_all(&work)?;
    fs::create_dir_all(&work)?;
    let mut download = Command::new("apt-get");
    // Into a folder of ours the downloading user of apt could not write.
    download
        .args(["-o", "APT::Sandbox::User=root", "download", FANDOL_PACKAGE])
        .current_dir(&work);
    if !proc::succeeds(&mut download) {
        crate::debian::update()?;
        proc::run_quietly(&mut download)?;
    }
    let package = files::below(&work, &[])?
        .into_iter()
        .find(|file| file.extension().is_some_and(|ending| ending == "deb"))
        .context("apt-get downloaded no package")?;
    let unpacked = work.join("unpacked");
    proc::run_quietly(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(&package)
            .arg(&unpacked),
    )?;
    for file in files::below(&unpacked, &["doc"])? {
        if let Some(name) = file.file_name()
            && FANDOL.iter().any(|font| name.to_str() == Some(font))
        {
            put(&file, &fonts.join(name))?;
        }
    }
    files::remove_all(&work)
}

/// Copies a file so that it is there whole or not at all.
fn put(from: &Path, to: &Path) -> Result<()> {
    let part = to.with_extension("part");
    fs::copy(from, &part).with_context(|| format!("copy {}", from.display()))?;
    fs::rename(&part, to)?;
    Ok(())
}
