//! The on-site inspection record 现场检查记录.
//!
//! Invariant: the fields stand in the order of the bureau's form, every page carries the digest of
//! the content and the page count, and a record that is sample data, unsigned or annulled says so
//! across every page. Evidence is listed in an annex, each piece with its number and hash.
//! Deliberately not here: whether a record may be signed, and what its digest covers (domain).

mod view;

use chrono::{NaiveDate, NaiveDateTime};

use crate::PapersError;
use crate::fonts::Fonts;
use crate::world::{self, Template};

const TEMPLATE: Template = Template {
    name: "onsite_record.typ",
    source: include_str!("../templates/onsite_record.typ"),
};

/// Everything that an on-site record shows. Times are China Standard Time.
#[derive(Debug, Clone, PartialEq)]
pub struct OnSiteRecord {
    /// The document number.
    pub number: DocumentNumber,
    /// The bureau that inspects, in full: 连云港市应急管理局.
    pub organ: String,
    /// Whoever is inspected.
    pub subject: InspectedSubject,
    /// 检查场所.
    pub place: String,
    /// When the visit began.
    pub started_at: Option<NaiveDateTime>,
    /// When the visit ended.
    pub ended_at: Option<NaiveDateTime>,
    /// The inspectors, the lead first. The form has room for two even when fewer are given.
    pub inspectors: Vec<Inspector>,
    /// 陪同人员: names with positions.
    pub escorts: Vec<String>,
    /// 记录人, where somebody else than the inspectors wrote.
    pub recorder: Option<String>,
    /// What was found wrong, in the order of its numbers.
    pub findings: Vec<RecordedFinding>,
    /// What was checked, one for each checklist used.
    pub checked: Vec<CheckedList>,
    /// Other facts found on site, in the inspectors' words.
    pub remarks: String,
    /// 被检查单位意见.
    pub opinion: Option<String>,
    /// The signature of the subject's person on site, or its refusal.
    pub acknowledgement: Acknowledgement,
    /// The date under the signatures; blank to be filled in by hand when absent.
    pub signed_on: Option<NaiveDate>,
    /// The evidence taken.
    pub evidence: Vec<ListedEvidence>,
    /// SHA-256 of the content, in hex.
    pub content_digest: String,
    /// How far the record is.
    pub standing: Standing,
    /// Whether this is sample data.
    pub sample: bool,
    /// When the document is made; the PDF's own date.
    pub produced_at: NaiveDateTime,
}

/// The number of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentNumber {
    /// The number it keeps, e.g. （苏连）应急检记〔2022〕1号.
    Final(String),
    /// A number given without a network, shown as 临时编号.
    Provisional(String),
    /// None yet; shown as a blank.
    None,
}

/// How far a record is; decides what stands across its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Still being written: marked 草稿（未签名）.
    Draft,
    /// Frozen and printed to be signed by hand: no mark, blank lines to sign on.
    ToSignOnPaper,
    /// Signed, or refused with a witness.
    Signed,
    /// Declared void: marked 作废.
    Annulled,
}

/// Whoever is inspected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InspectedSubject {
    /// 被检查单位.
    pub name: String,
    /// 地址.
    pub address: String,
    /// 法定代表人（负责人）.
    pub legal_representative: String,
    /// 职务.
    pub position: String,
    /// 联系电话.
    pub phone: String,
    /// 统一社会信用代码.
    pub credit_code: String,
}

/// An inspector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspector {
    /// Name.
    pub name: String,
    /// Number of the law enforcement certificate 执法证件.
    pub certificate: String,
    /// The signature.
    pub signature: Mark,
}

/// A signature as it shows on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A line to sign on by hand.
    Blank,
    /// Drawn on the screen: the image's PNG bytes.
    Drawn(Vec<u8>),
    /// Given on a printed page whose scan is kept.
    OnPaper,
}

/// What the subject's person on site did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acknowledgement {
    /// Signed, or is to sign.
    Signature {
        /// Name, where known.
        name: String,
        /// The signature.
        mark: Mark,
    },
    /// Refused to sign; noted here as 安全生产法 §68 demands.
    Refused {
        /// Who refused, where known.
        name: String,
        /// The reason given.
        reason: String,
        /// Who witnessed it: name and unit.
        witness: String,
        /// The witness's signature.
        witness_mark: Mark,
    },
}

/// One thing found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFinding {
    /// The checklist item, e.g. TI-1.1.
    pub item: String,
    /// What is wrong. May have several lines.
    pub description: String,
    /// On which law.
    pub bases: Vec<LegalBasis>,
    /// Numbers of the evidence in the annex.
    pub evidence: Vec<String>,
    /// What has to be done, where it was said on site.
    pub measure: String,
    /// By when.
    pub due: Option<NaiveDate>,
}

/// A legal basis and how sure its citation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalBasis {
    /// The citation.
    pub text: String,
    /// How sure it is; shown beside it unless it was found in the original.
    pub certainty: Certainty,
}

/// How sure a citation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Found in the original text: no mark.
    Found,
    /// Known, the number of the article unchecked: 条号待核对.
    Known,
    /// Unsure: 待核对.
    Unsure,
}

/// What was checked with one checklist.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckedList {
    /// Name of the checklist with its version.
    pub name: String,
    /// 符合.
    pub conforms: u32,
    /// 不符合.
    pub nonconforming: u32,
    /// Items that do not apply 不适用, with the reason where given.
    pub not_applicable: Vec<SetAside>,
    /// Items not checked 未检查, with the reason.
    pub not_checked: Vec<SetAside>,
    /// Items to be verified 待核实, with what is still to be done.
    pub to_verify: Vec<SetAside>,
}

/// An item that has no yes or no, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The checklist item.
    pub item: String,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: String,
}

/// A piece of evidence in the annex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEvidence {
    /// Number within the record, e.g. Z1.
    pub number: String,
    /// Name or file name.
    pub name: String,
    /// When it was taken, where known.
    pub taken_at: Option<NaiveDateTime>,
    /// Where it was taken, as it is to be shown; empty when unknown.
    pub position: String,
    /// SHA-256 of the original, in hex.
    pub sha256: String,
    /// A JPEG or PNG to show; made smaller here. Something unreadable is left out and said so.
    pub thumbnail: Option<Vec<u8>>,
}

/// Makes the record's PDF (A4, PDF/A-2b). The same record and fonts give the same bytes.
///
/// # Errors
/// [`PapersError::TooLarge`] when texts or pictures exceed what one document may hold.
pub fn render_pdf(record: &OnSiteRecord, fonts: &Fonts) -> Result<Vec<u8>, PapersError> {
    let (data, pictures) = view::build(record)?;
    world::typeset(world::Job {
        template: TEMPLATE,
        data,
        pictures,
        produced_at: record.produced_at,
        ident: format!("onsite-record:{}", record.content_digest),
        fonts,
    })
}
