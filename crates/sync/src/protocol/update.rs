//! Messages about updates of the application. The signature is the maker's, so nothing here has to be believed.

use serde::{Deserialize, Serialize};
use shicha_domain::OrgCode;

/// The query of `GET /v1/update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct UpdateQuery {
    /// For which kind of computer: `windows-x86_64`.
    pub platform: String,
}

/// `GET /v1/update`: the newest update that was released for the device's organisation or one above it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateOffer {
    /// It, where there is one.
    pub update: Option<OfferedUpdate>,
}

/// An update, as whoever carries it tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferedUpdate {
    /// The file's name, under which `GET /v1/updates/{name}` gives its bytes.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// Its signature as minisign writes it; the signed comment bears the name.
    pub signature: String,
}

/// `GET /v1/admin/updates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Updates {
    /// Newest first.
    pub updates: Vec<UpdateReport>,
    /// Devices of the administrator's organisations that may take part.
    pub devices: u64,
}

/// What the server knows of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateReport {
    /// The file's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// For which kind of computer.
    pub platform: String,
    /// Its bytes.
    pub size: u64,
    /// What is new; may be empty.
    pub notes: String,
    /// When it was added, Unix ms.
    pub added_at_ms: u64,
    /// Of the administrator's devices, those that run this version or a newer one.
    pub have: u64,
    /// For whom it was released: organisations of the administrator's, and those above, whose releases hold for these too.
    pub releases: Vec<ReleaseReport>,
}

/// A release for an organisation and all below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseReport {
    /// For whom.
    pub org: OrgCode,
    /// Since when, Unix ms.
    pub at_ms: u64,
    /// Whether the administrator may take it back.
    pub is_own: bool,
    /// Of the administrator's devices, those that it is for.
    pub devices: u64,
    /// Of these, those that run this version or a newer one.
    pub have: u64,
}

/// `POST /v1/admin/updates/release` and `…/withdraw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseUpdate {
    /// The file's name.
    pub name: String,
    /// For which organisation and all below it.
    pub org: OrgCode,
}
