//! What can go wrong while a document is made.
//!
//! Messages are English and for the log; a person sees the text that belongs to [`PapersError::code`].

use std::path::PathBuf;

/// An error met while making a document or loading what it needs.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    /// None of the known families with Chinese glyphs was found.
    #[error("no font with Chinese glyphs found in {}", list(searched))]
    NoFonts {
        /// The directories that were looked through.
        searched: Vec<PathBuf>,
    },
    /// The input exceeds what one document may hold.
    #[error("{what} is too large for one document: {found}, at most {limit}")]
    TooLarge {
        /// What is too large, in one word.
        what: &'static str,
        /// What was found, in the same unit as `limit`.
        found: u64,
        /// The most that is taken.
        limit: u64,
    },
    /// The page layout failed. A fault of a template, never of what a person typed.
    #[error("laying out {template} failed: {message}")]
    Layout {
        /// The template's file name.
        template: &'static str,
        /// What the typesetter said.
        message: String,
    },
    /// The workbook could not be written.
    #[error("writing the workbook failed")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// The data of a document could not be handed to its template.
    #[error("encoding the data of a document failed")]
    Encode(#[from] serde_json::Error),
    /// The text table could not be written.
    #[error("writing the text table failed")]
    Csv(#[from] csv::Error),
}

impl PapersError {
    /// The stable code by which the screens choose their text.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoFonts { .. } => "papers.no_fonts",
            Self::TooLarge { .. } => "papers.too_large",
            Self::Layout { .. } => "papers.layout",
            Self::Workbook(_) => "papers.workbook",
            Self::Encode(_) => "papers.encode",
            Self::Csv(_) => "papers.csv",
        }
    }
}

fn list(dirs: &[PathBuf]) -> String {
    if dirs.is_empty() {
        return "no directory at all".to_owned();
    }
    let shown: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    shown.join(", ")
}
