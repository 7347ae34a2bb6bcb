//! What administrators do, and the log of it.
//!
//! Promises, beside those of [`super::Store`]:
//! 1. What is done and the row that says so are durable together, or neither is.
//! 2. Rows are numbered from 1 without a gap; each holds the hash of the one before and the server's signature. No row is ever changed
//!    or removed.
//! 3. An order to a device becomes heavier or stays; it is never taken back.

use serde_json::Value;
use shicha_domain::{
    BlobHash, DeviceId, OrgCode, PersonId,
    directory::{Org, Person},
    suite::SignatureBytes,
};
use shicha_sync::protocol::{
    admin::{AuditQuery, AuditRow},
    order::OrderAct,
};

use super::{Appended, Judge, Pushed, StoreError};

/// Something that an administrator does.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// Adds or changes an organisation.
    Org(&'a Org),
    /// Adds or changes a person.
    Person(&'a Person),
    /// Keeps the keyed hash of an enrolment code.
    Code {
        /// The hash.
        hash: &'a [u8; 32],
        /// For whom.
        person: PersonId,
        /// Until when it may be used, Unix ms.
        expires_at_ms: u64,
    },
    /// Takes an enrolment code back that was not used.
    WithdrawCode(CodeId),
    /// Revokes a device, and orders it to do something besides.
    Revoke(DeviceId, Option<OrderAct>),
    /// A device has done what it was ordered at this moment.
    Obeyed(DeviceId, OrderAct, u64),
    /// Puts an update of the application there, whose bytes lie with the evidence already.
    AddUpdate(&'a StoredUpdate),
    /// Releases an update, by its name, for an organisation and all below it.
    ReleaseUpdate(&'a str, &'a OrgCode),
    /// Takes such a release back.
    WithdrawUpdate(&'a str, &'a OrgCode),
    /// States that the clock was ahead and is right now: another life of the endpoint begins, and what was kept of later moments than
    /// this one bounds nothing any more.
    CorrectClock,
    /// What is done elsewhere and only noted here.
    Elsewhere,
}

/// Names an enrolment code without giving it away: the beginning of its keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeId(pub [u8; 8]);

impl CodeId {
    /// Of a hash.
    pub fn of(hash: &[u8; 32]) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        Self(id)
    }
}

impl std::fmt::Display for CodeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::str::FromStr for CodeId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 8];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who; `None`: whoever uses the command line of the server.
    pub person: Option<PersonId>,
    /// What they are called now.
    pub name: String,
    /// From which device.
    pub device: Option<DeviceId>,
}

impl By {
    /// Whoever uses the command line of the server.
    pub const fn command_line() -> Self {
        Self {
            person: None,
            name: String::new(),
            device: None,
        }
    }
}

/// What the log says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// What ([`shicha_sync::protocol::admin::act`]).
    pub act: &'static str,
    /// Which organisation it concerns.
    pub org: Option<OrgCode>,
    /// Whom or what, in words.
    pub target: String,
    /// The rest, as an object.
    pub detail: Value,
}

/// Signs bytes with the server's key.
pub type Sign<'a> = &'a dyn Fn(&[u8]) -> SignatureBytes;

/// What makes a row of the log.
#[derive(Clone, Copy)]
pub struct Noting<'a> {
    /// Who does it.
    pub by: &'a By,
    /// What the log says of it.
    pub note: &'a Note,
    /// When, Unix ms.
    pub now_ms: u64,
    /// Signs the row.
    pub sign: Sign<'a>,
}

/// An enrolment code that may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCode {
    /// Which.
    pub id: CodeId,
    /// For whom.
    pub person: PersonId,
    /// Unix ms.
    pub created_at_ms: u64,
    /// Unix ms.
    pub expires_at_ms: u64,
}

/// An update of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUpdate {
    /// The file's name, which bears version and platform.
    pub name: String,
    /// Under which its bytes lie with the evidence.
    pub blob: BlobHash,
    /// How many they are.
    pub size: u64,
    /// Its signature, as minisign writes it.
    pub signature: String,
    /// Unix ms.
    pub added_at_ms: u64,
    /// For whom it was released. Not looked at when it is added.
    pub releases: Vec<Release>,
}

/// A release of an update for an organisation and all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// For whom.
    pub org: OrgCode,
    /// Since when, Unix ms.
    pub at_ms: u64,
}

/// Administration, as a store keeps it.
pub trait Administration {
    /// Does something and notes it in the log. `false`: it was so already, and nothing is noted.
    fn administer(&self, deed: Deed<'_>, noting: Noting<'_>) -> Result<bool, StoreError>;
    /// Takes entries in as [`super::Store::append`] does, and notes it in the log if there are new ones and all were accepted.
    fn append_noted(
        &self,
        push: &Pushed,
        judge: Judge<'_>,
        noting: Noting<'_>,
    ) -> Result<Appended, StoreError>;
    /// Enrolment codes that may still be used, by when they run out.
    fn open_codes(&self, now_ms: u64) -> Result<Vec<OpenCode>, StoreError>;
    /// All updates of the application, by name, each with its releases by when they were made.
    fn updates(&self) -> Result<Vec<StoredUpdate>, StoreError>;
    /// Rows of the log that fit, newest first, of which `may_read` lets through the organisation; at most `limit`.
    fn audit(
        &self,
        query: &AuditQuery,
        may_read: &dyn Fn(Option<&OrgCode>) -> bool,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError>;
    /// Rows of the log from a number on, oldest first.
    fn audit_from(&self, n: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError>;
}

/// The next row, after the last one's number and hash.
pub(super) fn next_row(last: Option<(u64, [u8; 32])>, noting: Noting<'_>) -> AuditRow {
    let Noting {
        by,
        note,
        now_ms,
        sign,
    } = noting;
    let (n, before) = last.unwrap_or((0, [0; 32]));
    let mut row = AuditRow {
        n: n + 1,
        at_ms: now_ms,
        person: by.person,
        person_name: by.name.clone(),
        device: by.device,
        act: note.act.to_owned(),
        org: note.org.clone(),
        target: note.target.clone(),
        detail: note.detail.to_string(),
        hash: [0; 32],
        signature: SignatureBytes::NONE,
    };
    let said = row.signed_bytes(&before);
    row.hash = AuditRow::hash_of(&said);
    row.signature = sign(&said);
    row
}

/// Whether a row fits a query, leaving aside where it begins.
pub(super) fn fits(row: &AuditRow, query: &AuditQuery) -> bool {
    let has_words = |text: &String| {
        let text = text.to_lowercase();
        [&row.person_name, &row.target, &row.act, &row.detail]
            .iter()
            .any(|field| field.to_lowercase().contains(&text))
            || row
                .org
                .as_ref()
                .is_some_and(|org| org.as_str().contains(&text))
    };
    query.since_ms.is_none_or(|since| row.at_ms >= since)
        && query.until_ms.is_none_or(|until| row.at_ms < until)
        && query.act.as_ref().is_none_or(|act| row.act == *act)
        && query.text.as_ref().is_none_or(has_words)
}

/// Reads backwards, page by page, until enough rows fit.
pub(super) fn search(
    query: &AuditQuery,
    may_read: &dyn Fn(Option<&OrgCode>) -> bool,
    limit: usize,
    mut page: impl FnMut(u64) -> Result<Vec<AuditRow>, StoreError>,
) -> Result<Vec<AuditRow>, StoreError> {
    let mut found = Vec::new();
    let mut before = query.before.unwrap_or(i64::MAX as u64);
    loop {
        let rows = page(before)?;
        let Some(oldest) = rows.last() else {
            return Ok(found);
        };
        before = oldest.n;
        for row in rows {
            if may_read(row.org.as_ref()) && fits(&row, query) {
                found.push(row);
                if found.len() == limit {
                    return Ok(found);
                }
            }
        }
    }
}

/// How many rows are read at a time.
pub(super) const PAGE: i64 = 500;
