//! Subjects 检查对象: the list, one of them, import and export.

use shicha_domain::{OrgCode, RecordId};

use super::{Delivery, FieldView, FileSource, FindingRow, InspectionRow, Window};
use std::collections::BTreeMap;

dto! {
    /// Which subjects are wanted.
    #[derive(Default)]
    pub struct SubjectFilter {
        /// Part of a name, credit code, address, or pinyin initials.
        pub query: Option<String>,
        /// `training_institution`, `exam_institution` or `enterprise`.
        pub kind: Option<String>,
        /// Region code.
        pub region: Option<String>,
        /// Bureau.
        pub org: Option<OrgCode>,
    }

    /// Asks for a stretch of the list.
    pub struct SubjectsList {
        /// Which.
        pub filter: SubjectFilter,
        /// `name`, `region`, `kind`, `last_inspected`, `open_findings`.
        pub sort: String,
        /// From the end.
        pub descending: bool,
        /// Which stretch.
        pub window: Window,
    }

    /// A stretch of the list.
    pub struct SubjectsPage {
        /// How many match.
        pub total: u32,
        /// The rows asked for.
        pub rows: Vec<SubjectRow>,
    }

    /// A subject in a list.
    pub struct SubjectRow {
        /// The record.
        pub record: RecordId,
        /// 单位名称.
        pub name: String,
        /// 统一社会信用代码.
        pub credit_code: String,
        /// Kind.
        pub kind: String,
        /// Region code.
        pub region: String,
        /// Address.
        pub address: String,
        /// 法定代表人（主要负责人）.
        pub legal_representative: String,
        /// Telephone.
        pub phone: String,
        /// Bureau that keeps it.
        pub org: OrgCode,
        /// When it was last inspected.
        pub last_inspected_ms: Option<u64>,
        /// Findings that are not verified.
        pub open_findings: u32,
        /// Sample data.
        pub is_sample: bool,
    }

    /// A subject with all that is known of it.
    pub struct SubjectView {
        /// The record.
        pub record: RecordId,
        /// Its fields by name.
        pub fields: BTreeMap<String, FieldView>,
        /// Text that was typed and is not committed yet, by field.
        pub drafts: BTreeMap<String, String>,
        /// Bureau that keeps it.
        pub org: OrgCode,
        /// Inspections, newest first.
        pub inspections: Vec<InspectionRow>,
        /// Findings, newest first.
        pub findings: Vec<FindingRow>,
        /// Where the record is.
        pub delivery: Delivery,
        /// Whether I may change it.
        pub may_edit: bool,
        /// Conflicts in it.
        pub conflicts: u32,
    }

    /// Adds a subject.
    pub struct SubjectAdd {
        /// Values by field name; `name` and `subject_kind` must be there.
        pub fields: BTreeMap<String, String>,
    }

    /// Opens a roster.
    pub struct RosterOpen {
        /// The file.
        pub source: FileSource,
    }

    /// A roster that was opened.
    pub struct RosterView {
        /// Names it in the calls that follow.
        pub roster: String,
        /// File name.
        pub file_name: String,
        /// Sheets that have rows.
        pub sheets: Vec<RosterSheet>,
        /// What is to be known, e.g. that a macro was not run; text keys.
        pub notes: Vec<String>,
    }

    /// A sheet of a roster.
    pub struct RosterSheet {
        /// Name.
        pub name: String,
        /// Column headers.
        pub columns: Vec<String>,
        /// How many rows.
        pub rows: u32,
        /// The first rows.
        pub sample: Vec<Vec<String>>,
        /// Column of each field that could be guessed.
        pub mapping: BTreeMap<String, u32>,
    }

    /// Which columns of which sheet to take.
    pub struct RosterMapping {
        /// The roster.
        pub roster: String,
        /// The sheet.
        pub sheet: String,
        /// Column of each field.
        pub mapping: BTreeMap<String, u32>,
        /// Kind for rows without one.
        pub default_kind: Option<String>,
        /// Region for rows without one.
        pub default_region: Option<String>,
    }

    /// What an import would do.
    pub struct RosterPreview {
        /// Rows in the sheet.
        pub rows: u32,
        /// Rows that can be taken.
        pub good: u32,
        /// Rows that cannot.
        pub bad: u32,
        /// Rows that repeat another or one that is there already.
        pub duplicates: u32,
        /// Rows with a problem first, at most 500.
        pub sample: Vec<RosterRow>,
    }

    /// A row of a roster.
    pub struct RosterRow {
        /// Row number as the spreadsheet shows it.
        pub number: u32,
        /// Values by field.
        pub values: BTreeMap<String, String>,
        /// What is wrong with it; empty: it can be taken.
        pub problems: Vec<RosterProblem>,
        /// Whether it will be taken.
        pub is_taken: bool,
    }

    /// What is wrong with a row.
    pub struct RosterProblem {
        /// Text key, e.g. `credit_code_checksum`.
        pub code: String,
        /// Field it is about.
        pub field: String,
        /// What it refers to, e.g. the other row's number.
        pub detail: String,
    }

    /// What an import did.
    pub struct RosterReport {
        /// Rows taken.
        pub taken: u32,
        /// Rows left out, with the reason, at most 500.
        pub left: Vec<RosterRow>,
        /// How many rows were left out.
        pub left_total: u32,
    }

    /// Exports what a filter gives.
    pub struct SubjectsExport {
        /// Which.
        pub filter: SubjectFilter,
        /// `xlsx` or `csv`.
        pub format: String,
    }
}
