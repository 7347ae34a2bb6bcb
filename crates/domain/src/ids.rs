//! Identifiers: a newtype for each, so that a person is never passed where a device is meant.
//!
//! UUIDs are made by whoever does I/O (version 7, RFC 9562) and passed in. Hashes are SHA-256 (FIPS 180-4) and are written as
//! 64 lower-case hexadecimal digits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
pub struct BadId {
    /// The kind of identifier that was expected.
    pub what: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "uuid"))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::parse_str(text).map(Self).map_err(|_| BadId { what: stringify!($name) })
            }
        }
    };
}

uuid_id!(
    /// One installation that keeps a ledger of its own.
    DeviceId
);
uuid_id!(
    /// A person in the directory.
    PersonId
);
uuid_id!(
    /// One record: a subject, an inspection, a finding …
    RecordId
);

macro_rules! hash_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
        #[cfg_attr(
            feature = "openapi",
            derive(utoipa::ToSchema),
            schema(value_type = String, pattern = "^[0-9a-f]{64}$")
        )]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode(&self.0[..6]))
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let mut bytes = [0; 32];
                // Upper case would give one hash two spellings, and with them two hashes of whatever quotes it.
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(BadId { what: stringify!($name) });
                }
                hex::decode_to_slice(text, &mut bytes).map_err(|_| BadId { what: stringify!($name) })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

hash_id!(
    /// The hash of an entry: its name everywhere.
    EntryId
);
hash_id!(
    /// The hash of a server receipt's signed bytes.
    ReceiptId
);
hash_id!(
    /// The hash of an evidence file's original bytes.
    BlobHash
);
hash_id!(
    /// The hash of a record's content as it was shown when it was signed.
    Digest
);
hash_id!(
    /// The hash of the names of all entries that a signature covers: the name of the version that it makes.
    SetHash
);

impl EntryId {
    /// What stands as `prev` in a device's first entry.
    pub const NONE: Self = Self([0; 32]);
}

/// The code of an organisation: 1 to 32 of `0-9 A-Z a-z - _`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(value_type = String, pattern = "^[0-9A-Za-z_-]{1,32}$")
)]
#[serde(transparent)]
pub struct OrgCode(String);

impl OrgCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrgCode {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let fits = !text.is_empty()
            && text.len() <= 32
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadId { what: "OrgCode" })
        }
    }
}

impl<'de> Deserialize<'de> for OrgCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for OrgCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OrgCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrgCode({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_hash_has_exactly_one_spelling() {
        let id = EntryId([0xab; 32]);
        assert_eq!(id.to_string().parse::<EntryId>().unwrap(), id);
        assert!(
            id.to_string().to_uppercase().parse::<EntryId>().is_err(),
            "upper case is refused"
        );
        assert!("ab".parse::<EntryId>().is_err(), "a short hash is refused");
    }

    #[test]
    fn an_organisation_code_cannot_carry_a_path() {
        for bad in ["", "a/b", "..", "连云", &"9".repeat(33)] {
            assert!(bad.parse::<OrgCode>().is_err(), "{bad:?} must be refused");
        }
        assert!("320703".parse::<OrgCode>().is_ok());
    }
}
