//! The label: what stands on the outside of a package, readable by whoever carries it. No names of people.

use std::{fmt, io::Read};

use serde::{Deserialize, Serialize};
use shicha_domain::{DeviceId, suite::PublicKey};
use uuid::Uuid;

use super::{FORMAT, MAX_LABEL, PackageFault};

/// What every package begins with.
const MAGIC: &[u8; 15] = b"shicha-package\0";

/// Who sends or receives a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Party {
    /// The central endpoint.
    Endpoint {
        /// Its public key.
        key: PublicKey,
    },
    /// A device of the directory.
    Device {
        /// Which.
        device: DeviceId,
    },
    /// A computer that asks for a place in the directory.
    Newcomer {
        /// The public key that it made for itself.
        key: PublicKey,
    },
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { key } => write!(f, "endpoint {}", short(key)),
            Self::Device { device } => write!(f, "device {device}"),
            Self::Newcomer { key } => write!(f, "newcomer {}", short(key)),
        }
    }
}

/// The beginning of a key, enough to tell two apart.
fn short(key: &PublicKey) -> String {
    key.to_string().chars().take(18).collect()
}

/// What stands on the outside of a package. The sealed part proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Names the package.
    pub id: Uuid,
    /// Who made it.
    pub from: Party,
    /// Whom it is sealed for.
    pub to: Party,
    /// Key of the central endpoint that both belong to.
    pub endpoint: PublicKey,
    /// When it was made, Unix ms by the sender's clock.
    pub made_at_ms: u64,
    /// Version of the software that made it.
    pub software: String,
}

impl Label {
    /// The beginning of the file, up to the sealed part.
    pub(super) fn to_front(&self) -> Result<Vec<u8>, PackageFault> {
        let label = serde_json::to_vec(self)
            .ok()
            .filter(|label| label.len() <= MAX_LABEL)
            .ok_or_else(|| PackageFault::Malformed("a label that is too long".to_owned()))?;
        let mut front = Vec::with_capacity(MAGIC.len() + 8 + label.len());
        front.extend_from_slice(MAGIC);
        front.extend_from_slice(&FORMAT.to_be_bytes());
        front.extend_from_slice(&(label.len() as u32).to_be_bytes());
        front.extend_from_slice(&label);
        Ok(front)
    }

    /// Reads the beginning of the file, and returns it with what it says.
    pub(super) fn read_front(input: &mut impl Read) -> Result<(Self, Vec<u8>), PackageFault> {
        let mut front = Vec::with_capacity(MAX_LABEL);
        let mut more = |front: &mut Vec<u8>, bytes: usize| -> Result<usize, PackageFault> {
            let from = front.len();
            input.take(bytes as u64).read_to_end(front)?;
            Ok(front.len() - from)
        };
        more(&mut front, MAGIC.len())?;
        if front != MAGIC {
            // A package that was cut off in its first bytes is told from another kind of file.
            return Err(if !front.is_empty() && MAGIC.starts_with(&front) {
                PackageFault::Damaged("the file ends within its first bytes")
            } else {
                PackageFault::NotAPackage
            });
        }
        const CUT: PackageFault = PackageFault::Damaged("the file ends within its label");
        if more(&mut front, 8)? != 8 {
            return Err(CUT);
        }
        let number = |at: usize| {
            front
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(0, u32::from_be_bytes)
        };
        let (format, length) = (number(MAGIC.len()), number(MAGIC.len() + 4));
        if format > FORMAT {
            return Err(PackageFault::Newer {
                found: format,
                known: FORMAT,
            });
        }
        if format < FORMAT {
            return Err(PackageFault::Malformed("a format that never was".into()));
        }
        let length = length as usize;
        if length > MAX_LABEL {
            return Err(PackageFault::Damaged("its label is longer than any"));
        }
        let at = front.len();
        if more(&mut front, length)? != length {
            return Err(CUT);
        }
        let label = serde_json::from_slice(&front[at..])
            .map_err(|_| PackageFault::Damaged("its label cannot be read"))?;
        Ok((label, front))
    }
}

/// Reads the label alone: what a carrier may know. Nothing of it is proved.
///
/// # Errors
/// When it is no package, or one of a newer format.
pub fn read_label(mut input: impl Read) -> Result<Label, PackageFault> {
    Ok(Label::read_front(&mut input)?.0)
}
