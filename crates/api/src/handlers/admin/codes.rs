//! Enrolment codes, and the card for computers that have no network to enrol over.

use shicha_sync::package::ENDING;

use super::{Office, admin_error};
use crate::{app::App, error::ApiError, schema::*};

pub(crate) async fn admin_codes(app: &App, _: Empty) -> Result<AdminCodes, ApiError> {
    let office = Office::of(app)?;
    let asked = office.engine.admin_codes(&office.desk.ledger).await;
    let (list, known) = office.known("codes", asked).await?;
    let names = &office.desk.names;
    let rows = list.codes.into_iter().map(|code| AdminCodeRow {
        person_name: names.person(code.person),
        org_name: names
            .find_person(code.person)
            .map_or_else(String::new, |person| names.org(&person.org)),
        id: code.id,
        created_at_ms: code.created_at_ms,
        expires_at_ms: code.expires_at_ms,
    });
    Ok(AdminCodes {
        known,
        rows: rows.collect(),
    })
}

pub(crate) async fn admin_code_make(
    app: &App,
    request: AdminCodeMake,
) -> Result<AdminCodeSlip, ApiError> {
    let office = Office::of(app)?;
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    let made = engine
        .admin_make_code(ledger, request.person, request.days)
        .await
        .map_err(admin_error)?;
    // Somebody who was just added may not be in the directory here yet.
    let people = engine.admin_people(ledger).await.map_err(admin_error)?;
    let person = people
        .people
        .into_iter()
        .find(|person| person.id == request.person);
    let names = &office.desk.names;
    Ok(AdminCodeSlip {
        id: made.id,
        code: made.code,
        expires_at_ms: made.expires_at_ms,
        fingerprint: made.fingerprint,
        org_name: person
            .as_ref()
            .map_or_else(String::new, |person| names.org(&person.org)),
        person_name: person.map_or_else(String::new, |person| person.name),
        server_name: office.desk.me.server_name.clone(),
        server_url: office.desk.me.server_url.clone(),
    })
}

pub(crate) async fn admin_code_withdraw(
    app: &App,
    request: AdminCodeRef,
) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    engine
        .admin_withdraw_code(ledger, request.id)
        .await
        .map_err(admin_error)?;
    Ok(Empty {})
}

pub(crate) async fn admin_card(app: &App, _: Empty) -> Result<FileOut, ApiError> {
    let office = Office::of(app)?;
    let me = &office.desk.me;
    let made = office
        .engine
        .admin_card(&office.desk.ledger, me.server_url.clone())
        .await
        .map_err(admin_error)?;
    let name = format!("实查名片-{}.{ENDING}", me.server_name);
    let file = app
        .0
        .made
        .keep(&name, "application/octet-stream", made.card);
    Ok(file)
}
