//! Inspections 检查: the list, opening one, filling it in, finishing and signing it.

use std::collections::BTreeMap;

use shicha_domain::{
    DeviceId, Digest, EntryId, OrgCode, PersonId, RecordId,
    event::{SignMethod, SignerRole},
    ids::SetHash,
};

use super::{Delivery, EvidenceView, FileSource, Window};

dto! {
    /// Which inspections are wanted.
    #[derive(Default)]
    pub struct InspectionFilter {
        /// Part of the subject's name, pinyin initials, number, inspectors or recorded facts.
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
        /// Those that answered this item …
        pub item: Option<String>,
        /// … with this result.
        pub item_result: Option<String>,
        /// `with_findings` or `without_findings`.
        pub outcome: Option<String>,
        /// Begun not before.
        pub from_ms: Option<u64>,
        /// Begun before.
        pub to_ms: Option<u64>,
        /// `open`, `signing`, `signed` or `annulled`; `valid`: all but those that were annulled.
        pub stage: Option<String>,
        /// Only mine.
        pub is_mine: bool,
    }

    /// Asks for a stretch of the list.
    pub struct InspectionsList {
        /// Which.
        pub filter: InspectionFilter,
        /// `started`, `subject`, `number`, `findings`, `updated`, `org`, `stage`.
        pub sort: String,
        /// From the end.
        pub descending: bool,
        /// Which stretch.
        pub window: Window,
    }

    /// A stretch of the list.
    pub struct InspectionsPage {
        /// How many match.
        pub total: u32,
        /// The rows asked for.
        pub rows: Vec<InspectionRow>,
    }

    /// How many items have which result.
    pub struct CountsView {
        /// 符合.
        pub conforms: u32,
        /// 不符合.
        pub nonconforming: u32,
        /// 不适用.
        pub not_applicable: u32,
        /// 未检查.
        pub not_checked: u32,
        /// 待核实.
        pub to_verify: u32,
    }

    /// An inspection in a list.
    pub struct InspectionRow {
        /// The record.
        pub record: RecordId,
        /// Document number, perhaps provisional.
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
        /// Its name.
        pub org_name: String,
        /// Kind of inspection.
        pub kind: String,
        /// Phase.
        pub phase: String,
        /// Checklist.
        pub checklist: String,
        /// Begin of the visit.
        pub started_ms: Option<u64>,
        /// Stage.
        pub stage: String,
        /// Results so far.
        pub counts: CountsView,
        /// Items of the checklist, where the pack is here.
        pub items: u32,
        /// Names of the inspectors.
        pub inspectors: String,
        /// Conflicts in it.
        pub conflicts: u32,
        /// Late entries in it.
        pub late: u32,
        /// Newest change.
        pub updated_ms: u64,
        /// Sample data.
        pub is_sample: bool,
        /// Where the record is.
        pub delivery: Delivery,
    }

    /// An inspector of a visit.
    pub struct InspectorView {
        /// The person, when in the directory.
        pub person: Option<PersonId>,
        /// Name.
        pub name: String,
        /// Certificate number.
        pub certificate: String,
    }

    /// Opens an inspection.
    pub struct InspectionOpen {
        /// The subject.
        pub subject: RecordId,
        /// `enforcement`, `cross`, `self`, `reinspection`.
        pub kind: String,
        /// The pack, by the hash of its bytes.
        pub pack: shicha_domain::BlobHash,
        /// Checklist.
        pub checklist: String,
        /// Phase.
        pub phase: String,
        /// At least two for an enforcement inspection; may be completed later.
        pub inspectors: Vec<InspectorView>,
        /// Begin of the visit; now when left out.
        pub started_ms: Option<u64>,
    }

    /// A field's value, with who wrote it and when.
    pub struct FieldView {
        /// The value that counts.
        #[ts(type = "unknown")]
        pub value: serde_json::Value,
        /// The entries it stands in; to be given as `over` when it is changed.
        pub heads: Vec<EntryId>,
        /// Who wrote it.
        pub author: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// When, by that device's clock.
        pub at_ms: u64,
        /// Whether another value stands against it.
        pub is_conflict: bool,
    }

    /// An inspection, whole.
    pub struct InspectionView {
        /// The record.
        pub record: RecordId,
        /// Bureau.
        pub org: OrgCode,
        /// Its name.
        pub org_name: String,
        /// Whether the directory here lacks that bureau.
        pub is_org_unknown: bool,
        /// Pack and version that it is filled with for ever.
        pub pack: String,
        /// The version.
        pub pack_version: String,
        /// The hash of that pack's bytes; `None` where the record names none, and then no pack is shown with it.
        pub pack_hash: Option<shicha_domain::BlobHash>,
        /// Checklist.
        pub checklist: String,
        /// Stage: `open`, `signing`, `signed`, `annulled`.
        pub stage: String,
        /// Whether I may still change its content.
        pub may_edit: bool,
        /// Whether I may sign it or add what comes after signing.
        pub may_sign: bool,
        /// Document number; empty when none was taken.
        pub number: String,
        /// Whether that number is provisional.
        pub is_provisional: bool,
        /// Fields by path.
        pub fields: BTreeMap<String, FieldView>,
        /// Text that was typed and is not committed yet, by field.
        pub drafts: BTreeMap<String, String>,
        /// Evidence, also what was taken out.
        pub evidence: Vec<EvidenceView>,
        /// Signatures.
        pub signatures: Vec<SignatureView>,
        /// Signed versions, the one that counts first; more than one where people signed without knowing of each other.
        pub versions: Vec<VersionView>,
        /// Whether versions with different contents stand side by side that nobody has decided between.
        pub is_contested: bool,
        /// The decision which version counts, where there is one.
        pub settlement: Option<SettlementView>,
        /// Whether I may decide which version counts.
        pub may_settle: bool,
        /// Whether I may declare the inspection void.
        pub may_annul: bool,
        /// Digest of what is (or would be) signed.
        pub digest: Digest,
        /// Results so far.
        pub counts: CountsView,
        /// Items that this visit has to answer, in order: by its day, the subject's traits and the answers so far.
        pub asked: Vec<String>,
        /// Entries that came too late for the signature.
        pub late: Vec<LateView>,
        /// Fields with conflicts.
        pub conflicts: Vec<String>,
        /// Entries that need a newer version.
        pub needs_newer: u32,
        /// Why it was annulled.
        pub annulled: Option<String>,
        /// Whether there is something to undo.
        pub may_undo: bool,
        /// Sample data.
        pub is_sample: bool,
        /// Where the record is.
        pub delivery: Delivery,
    }

    /// A signed version of an inspection.
    pub struct VersionView {
        /// Its name.
        pub version: SetHash,
        /// The entry of the signature that made it.
        pub signature: EntryId,
        /// Digest of its content, as on its paper.
        pub digest: Digest,
        /// Who recorded that signature.
        pub author: String,
        /// On which device.
        pub device: DeviceId,
        /// What its user calls it; empty where it is not known.
        pub device_label: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// Names of all that signed it.
        pub names: Vec<String>,
        /// When the first signed, by that device's clock.
        pub at_ms: u64,
        /// Since when all of it is at the central endpoint; `None`: not yet.
        pub received_ms: Option<u64>,
        /// When its signature alone was received there: earlier, where the content came later.
        pub signature_received_ms: Option<u64>,
        /// Whether it is the one that counts.
        pub counts: bool,
        /// Whether its content is that of the one that counts.
        pub is_same_content: bool,
        /// What had been received before it and is not in it.
        pub leaves_out: Vec<LeftOutView>,
        /// Whether whoever signed it knew of the first signature.
        pub knew_of_first: bool,
        /// Whether two values of a field stand in it against each other.
        pub has_conflict: bool,
    }

    /// What a signed version leaves out of what had been received before.
    pub struct LeftOutView {
        /// Whose.
        pub author: String,
        /// How many entries.
        pub entries: u32,
    }

    /// A decision which version counts.
    pub struct SettlementView {
        /// Who.
        pub author: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// When, by that device's clock.
        pub at_ms: u64,
        /// When it was received.
        pub received_ms: Option<u64>,
        /// Why.
        pub reason: String,
    }

    /// Names a signed version.
    pub struct VersionRef {
        /// The inspection.
        pub record: RecordId,
        /// The version.
        pub version: SetHash,
    }

    /// Decides which version counts.
    pub struct VersionSettle {
        /// The inspection.
        pub record: RecordId,
        /// The version that counts from now on.
        pub version: SetHash,
        /// Why; required.
        pub reason: String,
    }

    /// A signature.
    pub struct SignatureView {
        /// The entry that records it.
        pub entry: EntryId,
        /// The version that it is of, once all of that is here.
        pub version: Option<SetHash>,
        /// `received`: it and all that it covers is at the central endpoint; `not_received`: all of it is here; `incomplete`: something that
        /// it covers is missing.
        pub standing: String,
        /// How many of the entries that it covers are missing.
        pub lacking: u32,
        /// When it was received at the central endpoint.
        pub received_ms: Option<u64>,
        /// Who recorded it.
        pub author: String,
        /// On which device.
        pub device: DeviceId,
        /// What its user calls it; empty where it is not known.
        pub device_label: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// Whether it is in the name of a person of the directory who did not record it.
        pub is_recorded_by_other: bool,
        /// In which capacity.
        pub role: SignerRole,
        /// Name.
        pub name: String,
        /// How.
        pub method: SignMethod,
        /// Image of it.
        pub mark: Option<shicha_domain::BlobHash>,
        /// Reason of a refusal, or remark.
        pub note: String,
        /// Who witnessed a refusal.
        pub witness: String,
        /// When, by that device's clock.
        pub at_ms: u64,
        /// Whether it stands under the frozen content.
        pub fits: bool,
    }

    /// An entry that came too late for the signature.
    pub struct LateView {
        /// The entry.
        pub entry: EntryId,
        /// Who.
        pub author: String,
        /// Whether nobody has judged yet whether its writer may write this: the directory here lacks the person or the device, and the
        /// central endpoint has not received it, as far as is known here.
        pub is_unjudged: bool,
        /// When, by that device's clock.
        pub at_ms: u64,
        /// The field or place.
        pub field: String,
        /// The value that it would have set, as text.
        pub value: String,
        /// The device.
        pub device: DeviceId,
    }

    /// What the last inspection of the same subject said.
    pub struct PreviousView {
        /// That inspection; `None`: there was none.
        pub record: Option<RecordId>,
        /// Its number.
        pub number: String,
        /// When it began.
        pub started_ms: Option<u64>,
        /// What it said, by item.
        pub answers: BTreeMap<String, PreviousAnswer>,
    }

    /// What the last inspection said of an item.
    pub struct PreviousAnswer {
        /// Result.
        pub result: String,
        /// Facts or description.
        pub text: String,
        /// How many pieces of evidence.
        pub evidence: u32,
    }

    /// What is still missing before an inspection can be signed.
    pub struct MissingList {
        /// In the order of the form.
        pub missing: Vec<MissingView>,
    }

    /// One thing that is missing.
    pub struct MissingView {
        /// What, e.g. `evidence`.
        pub lack: String,
        /// The field to go to.
        pub field: String,
        /// The item, where it is about one.
        pub item: Option<String>,
    }

    /// Signs an inspection. The first signature freezes its content and opens its findings.
    pub struct SignatureAdd {
        /// The inspection.
        pub record: RecordId,
        /// The digest that the screen showed; another one is refused.
        pub digest: Digest,
        /// In which capacity.
        pub role: SignerRole,
        /// The person, when in the directory.
        pub person: Option<PersonId>,
        /// Name.
        pub name: String,
        /// How.
        pub method: SignMethod,
        /// PNG of the signature or scan of the signed page.
        pub mark: Option<FileSource>,
        /// Reason of a refusal, required then; or a remark.
        pub note: String,
        /// Who witnessed a refusal, required then; empty otherwise.
        pub witness: String,
    }

    /// Declares a number or an inspection void.
    pub struct Void {
        /// The inspection.
        pub record: RecordId,
        /// Why; required.
        pub reason: String,
    }

    /// What undo did.
    pub struct Undone {
        /// The field that got its earlier value back; `None`: there was nothing to undo.
        pub field: Option<String>,
    }

    /// Exports the inspections that a filter gives.
    pub struct InspectionsExport {
        /// Which.
        pub filter: InspectionFilter,
        /// `xlsx` or `csv`.
        pub format: String,
    }
}
