//! Control messages: small JSON, each with the endpoint that takes it.
//!
//! Fields may be added in a version; a reader ignores those that it does not know.

use serde::{Deserialize, Serialize};
use shicha_domain::{
    DeviceId, EntryId, OrgCode, PersonId, Receipt,
    directory::{Role, parts::DirectoryPart},
    suite::{PublicKey, SignatureBytes},
};
use uuid::Uuid;

/// `GET /v1/server`: who a central endpoint is. Answered to anybody and for every version of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerInfo {
    /// Its name, e.g. 连云港市应急管理局中心端.
    pub name: String,
    /// Its public key.
    pub public_key: PublicKey,
    /// The versions of the protocol that it speaks.
    pub protocols: Vec<u32>,
    /// The version of its software.
    pub software: String,
    /// Whether it holds sample data.
    pub is_sample: bool,
    /// Its clock, Unix ms.
    pub time_ms: u64,
}

/// `POST /v1/enrol`: a new device takes its place.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolRequest {
    /// The enrolment code in its one spelling ([`super::EnrolCode::canonical`]).
    pub code: String,
    /// The device's new public key.
    pub public_key: PublicKey,
    /// What its user calls the device.
    pub label: String,
    /// Signature over [`super::signing::enrol_bytes`] with that key.
    pub proof: SignatureBytes,
    /// Version of the client's software.
    pub client_version: String,
}

/// The answer to [`EnrolRequest`]. The same code with the same key is answered again, in case the answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolReply {
    /// The device's identity.
    pub device: DeviceId,
    /// Whose it is.
    pub person: PersonId,
    /// Their name.
    pub person_name: String,
    /// Where they belong.
    pub org: OrgCode,
    /// As what they act.
    pub role: Role,
    /// The first part of the directory that they may know of; the rest is asked for.
    pub directory: DirectoryPart,
    /// The receipt for an empty ledger: what every first entry comes after.
    pub receipt: Receipt,
    /// The server's public key, again.
    pub server_key: PublicKey,
    /// The server's name, again.
    pub server_name: String,
    /// Whether the server holds sample data.
    pub is_sample: bool,
}

/// `POST /v1/session/challenge`: a device asks the server to prove who it is, before it says anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChallengeRequest {
    /// Which device asks.
    pub device: DeviceId,
    /// Random, so that the proof cannot be an old one.
    #[serde(with = "hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
    pub nonce: [u8; 32],
}

/// The answer to [`ChallengeRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChallengeReply {
    /// What the device is to sign; good once and for a short time.
    #[serde(with = "hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^([0-9a-f]{2})*$"))]
    pub challenge: Vec<u8>,
    /// The server's signature over [`super::signing::hello_bytes`].
    pub signature: SignatureBytes,
}

/// `POST /v1/session`: a device proves who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionRequest {
    /// Which device.
    pub device: DeviceId,
    /// The challenge that the server gave.
    #[serde(with = "hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^([0-9a-f]{2})*$"))]
    pub challenge: Vec<u8>,
    /// The device's signature over [`shicha_domain::receipt::session_bytes`].
    pub signature: SignatureBytes,
    /// Version of the client's software.
    pub client_version: String,
}

/// The answer to [`SessionRequest`].
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionReply {
    /// What goes into the `authorization: Bearer` header. Never logged.
    pub token: String,
    /// Until when it holds, Unix ms by the server's clock.
    pub expires_at_ms: u64,
    /// The server's clock, Unix ms.
    pub time_ms: u64,
    /// Up to where the server holds this device's ledger.
    pub head: Head,
    /// Whether another identity goes on from this one: then this one has to go on under another one too, and nothing else is for it.
    pub is_ended: bool,
    /// Version of the directory.
    pub directory_version: u64,
    /// Changes when the server was restored from a backup, so that numbers and heads may lie behind what devices know.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub epoch: Uuid,
}

/// A place in a device's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Head {
    /// Sequence number, 0 for an empty ledger.
    pub seq: u64,
    /// The id of that entry.
    pub id: EntryId,
}

impl Head {
    /// The place before the first entry.
    pub const EMPTY: Self = Self {
        seq: 0,
        id: EntryId::NONE,
    };
}

/// The answer to `POST /v1/push`. It speaks of all entries from the first one pushed up to the last receipt's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushReply {
    /// The receipts that cover the entries, by rising `seq`. More than one when entries had arrived before.
    pub receipts: Vec<Receipt>,
    /// Which numbers the accepted entries got in their channels.
    pub accepted: Vec<NumberRun>,
    /// Which entries were refused, and why ([`refusal`]). They keep their place in the device's ledger and are given to nobody.
    pub refused: Vec<(u64, String)>,
    /// Up to where the server holds this device's ledger now.
    pub head: Head,
}

/// Consecutive entries with consecutive numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumberRun {
    /// Sequence number of the first.
    pub seq: u64,
    /// Number of the first in its channel.
    pub number: u64,
    /// How many.
    pub count: u64,
}

impl NumberRun {
    /// Adds an entry to a list of runs.
    pub fn extend(runs: &mut Vec<Self>, seq: u64, number: u64) {
        match runs.last_mut() {
            Some(run) if run.seq + run.count == seq && run.number + run.count == number => {
                run.count += 1
            }
            _ => runs.push(Self {
                seq,
                number,
                count: 1,
            }),
        }
    }
}

/// Why an entry is refused, as codes that travel.
pub mod refusal {
    /// The role writes nothing to this channel.
    pub const CHANNEL: &str = "channel";
    /// The role may write there, but not this.
    pub const EVENT: &str = "event";
    /// The channel's organisation is not in the directory, or its institution never lay below its bureau.
    pub const NO_SUCH_ORG: &str = "no_such_org";
    /// The institution does not lie below the bureau any more, and the record is none that the channel holds.
    pub const PARTED: &str = "parted";
    /// The entry names another person than the device's.
    pub const AUTHOR: &str = "author";
    /// Brought by a colleague: the person does not act any more.
    pub const ENDED: &str = "ended";
    /// Brought by a colleague: the device was revoked.
    pub const REVOKED: &str = "revoked";
    /// The event is none.
    pub const MALFORMED: &str = "malformed";
    /// The record lives in another channel.
    pub const ELSEWHERE: &str = "elsewhere";
}

/// What a fork brings along under `fork` in its problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ForkReport {
    /// The last place at which the pushed entries and the server's agree, where the push reached back that far.
    pub common: Option<Head>,
    /// The server's log from the first pushed sequence number on, or up to it where even the entry before differs.
    pub log: Vec<Head>,
    /// Up to where the server holds this device's ledger.
    pub head: Head,
    /// Of the pushed entries up to `common`, those that were refused: the device cannot ask for them any more.
    #[serde(default)]
    pub refused: Vec<(u64, String)>,
}

/// `POST /v1/numbers`: asks for a block of document numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NumbersRequest {
    /// Names this request: the same name is answered with the same block, in case the answer was lost.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub request: Uuid,
    /// Whose numbers.
    pub org: OrgCode,
    /// The word of the document kind.
    pub word: String,
    /// The year in the number.
    pub year: u16,
}

/// `POST /v1/identity`: the device goes on under a new key, because its ledger and the server's parted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityRequest {
    /// The new public key.
    pub public_key: PublicKey,
    /// The old key's signature over [`super::signing::identity_bytes`].
    pub signature: SignatureBytes,
    /// The new key's signature over the same.
    pub proof: SignatureBytes,
    /// What the new device is called.
    pub label: String,
    /// The last entry that both ledgers have of the old identity's log; at its beginning what that follows.
    pub common: Head,
}

/// The answer to [`IdentityRequest`]. The same key is answered with the same identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdentityReply {
    /// The new identity.
    pub device: DeviceId,
    /// The receipt for its empty ledger.
    pub receipt: Receipt,
}

/// What the event stream says (`GET /v1/events`): look for yourself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// There are new entries in a channel that the person may read.
    Entries,
    /// The directory changed.
    Directory,
}

impl Notice {
    /// The word that stands in the stream.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Directory => "directory",
        }
    }
}
