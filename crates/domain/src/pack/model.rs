//! The types of a campaign pack, as they stand in its file.
//!
//! Invariant: nothing here computes. What the parts mean together is in `queries`; what must hold between them is in `walk`
//! and `cross`. Chinese texts that end up in official documents have no translation; what only screens show has both.

mod campaign;
mod checklist;
mod formality;
mod papers;

pub use campaign::{
    FormerRegionCode, Obligation, ObligationKind, Phase, Region, RegionNature, Role, RollRule,
};
pub use checklist::{
    Answer, AnswerNeed, AnswerResult, Basis, Checklist, Condition, DataCheck, EvidenceCode,
    EvidenceWanted, Item, JudgedBy, Law, LawKind, Penalty, PenaltyRef, Section, SubjectKind, Trait,
};
pub use formality::{Formality, InnocentExplanation, Parameter, Rule};
pub use papers::{
    ClassArchive, ClassArchiveEntry, DocumentForm, DocumentKind, DocumentVariant, Documents,
    FormField, FormFieldKind, InspectionKind, InspectionKindId, LegalNote, Numbered, PageLayout,
    Question, QuestionBank, StatisticsColumn, StatisticsGroup, StatisticsTable,
};

use super::Date;
use super::ids::{Id, OneOrMore, Version};
use super::shape::{choice, record};

choice! {
    /// How sure a fact is; shown beside it wherever it is shown.
    pub enum Certainty {
        /// The original text was found (查到原文).
        Found = "F",
        /// Known, but the article number was not compared with the original (确知，条号未核对).
        Known = "K",
        /// Uncertain (不确定).
        Uncertain = "U",
    }
}

record! {
    /// A name in both languages of the screens.
    pub struct Label {
        /// Chinese.
        pub zh: String,
        /// English.
        pub en: String,
    }
}

record! {
    /// A campaign pack: everything that is particular to one campaign, as data.
    pub struct Pack {
        /// The format of this file; this program reads format 1.
        pub format: u32,
        /// The pack, e.g. `lyg-2021-training`.
        pub id: Id,
        /// Its version; a record names the version that it was filled with.
        pub version: Version,
        /// What the campaign is called.
        pub title: Label,
        /// The document that the campaign rests on.
        pub source: Source,
        /// First day of the campaign.
        pub valid_from: Date,
        /// Last day of the campaign.
        pub valid_to: Date,
        /// What a user of the pack should know, among it where the source contradicts itself.
        pub notes: Vec<Label>,
        /// Suggestions that a bureau may change.
        pub settings: Settings,
        /// Who reports and who receives.
        pub roles: Vec<Role>,
        /// The regions and functional areas of the campaign.
        pub regions: Vec<Region>,
        /// Codes that older identity numbers and files still use.
        pub former_region_codes: Vec<FormerRegionCode>,
        /// Dated phases, in order.
        pub phases: OneOrMore<Phase>,
        /// Who owes what by when.
        pub obligations: Vec<Obligation>,
        /// Laws, standards and notices, by abbreviation.
        pub laws: OneOrMore<Law>,
        /// Penalty clauses.
        pub penalties: Vec<Penalty>,
        /// Kinds of evidence.
        pub evidence_codes: OneOrMore<EvidenceCode>,
        /// Traits of subjects that decide whether a section applies.
        pub traits: Vec<Trait>,
        /// The results that an answer may have.
        pub answers: OneOrMore<Answer>,
        /// The kinds of inspection.
        pub inspection_kinds: OneOrMore<InspectionKind>,
        /// What to check, one list for each kind of subject.
        pub checklists: OneOrMore<Checklist>,
        /// What the file that is kept for each class should hold.
        pub class_archive: ClassArchive,
        /// Kinds of documents, their numbers and forms.
        pub documents: Documents,
        /// The columns of the statistics that go up.
        pub statistics: StatisticsTable,
        /// Questions for spot exams.
        pub question_bank: QuestionBank,
        /// Signs of going through the motions, and their thresholds.
        pub formality: Formality,
    }
}

record! {
    /// The document that a campaign rests on.
    pub struct Source {
        /// Its title.
        pub title: Label,
        /// Who issued it.
        pub issuer: String,
        /// Day of issue.
        pub date: Date,
        /// Its number, where known.
        pub number: Option<String>,
        /// What kind of document it is, and what it may be used for.
        pub nature: Label,
        /// How sure this is.
        pub certainty: Certainty,
    }
}

record! {
    /// Suggestions that a bureau may change.
    pub struct Settings {
        /// Days to rectify a finding, unless its item says otherwise.
        pub rectification_days: Setting,
        /// The least people to take into a spot exam on site.
        pub spot_exam_min_people: Setting,
        /// The least share of the people to take into a spot exam, in percent; the larger of both counts.
        pub spot_exam_min_percent: Setting,
    }
}

record! {
    /// One number that a bureau may change.
    pub struct Setting {
        /// The number to begin with.
        pub value: u32,
        /// How sure it is.
        pub certainty: Certainty,
        /// Where it comes from.
        pub note: Label,
    }
}
