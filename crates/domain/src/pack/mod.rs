//! Campaign packs (模板包): checklists, deadlines and legal bases as data.
//!
//! A pack is one JSON file. [`check`] lists everything that is wrong with one, with line and reason; [`Pack::parse`] gives a
//! pack only when nothing is. So whoever holds a [`Pack`] may rely on this: every reference in it leads somewhere, nothing
//! depends on itself, and all dates exist and lie in order. Reading files, publishing and showing packs is done elsewhere.

mod changes;
mod cross;
mod cursor;
mod date;
mod fault;
mod graph;
mod ids;
mod model;
mod queries;
mod scan;
mod schema;
mod shape;
mod standing;
#[cfg(test)]
mod tests;
mod walk;

pub use changes::{Change, ChangeKind, Part, changes};
pub use date::{Date, DateFault, Weekday};
pub use fault::{Fault, FaultCode};
pub use ids::{
    ChecklistId, ColumnId, DocumentKindId, EvidenceCodeId, FormId, Id, ItemId, LawId, NumberFormat,
    ObligationId, OneOrMore, PenaltyId, PhaseId, QuestionId, RegionCode, RegionId, RoleId, RuleId,
    SectionId, TraitId, Version,
};
pub use model::*;
pub use queries::{BasisOfItem, PenaltyOfItem, Place};
pub use scan::{MAX_BYTES, MAX_DEPTH, MAX_VALUES};
pub use schema::schema;
pub use standing::{PackStanding, Published, standings, version_numbers};

use cursor::{At, Report};
use shape::Shaped;

/// The format of packs that this program reads.
pub const FORMAT: u32 = 1;

/// Lists what is wrong with a pack, in the order of the file; nothing when it may be published and used. Only a file that is
/// not JSON, or of another format, is not looked through to its end. At most 500 faults are listed.
#[must_use]
pub fn check(bytes: &[u8]) -> Vec<Fault> {
    Pack::parse(bytes).err().unwrap_or_default()
}

impl Pack {
    /// Reads a pack.
    ///
    /// # Errors
    /// What [`check`] lists; the list is never empty.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Fault>> {
        let tree = scan::scan(bytes).map_err(|fault| vec![fault])?;
        let root = At::root(&tree);
        let mut report = Report::new(bytes);
        if !cross::is_other_format(&root, &mut report) {
            walk::walk(&Self::SHAPE, &root, &mut report);
            cross::check(&root, &mut report);
        }
        let faults = report.into_faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        // The types are read by serde, the check above by the shape; were they ever to disagree, it is said and not passed over.
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            vec![Fault {
                line: error.inner().line().max(1),
                column: error.inner().column().max(1),
                path: error.path().to_string(),
                reason_zh: format!("无法读取：{}", error.inner()),
                reason_en: format!("cannot be read: {}", error.inner()),
                code: FaultCode::WrongType,
            }]
        })
    }
}
