//! Campaign packs as the screens need them: a checklist with everything one click away.

use std::collections::BTreeMap;

use shicha_domain::{BlobHash, OrgCode};

dto! {
    /// The packs at hand.
    pub struct PacksList {
        /// Those that count first, the highest bureau's before those of bureaus below it.
        pub packs: Vec<PackRow>,
    }

    /// A pack.
    pub struct PackRow {
        /// Its id.
        pub id: String,
        /// Its version.
        pub version: String,
        /// Hash of its bytes, by which records name it.
        pub hash: BlobHash,
        /// Title.
        pub title: String,
        /// The bureau that published it.
        pub org: OrgCode,
        /// Its name.
        pub org_name: String,
        /// `counts`: new inspections are begun with it; `earlier`: a higher version counts; `coming`: it has not arrived whole; `below`: a
        /// bureau above publishes the same id; `not_received`: the central endpoint has not confirmed it; `elsewhere`: another bureau's.
        pub standing: String,
        /// Of `below`: what the bureau above is called.
        pub above: Option<String>,
        /// When the central endpoint received it, Unix ms.
        pub received_ms: Option<u64>,
        /// Phases.
        pub phases: Vec<PhaseView>,
        /// Checklists: id, title, kind of subject.
        pub checklists: Vec<ChecklistRow>,
        /// Whether its contents have arrived.
        pub is_here: bool,
    }

    /// A phase.
    pub struct PhaseView {
        /// Id.
        pub id: String,
        /// Title.
        pub title: String,
        /// First day.
        pub from: String,
        /// Last day.
        pub to: String,
        /// How certain its days are: `F`, `K` or `U`.
        pub certainty: String,
        /// What is not certain about them.
        pub note: String,
    }

    /// A checklist in a list.
    pub struct ChecklistRow {
        /// Id.
        pub id: String,
        /// Title.
        pub title: String,
        /// Kind of subject it is for.
        pub subject_kind: String,
        /// How many items.
        pub items: u32,
    }

    /// Asks for a checklist.
    pub struct ChecklistGet {
        /// Pack.
        pub pack: String,
        /// Its version.
        pub version: String,
        /// The hash of its bytes; without one no pack answers, because another of that name and version may say something else.
        pub hash: Option<BlobHash>,
        /// Checklist.
        pub checklist: String,
        /// The day whose law counts.
        pub day: String,
    }

    /// A checklist.
    pub struct ChecklistView {
        /// Pack.
        pub pack: String,
        /// Its version.
        pub version: String,
        /// Title of the pack.
        pub pack_title: String,
        /// Id.
        pub id: String,
        /// Title.
        pub title: String,
        /// Sections in order.
        pub sections: Vec<SectionView>,
        /// What the evidence codes mean: code → words.
        pub evidence_codes: BTreeMap<String, String>,
    }

    /// A section.
    pub struct SectionView {
        /// Id.
        pub id: String,
        /// Title.
        pub title: String,
        /// Traits that a subject must have for it to be asked, in words.
        pub applies_to: Vec<String>,
        /// What to know about it.
        pub note: String,
        /// Items in order.
        pub items: Vec<ItemView>,
    }

    /// Something is asked only when another item has one of these results.
    pub struct ConditionView {
        /// The other item.
        pub item: String,
        /// Its results.
        pub results: Vec<String>,
    }

    /// An item.
    pub struct ItemView {
        /// Id, e.g. TI-1.1.
        pub id: String,
        /// Whether it stands in the notice itself.
        pub is_core: bool,
        /// The question; yes means compliant.
        pub question: String,
        /// Codes of the evidence it wants.
        pub evidence_codes: Vec<String>,
        /// The evidence it wants, in words.
        pub evidence: String,
        /// Legal bases.
        pub bases: Vec<BasisView>,
        /// Penalty clauses.
        pub penalties: Vec<PenaltyView>,
        /// Suggested wording of the finding.
        pub finding: String,
        /// Suggested wording of the rectification.
        pub measure: String,
        /// Suggested basis: what may be cited and is in force on the day asked for.
        pub basis: String,
        /// Suggested penalty clauses.
        pub penalty: String,
        /// Suggested days for the rectification.
        pub days: u32,
        /// What data could be checked against.
        pub data_check: String,
        /// It is asked only when all of these hold, its section's among them.
        pub depends_on: Vec<ConditionView>,
        /// What to know about it.
        pub note: String,
        /// What to know about the penalties.
        pub penalty_note: String,
        /// `F`, `K` or `U`.
        pub certainty: String,
    }

    /// A legal basis.
    pub struct BasisView {
        /// Law, article and clause, as they are cited.
        pub citation: String,
        /// Whether it may stand in a document; a notice or a reference may not.
        pub is_citable: bool,
        /// `F`, `K` or `U`.
        pub certainty: String,
        /// First day in force, if known.
        pub valid_from: Option<String>,
        /// Last day in force, if any.
        pub valid_to: Option<String>,
        /// Whether it was in force on the day asked for.
        pub is_in_force: bool,
    }

    /// A penalty clause.
    pub struct PenaltyView {
        /// Code, e.g. P-TI34.
        pub code: String,
        /// Text.
        pub text: String,
        /// Which part of it applies, e.g. (一).
        pub part: String,
        /// How sure it is, in words.
        pub certainty: String,
    }
}
