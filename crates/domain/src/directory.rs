//! The directory: organisations, people and devices, as the central endpoint keeps them and every device holds a copy.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::ids::{DeviceId, OrgCode, PersonId};

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum OrgKind {
    /// City bureau 市应急管理局.
    City,
    /// County bureau or functional area 县区、功能板块.
    County,
    /// Institution or enterprise 机构、企业.
    Institution,
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Org {
    /// Its code, for ever.
    pub code: OrgCode,
    /// Full name, e.g. 连云港市应急管理局.
    pub name: String,
    /// The abbreviation that document numbers carry, e.g. 苏连.
    pub short_name: String,
    /// The organisation above it.
    pub parent: Option<OrgCode>,
    /// What it is.
    pub kind: OrgKind,
    /// Code of its administrative region, where it has one (GB/T 2260 or statistical).
    pub region: Option<String>,
}

/// In which role a person acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 执法人员.
    Inspector,
    /// 监管负责人.
    Supervisor,
    /// 机构/企业.
    Institution,
    /// 管理员.
    Administrator,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// Name.
    pub name: String,
    /// Where they belong.
    pub org: OrgCode,
    /// As what they act.
    pub role: Role,
    /// Number of the enforcement certificate 执法证号, for inspectors.
    pub certificate: Option<String>,
    /// Whether they still act.
    pub is_active: bool,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Which.
    pub id: DeviceId,
    /// Whose.
    pub person: PersonId,
    /// Ed25519 public key.
    #[serde(with = "hex")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[0-9a-f]{64}$"))]
    pub public_key: [u8; 32],
    /// What its user calls it.
    pub label: String,
    /// Since when it may not sync any more, Unix ms.
    pub revoked_at_ms: Option<u64>,
}

/// Organisations, people and devices that a person may know of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Directory {
    /// Grows with every change.
    pub version: u64,
    /// Name of the central endpoint.
    pub server_name: String,
    /// Whether all of this is sample data.
    pub is_sample: bool,
    /// Organisations.
    pub orgs: Vec<Org>,
    /// People.
    pub people: Vec<Person>,
    /// Devices.
    pub devices: Vec<Device>,
}

/// The tree of organisations, for questions of scope.
#[derive(Debug, Clone, Default)]
pub struct OrgTree {
    parents: HashMap<OrgCode, Option<OrgCode>>,
}

/// No real tree is deeper; a cycle ends here.
const MAX_DEPTH: usize = 16;

impl OrgTree {
    /// Builds the tree.
    pub fn new<'a>(orgs: impl IntoIterator<Item = &'a Org>) -> Self {
        Self {
            parents: orgs
                .into_iter()
                .map(|org| (org.code.clone(), org.parent.clone()))
                .collect(),
        }
    }

    /// Whether the organisation exists.
    pub fn has(&self, org: &OrgCode) -> bool {
        self.parents.contains_key(org)
    }

    /// Whether `org` is `above` or lies below it.
    pub fn is_at_or_below(&self, org: &OrgCode, above: &OrgCode) -> bool {
        let mut here = Some(org);
        for _ in 0..MAX_DEPTH {
            match here {
                Some(code) if code == above => return self.has(code),
                Some(code) => here = self.parents.get(code).and_then(Option::as_ref),
                None => return false,
            }
        }
        false
    }
}
