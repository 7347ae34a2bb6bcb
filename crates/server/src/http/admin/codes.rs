//! Enrolment codes, and the card for machines that have no network to enrol over.

use axum::{Json, extract::State};
use shicha_domain::{
    PersonId,
    directory::{OrgTree, Person},
};
use shicha_sync::protocol::{
    ProblemCode,
    admin::{Changed, Codes, MadeCard, MadeCode, NewCard, NewCode, OpenCode, WithdrawCode},
};

use super::{Administrator, conflict};
use crate::{
    http::{
        Shared,
        bodies::Sent,
        fault::{Fault, blocking, message},
    },
    package,
    store::{Register, administration::CodeId},
};

fn person<'a>(
    administrator: &Administrator,
    register: &'a Register,
    person: PersonId,
) -> Result<&'a Person, Fault> {
    let tree: &OrgTree = &register.tree;
    let mut people = register.directory.people.iter();
    people
        .find(|known| known.id == person && administrator.is_over(tree, &known.org))
        .ok_or_else(|| Fault::new(ProblemCode::NotFound, "no such person"))
}

/// Enrolment codes that may still be used.
#[utoipa::path(
    get, path = "/v1/admin/codes", tag = "administration",
    responses((status = 200, description = "the codes", body = Codes))
)]
pub(super) async fn list(
    State(app): State<Shared>,
    administrator: Administrator,
) -> Result<Json<Codes>, Fault> {
    blocking(move || {
        let register = app.home.store.register()?;
        let open = app.home.store.open_codes(app.now_ms())?;
        let codes = open
            .into_iter()
            .filter(|code| person(&administrator, &register, code.person).is_ok())
            .map(|code| OpenCode {
                id: code.id.to_string(),
                person: code.person,
                created_at_ms: code.created_at_ms,
                expires_at_ms: code.expires_at_ms,
            })
            .collect();
        Ok(Json(Codes { codes }))
    })
    .await
}

/// Makes an enrolment code.
#[utoipa::path(
    post, path = "/v1/admin/codes", tag = "administration",
    request_body = NewCode,
    responses((status = 200, description = "the code, told this once", body = MadeCode))
)]
pub(super) async fn make(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<MadeCode>, Fault> {
    let request: NewCode = message(&body)?;
    if !(1..=90).contains(&request.days) {
        return Err(Fault::bad_request("a code lasts 1 to 90 days"));
    }
    blocking(move || {
        let register = app.home.store.register()?;
        let person = person(&administrator, &register, request.person)?;
        let made = administrator.hand(&app).make_code(person, request.days)?;
        made.map(Json)
            .ok_or_else(|| conflict("retired", "this person acts no more"))
    })
    .await
}

/// Withdraws one.
#[utoipa::path(
    post, path = "/v1/admin/codes/withdraw", tag = "administration",
    request_body = WithdrawCode,
    responses((status = 200, description = "whether anything changed", body = Changed))
)]
pub(super) async fn withdraw(
    State(app): State<Shared>,
    administrator: Administrator,
    body: Sent,
) -> Result<Json<Changed>, Fault> {
    let request: WithdrawCode = message(&body)?;
    let id: CodeId = request
        .id
        .parse()
        .map_err(|_| Fault::bad_request("a code's id has 16 hexadecimal digits"))?;
    blocking(move || {
        let register = app.home.store.register()?;
        let open = app.home.store.open_codes(app.now_ms())?;
        // Used or run out in the meantime: it is of no more use, which is what was wanted.
        let Some(code) = open.into_iter().find(|code| code.id == id) else {
            return Ok(Json(Changed { changed: false }));
        };
        let person = person(&administrator, &register, code.person)?;
        let changed = administrator.hand(&app).withdraw_code(id, person)?;
        Ok(Json(Changed { changed }))
    })
    .await
}

/// The endpoint's card, for machines without a network.
// Nothing secret: it says what every device asks the endpoint for first.
#[utoipa::path(
    post, path = "/v1/admin/card", tag = "administration",
    request_body = NewCard,
    responses((status = 200, description = "the bytes of the file", body = MadeCard))
)]
pub(super) async fn card(
    State(app): State<Shared>,
    _administrator: Administrator,
    body: Sent,
) -> Result<Json<MadeCard>, Fault> {
    let request: NewCard = message(&body)?;
    blocking(move || {
        let card = package::card(&app.home, request.url.trim())?;
        Ok(Json(MadeCard { card }))
    })
    .await
}
