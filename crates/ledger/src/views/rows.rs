//! What lists are asked by, and the rows that they give.
//!
//! A filter field that is `None` lets everything pass. Times are Unix milliseconds, days are `YYYY-MM-DD`.

use shicha_domain::{
    BlobHash, EntryId, OrgCode, PersonId, RecordId, RecordKind, inspection::Counts,
};

/// A stretch of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// How many rows match in all.
    pub total: u64,
    /// The rows asked for.
    pub rows: Vec<T>,
}

/// Which subjects are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectFilter {
    /// Parts of name, address, legal representative or contact, pinyin initials, or the start of a credit code.
    pub query: Option<String>,
    /// Kind of subject.
    pub kind: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Bureau that keeps it.
    pub org: Option<OrgCode>,
}

/// The orders of the subjects' list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectSort {
    /// By name, as pinyin.
    Name,
    /// By region.
    Region,
    /// By kind.
    Kind,
    /// By the begin of the last signed inspection, as far as its bounds allow; never inspected counts as earliest.
    LastInspected,
    /// By the number of findings that are not verified.
    OpenFindings,
}

/// A subject in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRow {
    /// The record.
    pub record: RecordId,
    /// 单位名称.
    pub name: String,
    /// 统一社会信用代码.
    pub credit_code: String,
    /// Kind.
    pub kind: String,
    /// Region.
    pub region: String,
    /// Address.
    pub address: String,
    /// 法定代表人（主要负责人）.
    pub legal_representative: String,
    /// Telephone.
    pub phone: String,
    /// Industry.
    pub industry: String,
    /// Bureau that keeps it.
    pub org: OrgCode,
    /// Sample data.
    pub is_sample: bool,
    /// Begin of the last inspection that somebody signed, as far as its bounds allow.
    pub last_inspected_ms: Option<u64>,
    /// Findings that are not verified.
    pub open_findings: u32,
}

/// Which inspections are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InspectionFilter {
    /// Parts of the subject's name, number, inspectors or recorded facts, pinyin initials, or the start of a credit code.
    pub query: Option<String>,
    /// Bureau that inspected.
    pub org: Option<OrgCode>,
    /// Region of the subject.
    pub region: Option<String>,
    /// Kind of subject.
    pub subject_kind: Option<String>,
    /// Kind of inspection.
    pub kind: Option<String>,
    /// Phase of the campaign.
    pub phase: Option<String>,
    /// Checklist.
    pub checklist: Option<String>,
    /// Those that answered this item.
    pub item: Option<String>,
    /// With this result; nothing without `item`.
    pub item_result: Option<String>,
    /// `with_findings` or `without_findings`.
    pub outcome: Option<String>,
    /// Begun not before, as far as the bounds allow.
    pub from_ms: Option<u64>,
    /// Begun before, as far as the bounds allow.
    pub to_ms: Option<u64>,
    /// `open`, `signing`, `signed` or `annulled`; `unsigned` is `open` or `signing`.
    pub stage: Option<String>,
    /// Those of which this person is an inspector, or which they opened.
    pub inspector: Option<PersonId>,
    /// Of this subject.
    pub subject: Option<RecordId>,
}

/// The orders of the inspections' list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InspectionSort {
    /// By the begin of the visit, as far as its bounds allow.
    Started,
    /// By the subject's name, as pinyin.
    Subject,
    /// By document number.
    Number,
    /// By how many items do not conform.
    Findings,
    /// By the newest change.
    Updated,
    /// By bureau.
    Org,
    /// By how far they are: open, signing, signed, annulled.
    Stage,
}

/// An inspection in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectionRow {
    /// The record.
    pub record: RecordId,
    /// Document number, the formal one where a provisional was replaced.
    pub number: String,
    /// The subject.
    pub subject: Option<RecordId>,
    /// Its name when the inspection was opened.
    pub subject_name: String,
    /// Its kind.
    pub subject_kind: String,
    /// Its region.
    pub region: String,
    /// Bureau that inspected.
    pub org: OrgCode,
    /// Kind of inspection.
    pub kind: String,
    /// Phase.
    pub phase: String,
    /// Checklist.
    pub checklist: String,
    /// Pack that it is filled with.
    pub pack: String,
    /// Version of that pack.
    pub pack_version: String,
    /// Hash of that pack's bytes; `None` where the record names none.
    pub pack_hash: Option<BlobHash>,
    /// Begin of the visit, as it was entered.
    pub started_ms: Option<u64>,
    /// End of the visit.
    pub ended_ms: Option<u64>,
    /// `open`, `signing`, `signed` or `annulled`.
    pub stage: String,
    /// Results so far.
    pub counts: Counts,
    /// Non-conforming answers.
    pub findings: u32,
    /// Names of the inspectors, joined by 、.
    pub inspectors: String,
    /// Who opened it.
    pub opened_by: Option<PersonId>,
    /// Sample data.
    pub is_sample: bool,
    /// Fields with rival values.
    pub conflicts: u32,
    /// Entries that came too late for the signature.
    pub late: u32,
    /// Newest change: the time that its device claimed, brought into its bounds.
    pub updated_ms: u64,
}

/// Which findings are wanted. Those of annulled inspections, and annulled ones, are in no list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Parts of the subject's name, description, measure or responsible person, or pinyin initials of the name.
    pub query: Option<String>,
    /// Bureau.
    pub org: Option<OrgCode>,
    /// Region of the subject.
    pub region: Option<String>,
    /// Checklist item.
    pub item: Option<String>,
    /// State.
    pub state: Option<String>,
    /// Only those that are not verified.
    pub is_open: bool,
    /// Due before this day; those without a deadline do not match.
    pub due_before_day: Option<String>,
    /// Of this subject.
    pub subject: Option<RecordId>,
    /// Of this inspection.
    pub inspection: Option<RecordId>,
}

/// The orders of the findings' list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingSort {
    /// By deadline; those without one last.
    Due,
    /// By the subject's name, as pinyin.
    Subject,
    /// By checklist item.
    Item,
    /// By state.
    State,
    /// By bureau.
    Org,
}

/// A finding in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// The record.
    pub record: RecordId,
    /// The inspection it comes from.
    pub inspection: Option<RecordId>,
    /// The subject.
    pub subject: Option<RecordId>,
    /// Its name.
    pub subject_name: String,
    /// Checklist item.
    pub item: String,
    /// Description.
    pub description: String,
    /// Measure.
    pub measure: String,
    /// Responsible person.
    pub responsible: String,
    /// Deadline; empty without one.
    pub due: String,
    /// Legal basis.
    pub basis: String,
    /// Penalty clause.
    pub penalty: String,
    /// State.
    pub state: String,
    /// Bureau.
    pub org: OrgCode,
    /// Region.
    pub region: String,
    /// Pack.
    pub pack: String,
    /// Version of that pack.
    pub pack_version: String,
    /// Checklist.
    pub checklist: String,
    /// Sample data.
    pub is_sample: bool,
    /// Newest change: the time that its device claimed, brought into its bounds.
    pub updated_ms: u64,
}

/// A field that holds rival values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRow {
    /// The record.
    pub record: RecordId,
    /// What it is.
    pub kind: Option<RecordKind>,
    /// The field.
    pub field: String,
    /// What the record is called: name of the subject, number.
    pub title: String,
    /// When the newest of the values was written: the time that its device claimed, brought into its bounds.
    pub at_ms: u64,
}

/// An entry that came too late for the signature of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateRow {
    /// The record.
    pub record: RecordId,
    /// What it is.
    pub kind: Option<RecordKind>,
    /// The entry.
    pub entry: EntryId,
    /// What the record is called.
    pub title: String,
    /// When the entry was written: the time that its device claimed, brought into its bounds.
    pub at_ms: u64,
}

/// A published pack, as its opening says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackRow {
    /// The record.
    pub record: RecordId,
    /// The bureau that published it.
    pub org: OrgCode,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Hash of its bytes.
    pub blob: BlobHash,
    /// Title.
    pub title: String,
    /// Its number in the bureau's channel; `None`: the central endpoint has given it none, as far as is known here.
    pub number: Option<u64>,
    /// When the central endpoint received it, Unix ms; `None` without a number.
    pub received_ms: Option<u64>,
}

/// Figures of what a filter gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Inspections, annulled ones left out.
    pub inspections: u32,
    /// Of them signed.
    pub signed: u32,
    /// Subjects inspected at least once.
    pub subjects_inspected: u32,
    /// Subjects that fit the filter's bureau, region and kind of subject.
    pub subjects: u32,
    /// Non-conforming answers.
    pub findings: u32,
    /// Conflicts in these inspections.
    pub conflicts: u32,
    /// Entries that came too late for their signature.
    pub late: u32,
    /// By bureau, in the order of their codes.
    pub by_org: Vec<OverviewRow>,
    /// By checklist item, most non-conforming first.
    pub by_item: Vec<OverviewItem>,
    /// By week of the visits' begin as far as their bounds allow: its Monday (ISO 8601) in Asia/Shanghai, earliest first.
    pub by_week: Vec<OverviewRow>,
    /// By kind of subject.
    pub by_kind: Vec<OverviewRow>,
}

/// A line of figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverviewRow {
    /// Code of the bureau, Monday of the week, or kind of subject.
    pub key: String,
    /// Inspections.
    pub inspections: u32,
    /// Of them signed.
    pub signed: u32,
    /// Non-conforming answers.
    pub findings: u32,
}

/// A checklist item's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverviewItem {
    /// Item.
    pub item: String,
    /// Inspections that gave it any result.
    pub answered: u32,
    /// Inspections in which it was looked at: it conforms, or does not.
    pub checked: u32,
    /// Inspections in which it does not conform.
    pub nonconforming: u32,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Entries.
    pub entries: u64,
    /// Own entries that no receipt covers.
    pub waiting_entries: u64,
    /// Evidence files to be sent.
    pub waiting_blobs: u64,
    /// Their bytes still to go.
    pub waiting_blob_bytes: u64,
    /// Evidence files to be fetched.
    pub wanted_blobs: u64,
    /// Fields with rival values.
    pub conflicts: u64,
    /// Entries that came too late for a signature.
    pub late: u64,
    /// Entries that need a newer version.
    pub needs_newer: u64,
    /// Subjects.
    pub subjects: u64,
    /// Inspections, annulled ones too.
    pub inspections: u64,
    /// Of them signed.
    pub signed: u64,
    /// Findings.
    pub findings: u64,
}
