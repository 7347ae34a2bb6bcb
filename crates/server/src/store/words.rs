//! How the domain's types are written in columns. A value that cannot be is reported as damaged, never guessed.

use shicha_domain::{
    Channel, RecordKind,
    directory::{
        OrgKind, Role,
        parts::{DEVICE, PERSON},
    },
    entry::Again,
    suite::{PublicKey, SignatureBytes},
};
use shicha_sync::protocol::order::OrderAct;
use uuid::Uuid;

use super::{OrderState, StoreError};

pub(in crate::store) fn hash(bytes: &[u8], what: &'static str) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Damaged(what))
}

/// Where an entry stood first, if it was written again.
pub(in crate::store) fn first_place(bytes: Option<&[u8]>) -> Result<Option<Again>, StoreError> {
    bytes
        .map(|bytes| Again::from_bytes(bytes).ok_or(StoreError::Damaged("entry")))
        .transpose()
}

pub(in crate::store) fn public_key(tagged: &[u8]) -> Result<PublicKey, StoreError> {
    PublicKey::from_tagged(tagged).map_err(|_| StoreError::Damaged("public key"))
}

pub(in crate::store) fn signature(tagged: &[u8]) -> Result<SignatureBytes, StoreError> {
    SignatureBytes::from_tagged(tagged).map_err(|_| StoreError::Damaged("signature"))
}

/// A kind of row of the directory that has a past.
pub(in crate::store) fn row_kind(word: &str) -> Result<&'static str, StoreError> {
    [PERSON, DEVICE]
        .into_iter()
        .find(|kind| *kind == word)
        .ok_or(StoreError::Damaged("kind of row"))
}

pub(in crate::store) fn uuid(bytes: &[u8], what: &'static str) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| StoreError::Damaged(what))
}

pub(in crate::store) fn channel(name: &str) -> Result<Channel, StoreError> {
    name.parse().map_err(|_| StoreError::Damaged("channel"))
}

pub(in crate::store) const fn org_kind_word(kind: OrgKind) -> &'static str {
    match kind {
        OrgKind::City => "city",
        OrgKind::County => "county",
        OrgKind::Institution => "institution",
    }
}

pub(in crate::store) fn org_kind(word: &str) -> Result<OrgKind, StoreError> {
    [OrgKind::City, OrgKind::County, OrgKind::Institution]
        .into_iter()
        .find(|kind| org_kind_word(*kind) == word)
        .ok_or(StoreError::Damaged("kind of organisation"))
}

pub(in crate::store) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Inspector => "inspector",
        Role::Supervisor => "supervisor",
        Role::Institution => "institution",
        Role::Administrator => "administrator",
    }
}

pub(in crate::store) fn role(word: &str) -> Result<Role, StoreError> {
    [
        Role::Inspector,
        Role::Supervisor,
        Role::Institution,
        Role::Administrator,
    ]
    .into_iter()
    .find(|role| role_word(*role) == word)
    .ok_or(StoreError::Damaged("role"))
}

pub(in crate::store) fn record_kind(word: &str) -> Result<RecordKind, StoreError> {
    [
        RecordKind::Pack,
        RecordKind::Subject,
        RecordKind::Inspection,
        RecordKind::Finding,
    ]
    .into_iter()
    .find(|kind| kind.as_str() == word)
    .ok_or(StoreError::Damaged("kind of record"))
}

/// An order in its columns: what, when, and when it was done.
pub(in crate::store) fn order(
    act: Option<&str>,
    at_ms: Option<u64>,
    done_at_ms: Option<u64>,
) -> Result<Option<OrderState>, StoreError> {
    let (Some(act), Some(at_ms)) = (act, at_ms) else {
        return Ok(None);
    };
    let act = match act {
        "lock" => OrderAct::Lock,
        "wipe" => OrderAct::Wipe,
        _ => return Err(StoreError::Damaged("order")),
    };
    Ok(Some(OrderState {
        act,
        at_ms,
        done_at_ms,
    }))
}
