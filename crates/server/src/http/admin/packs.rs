//! Campaign packs of the administrator's own organisation; everyone at or below it gets them.

use axum::{Json, extract::State};
use shicha_domain::Channel;
use shicha_sync::protocol::{
    Problem, ProblemCode,
    admin::{PackPublished, Packs, pack_refusal},
};

use super::Administrator;
use crate::{
    http::{
        Change, Shared,
        bodies::Sent,
        fault::{Fault, blocking},
    },
    publishing::{self, PublishFault},
};

/// What the administrator's organisation has published.
#[utoipa::path(
    get, path = "/v1/admin/packs", tag = "administration",
    responses((status = 200, description = "the packs", body = Packs))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
) -> Result<Json<Packs>, Fault> {
    blocking(move || {
        let packs = publishing::published(
            &app.home,
            &administrator.0.actor.org,
            administrator.0.actor.person,
        )?;
        Ok(Json(Packs { packs }))
    })
    .await
}

/// Publishes a pack; everyone at or below the organisation gets it.
#[utoipa::path(
    post, path = "/v1/admin/packs", tag = "administration",
    request_body(content = serde_json::Value, description = "the file of the pack"),
    responses((status = 200, description = "what was published", body = PackPublished))
)]
pub(super) async fn publish(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<PackPublished>, Fault> {
    blocking(move || {
        let org = administrator.0.actor.org.clone();
        let person = &administrator.0.state.person;
        let hand = administrator.hand(&app);
        let done = publishing::publish(&hand, &body, &org, person)?;
        if done.is_new {
            app.tell(Change::Entries {
                channels: vec![Channel::Pub(org)],
                by: None,
            });
        }
        Ok(Json(PackPublished {
            id: done.pack.id.as_str().to_owned(),
            version: done.pack.version.to_string(),
            changed: done.is_new,
        }))
    })
    .await
}

impl From<PublishFault> for Fault {
    fn from(fault: PublishFault) -> Self {
        let detail = fault.to_string();
        let problem = Problem::new(ProblemCode::Conflict, detail.as_str());
        match fault {
            PublishFault::Store(error) => error.into(),
            PublishFault::Evidence(error) => error.into(),
            PublishFault::Again => Self::new(ProblemCode::Unavailable, detail),
            PublishFault::Retired | PublishFault::Refused(_) => {
                Self::new(ProblemCode::Forbidden, detail)
            }
            PublishFault::Version { newest } => problem
                .with("reason", pack_refusal::VERSION)
                .with("newest", newest)
                .into(),
            PublishFault::Above { name, .. } => problem
                .with("reason", pack_refusal::ABOVE)
                .with("bureau", name)
                .into(),
            PublishFault::Faults(faults) => match serde_json::to_value(&faults) {
                Ok(faults) => problem
                    .with("reason", pack_refusal::FAULTS)
                    .with("faults", faults)
                    .into(),
                Err(error) => Self::internal(&error),
            },
        }
    }
}
