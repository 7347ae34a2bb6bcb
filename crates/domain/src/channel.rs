//! Channels: the unit of authorisation, of ordering and of sharding. A record lives in exactly one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::{BadId, OrgCode};

/// Where a record lives, and so who reads and writes it (see [`crate::authority`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `pub/<org>`: packs and notices for everyone at or below the bureau.
    Pub(OrgCode),
    /// `own/<org>`: the bureau's own records, read by it and by those above it.
    Own(OrgCode),
    /// `inst/<org>/<institution>`: what passes between a bureau and one institution.
    Inst(OrgCode, OrgCode),
}

impl Channel {
    /// The bureau that the channel belongs to.
    pub fn org(&self) -> &OrgCode {
        match self {
            Self::Pub(org) | Self::Own(org) | Self::Inst(org, _) => org,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pub(org) => write!(f, "pub/{org}"),
            Self::Own(org) => write!(f, "own/{org}"),
            Self::Inst(org, institution) => write!(f, "inst/{org}/{institution}"),
        }
    }
}

impl FromStr for Channel {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let mut parts = text.split('/');
        let channel = match (parts.next(), parts.next(), parts.next()) {
            (Some("pub"), Some(org), None) => Self::Pub(org.parse()?),
            (Some("own"), Some(org), None) => Self::Own(org.parse()?),
            (Some("inst"), Some(org), Some(institution)) => {
                Self::Inst(org.parse()?, institution.parse()?)
            }
            _ => return Err(BadId { what: "Channel" }),
        };
        if parts.next().is_some() {
            Err(BadId { what: "Channel" })
        } else {
            Ok(channel)
        }
    }
}

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_channel_reads_back_as_it_was_written() {
        for text in ["pub/320700", "own/320703", "inst/320703/TI-01"] {
            assert_eq!(text.parse::<Channel>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "own",
            "own/",
            "own/a/b",
            "inst/a",
            "inst/a/b/c",
            "all/a",
            "own/../x",
        ] {
            assert!(bad.parse::<Channel>().is_err(), "{bad:?} must be refused");
        }
    }
}
