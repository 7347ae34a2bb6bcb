//! What a PDF says, as `pdftotext` reads it.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

/// The text of a PDF without any space: lines are broken where the page ends, not where words do.
///
/// # Errors
/// When `pdftotext` (Debian: `poppler-utils`) is missing or refuses the file.
pub fn words_of_pdf(path: &Path) -> Result<String> {
    let output = Command::new("pdftotext")
        .args(["-raw", "-enc", "UTF-8"])
        .arg(path)
        .arg("-")
        .output()
        .context("start pdftotext")?;
    if !output.status.success() {
        bail!("pdftotext: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(without_space(&text))
}

/// The text without any space.
pub fn without_space(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
