//! The application for a USB stick: a folder that is unpacked and used as it is.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::{Context as _, Result};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{files, proc, workspace::Workspace};

use super::{Built, SERVER, toolchain};

/// Tells the application that it is carried (`src-tauri/src/folders.rs`), and a person what this folder is.
const MARK: &str = "portable.txt";

/// Makes the archive of a version.
pub(super) fn make(workspace: &Workspace, built: &Built, version: &str) -> Result<PathBuf> {
    let name = format!("Shicha-{version}-portable");
    let out = toolchain::target(workspace).join(format!("{name}.zip"));
    let fonts = super::fonts(workspace)?;
    proc::timed("make the archive for sticks", || {
        let file = File::create(&out).with_context(|| format!("write {}", out.display()))?;
        let mut archive = ZipWriter::new(file);
        let options = SimpleFileOptions::default();
        for (folder, below) in [(&built.folder, ""), (&fonts, "fonts/")] {
            for file in files::below(folder, &[])? {
                let Some(called) = file.file_name().and_then(|called| called.to_str()) else {
                    continue;
                };
                if called == SERVER {
                    continue;
                }
                archive.start_file(format!("{name}/{below}{called}"), options)?;
                io::copy(&mut File::open(&file)?, &mut archive)?;
            }
        }
        archive.start_file(format!("{name}/{MARK}"), options)?;
        let text = fs::read(workspace.root.join("packaging/windows").join(MARK))?;
        archive.write_all(&text)?;
        archive.finish()?.sync_all()?;
        Ok(())
    })?;
    Ok(out)
}
