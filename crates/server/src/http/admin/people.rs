//! People.

use axum::{Json, extract::State};
use shicha_domain::directory::Person;
use shicha_sync::protocol::admin::{Changed, People};

use super::{Administrator, contradicted, own, tell};
use crate::http::{
    Shared,
    bodies::Sent,
    fault::{Fault, blocking, message},
};

/// Everybody of these organisations.
#[utoipa::path(
    get, path = "/v1/admin/people", tag = "administration",
    responses((status = 200, description = "the people", body = People))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
) -> Result<Json<People>, Fault> {
    blocking(move || {
        let register = app.home.store.register()?;
        let all = register.directory.people.iter();
        let people = all
            .filter(|person| administrator.is_over(&register.tree, &person.org))
            .cloned()
            .collect();
        Ok(Json(People { people }))
    })
    .await
}

/// Adds or changes one of them.
#[utoipa::path(
    post, path = "/v1/admin/people", tag = "administration",
    request_body = Person,
    responses((status = 200, description = "whether anything changed", body = Changed))
)]
pub(super) async fn put(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<Changed>, Fault> {
    let person: Person = message(&body)?;
    blocking(move || {
        let register = app.home.store.register()?;
        let mut known = register.directory.people.iter();
        if let Some(known) = known.find(|known| known.id == person.id) {
            administrator.check_over(&register.tree, &known.org)?;
        }
        administrator.check_over(&register.tree, &person.org)?;
        let actor = &administrator.0.actor;
        let keeps_office = person.is_active && person.role == actor.role && person.org == actor.org;
        if person.id == actor.person && !keeps_office {
            return Err(own());
        }
        let changed = administrator
            .hand(&app)
            .put_person(&person)
            .map_err(contradicted)?;
        tell(&app, changed);
        Ok(Json(Changed { changed }))
    })
    .await
}
