//! What is kept as it came and contradicts something: nothing that anybody has to repair, but whoever doubts wants to see it.

use std::{
    collections::HashMap,
    mem::{Discriminant, discriminant},
};

use serde::Serialize;
use shicha_domain::{DeviceId, PersonId, RecordId, record::Doubt};

use super::Verification;

/// The most marks of one kind that are listed.
const MOST_LISTED: u64 = 1_000;

/// Something that is kept as it came, and contradicts something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum VerifyMark {
    /// The endpoint began another life: it was put back to a backup, or its clock was corrected.
    Life {
        /// Which, counted from 1.
        life: u64,
        /// When, Unix ms.
        began_at_ms: u64,
    },
    /// A device's entries name receipts that are not here: this endpoint was put back to an older copy, or the device made them up.
    UnknownReceipt {
        /// Which device.
        device: DeviceId,
        /// The first entry that names one.
        seq: u64,
        /// How many names that are.
        count: u64,
    },
    /// An identity goes on with the log of another one: a laptop was installed anew or put back to an older copy.
    Continued {
        /// The identity.
        device: DeviceId,
        /// The one that it goes on with.
        of: DeviceId,
    },
    /// An entry's claimed time lies outside of its bounds.
    Contradicted {
        /// Whose ledger.
        device: DeviceId,
        /// Which entry.
        seq: u64,
        /// What it is about.
        record: RecordId,
        /// The time that it claims, Unix ms.
        claimed_ms: u64,
        /// Not before this it was made, Unix ms.
        since_ms: u64,
        /// When it was received, Unix ms.
        received_ms: u64,
    },
    /// A signature that does not fit, waits for what never came, or rewrites what was signed before.
    Signature {
        /// The record.
        record: RecordId,
        /// Whose ledger it stands in.
        device: DeviceId,
        /// At which place.
        seq: u64,
        /// Who recorded it.
        author: PersonId,
        /// What is to be seen of it.
        #[serde(flatten)]
        doubt: Doubt,
    },
}

/// How many marks of each kind there were.
#[derive(Debug, Default)]
pub(super) struct Listed(HashMap<Kind, u64>);

/// The kind of a mark; of signatures, what is to be seen of them.
type Kind = (Discriminant<VerifyMark>, Option<Discriminant<Doubt>>);

impl Verification {
    /// Lists a mark, unless there are very many of its kind.
    pub(super) fn mark(&mut self, mark: VerifyMark) {
        let doubt = match &mark {
            VerifyMark::Signature { doubt, .. } => Some(discriminant(doubt)),
            _ => None,
        };
        let kind = (discriminant(&mark), doubt);
        let listed = self.listed.0.entry(kind).or_default();
        *listed += 1;
        if *listed <= MOST_LISTED {
            self.marks.push(mark);
        } else {
            self.marks_left_out += 1;
        }
    }
}
