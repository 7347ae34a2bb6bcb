//! A record's history: who did what when, with the bounds that no laptop clock can forge.

use shicha_domain::{
    DeviceId, EntryId,
    bounds::{Bounds, Claim},
};

dto! {
    /// Everything that was done to a record.
    pub struct History {
        /// In the record's order.
        pub rows: Vec<HistoryRow>,
    }

    /// One thing that was done.
    pub struct HistoryRow {
        /// The entry.
        pub entry: EntryId,
        /// Device.
        pub device: DeviceId,
        /// Name of the device, where known.
        pub device_label: String,
        /// Sequence number on that device.
        pub seq: u64,
        /// Who.
        pub author: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// Claimed time.
        pub at_ms: u64,
        /// Between which moments it was made; none where it was not received yet.
        pub bounds: Option<Bounds>,
        /// Claimed time against the bounds.
        pub claim: Claim,
        /// What: `opened`, `set`, `attached`, `detached`, `signed`, `number_voided`, `annulled`, `unknown`, `unreadable`.
        pub what: String,
        /// Field or place.
        pub field: String,
        /// Value as text.
        pub value: String,
        /// The value it replaced, as text.
        pub before: String,
        /// `waiting`, `delivered` or `refused`.
        pub delivery: String,
        /// Why it was refused.
        pub refused: Option<String>,
        /// Whether it came too late for the signature.
        pub is_late: bool,
        /// Whether it was written again, because its device's log had parted: a second copy of what may stand in another log too.
        pub is_again: bool,
    }
}
