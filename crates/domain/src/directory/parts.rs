//! The directory as it travels: what changed since a mark, in parts, and a hash by which a device knows that what it has is whole
//! (invariant 14, the directory has a past).
//!
//! ```text
//! mark ──► part {after: mark, rows, mark'} ──► part {after: mark', rows, mark'', whole} ──► the hash of all rows here must be `whole.hash`
//! ```
//!
//! A row is kept and hashed as the JSON that came, so a device keeps rows and fields of a newer version that it cannot read.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Device, Directory, FormerParent, Org, Person};
use crate::{canonical, ids::Digest, suite};

/// Rows of organisations; their name is the code.
pub const ORG: &str = "org";
/// Rows of people; their name is the identity.
pub const PERSON: &str = "person";
/// Rows of devices; their name is the identity.
pub const DEVICE: &str = "device";

/// Rows of where organisations lay before they were moved; their name is the code and the moment of the move.
pub const FORMER: &str = "former";

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowChange {
    /// What it is: `org`, `person`, `device`, `former`, or what a newer version has besides.
    pub kind: String,
    /// Its name among those, for ever.
    pub id: String,
    /// What it says now; nothing: it left what this person may know of.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub value: Option<Value>,
}

/// Some of what changed since a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DirectoryPart {
    /// The mark that it goes on from. Nothing: it begins anew, and all of it takes the place of what is there.
    #[serde(default)]
    pub after: Option<String>,
    /// What changed, oldest change first.
    pub rows: Vec<RowChange>,
    /// What to ask from next.
    pub mark: String,
    /// With the last part.
    #[serde(default)]
    pub whole: Option<WholeDirectory>,
}

/// What all parts together make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WholeDirectory {
    /// Its version, which grows with every change anywhere in it.
    pub version: u64,
    /// [`hash_of`] all rows that the person may know of.
    pub hash: Digest,
    /// Name of the central endpoint.
    pub server_name: String,
    /// Whether all of this is sample data.
    pub is_sample: bool,
}

/// The hash of one row.
pub fn row_hash(kind: &str, id: &str, value: &Value) -> [u8; 32] {
    let said = canonical::to_bytes(value);
    let mut text = suite::text(
        b"shicha-directory-row-1\0",
        16 + kind.len() + id.len() + said.len(),
    );
    for part in [kind, id] {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(&said);
    Sha256::digest(text).into()
}

/// The hash of a directory, from the hashes of its rows in whatever order.
pub fn hash_of(mut rows: Vec<[u8; 32]>) -> Digest {
    rows.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(suite::text(b"shicha-directory-1\0", 0));
    for row in rows {
        hash.update(row);
    }
    Digest(hash.finalize().into())
}

impl Directory {
    /// What it says, row by row.
    pub fn rows(&self) -> impl Iterator<Item = RowChange> {
        let orgs = self.orgs.iter().map(|org| row(ORG, &org.code, org));
        let people = self.people.iter().map(|one| row(PERSON, &one.id, one));
        let devices = self.devices.iter().map(|one| row(DEVICE, &one.id, one));
        let former = self.former.iter().map(|one| row(FORMER, &one.name(), one));
        orgs.chain(people).chain(devices).chain(former)
    }

    /// Takes one row in. What this version cannot read is passed over: whoever keeps rows keeps it.
    pub fn take(&mut self, kind: &str, value: Value) {
        match kind {
            ORG => self.orgs.extend(read::<Org>(value)),
            PERSON => self.people.extend(read::<Person>(value)),
            DEVICE => self.devices.extend(read::<Device>(value)),
            FORMER => self.former.extend(read::<FormerParent>(value)),
            _ => {}
        }
    }

    /// All of it in one part.
    pub fn to_part(&self, mark: &str) -> DirectoryPart {
        let rows: Vec<RowChange> = self.rows().collect();
        let hashes = rows
            .iter()
            .filter_map(|row| Some(row_hash(&row.kind, &row.id, row.value.as_ref()?)))
            .collect();
        DirectoryPart {
            after: None,
            rows,
            mark: mark.to_owned(),
            whole: Some(WholeDirectory {
                version: self.version,
                hash: hash_of(hashes),
                server_name: self.server_name.clone(),
                is_sample: self.is_sample,
            }),
        }
    }
}

/// A row as it travels.
pub fn row(kind: &str, id: &impl ToString, value: &impl Serialize) -> RowChange {
    RowChange {
        kind: kind.to_owned(),
        id: id.to_string(),
        // Every row is a plain structure with text for keys, which has a spelling in JSON.
        value: Some(serde_json::to_value(value).unwrap_or_default()),
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;
    use crate::directory::OrgKind;

    fn directory() -> Directory {
        Directory {
            version: 3,
            server_name: "中心端".into(),
            orgs: vec![Org {
                code: "320700".parse().unwrap(),
                name: "市局".into(),
                short_name: "苏连".into(),
                parent: None,
                kind: OrgKind::City,
                region: None,
            }],
            ..Directory::default()
        }
    }

    #[test]
    fn a_row_that_is_missing_altered_or_too_many_changes_the_hash_and_the_order_does_not() {
        let value = json!({"name": "甲", "more": [1, 2]});
        let (a, b) = (row_hash(ORG, "a", &value), row_hash(ORG, "b", &value));
        assert_eq!(hash_of(vec![a, b]), hash_of(vec![b, a]));
        let whole = hash_of(vec![a, b]);
        for other in [
            vec![a],
            vec![a, b, b],
            vec![a, row_hash(PERSON, "b", &value)],
            vec![
                a,
                row_hash(ORG, "b", &json!({"name": "乙", "more": [1, 2]})),
            ],
        ] {
            assert_ne!(hash_of(other), whole);
        }
        let read: Value = serde_json::from_str(r#"{ "more":[1,2], "name":"甲" }"#).unwrap();
        assert_eq!(
            row_hash(ORG, "a", &read),
            a,
            "spaces and order of fields say nothing"
        );
    }

    #[test]
    fn what_a_newer_version_says_is_hashed_and_does_not_disturb() {
        let part = directory().to_part("mark");
        let mut again = Directory::default();
        for change in part.rows {
            let mut value = change.value.unwrap();
            value["newer"] = json!(1);
            again.take(&change.kind, value);
        }
        again.take("newer_kind", json!({"id": 1}));
        again.take(ORG, json!({"code": "another form"}));
        assert_eq!(again.orgs, directory().orgs);
    }
}
