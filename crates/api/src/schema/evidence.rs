//! Evidence: adding, showing, taking out.

use shicha_domain::{BlobHash, EntryId, RecordId};

use super::FileSource;

dto! {
    /// A piece of evidence.
    pub struct EvidenceView {
        /// Names it.
        pub attachment: EntryId,
        /// Where it lies, e.g. `answers/TI-1.1`.
        pub place: String,
        /// Hash of the original bytes (SHA-256).
        pub blob: BlobHash,
        /// File name.
        pub name: String,
        /// Media type.
        pub mime: String,
        /// Bytes.
        pub size: u64,
        /// `camera`, `file`, `paste`, `drop` or `drawn`.
        pub source: String,
        /// When the picture says it was taken.
        pub taken_at_ms: Option<u64>,
        /// Latitude in degrees.
        pub latitude: Option<f64>,
        /// Longitude in degrees.
        pub longitude: Option<f64>,
        /// Camera.
        pub camera: Option<String>,
        /// The original that this is an annotated copy of.
        pub derived_from: Option<EntryId>,
        /// Who added it.
        pub author: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// When, by that device's clock.
        pub at_ms: u64,
        /// Why it was taken out; `None`: it lies there.
        pub removed: Option<String>,
        /// Whether the original is on this computer.
        pub is_here: bool,
        /// Whether the central endpoint has the original.
        pub is_delivered: bool,
    }

    /// Adds evidence, several files at once.
    pub struct EvidenceAdd {
        /// The record.
        pub record: RecordId,
        /// Where, e.g. `answers/TI-1.1`.
        pub place: String,
        /// The files.
        pub files: Vec<EvidenceFile>,
    }

    /// A file to add.
    pub struct EvidenceFile {
        /// Where it comes from.
        pub source: FileSource,
        /// `camera`, `file`, `paste`, `drop` or `drawn`.
        pub origin: String,
        /// The original, if it is an annotated copy.
        pub derived_from: Option<EntryId>,
    }

    /// What became of each file, in the order given.
    pub struct EvidenceAdded {
        /// One for each.
        pub results: Vec<EvidenceResult>,
    }

    /// What became of a file.
    pub struct EvidenceResult {
        /// File name.
        pub name: String,
        /// The evidence, if it was taken.
        pub evidence: Option<EvidenceView>,
        /// Why it was not.
        pub error: Option<crate::error::ApiError>,
    }

    /// Takes a piece of evidence out; the original stays in the ledger.
    pub struct EvidenceRemove {
        /// The record.
        pub record: RecordId,
        /// The evidence.
        pub attachment: EntryId,
        /// Why.
        pub reason: String,
    }
}
