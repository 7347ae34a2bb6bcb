//! What whoever doubts wants to see of a record's signatures: the same for the endpoint and for every device that verifies.

use serde::Serialize;

use super::{RecordState, Standing};
use crate::{event::Place, ids::PersonId};

/// What is to be seen of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// Its digest is not that of what it covers.
    Digest,
    /// It covers entries that are not here, or were refused.
    Incomplete {
        /// How many of them are here at most.
        held: u64,
        /// How many it covers.
        count: u64,
    },
    /// It makes another version beside the one that was received first.
    Version {
        /// Whether that one counts now, by a person's decision.
        counts: bool,
        /// Whether whoever made it knew of the first signature.
        knew_of_first: bool,
        /// How many entries that had been received before it are left out.
        leaves_out: u64,
    },
}

/// A signature of which something is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubted {
    /// The entry of the signature.
    pub place: Place,
    /// Who recorded it.
    pub author: PersonId,
    /// What.
    pub doubt: Doubt,
}

impl RecordState {
    /// Signatures that do not fit, wait for what never came, or rewrite what was signed before.
    pub fn doubts(&self) -> Vec<Doubted> {
        let signatures = self.signatures().iter().filter_map(|signed| {
            let version = self
                .versions()
                .iter()
                .find(|one| Some(one.set) == signed.version);
            let doubt = match signed.standing {
                Standing::Incomplete { held, count } => Doubt::Incomplete { held, count },
                _ if version.is_some_and(|one| one.digest != signed.signature.digest) => {
                    Doubt::Digest
                }
                _ => return None,
            };
            let order = signed.trace.order;
            Some(Doubted {
                place: Place(order.device, order.seq, signed.trace.entry),
                author: signed.trace.author,
                doubt,
            })
        });
        let versions = self.versions().iter().skip(1).map(|version| Doubted {
            place: version.first.0,
            author: version.first.1.author,
            doubt: Doubt::Version {
                counts: version.counts,
                knew_of_first: version.knew_of_first,
                leaves_out: version.leaves_out.values().sum(),
            },
        });
        signatures.chain(versions).collect()
    }
}
