//! Why a roster cannot be read. English, for the log; a person sees the text for the code.

/// An error met while reading a roster.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// No bytes, or no cell with content.
    #[error("the file has no content")]
    Empty,
    /// Beyond what is read.
    #[error("too many {what}: at most {limit}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The most that is read.
        limit: u64,
    },
    /// Protected by a password.
    #[error("the file is encrypted")]
    Encrypted,
    /// A known format, but damaged or cut off.
    #[error("the file is damaged: {detail}")]
    Damaged {
        /// What did not fit.
        detail: String,
        /// The error below, where there is one.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Something else than its name says, or a format that is not read.
    #[error("not a roster: the file is {found}")]
    OtherFormat {
        /// What the file is, in one word: html, ods, docx, pdf, …
        found: &'static str,
    },
    /// Text that is neither UTF-8 nor UTF-16 nor GB 18030.
    #[error("the text is in no known encoding")]
    UnknownEncoding,
}

impl RosterError {
    /// The stable code by which the screens choose their text.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "roster.empty",
            Self::TooLarge { .. } => "roster.too_large",
            Self::Encrypted => "roster.encrypted",
            Self::Damaged { .. } => "roster.damaged",
            Self::OtherFormat { .. } => "roster.other_format",
            Self::UnknownEncoding => "roster.unknown_encoding",
        }
    }

    pub(super) fn damaged(detail: impl Into<String>) -> Self {
        Self::Damaged {
            detail: detail.into(),
            source: None,
        }
    }

    pub(super) fn damaged_by(
        detail: &str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Damaged {
            detail: detail.to_owned(),
            source: Some(Box::new(source)),
        }
    }
}
