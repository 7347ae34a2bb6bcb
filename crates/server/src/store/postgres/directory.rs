//! Organisations and people.

use std::sync::Arc;

use shicha_domain::directory::{Directory, Org, OrgTree, Person};
use uuid::Uuid;

use super::{
    PostgresStore,
    pool::Tx,
    rows::{self, get},
};
use crate::store::{Info, Register, StoreError};

/// The directory's version; it changes with every change of an organisation, a person or a device.
const VERSION: &str = "directory_version";

impl PostgresStore {
    pub(super) fn do_set_info(
        &self,
        name: &str,
        is_sample: bool,
        epoch: Uuid,
    ) -> Result<(), StoreError> {
        self.connections.write(|tx| {
            rows::set_meta(tx, "name", name)?;
            rows::set_meta(tx, "is_sample", if is_sample { "1" } else { "0" })?;
            tx.execute(
                "INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT (key) DO NOTHING",
                &[&epoch.to_string()],
            )?;
            changed(tx)
        })
    }

    pub(super) fn do_register(&self) -> Result<Arc<Register>, StoreError> {
        self.connections.read(|tx| {
            let version = version(tx)?;
            let mut cached = self.register.lock();
            if let Some(register) = cached
                .as_ref()
                .filter(|register| register.directory.version == version)
            {
                return Ok(Arc::clone(register));
            }
            let directory = load(tx)?;
            let tree = OrgTree::new(&directory.orgs);
            let register = Arc::new(Register { directory, tree });
            *cached = Some(Arc::clone(&register));
            Ok(register)
        })
    }

    pub(super) fn do_put_org(&self, org: &Org) -> Result<bool, StoreError> {
        self.connections.write(|tx| put_org(tx, org))
    }

    pub(super) fn do_put_person(&self, person: &Person) -> Result<bool, StoreError> {
        self.connections.write(|tx| put_person(tx, person))
    }
}

pub(super) fn put_org(tx: &mut Tx<'_>, org: &Org) -> Result<bool, StoreError> {
    // One at a time: two changes that are fine alone may make a circle together.
    tx.execute("LOCK TABLE org IN SHARE ROW EXCLUSIVE MODE", &[])?;
    let orgs = orgs(tx)?;
    if orgs.iter().any(|known| known == org) {
        return Ok(false);
    }
    if let Some(parent) = &org.parent {
        let tree = OrgTree::new(&orgs);
        if !tree.has(parent) {
            return Err(StoreError::Missing("organisation above"));
        }
        if *parent == org.code || tree.is_at_or_below(parent, &org.code) {
            return Err(StoreError::Contradiction(
                "an organisation cannot lie below itself",
            ));
        }
    }
    tx.execute(
                "INSERT INTO org (code, name, short_name, parent, kind, region) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (code) DO UPDATE SET name = excluded.name, short_name = excluded.short_name,
                     parent = excluded.parent, kind = excluded.kind, region = excluded.region",
                &[
                    &org.code.as_str(),
                    &org.name,
                    &org.short_name,
                    &org.parent.as_ref().map(|parent| parent.as_str()),
                    &rows::org_kind_word(org.kind),
                    &org.region,
                ],
            )?;
    changed(tx)?;
    Ok(true)
}

pub(super) fn put_person(tx: &mut Tx<'_>, person: &Person) -> Result<bool, StoreError> {
    let known = tx.first(
        "SELECT id, name, org, role, certificate, is_active FROM person WHERE id = $1 FOR UPDATE",
        &[&person.id.0],
    )?;
    if let Some(row) = &known
        && rows::person(row, 0)? == *person
    {
        return Ok(false);
    }
    let org = person.org.as_str();
    if tx
        .first("SELECT 1 FROM org WHERE code = $1", &[&org])?
        .is_none()
    {
        return Err(StoreError::Missing("organisation"));
    }
    tx.execute(
                "INSERT INTO person (id, name, org, role, certificate, is_active) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, org = excluded.org, role = excluded.role,
                     certificate = excluded.certificate, is_active = excluded.is_active",
                &[
                    &person.id.0,
                    &person.name,
                    &org,
                    &rows::role_word(person.role),
                    &person.certificate,
                    &person.is_active,
                ],
            )?;
    changed(tx)?;
    Ok(true)
}

/// Makes the next version of the directory.
pub(super) fn changed(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ($1, '1')
         ON CONFLICT (key) DO UPDATE SET value = (meta.value::bigint + 1)::text",
        &[&VERSION],
    )?;
    Ok(())
}

pub(super) fn version(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    rows::meta(tx, VERSION)?.map_or(Ok(0), |text| {
        text.parse()
            .map_err(|_| StoreError::Damaged("directory version"))
    })
}

pub(super) fn info(tx: &mut Tx<'_>) -> Result<Option<Info>, StoreError> {
    let Some(name) = rows::meta(tx, "name")? else {
        return Ok(None);
    };
    let epoch = rows::meta(tx, "epoch")?.unwrap_or_default();
    Ok(Some(Info {
        name,
        is_sample: rows::meta(tx, "is_sample")?.as_deref() == Some("1"),
        epoch: Uuid::parse_str(&epoch).map_err(|_| StoreError::Damaged("epoch"))?,
        directory_version: version(tx)?,
    }))
}

fn orgs(tx: &mut Tx<'_>) -> Result<Vec<Org>, StoreError> {
    let code = |text: &str| {
        text.parse()
            .map_err(|_| StoreError::Damaged("organisation"))
    };
    tx.query(
        "SELECT code, name, short_name, parent, kind, region FROM org ORDER BY code COLLATE \"C\"",
        &[],
    )?
    .iter()
    .map(|row| {
        Ok(Org {
            code: code(get(row, 0)?)?,
            name: get(row, 1)?,
            short_name: get(row, 2)?,
            parent: get::<Option<&str>>(row, 3)?.map(code).transpose()?,
            kind: rows::org_kind(get(row, 4)?)?,
            region: get(row, 5)?,
        })
    })
    .collect()
}

fn load(tx: &mut Tx<'_>) -> Result<Directory, StoreError> {
    let info = info(tx)?;
    let people = tx.query(
        "SELECT id, name, org, role, certificate, is_active FROM person ORDER BY n",
        &[],
    )?;
    Ok(Directory {
        version: version(tx)?,
        server_name: info
            .as_ref()
            .map(|info| info.name.clone())
            .unwrap_or_default(),
        is_sample: info.is_some_and(|info| info.is_sample),
        orgs: orgs(tx)?,
        people: people
            .iter()
            .map(|row| rows::person(row, 0))
            .collect::<Result<_, _>>()?,
        devices: rows::all_devices(tx)?
            .into_iter()
            .map(|state| state.device)
            .collect(),
    })
}
