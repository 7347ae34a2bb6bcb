//! Where evidence lies: a folder, or `s3://BUCKET/PREFIX` with the settings that object stores are reached by.
//!
//! Address, region and keys of a bucket come from the variables `AWS_…` of the environment, as every S3 program reads them. Nothing
//! secret stands on a command line or is ever printed.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use super::{Bucket, Evidence, EvidenceError, Folder};

/// Where evidence lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder on this machine or on a network share.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    Bucket(BucketAddress),
}

/// A part of a bucket, and how it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketAddress {
    /// The bucket's name.
    pub bucket: String,
    /// What the names of all objects begin with; may be empty.
    pub prefix: String,
    /// `AWS_…` by name, as the environment gives them.
    pub settings: BTreeMap<String, String>,
}

/// What is wrong with the name of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LocationFault {
    /// Not a name that a bucket can have.
    #[error("s3://BUCKET/PREFIX: a bucket's name has 3 to 63 of a-z, 0-9, '-' and '.'")]
    Bucket,
    /// Not a prefix.
    #[error(
        "s3://BUCKET/PREFIX: a prefix is made of names of a-z, A-Z, 0-9, '-', '_' and '.' with '/' between them"
    )]
    Prefix,
}

impl Location {
    /// Whether it is a folder, which a backup copies.
    pub fn is_folder(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    /// Reads what was typed; a bucket takes its settings from `environment`.
    ///
    /// # Errors
    /// When it is `s3://` with a bucket or a prefix that cannot be.
    pub fn parse(
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, LocationFault> {
        let Some(address) = text.strip_prefix("s3://") else {
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        let (bucket, prefix) = address.split_once('/').unwrap_or((address, ""));
        let is_in = |c: char, more: &str| c.is_ascii_alphanumeric() || more.contains(c);
        if !(3..=63).contains(&bucket.len())
            || !bucket
                .chars()
                .all(|c| is_in(c, "-.") && !c.is_ascii_uppercase())
        {
            return Err(LocationFault::Bucket);
        }
        let prefix = prefix.trim_end_matches('/');
        let is_name = |name: &str| {
            !name.is_empty() && !matches!(name, "." | "..") && name.chars().all(|c| is_in(c, "-_."))
        };
        if !prefix.is_empty() && !prefix.split('/').all(is_name) {
            return Err(LocationFault::Prefix);
        }
        let settings = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with("AWS_"))
            .collect();
        Ok(Self::Bucket(BucketAddress {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            settings,
        }))
    }

    /// Opens it. A bucket is not asked for yet: the endpoint also starts while it is away.
    ///
    /// # Errors
    /// When the folder cannot be made, or the settings of the bucket are none.
    pub fn open(&self) -> Result<Box<dyn Evidence>, EvidenceError> {
        Ok(match self {
            Self::Folder(dir) => Box::new(Folder::open(dir)?),
            Self::Bucket(address) => Box::new(Bucket::open(address)?),
        })
    }
}

impl From<PathBuf> for Location {
    fn from(dir: PathBuf) -> Self {
        Self::Folder(dir)
    }
}

impl From<&Path> for Location {
    fn from(dir: &Path) -> Self {
        Self::Folder(dir.to_owned())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(dir) => dir.display().fmt(f),
            Self::Bucket(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for BucketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() {
            Ok(())
        } else {
            write!(f, "/{}", self.prefix)
        }
    }
}

impl fmt::Debug for BucketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: among the values are keys.
        write!(f, "{self} {:?}", self.settings.keys())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn environment() -> Vec<(String, String)> {
        [
            ("AWS_SECRET_ACCESS_KEY", "very secret"),
            ("AWS_ENDPOINT", "http://minio:9000"),
            ("HOME", "/home/shicha"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    #[test]
    fn a_path_is_a_folder_and_an_s3_address_a_bucket_with_its_settings() {
        let folder = Location::parse("/mnt/evidence", environment()).unwrap();
        assert_eq!(folder, Location::Folder(PathBuf::from("/mnt/evidence")));
        let Location::Bucket(bucket) =
            Location::parse("s3://shicha-evidence/city/a/", environment()).unwrap()
        else {
            panic!("an s3 address is a bucket");
        };
        assert_eq!(
            (bucket.bucket.as_str(), bucket.prefix.as_str()),
            ("shicha-evidence", "city/a")
        );
        assert_eq!(
            bucket.settings.keys().collect::<Vec<_>>(),
            ["AWS_ENDPOINT", "AWS_SECRET_ACCESS_KEY"]
        );
        assert_eq!(bucket.to_string(), "s3://shicha-evidence/city/a");
    }

    #[test]
    fn secrets_are_neither_taken_from_an_address_nor_printed() {
        for wrong in [
            "s3://",
            "s3://ab",
            "s3://key:secret@bucket",
            "s3://Bucket",
            "s3://bucket/../other",
            "s3://bucket/a//b",
            "s3://bucket/a?b",
        ] {
            assert!(Location::parse(wrong, environment()).is_err(), "{wrong}");
        }
        let location = Location::parse("s3://bucket", environment()).unwrap();
        assert!(!format!("{location:?} {location}").contains("very secret"));
    }
}
