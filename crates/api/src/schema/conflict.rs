//! Conflicts: rival values side by side, until a person settles them.

use shicha_domain::{EntryId, RecordId, bounds::Claim, event::RecordKind};

dto! {
    /// All conflicts.
    pub struct ConflictsList {
        /// Newest first.
        pub conflicts: Vec<ConflictView>,
    }

    /// Two or more values of one field, made without knowing of each other.
    pub struct ConflictView {
        /// The record.
        pub record: RecordId,
        /// What it is.
        pub record_kind: Option<RecordKind>,
        /// Its title: name of the subject, number.
        pub title: String,
        /// The field.
        pub field: String,
        /// Checklist item, where it is about one.
        pub item: Option<String>,
        /// The question of that item.
        pub question: Option<String>,
        /// The values, the one that counts for now last.
        pub values: Vec<RivalValue>,
        /// Whether I may settle it.
        pub may_settle: bool,
    }

    /// One of the values.
    pub struct RivalValue {
        /// Its entry.
        pub entry: EntryId,
        /// The value.
        #[ts(type = "unknown")]
        pub value: serde_json::Value,
        /// Who wrote it.
        pub author: String,
        /// On which device.
        pub device_label: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// When, by that device's clock.
        pub at_ms: u64,
        /// That time against the bounds of the entry.
        pub claim: Claim,
    }

    /// Settles a conflict: `value` replaces all values named.
    pub struct ConflictSettle {
        /// The record.
        pub record: RecordId,
        /// The field.
        pub field: String,
        /// The value that shall count: one of them, or a new one.
        #[ts(type = "unknown")]
        pub value: serde_json::Value,
        /// All entries that the screen showed.
        pub over: Vec<EntryId>,
    }
}
