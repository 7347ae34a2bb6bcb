//! Organisations as a tree.

use std::collections::HashMap;

use shicha_domain::{OrgCode, directory::Org};

use super::{Office, admin_error, typed};
use crate::{
    app::App,
    error::{ApiError, ErrorCode},
    schema::*,
};

/// No tree is deeper.
const MAX_DEPTH: u32 = 16;

pub(crate) async fn admin_orgs(app: &App, _: Empty) -> Result<AdminOrgs, ApiError> {
    let office = Office::of(app)?;
    let asked = office.engine.admin_orgs(&office.desk.ledger).await;
    let (list, known) = office.known("orgs", asked).await?;
    let mut people: HashMap<&OrgCode, u32> = HashMap::new();
    for person in &office.desk.names.directory().people {
        if person.is_active {
            *people.entry(&person.org).or_default() += 1;
        }
    }
    let mut rows = Vec::new();
    for (org, depth) in in_order(&list.orgs) {
        rows.push(AdminOrgRow {
            people: people.get(&org.code).copied().unwrap_or(0),
            code: org.code.clone(),
            name: org.name.clone(),
            short_name: org.short_name.clone(),
            parent: org.parent.clone(),
            kind: org.kind,
            region: org.region.clone(),
            depth,
        });
    }
    Ok(AdminOrgs { known, rows })
}

/// Each after the one above it; those whose upper one is not in the list come first.
fn in_order(orgs: &[Org]) -> Vec<(&Org, u32)> {
    let mut below: HashMap<Option<&OrgCode>, Vec<&Org>> = HashMap::new();
    for org in orgs {
        let above = org.parent.as_ref();
        let above = above.filter(|above| orgs.iter().any(|other| other.code == **above));
        below.entry(above).or_default().push(org);
    }
    let mut ordered = Vec::new();
    let mut waiting = vec![(None, 0)];
    while let Some((org, depth)) = waiting.pop() {
        let above: Option<&Org> = org;
        if let Some(org) = above {
            ordered.push((org, depth - 1));
        }
        if depth <= MAX_DEPTH {
            let rows = below.remove(&above.map(|org| &org.code));
            let rows = rows.unwrap_or_default().into_iter().rev();
            waiting.extend(rows.map(|org| (Some(org), depth + 1)));
        }
    }
    ordered
}

pub(crate) async fn admin_org_put(app: &App, request: AdminOrgPut) -> Result<Empty, ApiError> {
    let office = Office::of(app)?;
    let code: OrgCode = request
        .code
        .trim()
        .parse()
        .map_err(|_| ApiError::new(ErrorCode::BadValue).with("field", "org_code"))?;
    let org = Org {
        code,
        name: request.name.trim().to_owned(),
        short_name: request.short_name.trim().to_owned(),
        parent: request.parent,
        kind: request.kind,
        region: typed(request.region),
    };
    let (engine, ledger) = (&office.engine, &office.desk.ledger);
    if request.is_new {
        // The server would take it for a change.
        let known = engine.admin_orgs(ledger).await.map_err(admin_error)?;
        let is_taken = known.orgs.iter().any(|other| other.code == org.code);
        if is_taken || office.desk.names.find_org(&org.code).is_some() {
            return Err(ApiError::new(ErrorCode::Contradiction).with("reason", "code_taken"));
        }
    }
    engine
        .admin_put_org(ledger, &org)
        .await
        .map_err(admin_error)?;
    office.changed();
    Ok(Empty {})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use shicha_domain::directory::OrgKind;

    use super::*;

    #[test]
    fn the_tree_is_listed_from_above_and_nobody_is_left_out() {
        let org = |code: &str, parent: Option<&str>| Org {
            code: code.parse().unwrap(),
            name: code.into(),
            short_name: String::new(),
            parent: parent.map(|parent| parent.parse().unwrap()),
            kind: OrgKind::County,
            region: None,
        };
        let orgs = [
            org("a-school", Some("east")),
            org("city", Some("province")),
            org("east", Some("city")),
            org("west", Some("city")),
        ];
        let found: Vec<_> = in_order(&orgs)
            .into_iter()
            .map(|(org, depth)| (org.code.as_str(), depth))
            .collect();
        assert_eq!(
            found,
            [("city", 0), ("east", 1), ("a-school", 2), ("west", 1)]
        );
    }
}
