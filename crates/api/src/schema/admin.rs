//! Administration: organisations, people, devices, enrolment codes, packs, and the log of it.

use shicha_domain::{
    DeviceId, OrgCode, PersonId,
    directory::{OrgKind, Role},
};

use super::FileSource;
use crate::error::ErrorCode;

/// What to do with a lost laptop beside revoking it.
pub type OrderWord = String;

dto! {
    /// Whether a list is the server's of this moment, or the last one that is known here.
    pub struct Known {
        /// When the server gave it, Unix ms by this computer's clock; `None`: it never did.
        pub at_ms: Option<u64>,
        /// Whether that was just now.
        pub is_live: bool,
        /// Why not.
        pub fault: Option<ErrorCode>,
    }

    /// Organisations at or below the administrator's.
    pub struct AdminOrgs {
        /// How new the list is.
        pub known: Known,
        /// In the order of the tree: each after the one above it.
        pub rows: Vec<AdminOrgRow>,
    }

    /// An organisation.
    pub struct AdminOrgRow {
        /// Its code.
        pub code: OrgCode,
        /// Its name.
        pub name: String,
        /// The abbreviation in document numbers.
        pub short_name: String,
        /// The one above it.
        pub parent: Option<OrgCode>,
        /// What it is.
        pub kind: OrgKind,
        /// Code of its region.
        pub region: Option<String>,
        /// How far below the administrator's own.
        pub depth: u32,
        /// People who act for it, as far as this computer knows.
        pub people: u32,
    }

    /// Adds an organisation, or changes the one with this code.
    pub struct AdminOrgPut {
        /// Its code.
        pub code: String,
        /// Whether there must be none with this code yet.
        pub is_new: bool,
        /// Its name.
        pub name: String,
        /// The abbreviation in document numbers.
        pub short_name: String,
        /// The one above it.
        pub parent: Option<OrgCode>,
        /// What it is.
        pub kind: OrgKind,
        /// Code of its region.
        pub region: Option<String>,
    }

    /// People of these organisations.
    pub struct AdminPeople {
        /// How new the list is.
        pub known: Known,
        /// Everybody, also those who act no more.
        pub rows: Vec<AdminPersonRow>,
    }

    /// A person.
    pub struct AdminPersonRow {
        /// Who.
        pub id: PersonId,
        /// Name.
        pub name: String,
        /// Where they belong.
        pub org: OrgCode,
        /// What that is called.
        pub org_name: String,
        /// As what they act.
        pub role: Role,
        /// Number of the enforcement certificate.
        pub certificate: Option<String>,
        /// Whether they still act.
        pub is_active: bool,
        /// Whether it is the administrator at this computer.
        pub is_me: bool,
        /// Devices of theirs that take part, as far as this computer knows.
        pub devices: u32,
    }

    /// Adds a person, or changes one.
    pub struct AdminPersonPut {
        /// Who; `None`: somebody new.
        pub id: Option<PersonId>,
        /// Name.
        pub name: String,
        /// Where they belong.
        pub org: OrgCode,
        /// As what they act.
        pub role: Role,
        /// Number of the enforcement certificate.
        pub certificate: Option<String>,
        /// Whether they still act.
        pub is_active: bool,
    }

    /// Devices of these people.
    pub struct AdminDevices {
        /// How new the list is.
        pub known: Known,
        /// By when they were enrolled.
        pub rows: Vec<AdminDeviceRow>,
    }

    /// A device.
    pub struct AdminDeviceRow {
        /// Which.
        pub device: DeviceId,
        /// Its last digits, as the device itself shows them.
        pub short: String,
        /// What its user calls it.
        pub label: String,
        /// Whose.
        pub person: PersonId,
        /// Their name.
        pub person_name: String,
        /// Whether they still act.
        pub is_person_active: bool,
        /// Their organisation.
        pub org_name: String,
        /// Entries that the server holds of it.
        pub entries: u64,
        /// Unix ms.
        pub enrolled_at_ms: u64,
        /// When it was last there, Unix ms.
        pub last_contact_ms: Option<u64>,
        /// The software that it ran then.
        pub client_version: Option<String>,
        /// Since when it may take part no more, Unix ms.
        pub revoked_at_ms: Option<u64>,
        /// Whether another identity goes on from it: then it writes no more.
        pub is_ended: bool,
        /// Whether two computers work with copies of its ledger.
        pub is_copied: bool,
        /// `lock` or `wipe`: what it is to do at its next contact.
        pub order: Option<OrderWord>,
        /// When that was ordered, Unix ms.
        pub order_at_ms: Option<u64>,
        /// When it said that it had done so, Unix ms.
        pub order_done_at_ms: Option<u64>,
        /// Whether it is this computer.
        pub is_this: bool,
    }

    /// Revokes a device.
    pub struct AdminRevoke {
        /// Which.
        pub device: DeviceId,
        /// `lock` or `wipe`: what it is to do besides at its next contact.
        pub order: Option<OrderWord>,
    }

    /// A device is meant.
    pub struct AdminDeviceRef {
        /// Which.
        pub device: DeviceId,
    }

    /// The code that opens a locked device.
    pub struct AdminUnlockCode {
        /// What is typed there.
        pub code: String,
    }

    /// Enrolment codes that may still be used.
    pub struct AdminCodes {
        /// How new the list is.
        pub known: Known,
        /// By when they run out.
        pub rows: Vec<AdminCodeRow>,
    }

    /// An enrolment code that may still be used; the code itself was shown once.
    pub struct AdminCodeRow {
        /// Names it.
        pub id: String,
        /// For whom.
        pub person_name: String,
        /// Their organisation.
        pub org_name: String,
        /// Unix ms.
        pub created_at_ms: u64,
        /// Unix ms.
        pub expires_at_ms: u64,
    }

    /// Entries that were refused, for channels of these organisations.
    pub struct AdminRefused {
        /// How new the list is.
        pub known: Known,
        /// What was refused last first.
        pub rows: Vec<AdminRefusedRow>,
        /// Whether there are more than are shown.
        pub more: bool,
    }

    /// An entry that was refused: it is kept, and outside for everybody.
    pub struct AdminRefusedRow {
        /// In whose ledger.
        pub device: DeviceId,
        /// At which place.
        pub seq: u64,
        /// What the device's user calls it.
        pub label: String,
        /// Whose device that is.
        pub person_name: String,
        /// The organisation for which it was written.
        pub org_name: String,
        /// Why it was refused.
        pub code: String,
        /// The time that it claims, Unix ms.
        pub claimed_ms: u64,
        /// When it was received, Unix ms.
        pub received_ms: u64,
        /// Whether it may be let in: it was refused for the directory's sake only.
        pub is_releasable: bool,
    }

    /// Lets a refused entry in. It counts from then on.
    pub struct AdminRelease {
        /// In whose ledger.
        pub device: DeviceId,
        /// At which place.
        pub seq: u64,
        /// Why, for the audit log.
        pub reason: String,
    }

    /// Makes an enrolment code.
    pub struct AdminCodeMake {
        /// For whom.
        pub person: PersonId,
        /// Days until it runs out, 1 to 90.
        pub days: u32,
    }

    /// An enrolment code, to be shown once.
    pub struct AdminCodeSlip {
        /// Names it in the list.
        pub id: String,
        /// The code.
        pub code: String,
        /// For whom.
        pub person_name: String,
        /// Their organisation.
        pub org_name: String,
        /// Unix ms.
        pub expires_at_ms: u64,
        /// What the server is called.
        pub server_name: String,
        /// Its address, as this computer reaches it.
        pub server_url: String,
        /// Its key's fingerprint, to be compared.
        pub fingerprint: String,
    }

    /// An enrolment code is meant.
    pub struct AdminCodeRef {
        /// Which.
        pub id: String,
    }

    /// Packs that the administrator's organisation has published.
    pub struct AdminPacks {
        /// How new the list is.
        pub known: Known,
        /// Newest first.
        pub rows: Vec<AdminPackRow>,
    }

    /// A published pack.
    pub struct AdminPackRow {
        /// Its id.
        pub id: String,
        /// Its version.
        pub version: String,
        /// What the campaign is called.
        pub title: String,
        /// Its bytes.
        pub size: u64,
        /// Who published it.
        pub by: String,
        /// When the server had it, Unix ms.
        pub at_ms: u64,
        /// The bureau above that publishes a pack of the same id, so that this one does not count.
        pub above: Option<String>,
    }

    /// Checks a file before it is published.
    pub struct AdminPackCheck {
        /// The file.
        pub source: FileSource,
    }

    /// What is to be known of a file before it is published.
    pub struct AdminPackChecked {
        /// The file's name.
        pub name: String,
        /// Names the file for `admin_pack_publish`; `None` where it has faults, its version does not rise, or a bureau above publishes its id.
        pub token: Option<String>,
        /// What is wrong with it; nothing where it may be published.
        pub faults: Vec<AdminPackFault>,
        /// What it is.
        pub about: Option<AdminPackAbout>,
    }

    /// Something wrong with a pack.
    pub struct AdminPackFault {
        /// From 1.
        pub line: u32,
        /// From 1.
        pub column: u32,
        /// Where in the data.
        pub path: String,
        /// Why, in Chinese.
        pub reason_zh: String,
        /// Why, in English.
        pub reason_en: String,
    }

    /// What a pack is, and what publishing it would change.
    pub struct AdminPackAbout {
        /// Its id.
        pub id: String,
        /// Its version.
        pub version: String,
        /// What the campaign is called.
        pub title: String,
        /// First day.
        pub valid_from: String,
        /// Last day.
        pub valid_to: String,
        /// Checklists.
        pub checklists: u32,
        /// Items in them.
        pub items: u32,
        /// The highest version that the own organisation published; `None`: the pack is new.
        pub newest: Option<String>,
        /// The bureau above that publishes a pack of this id, so that this one may not be published.
        pub above: Option<String>,
        /// Whether the version is above it.
        pub rises: bool,
        /// What differs from it, where it is on this computer; `None` where it is not.
        pub changes: Option<Vec<AdminPackChange>>,
    }

    /// A row of the pack that differs.
    pub struct AdminPackChange {
        /// Of which table: `pack`, `phase`, `obligation`, `checklist`, `item`, `law`, `penalty`, `document_kind`, `form`, `question`,
        /// `region`.
        pub part: String,
        /// `added`, `removed` or `changed`.
        pub kind: String,
        /// Its identifier.
        pub id: String,
        /// What it is called.
        pub title: String,
    }

    /// Publishes a file that was checked.
    pub struct AdminPackPublish {
        /// From the check.
        pub token: String,
    }

    /// Which rows of the audit log are wanted.
    #[derive(Default)]
    pub struct AdminAuditFilter {
        /// Not before this moment, Unix ms.
        pub since_ms: Option<u64>,
        /// Before this moment, Unix ms.
        pub until_ms: Option<u64>,
        /// Only this act.
        pub act: Option<String>,
        /// Only with these words.
        pub text: Option<String>,
    }

    /// Asks for the audit log.
    pub struct AdminAuditList {
        /// Which rows.
        pub filter: AdminAuditFilter,
        /// Only rows before this number: goes on where the last answer ended.
        pub before: Option<u64>,
    }

    /// A stretch of the audit log, newest first.
    pub struct AdminAudit {
        /// How new it is.
        pub known: Known,
        /// The rows.
        pub rows: Vec<AdminAuditRow>,
        /// Whether there are older ones that fit.
        pub more: bool,
    }

    /// A row of the audit log.
    pub struct AdminAuditRow {
        /// Its number, from 1 without a gap.
        pub n: u64,
        /// Unix ms by the server's clock.
        pub at_ms: u64,
        /// Who; `None`: whoever used the command line of the server.
        pub person_name: Option<String>,
        /// From which device.
        pub device: Option<String>,
        /// What was done, as a word.
        pub act: String,
        /// Which organisation it concerns.
        pub org_name: Option<String>,
        /// Whom or what.
        pub target: String,
        /// What changed: which field, from what to what.
        pub changes: Vec<AdminAuditChange>,
        /// Hash of the row; the next one holds it.
        pub hash: String,
    }

    /// A value that was changed.
    pub struct AdminAuditChange {
        /// Which field.
        pub field: String,
        /// From what; `None`: from nothing.
        pub from: Option<String>,
        /// To what; `None`: to nothing.
        pub to: Option<String>,
    }

    /// Makes a file of the audit log.
    pub struct AdminAuditExport {
        /// Which rows.
        pub filter: AdminAuditFilter,
        /// `xlsx` or `csv`.
        pub format: String,
    }

    /// What the administrator did to this computer.
    pub struct OrderView {
        /// `lock` or `wipe`.
        pub order: OrderWord,
        /// When it was ordered, Unix ms by the server's clock.
        pub at_ms: u64,
        /// Whose administrator.
        pub server_name: String,
        /// Whether the server knows that it was done.
        pub is_told: bool,
    }

    /// Opens a computer that the administrator locked.
    pub struct OrderUnlock {
        /// The administrator's code.
        pub code: String,
        /// By which the database is opened from now on; at least 8 characters.
        pub passphrase: String,
    }
}
