//! Administration: one file for each noun.
//!
//! Invariant: every call asks the directory anew whether the caller is an administrator, and whether what is asked about lies at or
//! below their own organisation; what does not, is not there for them. Nobody shuts themselves out. What is done is noted in the audit
//! log in the same transaction.

mod audit;
mod codes;
mod devices;
mod orgs;
mod packs;
mod people;
mod refused;
mod updates;

use axum::{Extension, extract::FromRequestParts, http::request::Parts};
use shicha_domain::{
    OrgCode,
    directory::{OrgTree, Role},
    pack,
};
use shicha_sync::protocol::{MAX_JSON_BODY, Problem, ProblemCode};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{App, Shared, bodies::MostBytes, fault::Fault, session::Caller};
use crate::{
    administration::Hand,
    store::{StoreError, administration::By},
};

pub(super) fn router() -> OpenApiRouter<Shared> {
    let packs = OpenApiRouter::new()
        .routes(routes!(packs::list, packs::publish))
        .layer(Extension(MostBytes(pack::MAX_BYTES)));
    OpenApiRouter::new()
        .routes(routes!(orgs::list, orgs::put))
        .routes(routes!(people::list, people::put))
        .routes(routes!(devices::list))
        .routes(routes!(devices::revoke))
        .routes(routes!(devices::unlock))
        .routes(routes!(codes::list, codes::make))
        .routes(routes!(codes::withdraw))
        .routes(routes!(codes::card))
        .routes(routes!(audit::list))
        .routes(routes!(refused::list))
        .routes(routes!(refused::release))
        .routes(routes!(updates::list))
        .routes(routes!(updates::release))
        .routes(routes!(updates::withdraw))
        .layer(Extension(MostBytes(MAX_JSON_BODY)))
        .merge(packs)
}

/// An administrator who asks.
pub(super) struct Administrator(Caller);

impl FromRequestParts<Shared> for Administrator {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Fault> {
        let caller = Caller::from_request_parts(parts, app).await?;
        if caller.actor.role == Role::Administrator {
            Ok(Self(caller))
        } else {
            Err(Fault::new(
                ProblemCode::Forbidden,
                "only administrators do this",
            ))
        }
    }
}

impl Administrator {
    /// What they do with.
    fn hand<'a>(&self, app: &'a App) -> Hand<'a> {
        Hand {
            home: &app.home,
            by: By {
                person: Some(self.0.actor.person),
                name: self.0.state.person.name.clone(),
                device: Some(self.0.state.device.id),
            },
            now_ms: app.now_ms(),
        }
    }

    /// Whether an organisation is theirs to look after.
    fn is_over(&self, tree: &OrgTree, org: &OrgCode) -> bool {
        tree.is_at_or_below(org, &self.0.actor.org)
    }

    fn check_over(&self, tree: &OrgTree, org: &OrgCode) -> Result<(), Fault> {
        if self.is_over(tree, org) {
            Ok(())
        } else {
            Err(Fault::new(
                ProblemCode::NotFound,
                "not at or below the administrator's organisation",
            ))
        }
    }
}

/// Nobody takes away what they need to undo it.
fn own() -> Fault {
    conflict("own", "administrators do not shut themselves out")
}

/// A contradiction that the screens have words for.
fn conflict(reason: &str, detail: &str) -> Fault {
    Problem::new(ProblemCode::Conflict, detail)
        .with("reason", reason)
        .into()
}

/// What the store refuses is a contradiction here, not a broken request.
fn contradicted(error: StoreError) -> Fault {
    match error {
        StoreError::Contradiction(what) => conflict("value", what),
        StoreError::Missing(what) => conflict("missing", what),
        other => other.into(),
    }
}

/// Tells everybody when something was changed. May block.
fn tell(app: &App, is_changed: bool) {
    if is_changed {
        app.directory_changed();
    }
}
