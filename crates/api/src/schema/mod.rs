//! What crosses between the screens and the core: requests, responses and events.
//!
//! The TypeScript in `ui/src/bindings` is generated from these types. Times are Unix milliseconds, sizes are bytes, days are
//! `YYYY-MM-DD`. Nothing here is a database row.

macro_rules! dto {
    ($($item:item)*) => {
        $(
            #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, ts_rs::TS)]
            $item
        )*
    };
}

mod admin;
mod conflict;
mod desktop;
mod evidence;
mod finding;
mod history;
mod inspection;
mod nearby;
mod overview;
mod pack;
mod package;
mod setup;
mod subject;
mod sync;
mod update;
mod verify;
mod workbench;

pub use admin::*;
pub use conflict::*;
pub use desktop::*;
pub use evidence::*;
pub use finding::*;
pub use history::*;
pub use inspection::*;
pub use nearby::*;
pub use overview::*;
pub use pack::*;
pub use package::*;
pub use setup::*;
pub use subject::*;
pub use sync::*;
pub use update::*;
pub use verify::*;
pub use workbench::*;

use shicha_domain::{EntryId, RecordId};

dto! {
    /// Nothing to say.
    pub struct Empty {}

    /// Which stretch of a list is wanted.
    pub struct Window {
        /// How many rows to pass over.
        pub offset: u32,
        /// How many rows to give; at most 500.
        pub limit: u32,
    }

    /// One record is meant.
    pub struct RecordRef {
        /// The record.
        pub record: RecordId,
    }

    /// Where a record is: on this computer, delivered, or seen by others.
    pub struct Delivery {
        /// How far it got.
        pub place: DeliveryPlace,
        /// Entries that wait to be sent.
        pub waiting_entries: u32,
        /// Evidence files that wait to be sent.
        pub waiting_blobs: u32,
        /// Their bytes that are still to go.
        pub waiting_bytes: u64,
        /// When the central endpoint confirmed the newest of it.
        pub receipt_at_ms: Option<u64>,
        /// Entries that the central endpoint refused.
        pub refused: u32,
    }

    /// How far a record got.
    #[serde(rename_all = "snake_case")]
    pub enum DeliveryPlace {
        /// Saved on this computer, nothing of it delivered yet or something still to be.
        Here,
        /// All of it lies at the central endpoint, by its receipt.
        Delivered,
        /// Delivered, and fetched by somebody else's computer.
        Seen,
    }

    /// A file that a handler made, kept until it is saved or the application closes.
    pub struct FileOut {
        /// By which it is fetched (`fileUrl`) or saved (`file_save`).
        pub token: String,
        /// Suggested file name.
        pub name: String,
        /// Media type.
        pub mime: String,
        /// Length.
        pub size: u64,
    }

    /// Writes a made file to where the user chose.
    pub struct FileSave {
        /// Of the file.
        pub token: String,
        /// Absolute path.
        pub path: String,
    }

    /// Opens a made file with the program that the system has for it.
    pub struct FileOpen {
        /// Of the file.
        pub token: String,
    }

    /// A file that comes in.
    #[serde(rename_all = "snake_case", tag = "from")]
    pub enum FileSource {
        /// On this computer's disk, chosen or dropped by the user.
        Path {
            /// Absolute path.
            path: String,
        },
        /// Sent piece by piece with `upload_write`.
        Upload {
            /// Given by `upload_begin`.
            upload: String,
        },
    }

    /// Begins to send a file piece by piece.
    pub struct UploadBegin {
        /// File name.
        pub name: String,
    }

    /// An upload has begun.
    pub struct UploadBegun {
        /// Names the upload.
        pub upload: String,
    }

    /// A piece of an upload.
    pub struct UploadWrite {
        /// Which upload.
        pub upload: String,
        /// Where the piece belongs; must be the number of bytes sent so far.
        pub offset: u64,
        /// At most 1 MiB, in Base64 (RFC 4648).
        pub data: String,
    }

    /// Gives a field a value. Every edit on every screen is this call.
    pub struct FieldSet {
        /// The record.
        pub record: RecordId,
        /// The field, e.g. `answers/TI-1.1/result`.
        pub field: String,
        /// The value; `null` empties the field.
        #[ts(type = "unknown")]
        pub value: serde_json::Value,
        /// The entries whose values the screen showed, from `FieldView::heads`; left out: whatever stands there now.
        pub over: Option<Vec<EntryId>>,
    }

    /// Keeps text while it is typed: durable at once, an entry only when committed by `field_set`.
    pub struct DraftPut {
        /// The record.
        pub record: RecordId,
        /// The field.
        pub field: String,
        /// All of the text so far.
        pub text: String,
    }

    /// A change is durable.
    pub struct Saved {
        /// The entry that holds it; `None` where the value was already that, or it is a draft.
        pub entry: Option<EntryId>,
        /// When, by this computer's clock.
        pub at_ms: u64,
    }

    /// What the core tells the screens without being asked.
    #[serde(rename_all = "snake_case", tag = "kind")]
    pub enum HostEvent {
        /// Records changed: by this window or by sync.
        Changed {
            /// Which; empty when there are too many to name.
            records: Vec<RecordId>,
            /// `here` or `sync`.
            source: String,
        },
        /// The state of synchronisation changed.
        Sync {
            /// The new state.
            state: SyncStatus,
        },
        /// What goes on with laptops nearby changed.
        Nearby {
            /// The new state.
            view: NearbyView,
        },
        /// The administrator's order was carried out: nobody works here any more.
        Ordered {
            /// What was done.
            order: OrderView,
        },
        /// How far an update of the application is changed.
        Update {
            /// The new state.
            view: UpdateView,
        },
        /// What had waited for a network has been delivered, all of it.
        Delivered {
            /// Entries.
            entries: u64,
            /// Evidence files.
            blobs: u64,
        },
        /// Findings are due; told once a day.
        Due {
            /// Today.
            today: u32,
            /// Before today.
            overdue: u32,
        },
        /// A package file was opened from outside the window: `packages_opened` gives it.
        Opened {},
        /// A file is being taken in.
        Taking {
            /// The place it goes to.
            place: String,
            /// Its name.
            name: String,
            /// Bytes so far.
            done: u64,
            /// All bytes.
            total: u64,
        },
        /// A long task moved on.
        Progress {
            /// Which call.
            task: String,
            /// Steps so far.
            done: u64,
            /// All steps.
            total: u64,
        },
    }
}
