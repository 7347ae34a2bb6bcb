//! What verifying names: what does not fit, and what is here as it came and contradicts something.

use std::fmt;

use serde::Serialize;
use shicha_domain::{DeviceId, PersonId, RecordId, bounds::Bounds, record::Doubt};

/// The most marks of one kind that are listed.
const MOST_LISTED: usize = 200;

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Entries that were looked at.
    pub entries: u64,
    /// Records that were folded again.
    pub records: u64,
    /// Signatures of people that were held against what they cover.
    pub signatures: u64,
    /// The first entry that does not fit; `None`: all fit.
    pub first_bad: Option<BadEntry>,
    /// What is here as it came, and contradicts something.
    pub marks: Vec<VerifyMark>,
    /// Marks beyond those, of kinds of which there are very many.
    pub marks_left_out: u64,
    /// Entries whose claimed time is from before their device was last in touch, without an end told then.
    pub unproved: u64,
}

/// An entry that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEntry {
    /// The device whose log it stands in.
    pub device: DeviceId,
    /// Its place there.
    pub seq: u64,
    /// Why.
    pub reason: Misfit,
}

/// Why an entry or its receipt does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfit {
    /// Its contents do not have the hash that names it.
    Contents,
    /// It does not name the entry before it.
    Chain,
    /// The entry before it is not here.
    Missing,
    /// It does not begin its log.
    Beginning,
    /// The own log breaks off before its end.
    End,
    /// It has a number, and stands under no receipt or under one that is not for it.
    Covered,
    /// It counts as accepted, and its receipt says that it was refused, or the other way round.
    Refused,
    /// A number before it in its channel is missing, or stands twice.
    Number,
    /// It is a signature, and its record is not kept as signed.
    Signed,
    /// Its receipt is not signed by the central endpoint.
    ReceiptSignature,
    /// Its receipt is for another entry.
    ReceiptHead,
    /// Its receipt is not later than the one before it.
    ReceiptOrder,
    /// Its receipt says that something was made after it was received.
    ReceiptBounds,
    /// Its receipt's earlier bound lies before a receipt that the log had named.
    ReceiptNamed,
}

impl Misfit {
    /// The word that the screens have a sentence for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contents => "contents",
            Self::Chain => "chain",
            Self::Missing => "missing",
            Self::Beginning => "beginning",
            Self::End => "end",
            Self::Covered => "covered",
            Self::Refused => "refused",
            Self::Number => "number",
            Self::Signed => "signed",
            Self::ReceiptSignature => "receipt_signature",
            Self::ReceiptHead => "receipt_head",
            Self::ReceiptOrder => "receipt_order",
            Self::ReceiptBounds => "receipt_bounds",
            Self::ReceiptNamed => "receipt_named",
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that is here as it came, and contradicts something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyMark {
    /// Receipts of more than one life of the endpoint are here: it was put back to a backup, or its clock was corrected.
    Lives {
        /// The latest life of which there are receipts.
        latest: u64,
    },
    /// The endpoint gives another past of a log than the one that is here.
    Contested {
        /// Whose log.
        device: DeviceId,
        /// From which place on.
        seq: u64,
    },
    /// Entries of a log were put aside: it had parted from what the endpoint holds, by a copy of a computer that was used as well.
    Aside {
        /// Whose log.
        device: DeviceId,
        /// The first place.
        seq: u64,
        /// How many.
        count: u64,
    },
    /// An entry's claimed time lies outside of its bounds.
    Contradicted {
        /// Whose log.
        device: DeviceId,
        /// Which entry.
        seq: u64,
        /// What it is about.
        record: RecordId,
        /// The time that it claims, Unix ms.
        claimed_ms: u64,
        /// Between which moments it was made.
        bounds: Bounds,
    },
    /// A signature that does not fit, waits for what never came, or rewrites what was signed before.
    Signature {
        /// The record.
        record: RecordId,
        /// Whose log it stands in.
        device: DeviceId,
        /// At which place.
        seq: u64,
        /// Who recorded it.
        author: PersonId,
        /// What is to be seen of it.
        doubt: Doubt,
    },
}

impl VerifyMark {
    /// The word that the screens have a sentence for.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Lives { .. } => "lives",
            Self::Contested { .. } => "contested",
            Self::Aside { .. } => "aside",
            Self::Contradicted {
                claimed_ms, bounds, ..
            } => {
                if *claimed_ms < bounds.since_ms {
                    "back_dated"
                } else {
                    "ahead"
                }
            }
            Self::Signature { doubt, .. } => match doubt {
                Doubt::Digest => "digest",
                Doubt::Incomplete { .. } => "incomplete",
                Doubt::Version { .. } => "version",
            },
        }
    }
}

impl VerifyReport {
    /// Lists a mark, unless there are very many of its kind.
    pub(super) fn mark(&mut self, mark: VerifyMark) {
        let kind = mark.kind();
        let of_kind = self.marks.iter().filter(|listed| listed.kind() == kind);
        if of_kind.count() < MOST_LISTED {
            self.marks.push(mark);
        } else {
            self.marks_left_out += 1;
        }
    }
}
