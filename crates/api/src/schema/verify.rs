//! Whether the whole ledger holds together, and what in it contradicts something.

use shicha_domain::{DeviceId, RecordId};

dto! {
    /// Whether the whole ledger holds together.
    pub struct VerifyView {
        /// Entries looked at.
        pub entries: u64,
        /// Records that were folded again.
        pub records: u64,
        /// Signatures that were held against what they cover.
        pub signatures: u64,
        /// The first entry that does not fit; `None`: all fit.
        pub first_bad: Option<BadEntryView>,
        /// What is here as it came, and contradicts something.
        pub marks: Vec<VerifyMarkView>,
        /// Marks beyond those.
        pub marks_left_out: u64,
        /// Entries whose claimed time is not proved.
        pub unproved: u64,
    }

    /// An entry that does not fit.
    pub struct BadEntryView {
        /// Device.
        pub device: DeviceId,
        /// Sequence number.
        pub seq: u64,
        /// Why: `contents`, `chain`, `missing`, `beginning`, `end`, `covered`, `refused`, `number`, `signed`, `receipt_signature`,
        /// `receipt_head`, `receipt_order`, `receipt_bounds` or `receipt_named`.
        pub reason: String,
    }

    /// Something that is here as it came, and contradicts something.
    pub struct VerifyMarkView {
        /// What: `lives`, `contested`, `aside`, `back_dated`, `ahead`, `digest`, `incomplete` or `version`.
        pub kind: String,
        /// In whose log; of `lives` nobody's.
        pub device: Option<DeviceId>,
        /// Name of the device, where known.
        pub device_label: String,
        /// Which entry, or from which on; of `lives`, which life.
        pub seq: u64,
        /// The record.
        pub record: Option<RecordId>,
        /// Who recorded the signature.
        pub author: String,
        /// The time that the entry claims.
        pub claimed_ms: Option<u64>,
        /// Not before this it was made.
        pub since_ms: Option<u64>,
        /// Not after this it was made.
        pub received_ms: Option<u64>,
        /// Of how many entries: those put aside, covered by the signature, or left out by the version.
        pub count: u64,
        /// How many of the covered entries are here at most.
        pub held: u64,
        /// Whether the version counts, by a person's decision.
        pub counts: bool,
        /// Whether whoever made it knew of the first signature.
        pub knew_of_first: bool,
    }
}
