//! What goes onto paper: inspection kinds, document kinds and forms, statistics, the class archive, the question bank.

use super::super::ids::{
    ChecklistId, ColumnId, DocumentKindId, FormId, Id, LawId, NumberFormat, OneOrMore, PhaseId,
    QuestionId,
};
use super::super::shape::{choice, record};
use super::{Certainty, Label};

choice! {
    /// How a visit is made (检查方式).
    pub enum InspectionKindId {
        /// 执法检查.
        Enforcement = "enforcement",
        /// 交叉互查.
        Cross = "cross",
        /// 自查.
        SelfCheck = "self",
        /// 复查.
        Reinspection = "reinspection",
    }
}

record! {
    /// A kind of inspection.
    pub struct InspectionKind {
        /// Which.
        pub id: InspectionKindId,
        /// What it is called.
        pub title: Label,
        /// The least inspectors with a certificate; 0 where the subject inspects itself.
        pub min_inspectors: u32,
        /// The phases in which the source foresees it; empty where it names none.
        pub phases: Vec<PhaseId>,
        /// How sure this is.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Option<String>,
    }
}

record! {
    /// Documents that are issued on paper.
    pub struct Documents {
        /// How their numbers are written.
        pub number_format: NumberFormat,
        /// What to know about numbers.
        pub number_note: Label,
        /// The kinds of documents.
        pub kinds: OneOrMore<DocumentKind>,
        /// Their forms, as far as the pack has them.
        pub forms: Vec<DocumentForm>,
        /// What to know about the forms.
        pub form_note: Label,
    }
}

choice! {
    /// Whether a kind of document bears a number.
    pub enum Numbered {
        /// By the number format, with its own word.
        Word = "word",
        /// Numbered, but its word is not known.
        WordUnknown = "word_unknown",
        /// A plain number of the bureau's own.
        Plain = "plain",
        /// None.
        No = "no",
    }
}

record! {
    /// A kind of document (文书种类).
    pub struct DocumentKind in DocumentKinds {
        /// Which.
        pub id: DocumentKindId,
        /// What it is called.
        pub title: Label,
        /// Whether it bears a number.
        pub numbered: Numbered,
        /// The word in its number, e.g. 应急检记.
        pub word: Option<String>,
        /// Copies, where known.
        pub copies: Option<u32>,
        /// Who gets the copies.
        pub copies_note: Option<String>,
        /// Whether it stays inside the bureau.
        pub is_internal: bool,
        /// One of these must be there before it.
        pub follows: Vec<DocumentKindId>,
        /// What towns and others without the power to punish use instead.
        pub variants: Vec<DocumentVariant> = default,
        /// How sure it is.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Option<String>,
    }
}

record! {
    /// Another form of a document.
    pub struct DocumentVariant {
        /// What it is called.
        pub title: String,
        /// The word in its number.
        pub word: String,
        /// Who uses it.
        pub note: String,
    }
}

record! {
    /// The form of a document: its fields in the order in which they stand on the page.
    pub struct DocumentForm in Forms {
        /// Which.
        pub id: FormId,
        /// The kind of document.
        pub document: DocumentKindId,
        /// The lines of its heading.
        pub heading: OneOrMore<String>,
        /// The page.
        pub page: PageLayout,
        /// Its fields.
        pub fields: OneOrMore<FormField>,
        /// What the law asks of it.
        pub legal_notes: Vec<LegalNote>,
        /// How sure the form is.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Option<String>,
    }
}

record! {
    /// A page and its type.
    pub struct PageLayout {
        /// Paper, e.g. `A4`.
        pub paper: Id,
        /// Upper margin in tenths of a millimetre.
        pub top_tenth_mm: u32,
        /// Lower margin in tenths of a millimetre.
        pub bottom_tenth_mm: u32,
        /// Left margin in tenths of a millimetre.
        pub left_tenth_mm: u32,
        /// Right margin in tenths of a millimetre.
        pub right_tenth_mm: u32,
        /// Typeface of the heading.
        pub heading_typeface: String,
        /// Size of the heading in points.
        pub heading_points: u32,
        /// Typeface of the text.
        pub body_typeface: String,
        /// Size of the text in points.
        pub body_points: u32,
    }
}

choice! {
    /// What stands in a field of a form.
    pub enum FormFieldKind {
        /// The document number.
        Number = "number",
        /// A text.
        Text = "text",
        /// From when to when, to the minute.
        TimeSpan = "time_span",
        /// A fixed sentence with blanks.
        Statement = "statement",
        /// What was found, point by point.
        Entries = "entries",
        /// One signature.
        Signature = "signature",
        /// Several signatures.
        Signatures = "signatures",
        /// A day.
        Date = "date",
        /// Page number and number of pages.
        Pages = "pages",
    }
}

record! {
    /// A field of a form.
    pub struct FormField {
        /// Which.
        pub id: Id,
        /// What stands before it.
        pub label: String,
        /// What stands in it.
        pub kind: FormFieldKind,
        /// Whether the document is incomplete without it.
        pub is_required: bool,
        /// The fixed sentence; `＿` marks a blank.
        pub text: Option<String>,
        /// The least number of entries or signatures.
        pub at_least: Option<u32>,
        /// What to know about it.
        pub note: Option<String>,
    }
}

record! {
    /// What a law asks of a document.
    pub struct LegalNote {
        /// What it asks.
        pub text: String,
        /// The law.
        pub law: LawId,
        /// The clause.
        pub clause: String,
        /// How sure it is.
        pub certainty: Certainty,
    }
}

record! {
    /// A table of statistics that goes up.
    pub struct StatisticsTable {
        /// What it is called.
        pub title: Label,
        /// How sure its columns are.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Label,
        /// What stands above the table.
        pub header: Vec<Label>,
        /// For which spans each figure is given.
        pub spans: OneOrMore<Label>,
        /// The columns, in groups.
        pub groups: Vec<StatisticsGroup>,
    }
}

record! {
    /// A group of statistics columns.
    pub struct StatisticsGroup {
        /// Which.
        pub id: Id,
        /// What it is called.
        pub title: Label,
        /// Where its columns were seen.
        pub evidence: String,
        /// Its columns.
        pub columns: OneOrMore<StatisticsColumn>,
    }
}

record! {
    /// A statistics column (统计列).
    pub struct StatisticsColumn in Columns {
        /// Which.
        pub id: ColumnId,
        /// What it is called.
        pub title: Label,
        /// What is counted, e.g. 家, 次, 起, 本; left out where the source names no unit.
        pub unit: Option<String>,
        /// The column of which it is a part.
        pub part_of: Option<ColumnId>,
        /// How sure it is.
        pub certainty: Certainty,
    }
}

record! {
    /// What the file that is kept for each class should hold (一班一档).
    pub struct ClassArchive {
        /// What it is called.
        pub title: Label,
        /// How sure the list is.
        pub certainty: Certainty,
        /// What to know about it.
        pub note: Label,
        /// Its parts.
        pub entries: Vec<ClassArchiveEntry>,
    }
}

record! {
    /// One part of the class archive.
    pub struct ClassArchiveEntry {
        /// Which.
        pub id: Id,
        /// What.
        pub text: String,
    }
}

record! {
    /// Questions for spot exams (抽查抽考).
    pub struct QuestionBank {
        /// What to know about it.
        pub note: Label,
        /// The questions; none where no bank was found.
        pub questions: Vec<Question>,
    }
}

record! {
    /// A question with options.
    pub struct Question in Questions {
        /// Which.
        pub id: QuestionId,
        /// The checklist whose subjects it is for.
        pub checklist: Option<ChecklistId>,
        /// What is asked.
        pub text: String,
        /// What may be answered.
        pub options: OneOrMore<String>,
        /// The right options, counted from 1.
        pub right: OneOrMore<u32>,
        /// Where it comes from.
        pub source: String,
        /// How sure it is.
        pub certainty: Certainty,
    }
}
