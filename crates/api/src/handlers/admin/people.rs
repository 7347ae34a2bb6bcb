//! People.

use std::collections::HashMap;

use shicha_domain::{PersonId, directory::Person};

use super::{Office, admin_error, typed};
use crate::{app::App, error::ApiError, schema::*};

pub(crate) async fn admin_people(app: &App, _: Empty) -> Result<AdminPeople, ApiError> {
    let office = Office::of(app)?;
    let asked = office.engine.admin_people(&office.desk.ledger).await;
    let (list, known) = office.known("people", asked).await?;
    let names = &office.desk.names;
    let mut devices: HashMap<PersonId, u32> = HashMap::new();
    for device in &names.directory().devices {
        if device.revoked_at_ms.is_none() {
            *devices.entry(device.person).or_default() += 1;
        }
    }
    let rows = list.people.into_iter().map(|person| AdminPersonRow {
        org_name: names.org(&person.org),
        devices: devices.get(&person.id).copied().unwrap_or(0),
        is_me: person.id == office.desk.me.person,
        id: person.id,
        name: person.name,
        org: person.org,
        role: person.role,
        certificate: person.certificate,
        is_active: person.is_active,
    });
    Ok(AdminPeople {
        known,
        rows: rows.collect(),
    })
}

pub(crate) async fn admin_person_put(
    app: &App,
    request: AdminPersonPut,
) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let id = request
        .id
        .unwrap_or_else(|| PersonId(office.desk.new_record().0));
    let person = Person {
        id,
        name: request.name.trim().to_owned(),
        org: request.org,
        role: request.role,
        certificate: typed(request.certificate),
        is_active: request.is_active,
    };
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    engine
        .admin_put_person(ledger, &person)
        .await
        .map_err(admin_error)?;
    office.changed();
    Ok(Empty {})
}
