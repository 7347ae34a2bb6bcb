//! Checklists: what to check, on which legal basis, with which evidence, and in which words.

use super::super::Date;
use super::super::ids::{
    ChecklistId, EvidenceCodeId, ItemId, LawId, OneOrMore, PenaltyId, RuleId, SectionId, TraitId,
};
use super::super::shape::{choice, record};
use super::{Certainty, Label};

choice! {
    /// Who is inspected (检查对象类别).
    pub enum SubjectKind {
        /// 安全培训机构.
        TrainingInstitution = "training_institution",
        /// 考试机构.
        ExamInstitution = "exam_institution",
        /// 生产经营单位.
        Enterprise = "enterprise",
    }
}

choice! {
    /// What came of checking an item (检查结果).
    pub enum AnswerResult {
        /// 符合.
        Conforms = "conforms",
        /// 不符合.
        Nonconforming = "nonconforming",
        /// 不适用.
        NotApplicable = "not_applicable",
        /// 未检查.
        NotChecked = "not_checked",
        /// 待核实.
        ToVerify = "to_verify",
    }
}

choice! {
    /// What an answer cannot do without.
    pub enum AnswerNeed {
        /// A description of the problem.
        Description = "description",
        /// At least one piece of evidence.
        Evidence = "evidence",
        /// A reason.
        Reason = "reason",
    }
}

choice! {
    /// What can decide an item (能否由数据判定).
    pub enum JudgedBy {
        /// Imported data alone decides.
        Data = "data",
        /// Data gives a hint, a person decides.
        DataHint = "data_hint",
        /// Only a person on site or in an interview decides.
        Person = "person",
    }
}

choice! {
    /// What kind of text a basis comes from.
    pub enum LawKind {
        /// 法律.
        Law = "law",
        /// 行政法规.
        Regulation = "regulation",
        /// 部门规章.
        Rule = "rule",
        /// 标准.
        Standard = "standard",
        /// 规范性文件.
        Normative = "normative",
        /// 专项行动的通知、方案: says what to check, is no ground for a penalty.
        Notice = "notice",
        /// 参考材料（案例、外省规定）: for comparison only, never cited in a document.
        Reference = "reference",
    }
}

record! {
    /// A law, standard, notice or reference, under its abbreviation.
    pub struct Law in Laws {
        /// The abbreviation that bases refer to.
        pub id: LawId,
        /// Full title.
        pub title: String,
        /// Number of the document, where known.
        pub number: Option<String>,
        /// What kind of text it is.
        pub kind: LawKind,
        /// First day in force; left out where the exact day is not known.
        pub valid_from: Option<Date>,
        /// Last day in force; left out where it is in force or the day is not known.
        pub valid_to: Option<Date>,
        /// What is known about its validity beyond the days.
        pub validity_note: Option<String>,
        /// The law that took its place.
        pub replaced_by: Option<LawId>,
        /// How sure title and days are.
        pub certainty: Certainty,
        /// What was seen of the text, and what was not.
        pub certainty_note: Option<String>,
    }
}

record! {
    /// A penalty clause.
    pub struct Penalty in Penalties {
        /// Its code, e.g. `P-TI34`.
        pub id: PenaltyId,
        /// What it says.
        pub text: String,
        /// The law that it stands in, where it stands in one.
        pub law: Option<LawId>,
        /// First day in force, where it differs from its law.
        pub valid_from: Option<Date>,
        /// Last day in force, where it differs from its law.
        pub valid_to: Option<Date>,
        /// How sure it is.
        pub certainty: Certainty,
        /// What exactly is sure and what is not.
        pub certainty_note: Option<String>,
    }
}

record! {
    /// A kind of evidence.
    pub struct EvidenceCode in EvidenceCodes {
        /// Its sign, e.g. `照`.
        pub id: EvidenceCodeId,
        /// What it is.
        pub title: Label,
        /// How it is to be taken.
        pub note: Option<String>,
    }
}

record! {
    /// A trait of subjects.
    pub struct Trait in Traits {
        /// Which.
        pub id: TraitId,
        /// What it is called.
        pub title: Label,
        /// Whom it covers.
        pub definition: String,
    }
}

record! {
    /// One possible result of an answer.
    pub struct Answer {
        /// Which.
        pub id: AnswerResult,
        /// What it is called.
        pub title: Label,
        /// What it cannot do without.
        pub needs: Vec<AnswerNeed>,
    }
}

record! {
    /// What to check at one kind of subject.
    pub struct Checklist in Checklists {
        /// Which.
        pub id: ChecklistId,
        /// What it is called.
        pub title: Label,
        /// Whom it is for.
        pub subject_kind: SubjectKind,
        /// Its sections, in order.
        pub sections: OneOrMore<Section>,
    }
}

record! {
    /// A section of a checklist.
    pub struct Section in Sections {
        /// Which.
        pub id: SectionId,
        /// What it is called.
        pub title: Label,
        /// Where the source document asks for it.
        pub source_clause: String,
        /// It is asked only of subjects with all of these traits.
        pub applies_to: Vec<TraitId> = default,
        /// It is asked only when all of these hold.
        pub depends_on: Vec<Condition> = default,
        /// What to know about it.
        pub note: Option<String>,
        /// Its items, in order.
        pub items: OneOrMore<Item>,
    }
}

record! {
    /// Something is asked only when another item of the same checklist has one of these results.
    pub struct Condition {
        /// The other item.
        pub item: ItemId,
        /// Its results.
        pub results: OneOrMore<AnswerResult>,
    }
}

record! {
    /// A checkpoint (检查项).
    pub struct Item in Items {
        /// Which, e.g. `TI-1.1`; never used again for another question.
        pub id: ItemId,
        /// Whether the source document itself asks for it; otherwise it was added to be able to judge what it asks for.
        pub core: bool,
        /// The question, put so that yes means compliance.
        pub question: Label,
        /// How sure the facts and numbers in the question are.
        pub certainty: Certainty,
        /// It is asked from this day on only.
        pub valid_from: Option<Date>,
        /// It is asked up to this day only.
        pub valid_to: Option<Date>,
        /// It is asked only when all of these hold.
        pub depends_on: Vec<Condition> = default,
        /// The evidence that it wants.
        pub evidence: OneOrMore<EvidenceWanted>,
        /// What it rests on.
        pub bases: OneOrMore<Basis>,
        /// What not complying may cost.
        pub penalties: Vec<PenaltyRef>,
        /// What to know about the penalties.
        pub penalty_note: Option<String>,
        /// Suggested wording of the finding.
        pub finding: String,
        /// Suggested wording of the rectification.
        pub rectification: String,
        /// Suggested days to rectify, where they differ from the pack's.
        pub rectification_days: Option<u32>,
        /// What can decide it.
        pub judged_by: JudgedBy,
        /// What can be computed for it.
        pub data_check: Option<DataCheck>,
        /// What to know about it.
        pub note: Option<String>,
    }
}

record! {
    /// One piece of evidence that an item wants.
    pub struct EvidenceWanted {
        /// Of which kind.
        pub code: EvidenceCodeId,
        /// What exactly; left out where the kind says it all.
        pub text: Option<String>,
    }
}

record! {
    /// A legal basis of an item.
    pub struct Basis {
        /// The law.
        pub law: LawId,
        /// The clause, as it is cited.
        pub clause: String,
        /// How sure it is.
        pub certainty: Certainty,
        /// First day on which it can be a basis; left out where that is not known.
        pub valid_from: Option<Date>,
        /// Last day on which it can be a basis; left out where it still is, or that is not known.
        pub valid_to: Option<Date>,
        /// Where it was seen, or what it says.
        pub note: Option<String>,
    }
}

record! {
    /// A penalty that an item may lead to.
    pub struct PenaltyRef {
        /// The clause.
        pub penalty: PenaltyId,
        /// The part of the clause.
        pub part: Option<String>,
        /// When or on whom.
        pub note: Option<String>,
    }
}

record! {
    /// What can be computed for an item.
    pub struct DataCheck {
        /// What.
        pub text: String,
        /// Whether the result is certain; otherwise it is only a hint.
        pub is_deterministic: bool,
        /// The formality rules that bear on it.
        pub rules: Vec<RuleId>,
    }
}
