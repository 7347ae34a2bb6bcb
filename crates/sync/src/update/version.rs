//! Versions of the application: three numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The longest part of a version, in digits.
const DIGITS: usize = 6;

/// A version, `1.2.3`, in the order of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version([u32; 3]);

/// What is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version is three numbers, as in 1.2.3")]
pub struct NoVersion;

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for number in &mut numbers {
            let part = parts.next().ok_or(NoVersion)?;
            let is_number = !part.is_empty()
                && part.len() <= DIGITS
                && part.bytes().all(|byte| byte.is_ascii_digit())
                // One way to write each, because versions stand in names.
                && (part == "0" || !part.starts_with('0'));
            if !is_number {
                return Err(NoVersion);
            }
            *number = part.parse().map_err(|_| NoVersion)?;
        }
        if parts.next().is_some() {
            return Err(NoVersion);
        }
        Ok(Self(numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl TryFrom<String> for Version {
    type Error = NoVersion;

    fn try_from(text: String) -> Result<Self, NoVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl Version {
    /// The version of this program.
    ///
    /// # Errors
    /// When the manifest holds something else than three numbers.
    pub fn of_this_program() -> Result<Self, NoVersion> {
        env!("CARGO_PKG_VERSION").parse()
    }
}
