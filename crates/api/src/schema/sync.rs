//! Synchronisation as the screens show it.

dto! {
    /// What synchronisation does now.
    #[serde(rename_all = "snake_case")]
    pub enum SyncPhase {
        /// Nothing waits.
        Idle,
        /// Trying to reach the central endpoint.
        Connecting,
        /// Sending records.
        Pushing,
        /// Fetching records.
        Pulling,
        /// Sending evidence.
        Uploading,
        /// Fetching evidence.
        Downloading,
        /// The central endpoint cannot be reached.
        Offline,
        /// A person has to do something; see the error.
        NeedsAttention,
    }

    /// The state of synchronisation.
    pub struct SyncStatus {
        /// What it does now.
        pub phase: SyncPhase,
        /// Entries that wait.
        pub waiting_entries: u64,
        /// Evidence files that wait.
        pub waiting_blobs: u64,
        /// Their bytes still to go.
        pub waiting_bytes: u64,
        /// Evidence files still to fetch.
        pub wanted_blobs: u64,
        /// Speed now.
        pub bytes_per_s: u64,
        /// When the last round ended well.
        pub last_success_ms: Option<u64>,
        /// When the newest receipt was given.
        pub last_receipt_ms: Option<u64>,
        /// What went wrong last, until a round ends well.
        pub last_error: Option<crate::error::ApiError>,
        /// When it will be tried again.
        pub next_try_ms: Option<u64>,
    }

    /// What synchronisation did lately.
    pub struct SyncLog {
        /// Newest first.
        pub rows: Vec<SyncLogRow>,
        /// Entries that the central endpoint refused.
        pub refused: Vec<RefusedRow>,
        /// Logs of which the central endpoint gives another past than the one that is here, since it was restored from a backup.
        pub contested: Vec<ContestedRow>,
        /// Whether another computer works with a copy of this ledger.
        pub is_copied: bool,
        /// Signed records of which another version counts than before, because a restored central endpoint was brought an older receipt of
        /// its own.
        pub turned: Vec<TurnedRow>,
    }

    /// A signed record of which another version counts than before.
    pub struct TurnedRow {
        /// The record.
        pub record: shicha_domain::RecordId,
        /// What it is called.
        pub title: String,
    }

    /// A computer of whose entries the central endpoint gives others than those that are here.
    pub struct ContestedRow {
        /// Which, and the entry of the central endpoint at which it shows.
        pub place: ContestedPlace,
        /// What its user calls the computer.
        pub device_label: String,
        /// Whose it is.
        pub person_name: String,
        /// How many entries here would be put aside.
        pub entries: u64,
        /// When the first of them was written.
        pub first_ms: u64,
        /// When the last of them was written.
        pub last_ms: u64,
    }

    /// Names one of [`ContestedRow`], so that a decision counts for what was seen and nothing else.
    pub struct ContestedPlace {
        /// The computer.
        pub device: shicha_domain::DeviceId,
        /// The place in its log.
        pub seq: u64,
        /// What the central endpoint has there.
        pub entry: shicha_domain::EntryId,
    }

    /// One thing that it did.
    pub struct SyncLogRow {
        /// When.
        pub at_ms: u64,
        /// Text key, e.g. `pushed`.
        pub code: String,
        /// Values for the text.
        #[ts(type = "Record<string, unknown>")]
        pub params: serde_json::Value,
    }

    /// An entry that the central endpoint refused.
    pub struct RefusedRow {
        /// The record.
        pub record: shicha_domain::RecordId,
        /// What the record is called.
        pub title: String,
        /// Sequence number.
        pub seq: u64,
        /// Why, as a text key.
        pub code: String,
        /// What was done, as in [`HistoryRow`](super::HistoryRow).
        pub what: String,
        /// Field or place.
        pub field: String,
        /// Value as text.
        pub value: String,
        /// When.
        pub at_ms: u64,
    }
}
