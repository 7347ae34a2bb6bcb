//! Updates of the application at the central endpoint: what is there, for whom it was released, and how far it has got.

use shicha_domain::{OrgCode, directory::OrgTree};

use super::{Office, admin_error};
use crate::{app::App, error::ApiError, schema::*};

pub(crate) async fn admin_updates(app: &App, _: Empty) -> Result<AdminUpdates, ApiError> {
    let office = Office::of(app)?;
    let asked = office.engine.admin_updates(&office.desk.ledger).await;
    let (list, known) = office.known("updates", asked).await?;
    let names = &office.desk.names;
    let directory = office.desk.ledger.directory()?;
    let tree = OrgTree::new(&directory.orgs);
    let own = &office.desk.me.org;
    let rows = list.updates.into_iter().map(|update| {
        let is_released = |org: &OrgCode| {
            let mut releases = update.releases.iter();
            releases.any(|release| tree.is_at_or_below(org, &release.org))
        };
        let open_orgs = directory
            .orgs
            .iter()
            .filter(|org| tree.is_at_or_below(&org.code, own) && !is_released(&org.code))
            .map(|org| AdminReleaseOrg {
                code: org.code.clone(),
                name: org.name.clone(),
            })
            .collect();
        let releases = update
            .releases
            .iter()
            .map(|release| AdminReleaseRow {
                org: release.org.clone(),
                org_name: names.org(&release.org),
                at_ms: release.at_ms,
                may_withdraw: release.is_own,
                devices: release.devices,
                have: release.have,
            })
            .collect();
        AdminUpdateRow {
            name: update.name,
            version: update.version,
            size: update.size,
            notes: update.notes,
            added_at_ms: update.added_at_ms,
            have: update.have,
            releases,
            open_orgs,
        }
    });
    Ok(AdminUpdates {
        known,
        rows: rows.collect(),
        devices: list.devices,
    })
}

pub(crate) async fn admin_update_release(
    app: &App,
    request: AdminUpdateRelease,
) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    engine
        .admin_release_update(ledger, request.name, request.org)
        .await
        .map_err(admin_error)?;
    Ok(Empty {})
}

pub(crate) async fn admin_update_withdraw(
    app: &App,
    request: AdminUpdateRelease,
) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    engine
        .admin_withdraw_update(ledger, request.name, request.org)
        .await
        .map_err(admin_error)?;
    Ok(Empty {})
}
