//! Campaign packs: checked here, published at the central endpoint, which checks again.

use shicha_domain::pack::{MAX_BYTES, Pack, changes, version_numbers};
use shicha_ledger::PackRow;
use shicha_sync::protocol::admin::PublishedPack;

use super::{Office, admin_error};
use crate::{
    app::{App, blocking},
    desk::Desk,
    error::ApiError,
    schema::*,
};

/// Faults that are shown; whoever has more begins with these.
const SHOWN: usize = 500;

pub(crate) async fn admin_packs(app: &App, _: Empty) -> Result<AdminPacks, ApiError> {
    let office = Office::of(app)?;
    let asked = office.engine.admin_packs(&office.desk.ledger).await;
    let (list, known) = office.known("packs", asked).await?;
    let desk = office.desk.clone();
    blocking(move || {
        let here = desk.ledger.packs()?;
        let rows = list
            .packs
            .into_iter()
            .map(|pack| row_of(&desk, &here, pack));
        Ok(AdminPacks {
            known,
            rows: rows.collect(),
        })
    })
    .await
}

fn row_of(desk: &Desk, here: &[PackRow], pack: PublishedPack) -> AdminPackRow {
    AdminPackRow {
        above: published_above(desk, here, &pack.id),
        by: desk.names.person(pack.by),
        id: pack.id,
        version: pack.version,
        title: pack.title,
        size: pack.size,
        at_ms: pack.at_ms,
    }
}

/// What the bureau above is called that publishes a pack of that id, by what is known here; the endpoint asks again.
fn published_above(desk: &Desk, here: &[PackRow], id: &str) -> Option<String> {
    let (own, tree) = (&desk.me.org, desk.names.tree());
    here.iter()
        .filter(|row| row.id == id && row.number.is_some())
        .find(|row| row.org != *own && tree.is_at_or_below(own, &row.org))
        .map(|row| desk.names.org(&row.org))
}

pub(crate) async fn admin_pack_check(
    app: &App,
    request: AdminPackCheck,
) -> Result<AdminPackChecked, ApiError> {
    let desk = Office::of(app)?.desk;
    blocking(move || check(&desk, &request)).await
}

fn check(desk: &Desk, request: &AdminPackCheck) -> Result<AdminPackChecked, ApiError> {
    let uploads = &desk.app.0.uploads;
    let name = uploads.name(&request.source);
    let bytes = uploads.open(&request.source)?.read_all(MAX_BYTES as u64)?;
    let pack = match Pack::parse(&bytes) {
        Ok(pack) => pack,
        Err(faults) => {
            let faults = faults.into_iter().take(SHOWN).map(|fault| AdminPackFault {
                line: u32::try_from(fault.line).unwrap_or(u32::MAX),
                column: u32::try_from(fault.column).unwrap_or(u32::MAX),
                path: fault.path,
                reason_zh: fault.reason_zh,
                reason_en: fault.reason_en,
            });
            return Ok(AdminPackChecked {
                name,
                token: None,
                faults: faults.collect(),
                about: None,
            });
        }
    };
    let about = about(desk, &pack)?;
    let may_publish = about.rises && about.above.is_none();
    let token = may_publish.then(|| desk.app.0.made.keep(&name, "application/json", bytes).token);
    Ok(AdminPackChecked {
        name,
        token,
        faults: Vec::new(),
        about: Some(about),
    })
}

fn about(desk: &Desk, pack: &Pack) -> Result<AdminPackAbout, ApiError> {
    let all = desk.ledger.packs()?;
    let newest = all
        .iter()
        .filter(|row| row.id == pack.id.as_str() && row.org == desk.me.org)
        .max_by_key(|row| version_numbers(&row.version));
    let old = match newest {
        Some(row) => desk.app.0.packs.read(&desk.ledger, row)?,
        None => None,
    };
    let changes = old.map(|old| {
        let rows = changes(&old, pack).into_iter();
        rows.map(|change| AdminPackChange {
            part: word(&change.part),
            kind: word(&change.kind),
            id: change.id,
            title: change.title,
        })
        .collect()
    });
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Ok(AdminPackAbout {
        id: pack.id.to_string(),
        version: pack.version.to_string(),
        title: pack.title.zh.clone(),
        valid_from: pack.valid_from.to_string(),
        valid_to: pack.valid_to.to_string(),
        checklists: count(pack.checklists.len()),
        items: count(pack.items().count()),
        rises: newest.is_none_or(|row| version_numbers(&row.version) < pack.version.numbers()),
        above: published_above(desk, &all, pack.id.as_str()),
        newest: newest.map(|row| row.version.clone()),
        changes,
    })
}

/// The word under which a choice is written.
fn word(choice: &impl serde::Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

pub(crate) async fn admin_pack_publish(
    app: &App,
    request: AdminPackPublish,
) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let file = app.file(&request.token)?;
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    engine
        .admin_publish(ledger, file.bytes)
        .await
        .map_err(admin_error)?;
    office.changed();
    Ok(Empty {})
}
