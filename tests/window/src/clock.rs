//! A clock for the programs under test that shows another week: the sample belongs to a campaign that is past.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};

/// How far the clock of the started programs is shifted.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    shift: Option<(PathBuf, i64)>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that shows this moment (Unix ms) now, and runs on.
    ///
    /// # Errors
    /// When Debian's `faketime` is not installed.
    pub fn showing(now_ms: i64) -> Result<Self> {
        let library = library()?.context("the package `faketime` is not installed")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok(Self {
            shift: Some((library, now_ms / 1000 - i64::try_from(now)?)),
        })
    }

    /// Sets it for a program and everything that it starts.
    pub(crate) fn set(&self, command: &mut Command) {
        if let Some((library, ahead_s)) = &self.shift {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME", format!("{ahead_s:+}"))
                // Time that is waited for passes as always.
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
    }
}

fn library() -> Result<Option<PathBuf>> {
    for folder in fs::read_dir(Path::new("/usr/lib"))? {
        let library = folder?.path().join("faketime/libfaketimeMT.so.1");
        if library.is_file() {
            return Ok(Some(library));
        }
    }
    Ok(None)
}
