//! Messages of administration (`/v1/admin/…`): small JSON, for administrators only.
//!
//! Whatever is asked, the server answers only about the administrator's own organisation and those below it, and refuses to change
//! anything else. Writing the same thing twice changes nothing the second time.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    BlobHash, Channel, DeviceId, EntryId, OrgCode, PersonId, RecordId,
    directory::{Org, Person},
    suite::{self, SignatureBytes},
};

use super::order::OrderAct;

/// The most rows of the audit log in one answer.
pub const MAX_AUDIT_ROWS: u32 = 1_000;
/// The most refused entries in one answer.
pub const MAX_REFUSED: u32 = 1_000;

/// `GET /v1/admin/orgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Orgs {
    /// The administrator's organisation and all below it.
    pub orgs: Vec<Org>,
}

/// `GET /v1/admin/people`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct People {
    /// Everybody of these organisations, also those who act no more.
    pub people: Vec<Person>,
}

/// The answer to whatever changes something: `POST /v1/admin/orgs` (an organisation), `POST /v1/admin/people` (a person).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changed {
    /// `false`: it was so already.
    pub changed: bool,
}

/// `GET /v1/admin/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Devices {
    /// By when they were enrolled.
    pub devices: Vec<DeviceReport>,
}

/// What the server knows of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceReport {
    /// Which.
    pub device: DeviceId,
    /// Whose.
    pub person: PersonId,
    /// What its user calls it.
    pub label: String,
    /// Entries that the server holds of it.
    pub entries: u64,
    /// Unix ms.
    pub enrolled_at_ms: u64,
    /// When it opened a session last, Unix ms.
    pub last_contact_ms: Option<u64>,
    /// The software that it ran then.
    pub client_version: Option<String>,
    /// Since when it may take part no more, Unix ms.
    pub revoked_at_ms: Option<u64>,
    /// Whether another identity goes on from it: then it writes no more.
    pub is_ended: bool,
    /// Whether two computers work with copies of its ledger.
    pub is_copied: bool,
    /// What it is to do at its next contact.
    pub order: Option<OrderAct>,
    /// When that was ordered, Unix ms.
    pub order_at_ms: Option<u64>,
    /// When the device said that it had done so, Unix ms.
    pub order_done_at_ms: Option<u64>,
}

/// `POST /v1/admin/devices/revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revoke {
    /// Which device.
    pub device: DeviceId,
    /// What it is to do besides at its next contact. An order may be made heavier later, never lighter.
    pub order: Option<OrderAct>,
}

/// `POST /v1/admin/devices/unlock`: asks for the code that opens a locked device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unlock {
    /// Which device.
    pub device: DeviceId,
}

/// The answer to [`Unlock`]. Never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnlockCode {
    /// What is typed at the locked device.
    pub code: String,
}

/// `GET /v1/admin/codes`: enrolment codes that may still be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Codes {
    /// By when they run out.
    pub codes: Vec<OpenCode>,
}

/// An enrolment code that may still be used. The code itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenCode {
    /// Names it: 16 hexadecimal digits.
    pub id: String,
    /// For whom.
    pub person: PersonId,
    /// Unix ms.
    pub created_at_ms: u64,
    /// Unix ms.
    pub expires_at_ms: u64,
}

/// `POST /v1/admin/codes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewCode {
    /// For whom.
    pub person: PersonId,
    /// Days until it runs out, 1 to 90.
    pub days: u32,
}

/// The answer to [`NewCode`]; the code is told only here. Never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeCode {
    /// Names it in the list of open codes.
    pub id: String,
    /// The code as people copy it.
    pub code: String,
    /// Unix ms.
    pub expires_at_ms: u64,
    /// Of the server's key, to be compared when enrolling.
    pub fingerprint: String,
}

/// `POST /v1/admin/card`: the card of the endpoint, for machines without a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewCard {
    /// The address that it names; may be empty.
    pub url: String,
}

/// The answer to [`NewCard`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeCard {
    /// The bytes of the file.
    #[serde(with = "hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^([0-9a-f]{2})*$"))]
    pub card: Vec<u8>,
}

/// `POST /v1/admin/codes/withdraw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WithdrawCode {
    /// Which.
    pub id: String,
}

/// `GET /v1/admin/packs`: what the administrator's organisation has published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Packs {
    /// Newest first.
    pub packs: Vec<PublishedPack>,
}

/// A pack that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishedPack {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What the campaign is called, in Chinese.
    pub title: String,
    /// The file.
    pub blob: BlobHash,
    /// Its bytes.
    pub size: u64,
    /// Who published it.
    pub by: PersonId,
    /// When the server had it, Unix ms.
    pub at_ms: u64,
}

/// The answer to `POST /v1/admin/packs`, whose body is the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PackPublished {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `false`: this very file was published before.
    pub changed: bool,
}

/// Why a pack is refused, under `reason` in a problem of the code `conflict`; `faults`, `newest` and `bureau` come along where there are
/// any.
pub mod pack_refusal {
    /// The file has faults.
    pub const FAULTS: &str = "faults";
    /// The version does not rise.
    pub const VERSION: &str = "version";
    /// A bureau above publishes a pack of that id; `bureau` is what it is called.
    pub const ABOVE: &str = "above";
}

/// The query of `GET /v1/admin/refused`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct RefusedQuery {
    /// Only of this device.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = "uuid"))]
    pub device: Option<DeviceId>,
    /// The most entries, at most [`MAX_REFUSED`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// The answer to [`RefusedQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refused {
    /// What was refused last first.
    pub entries: Vec<RefusedReport>,
}

/// An entry that was refused: it is kept, and outside for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusedReport {
    /// Whose ledger it stands in.
    pub device: DeviceId,
    /// At which place.
    pub seq: u64,
    /// Its name.
    pub id: EntryId,
    /// Whose device that is.
    pub person: PersonId,
    /// Where it should go.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub channel: Channel,
    /// What it is about.
    pub record: RecordId,
    /// Why it was refused.
    pub code: String,
    /// The time that it claims, Unix ms.
    pub claimed_ms: u64,
    /// When it was received, Unix ms.
    pub received_ms: u64,
    /// Whether it may be released: it was refused for the directory's sake, and there is such a channel.
    pub is_releasable: bool,
}

/// `POST /v1/admin/refused/release`: lets an entry in that was refused for the directory's sake. It counts from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseEntry {
    /// Whose ledger it stands in.
    pub device: DeviceId,
    /// At which place.
    pub seq: u64,
    /// Why it is let in, for the audit log.
    pub reason: String,
}

/// The query of `GET /v1/admin/audit`: all that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct AuditQuery {
    /// Only rows before this number.
    #[serde(default)]
    pub before: Option<u64>,
    /// Not before this moment, Unix ms.
    #[serde(default)]
    pub since_ms: Option<u64>,
    /// Before this moment, Unix ms.
    #[serde(default)]
    pub until_ms: Option<u64>,
    /// Only this act.
    #[serde(default)]
    pub act: Option<String>,
    /// Only with these words in who, what or whom.
    #[serde(default)]
    pub text: Option<String>,
    /// The most rows, at most [`MAX_AUDIT_ROWS`].
    #[serde(default)]
    pub limit: Option<u32>,
}

/// The answer to [`AuditQuery`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Audit {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// Whether there are older ones that fit.
    pub more: bool,
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditRow {
    /// Its number, from 1 without a gap.
    pub n: u64,
    /// Unix ms by the server's clock.
    pub at_ms: u64,
    /// Who; `None`: whoever used the command line of the server.
    pub person: Option<PersonId>,
    /// What they were called then.
    pub person_name: String,
    /// From which device.
    pub device: Option<DeviceId>,
    /// What ([`act`]).
    pub act: String,
    /// Which organisation it concerns.
    pub org: Option<OrgCode>,
    /// Whom or what, in words.
    pub target: String,
    /// The rest, as a JSON object, in the very bytes that are hashed.
    pub detail: String,
    /// SHA-256 of [`AuditRow::signed_bytes`]; the next row holds it.
    #[serde(with = "hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
    pub hash: [u8; 32],
    /// The server's signature over the same.
    pub signature: SignatureBytes,
}

/// What is done, as words that travel and are kept.
pub mod act {
    /// An organisation was added.
    pub const ORG_ADDED: &str = "org_added";
    /// An organisation was changed.
    pub const ORG_CHANGED: &str = "org_changed";
    /// A person was added.
    pub const PERSON_ADDED: &str = "person_added";
    /// A person was changed.
    pub const PERSON_CHANGED: &str = "person_changed";
    /// A person acts no more.
    pub const PERSON_RETIRED: &str = "person_retired";
    /// A person acts again.
    pub const PERSON_RETURNED: &str = "person_returned";
    /// An enrolment code was made.
    pub const CODE_MADE: &str = "code_made";
    /// An enrolment code was withdrawn.
    pub const CODE_WITHDRAWN: &str = "code_withdrawn";
    /// A device was revoked, without an order.
    pub const DEVICE_REVOKED: &str = "device_revoked";
    /// A device was revoked and is to lock itself.
    pub const DEVICE_LOCK: &str = "device_lock";
    /// A device was revoked and is to wipe itself.
    pub const DEVICE_WIPE: &str = "device_wipe";
    /// A device said that it had done what it was ordered.
    pub const DEVICE_OBEYED: &str = "device_obeyed";
    /// The code that opens a locked device was shown.
    pub const UNLOCK_SHOWN: &str = "unlock_shown";
    /// A pack was published.
    pub const PACK_PUBLISHED: &str = "pack_published";
    /// An update was put there.
    pub const UPDATE_ADDED: &str = "update_added";
    /// An update was released for an organisation.
    pub const UPDATE_RELEASED: &str = "update_released";
    /// A release was taken back.
    pub const UPDATE_WITHDRAWN: &str = "update_withdrawn";
    /// The server was named.
    pub const SERVER_NAMED: &str = "server_named";
    /// The store was restored from a backup.
    pub const RESTORED: &str = "restored";
    /// An entry that had been refused was released.
    pub const ENTRY_RELEASED: &str = "entry_released";
    /// The clock of the endpoint was ahead and is right again: another life begins.
    pub const CLOCK_CORRECTED: &str = "clock_corrected";
}

impl AuditRow {
    /// What is hashed and signed: the row with the hash of the one before it.
    pub fn signed_bytes(&self, before: &[u8; 32]) -> Vec<u8> {
        let mut bytes = suite::text(b"shicha-audit-2\0", 256);
        bytes.extend_from_slice(before);
        bytes.extend_from_slice(&self.n.to_be_bytes());
        bytes.extend_from_slice(&self.at_ms.to_be_bytes());
        let nobody = [0; 16];
        bytes.extend_from_slice(self.person.as_ref().map_or(&nobody, |id| id.0.as_bytes()));
        bytes.extend_from_slice(self.device.as_ref().map_or(&nobody, |id| id.0.as_bytes()));
        let org = self.org.as_ref().map_or("", OrgCode::as_str);
        for text in [
            &self.person_name,
            &self.act,
            org,
            &self.target,
            &self.detail,
        ] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// The hash of these bytes.
    pub fn hash_of(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// What `detail` says; nothing where it is no object.
    pub fn details(&self) -> Value {
        serde_json::from_str(&self.detail).unwrap_or(Value::Null)
    }
}
